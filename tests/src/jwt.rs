//! Consumers of signing keys that are not ours: `PyJWT`, and OpenSSL's command.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::project;

/// Which tokens each verifier accepts by its JWK set, of those that each signer makes of `key`, `kid` and `alg`.
///
/// # Panics
///
/// If `PyJWT` is not installed, or cannot use a key or a set.
pub fn accepted(signers: &[Value], verifiers: &[String]) -> Vec<Vec<bool>> {
    let python = project::cache().join("jwt/bin/python");
    let mut python = Command::new(python);
    // An error's text can have a key in it, and a warning is of a key that is too weak.
    python.args(["-W", "error", "-c", include_str!("jwt.py")]);
    let request = json!({"signers": signers, "verifiers": verifiers}).to_string();
    let output = run(python, &request);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "PyJWT failed: {said}");
    serde_json::from_slice(&output.stdout).expect("a list of lists")
}

/// Runs `openssl` with an input.
///
/// # Panics
///
/// If it is not installed.
pub fn openssl(arguments: &[&str], input: &str) -> Output {
    let mut openssl = Command::new("openssl");
    openssl.args(arguments);
    run(openssl, input)
}

fn run(mut command: Command, input: &str) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("not installed: run tests/setup test");
    let mut stdin = child.stdin.take().expect("a pipe");
    // What does not read its input may have ended before it is written.
    drop(stdin.write_all(input.as_bytes()));
    drop(stdin);
    child.wait_with_output().expect("it ends")
}
