use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::project;

/// Where one PostgreSQL's programs are.
#[derive(Clone, Debug)]
pub(super) struct Installation {
    programs: PathBuf,
}

impl Installation {
    /// The newest version under Debian's and Ubuntu's folder, which is not on the PATH.
    pub(super) fn of_the_distribution() -> Self {
        let folder = Path::new("/usr/lib/postgresql");
        let newest = fs::read_dir(folder)
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
            .filter(|version| folder.join(version.to_string()).join("bin/postgres").is_file())
            .max()
            .expect("no PostgreSQL server is installed: run tests/setup");
        Self { programs: folder.join(newest.to_string()).join("bin") }
    }

    pub(super) fn of_version_18() -> Self {
        let programs = project::cache().join("postgresql-18/bin");
        assert!(
            programs.join("postgres").is_file(),
            "PostgreSQL 18 is not installed: run tests/setup"
        );
        Self { programs }
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// What it calls itself, such as `postgres (PostgreSQL) 15.18`.
    pub(super) fn name(&self) -> String {
        let output = Command::new(self.program("postgres"))
            .arg("--version")
            .output()
            .expect("postgres tells its version");
        String::from_utf8(output.stdout).expect("a version in UTF-8").trim_end().to_owned()
    }
}
