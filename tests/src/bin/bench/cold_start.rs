//! The time from the start of a process to the first `/next` at the Runtime API.

use std::io::Read as _;
use std::net::TcpListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Starts the function, waits for its first request, and ends it.
pub(crate) fn measure(mut command: Command) -> Duration {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let runtime_api = listener.local_addr().expect("a bound port").to_string();
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("AWS_LAMBDA_RUNTIME_API", runtime_api);
    command.envs(VARIABLES);
    let started = Instant::now();
    let mut process = command.spawn().expect("the function starts");
    let (mut connection, _) = listener.accept().expect("the function connects");
    let mut request = Vec::new();
    let mut part = [0; 4096];
    while !request.windows(NEXT.len()).any(|window| window == NEXT) {
        let length = connection.read(&mut part).expect("the function asks for an event");
        assert!(length > 0, "the function hung up before it asked for an event");
        request.extend_from_slice(part.get(..length).unwrap_or_default());
    }
    let took = started.elapsed();
    process.kill().expect("it runs");
    process.wait().expect("it is ours");
    took
}

const NEXT: &[u8] = b"/2018-06-01/runtime/invocation/next";

/// What Lambda puts into the environment, as far as either runtime looks at it.
const VARIABLES: [(&str, &str); 15] = [
    ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
    ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
    ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
    ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
    ("AWS_LAMBDA_LOG_GROUP_NAME", "bench"),
    ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
    ("AWS_REGION", "us-east-1"),
    ("AWS_DEFAULT_REGION", "us-east-1"),
    ("AWS_ACCESS_KEY_ID", "bench"),
    ("AWS_SECRET_ACCESS_KEY", "bench"),
    ("AWS_SESSION_TOKEN", "bench"),
    ("AWS_EC2_METADATA_DISABLED", "true"),
    ("AWS_CONFIG_FILE", "/dev/null"),
    ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
    ("SECRETS_MANAGER_ENDPOINT", "http://127.0.0.1:9"),
];
