//! A Lambda Runtime API that hands out one event of any bytes; the stand-in's only takes JSON, as Lambda does.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// What a function answers to an event, and what it prints meanwhile.
#[derive(Debug)]
pub struct Answered {
    /// Whether it was reported as an error.
    pub is_error: bool,
    /// The answer.
    pub body: Value,
    /// The function's output.
    pub output: String,
}

/// Starts a function, hands it one event, and ends it after the answer.
///
/// # Panics
///
/// If the function does not answer, or not in JSON.
pub fn answer(program: &Path, event: &[u8]) -> Answered {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("a bound port").to_string();
    let mut function = Command::new(program)
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", &address)
        .env("AWS_LAMBDA_FUNCTION_NAME", "function")
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("RUST_LOG", "trace")
        .env("METRICS_NAMESPACE", "Turnlock")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the function can be started");
    let (is_error, body) = listener
        .incoming()
        .flatten()
        .find_map(|client| serve(client, event))
        .expect("listening does not end");
    function.kill().expect("the function runs");
    let output = function.wait_with_output().expect("a function that was killed ends");
    Answered {
        is_error,
        body: serde_json::from_slice(&body).expect("the answer is JSON"),
        output: String::from_utf8_lossy(&output.stdout).into_owned(),
    }
}

/// Serves one connection until the answer comes, or the connection ends.
fn serve(client: TcpStream, event: &[u8]) -> Option<(bool, Vec<u8>)> {
    let mut writer = client.try_clone().ok()?;
    let mut reader = BufReader::new(client);
    loop {
        let (path, body) = request(&mut reader)?;
        if path.ends_with("/invocation/next") {
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
                 Lambda-Runtime-Aws-Request-Id: one\r\nLambda-Runtime-Deadline-Ms: 9999999999999\r\n\
                 Lambda-Runtime-Invoked-Function-Arn: arn\r\n\r\n",
                event.len()
            );
            writer.write_all(&[head.as_bytes(), event].concat()).ok()?;
            continue;
        }
        writer.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n").ok()?;
        return Some((path.ends_with("/error"), body));
    }
}

fn request(reader: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim().is_empty() {
            break;
        }
        lines.push(line.trim().to_owned());
    }
    let path = lines.first()?.split(' ').nth(1)?.to_owned();
    if lines.iter().any(|line| line.eq_ignore_ascii_case("transfer-encoding: chunked")) {
        return Some((path, chunks(reader)?));
    }
    let length = lines.iter().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    Some((path, body))
}

fn chunks(reader: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut size = String::new();
        reader.read_line(&mut size).ok()?;
        let size = usize::from_str_radix(size.trim(), 16).ok()?;
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(&chunk[..size]);
    }
}
