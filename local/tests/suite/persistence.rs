//! State that outlives the process, however it ends.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use turnlock_local::{Local, RotationFailure};

use crate::support::{LONG, function, function_path, quick};

/// A server process that is killed when it goes out of scope.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already.
        let _killed = self.0.kill();
        let _reaped = self.0.wait();
    }
}

fn serve(data: &Path, misbehave: &str) -> (Server, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_turnlock-local"))
        .args(["serve", "--quiet", "--data"])
        .arg(data)
        .arg("--function")
        .arg(format!("f={}", function_path().display()))
        .args(["--env", &format!("f:MISBEHAVE={misbehave}")])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the server starts");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("its stdout");
    BufReader::new(stdout).read_line(&mut line).expect("its first line");
    let words = line.trim().strip_prefix("export ").expect("a shell command");
    let endpoint = words
        .split(' ')
        .find_map(|word| word.strip_prefix("AWS_ENDPOINT_URL_SECRETS_MANAGER="))
        .expect("the endpoint");
    (Server(child), endpoint.trim_start_matches("http://").to_owned())
}

/// Calls an operation of a server process, and returns the body of its answer.
fn send(authority: &str, operation: &str, body: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(authority).expect("connects");
    let length = body.len();
    write!(
        stream,
        "POST / HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\nX-Amz-Target: secretsmanager.{operation}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .expect("sends");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answers");
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn state_is_kept_in_a_file_that_only_its_owner_reads() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data.json");
    let builder = || Local::builder().knobs(quick()).function("f", function("")).data(&data);
    let local = builder().start().await.expect("starts");
    let arn = local.create_secret("app", "old").expect("creates");
    local.set_rotation("app", "f").expect("sets");
    local.rotate("app").expect("starts");
    local.wait_for_rotation("app", LONG).await.expect("rotates");
    let (labels, mode) =
        (local.labels("app"), std::fs::metadata(&data).expect("a file").permissions());
    assert_eq!(mode.mode() & 0o777, 0o600);
    drop(local);
    let local = builder().start().await.expect("starts again");
    assert_eq!(local.labels(&arn), labels);
    assert_eq!(local.value_of("app", "AWSCURRENT").as_deref(), Some("old+"));
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1, "no leftovers");
}

#[tokio::test]
async fn a_file_that_is_no_state_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data.json");
    std::fs::write(&data, "not JSON").expect("writes");
    Local::builder().data(&data).start().await.expect_err("refused");
}

#[test]
fn a_killed_server_loses_nothing_and_takes_its_rotation_up_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data.json");
    let token = "0123456789abcdef0123456789abcdef";
    let (server, address) = serve(&data, "setSecret=hang");
    let create =
        format!(r#"{{"Name":"app","SecretString":"old","ClientRequestToken":"{token}0"}}"#);
    send(&address, "CreateSecret", &create);
    let rotate = format!(
        r#"{{"SecretId":"app","ClientRequestToken":"{token}","RotationLambdaARN":"arn:aws:lambda:us-east-1:123456789012:function:f"}}"#
    );
    assert!(send(&address, "RotateSecret", &rotate).contains(token));
    let pending = format!(r#"{{"SecretId":"app","VersionId":"{token}"}}"#);
    wait_until(|| send(&address, "GetSecretValue", &pending).contains(r#""SecretString":"old+""#));
    drop(server);

    let (_server, address) = serve(&data, "");
    let read = r#"{"SecretId":"app"}"#;
    wait_until(|| send(&address, "GetSecretValue", read).contains(r#""SecretString":"old+""#));
}

fn wait_until(mut holds: impl FnMut() -> bool) {
    for _ in 0..500 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it did not happen in five seconds");
}

#[tokio::test]
async fn a_secret_never_rotated_has_no_outcome() {
    let local = Local::builder().start().await.expect("starts");
    local.create_secret("app", "old").expect("creates");
    let outcome = local.wait_for_rotation("app", LONG).await;
    assert_eq!(outcome, Err(RotationFailure::NeverStarted));
}
