use std::path::{Path, PathBuf};
use std::process::Command;

use crate::project;

/// Where one server's program is, and what belongs to it.
#[derive(Clone, Debug)]
pub(super) struct Installation {
    program: PathBuf,
}

impl Installation {
    pub(super) fn of_mysql() -> Self {
        Self::of(project::mysqld().to_owned())
    }

    pub(super) fn of_mariadb() -> Self {
        Self::of(project::cache().join("mariadb/bin/mariadbd"))
    }

    fn of(program: PathBuf) -> Self {
        assert!(program.is_file(), "{} is missing: run tests/setup", program.display());
        Self { program }
    }

    pub(super) fn program(&self) -> &Path {
        &self.program
    }

    /// The folder that stands for `/usr`, where the packages are unpacked and not installed.
    pub(super) fn unpacked(&self) -> Option<PathBuf> {
        let usr = self.program.parent()?.parent()?.join("usr");
        usr.join("share/mysql").is_dir().then_some(usr)
    }

    /// What it calls itself, such as `mysqld  Ver 9.7.4-2 for Linux on x86_64 ((Debian))`.
    pub(super) fn name(&self) -> String {
        let output =
            Command::new(&self.program).arg("--version").output().expect("it tells its version");
        let text = String::from_utf8(output.stdout).expect("a version in UTF-8");
        // It begins with the program's path.
        let version = text.find(" Ver ").and_then(|start| text.get(start..));
        format!("mysql{}", version.expect("a version").trim_end())
    }
}
