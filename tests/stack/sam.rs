//! The SAM CLI, as `tests/setup deploy` installed it.

use std::fs;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use turnlock_tests::project;

use crate::account::BUILD;
use crate::check;

/// This machine's architecture, as the template names it: functions have to run here.
pub(crate) const ARCHITECTURE: &str =
    if cfg!(target_arch = "aarch64") { "Architecture=arm64" } else { "Architecture=x86_64" };

/// Runs it in the project's folder; its output, if it ends well.
///
/// # Panics
///
/// If it fails; the message holds what it said.
pub(crate) fn sam(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let tools = project::cache().join("deploy/bin");
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new(tools.join("sam"))
        .args(arguments)
        .current_dir(project::root())
        .env("PATH", format!("{}:{path}", tools.display()))
        .env("SAM_CLI_TELEMETRY", "0")
        .env("AWS_DEFAULT_REGION", "us-east-1")
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(variables.iter().copied())
        .output()
        .expect("SAM is not installed: run tests/setup stack");
    let said = said(&output);
    assert!(output.status.success(), "sam {} failed:\n{said}", arguments.join(" "));
    said
}

fn said(output: &Output) -> String {
    let text = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&text).into_owned()
}

/// `sam build` for this machine.
pub(crate) fn build() -> String {
    sam(&["build", "--build-dir", BUILD, "--parameter-overrides", ARCHITECTURE], &[])
}

/// `sam build`, and again without a change; whether the second compiles nothing.
pub(crate) fn build_twice() -> bool {
    println!("sam build:");
    let mut is_well = true;
    for attempt in ["first", "second"] {
        // Of files, whose times may be coarser than the clock.
        let before = SystemTime::now() + Duration::from_millis(10);
        std::thread::sleep(Duration::from_millis(20));
        build();
        let (all, new) = compiled(before);
        let seconds = before.elapsed().map_or(0, |time| time.as_secs());
        println!(
            "  {attempt} build: {seconds} s, {new} of {all} files are new that cargo compiled"
        );
        is_well &=
            attempt == "first" || check("the second build compiles nothing", all > 0 && new == 0);
    }
    for function in ["PostgresFunction", "MysqlFunction", "ApiKeyFunction"] {
        let folder = project::root().join(BUILD).join(function);
        let files = fs::read_dir(&folder).expect("SAM has built it").flatten();
        let files: Vec<_> = files.map(|file| file.file_name()).collect();
        is_well &= check(&format!("{function} is one program"), files == ["bootstrap"]);
    }
    println!();
    is_well
}

/// The files that cargo has compiled for release, and how many of them since a time.
fn compiled(since: SystemTime) -> (usize, usize) {
    let folders = fs::read_dir(project::target()).expect("a target folder").flatten();
    // cargo-lambda names the target, so they are one folder deeper than cargo's own.
    let folders = folders.map(|folder| folder.path().join("release/deps"));
    let files = folders.filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
    let times: Vec<SystemTime> =
        files.filter_map(|file| file.metadata().and_then(|data| data.modified()).ok()).collect();
    (times.len(), times.iter().filter(|time| **time > since).count())
}
