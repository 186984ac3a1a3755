//! Where things are: the project's folders, and what its set-up script installed.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The root of the workspace.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this package is in a workspace")
}

/// Cargo's target folder that the running executable was built in.
pub fn target() -> &'static Path {
    static TARGET: OnceLock<PathBuf> = OnceLock::new();
    TARGET.get_or_init(|| {
        let executable = std::env::current_exe().expect("the running executable has a path");
        executable
            .ancestors()
            .find(|folder| folder.join("CACHEDIR.TAG").is_file())
            .map_or_else(|| root().join("target"), Path::to_path_buf)
    })
}

/// The folder that `tests/setup` installs into, as that script itself names it.
pub fn cache() -> &'static Path {
    static CACHE: OnceLock<PathBuf> = OnceLock::new();
    CACHE.get_or_init(|| ask_setup("cache"))
}

/// The program that is run as MySQL, as that script names it.
pub fn mysqld() -> &'static Path {
    static MYSQLD: OnceLock<PathBuf> = OnceLock::new();
    MYSQLD.get_or_init(|| ask_setup("mysqld"))
}

fn ask_setup(what: &str) -> PathBuf {
    let script = root().join("tests/setup");
    let output = Command::new(&script)
        .arg(what)
        .output()
        .unwrap_or_else(|error| panic!("cannot run {}: {error}", script.display()));
    assert!(output.status.success(), "{} {what} failed", script.display());
    PathBuf::from(String::from_utf8(output.stdout).expect("a path in UTF-8").trim_end())
}
