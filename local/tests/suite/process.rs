//! The server as a process: what outlives it, what must not, and what it must not say.

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
    let mut command = Command::new(env!("CARGO_BIN_EXE_turnlock-local"));
    command.args(["serve", "--quiet", "--data"]).arg(data);
    command.arg("--function").arg(format!("f={}", function_path().display()));
    command.args(["--env", &format!("f:MISBEHAVE={misbehave}")]);
    introduce(&mut command)
}

/// Starts a server, and reads from its first line where it is.
fn introduce(command: &mut Command) -> (Server, String) {
    let mut child = command.stdout(Stdio::piped()).spawn().expect("the server starts");
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
    let answer = post(authority, "/", &format!("X-Amz-Target: secretsmanager.{operation}"), body);
    answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default()
}

/// Sends a request to a server process, and returns all of its answer.
fn post(authority: &str, path: &str, header: &str, body: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(authority).expect("connects");
    let length = body.len();
    write!(
        stream,
        "POST {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n{header}\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .expect("sends");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("answers");
    answer
}

#[test]
fn the_command_line_limits_the_concurrency_of_the_function_that_it_names() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_turnlock-local"));
    command.args(["serve", "--quiet", "--concurrency", "f=0"]);
    for name in ["f", "g"] {
        command.arg("--function").arg(format!("{name}={}", function_path().display()));
    }
    let (_server, authority) = introduce(&mut command);
    for (name, status) in [("f", 429), ("g", 200)] {
        let path = format!("/2015-03-31/functions/{name}/invocations");
        let answer = post(&authority, &path, "X-Amz-Log-Type: None", "{}");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
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

#[test]
fn a_killed_server_takes_a_hanging_function_with_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (server, address) = serve(&folder.path().join("data.json"), "x=hang");
    let invoked = std::thread::spawn(move || {
        let path = "/2015-03-31/functions/f/invocations";
        let Ok(mut stream) = std::net::TcpStream::connect(&address) else { return };
        let body = r#"{"Step":"x"}"#;
        let length = body.len();
        let request =
            format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n{body}");
        use std::io::{Read as _, Write as _};
        let _sent = stream.write_all(request.as_bytes());
        let _closed = stream.read(&mut [0; 1]);
    });
    let mut child = None;
    wait_until(|| {
        child = child_of(server.0.id());
        child.is_some()
    });
    std::thread::sleep(Duration::from_secs(2));
    drop(server);
    let child = child.expect("a function process");
    wait_until(|| !Path::new(&format!("/proc/{child}/exe")).exists());
    invoked.join().expect("the invocation ends");
}

/// The function's process among the children of a server.
fn child_of(server: u32) -> Option<u32> {
    let processes = std::fs::read_dir("/proc").ok()?;
    let numbers = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    numbers.into_iter().find(|process: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let parent = stat
            .rsplit(')')
            .next()
            .and_then(|rest| rest.split_whitespace().nth(1))
            .map(str::to_owned);
        stat.contains("(function)") && parent == Some(server.to_string())
    })
}

#[test]
fn neither_values_nor_tokens_are_in_the_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_turnlock-local"));
    command.args(["serve", "--function"]).arg(format!("f={}", function_path().display()));
    command.stderr(std::fs::File::create(&log).expect("a log"));
    let (_server, address) = introduce(&mut command);
    let token = "0123456789abcdef0123456789abcdef";
    let create =
        format!(r#"{{"Name":"app","SecretString":"canary","ClientRequestToken":"{token}0"}}"#);
    send(&address, "CreateSecret", &create);
    let rotate = format!(
        r#"{{"SecretId":"app","ClientRequestToken":"{token}","RotationLambdaARN":"arn:aws:lambda:us-east-1:123456789012:function:f"}}"#
    );
    send(&address, "RotateSecret", &rotate);
    let put = format!(
        r#"{{"SecretId":"app","SecretString":"canary2","ClientRequestToken":"{token}1","RotationToken":"canary-canary-canary-canary-canary-canary"}}"#
    );
    assert!(send(&address, "PutSecretValue", &put).contains("InvalidParameterException"));
    let logged = || std::fs::read_to_string(&log).unwrap_or_default();
    wait_until(|| logged().contains("RotationSucceeded"));
    assert!(logged().contains("PutSecretValue") && !logged().contains("canary"), "{}", logged());
}

fn wait_until(mut holds: impl FnMut() -> bool) {
    for _ in 0..6_000 {
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
