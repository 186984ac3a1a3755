//! The SAM CLI, as `tests/setup deploy` installed it.

use std::fs;
use std::process::{Command, Output};
use std::time::Instant;

use turnlock_tests::project;

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
    sam(&["build", "--parameter-overrides", ARCHITECTURE], &[])
}

/// `sam build`, and again without a change; whether the second compiles nothing.
pub(crate) fn build_twice() -> bool {
    println!("sam build:");
    let mut is_well = true;
    for attempt in ["first", "second"] {
        let began = Instant::now();
        let said = build();
        let compiled = said.matches(" Compiling ").count();
        let seconds = began.elapsed().as_secs();
        println!("  {attempt} build: {compiled} crates compiled, {seconds} s");
        is_well &= attempt == "first" || check("the second build compiles nothing", compiled == 0);
    }
    for function in ["PostgresFunction", "MysqlFunction", "ApiKeyFunction"] {
        let folder = project::root().join(".aws-sam/build").join(function);
        let files = fs::read_dir(&folder).expect("SAM has built it").flatten();
        let files: Vec<_> = files.map(|file| file.file_name()).collect();
        is_well &= check(&format!("{function} is one program"), files == ["bootstrap"]);
    }
    println!();
    is_well
}
