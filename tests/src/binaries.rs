//! The workspace's own programs, built when a test first asks for one.
//!
//! `TURNLOCK_FUNCTIONS` names a folder whose programs are tested in place of those of the same name: a release, or
//! one of another architecture.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;

use crate::project;

/// The function that rotates passwords of PostgreSQL.
pub fn turnlock_postgres() -> &'static Path {
    find("turnlock-postgres")
}

/// The function that rotates passwords of MySQL and MariaDB.
pub fn turnlock_mysql() -> &'static Path {
    find("turnlock-mysql")
}

/// The function that rotates keys of providers, and keys of its own making.
pub fn turnlock_api_key() -> &'static Path {
    find("turnlock-api-key")
}

/// Secrets Manager and the Lambda runtime on this machine.
pub fn turnlock_local() -> &'static Path {
    find("turnlock-local")
}

/// The program of this name: of `TURNLOCK_FUNCTIONS`, else of the profile `dev`, in the target folder of the running
/// test.
///
/// # Panics
///
/// If the workspace does not build or has no such program, or if `TURNLOCK_FUNCTIONS` cannot be read.
pub fn find(name: &str) -> &'static Path {
    static BUILT: OnceLock<HashMap<String, PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| build().into_iter().chain(elsewhere()).collect());
    built.get(name).unwrap_or_else(|| panic!("the workspace has no program {name}"))
}

/// `TURNLOCK_FUNCTIONS`
pub fn folder() -> Option<PathBuf> {
    std::env::var_os("TURNLOCK_FUNCTIONS").map(Into::into)
}

/// What stands in for what was built, by its name.
fn elsewhere() -> Vec<(String, PathBuf)> {
    let Some(folder) = folder() else { return Vec::new() };
    // A test must not pass by a program that it was not meant for.
    let programs = std::fs::read_dir(&folder).expect("TURNLOCK_FUNCTIONS is a folder").flatten();
    let programs: Vec<(String, PathBuf)> = programs
        .map(|program| (program.file_name().to_string_lossy().into_owned(), program.path()))
        .collect();
    assert!(!programs.is_empty(), "TURNLOCK_FUNCTIONS has no programs");
    programs
}

/// The variables that cargo sets for the one package whose test it runs.
const OF_THE_PACKAGE: [&str; 4] = ["CARGO_BIN_", "CARGO_CRATE_", "CARGO_MANIFEST_", "CARGO_PKG_"];

/// Builds all at once: the whole workspace agrees on features with the tests, so nothing is compiled twice.
fn build() -> HashMap<String, PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    // What cargo says to a test of its package makes build scripts, and all that needs them, run again.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if OF_THE_PACKAGE.iter().any(|start| text.starts_with(start)) {
            command.env_remove(&name);
        }
    }
    let output = command
        .current_dir(project::root())
        .args(["build", "--workspace", "--bins", "--locked", "--quiet"])
        .arg("--message-format=json-render-diagnostics")
        .arg("--target-dir")
        .arg(project::target())
        .output()
        .expect("cargo runs");
    let messages = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "the workspace does not build:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    messages.lines().filter_map(|line| program(&serde_json::from_str(line).ok()?)).collect()
}

fn program(message: &Value) -> Option<(String, PathBuf)> {
    let name = message.pointer("/target/name")?.as_str()?;
    let path = message.get("executable")?.as_str()?;
    Some((name.to_owned(), PathBuf::from(path)))
}
