//! The release build, and the size of what is uploaded to Lambda.

use std::path::{Path, PathBuf};
use std::process::Command;

use turnlock_tests::database::Kind;
use turnlock_tests::{binaries, project};

use crate::aws_function::AwsFunction;

/// Builds our functions as they are released, unless `TURNLOCK_FUNCTIONS` names a folder that has them.
pub(crate) fn build() {
    if binaries::folder().is_some() {
        return;
    }
    println!("Building the release.");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .current_dir(project::root())
        .args(["build", "--release", "--locked", "--quiet"])
        .args(["--package", "turnlock-postgres", "--package", "turnlock-mysql"])
        .args(["--package", "turnlock-api-key"])
        .arg("--target-dir")
        .arg(project::target())
        .status()
        .expect("cargo runs");
    assert!(built.success(), "the release does not build");
}

/// The program for a kind of server.
pub(crate) fn of_kind(kind: Kind) -> PathBuf {
    release(match kind {
        Kind::Postgres => "turnlock-postgres",
        Kind::MySql | Kind::MariaDb | Kind::MariaDbAsMySql => "turnlock-mysql",
    })
}

/// The program of a name, as it is released.
pub(crate) fn release(name: &str) -> PathBuf {
    binaries::folder().unwrap_or_else(|| project::target().join("release")).join(name)
}

/// Of our zip: the program under the name that Lambda starts.
pub(crate) fn of_ours(program: &Path) -> u64 {
    let argument = format!("bootstrap={}", program.display());
    zip("turnlock", Path::new("python3"), &[argument])
}

/// Of theirs: the function, its driver and, for PostgreSQL, libpq. boto3 and the runtime client come with Lambda's runtime, as do
/// the libraries that libpq needs.
pub(crate) fn of_theirs(function: &AwsFunction, kind: Kind) -> u64 {
    let driver = if kind == Kind::Postgres { "PyGreSQL" } else { "PyMySQL" };
    let source = function.folder.join("lambda_function.py");
    let argument = format!("lambda_function.py={}", source.display());
    zip("aws", &function.python, &[argument, driver.to_owned()])
}

fn zip(name: &str, python: &Path, parts: &[String]) -> u64 {
    let folder = project::target().join("bench");
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    let zip = folder.join(format!("{name}.zip"));
    let made = Command::new(python)
        .arg(project::root().join("tests/src/bin/bench/zip.py"))
        .arg(&zip)
        .args(parts)
        .status()
        .expect("python3 is there: run tests/setup bench");
    assert!(made.success(), "{} could not be made", zip.display());
    zip.metadata().expect("the zip was made").len()
}
