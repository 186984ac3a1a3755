//! What the tests share: the function under `examples/`, and requests as they travel.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use turnlock_local::{Builder, Function, Knobs, Local, Operation, Refused, RotationFailure};

pub(crate) const LONG: Duration = Duration::from_secs(60);

/// The example function, built where a filter kept cargo from doing so.
pub(crate) fn function_path() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let test = std::env::current_exe().expect("the path of this test");
        let path = test.parent().and_then(|deps| deps.parent()).expect("a target folder");
        let path = path.join("examples/function");
        if !path.exists() {
            let build =
                ["build", "--quiet", "--package", "turnlock-local", "--example", "function"];
            let built = Command::new(env!("CARGO")).args(build).status().expect("cargo");
            assert!(built.success() && path.exists(), "no example function");
        }
        path
    })
    .clone()
}

/// The example function, which misbehaves as it is told.
pub(crate) fn function(misbehave: &str) -> Function {
    Function::binary(function_path()).env("MISBEHAVE", misbehave)
}

/// Knobs that don't keep a test waiting.
pub(crate) fn quick() -> Knobs {
    Knobs { attempt_spacing: Duration::from_millis(20), ..Knobs::default() }
}

pub(crate) fn with_function(misbehave: &str) -> Builder {
    Local::builder().knobs(quick()).function("f", function(misbehave))
}

/// A running service with a function `f` and a secret `app` that it rotates.
pub(crate) async fn start(misbehave: &str) -> Local {
    let local = with_function(misbehave).start().await.expect("starts");
    local.create_secret("app", "old").expect("creates");
    local.set_rotation("app", "f").expect("sets rotation");
    local
}

pub(crate) async fn rotate(local: &Local) -> (String, Result<(), RotationFailure>) {
    let token = local.rotate("app").expect("rotation starts");
    (token, local.wait_for_rotation("app", LONG).await)
}

/// Calls an operation that is to succeed.
pub(crate) fn call(local: &Local, operation: Operation, request: &Value) -> Value {
    local.call(operation, request).unwrap_or_else(|error| panic!("{operation}: {error}"))
}

/// Calls an operation that is to be refused; returns the code and the message.
pub(crate) fn refused(local: &Local, operation: Operation, request: &Value) -> (String, String) {
    match local.call(operation, request) {
        Err(Refused { code, message }) => (code, message),
        other => panic!("{operation} was not refused: {other:?}"),
    }
}

pub(crate) fn token(digit: u32) -> String {
    format!("{digit:032}")
}

/// An answer as it travels.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Wire {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (given, value) = line.split_once(':')?;
            given.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

/// Sends a request; `None` where the connection was closed without an answer.
pub(crate) async fn post(local: &Local, path: &str, headers: &[&str], body: &str) -> Option<Wire> {
    let endpoint = local.endpoint();
    let authority = endpoint.trim_start_matches("http://");
    let mut stream = TcpStream::connect(authority).await.expect("connects");
    let length = body.len();
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.expect("sends");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Wire { status, head: head.to_owned(), body: body.to_owned() })
}

/// Calls an operation over HTTP.
pub(crate) async fn send(local: &Local, operation: &str, body: &str) -> Option<Wire> {
    let target = format!("X-Amz-Target: secretsmanager.{operation}");
    post(local, "/", &[&target, "Content-Type: application/x-amz-json-1.1"], body).await
}

pub(crate) fn secret(id: &str) -> Value {
    json!({ "SecretId": id })
}
