//! A rotation function as small as one can be: the tests' subject, and a target to try rotation on.
//!
//! It keeps nothing but the secret: `createSecret` stores the current value with `+` after it,
//! `setSecret` and `testSecret` look at the pending value, `finishSecret` moves the label.
//! What the variable `MISBEHAVE` holds (`STEP=HOW,…`) makes it worse: `fail`, `crash`, `hang`,
//! `linger` (answers after a second), `once` (fails in the first attempt that this process sees).

use std::collections::BTreeMap;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

type Failure = (String, String);

fn main() -> io::Result<()> {
    let misbehave = std::env::var("MISBEHAVE").unwrap_or_default();
    let mut plan: BTreeMap<&str, &str> =
        misbehave.split(',').filter_map(|entry| entry.split_once('=')).collect();
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API").map_err(io::Error::other)?;
    if plan.contains_key("init") {
        let body = json!({ "errorType": "InitFailed", "errorMessage": "cannot get ready" });
        request(&api, "POST", "/2018-06-01/runtime/init/error", &[], &body.to_string())?;
        return Ok(());
    }
    loop {
        let (headers, body) = request(&api, "GET", "/2018-06-01/runtime/invocation/next", &[], "")?;
        let id = header(&headers, "lambda-runtime-aws-request-id");
        let event: Value = serde_json::from_str(&body)?;
        let step = event["Step"].as_str().unwrap_or_default().to_owned();
        writeln!(io::stdout(), "{step} {}", std::process::id())?;
        let how = plan.get(step.as_str()).copied();
        let outcome = match how {
            Some("crash") => std::process::exit(7),
            Some("hang") => loop {
                std::thread::sleep(Duration::from_secs(3600));
            },
            Some("fail") => Err(("Planned".to_owned(), format!("{step} was to fail"))),
            Some("once") => {
                plan.retain(|planned, _| *planned != step);
                Err(("Planned".to_owned(), format!("{step} was to fail once")))
            }
            _ => rotate(&event),
        };
        if how == Some("linger") {
            std::thread::sleep(Duration::from_secs(1));
        }
        let (end, body) = match outcome {
            Ok(answer) => ("response", answer),
            Err((kind, message)) => {
                ("error", json!({ "errorType": kind, "errorMessage": message }))
            }
        };
        let path = format!("/2018-06-01/runtime/invocation/{id}/{end}");
        request(&api, "POST", &path, &[], &body.to_string())?;
    }
}

/// Carries out a step; anything that is no step is answered with itself.
fn rotate(event: &Value) -> Result<Value, Failure> {
    let (secret, token) = (&event["SecretId"], &event["ClientRequestToken"]);
    match event["Step"].as_str() {
        Some("createSecret") => {
            let pending = json!({ "SecretId": secret, "VersionId": token });
            if call("GetSecretValue", &pending).is_ok() {
                return Ok(Value::Null);
            }
            let current = call("GetSecretValue", &json!({ "SecretId": secret }))?;
            let mut put = json!({
                "SecretId": secret,
                "ClientRequestToken": token,
                "SecretString": format!("{}+", current["SecretString"].as_str().unwrap_or_default()),
                "VersionStages": ["AWSPENDING"],
            });
            if let Some(proof) = event.get("RotationToken") {
                put["RotationToken"] = proof.clone();
            }
            call("PutSecretValue", &put)
        }
        Some("setSecret" | "testSecret") => {
            let pending =
                json!({ "SecretId": secret, "VersionId": token, "VersionStage": "AWSPENDING" });
            call("GetSecretValue", &pending).map(|_| Value::Null)
        }
        Some("finishSecret") => finish(secret, token),
        _ => Ok(event.clone()),
    }
}

fn finish(secret: &Value, token: &Value) -> Result<Value, Failure> {
    let description = call("DescribeSecret", &json!({ "SecretId": secret }))?;
    let versions = description["VersionIdsToStages"].as_object().cloned().unwrap_or_default();
    let is_current =
        |labels: &Value| labels.as_array().is_some_and(|l| l.contains(&json!("AWSCURRENT")));
    let current = versions.iter().find(|(_, labels)| is_current(labels)).map(|(id, _)| id);
    if current.map(String::as_str) == token.as_str() {
        return Ok(Value::Null);
    }
    let moved = json!({
        "SecretId": secret,
        "VersionStage": "AWSCURRENT",
        "RemoveFromVersionId": current,
        "MoveToVersionId": token,
    });
    match call("UpdateSecretVersionStage", &moved) {
        // Another delivery of the same step was faster.
        Err((kind, _)) if kind == "InvalidParameterException" => Ok(Value::Null),
        other => other,
    }
}

/// Calls Secrets Manager.
fn call(operation: &str, body: &Value) -> Result<Value, Failure> {
    let lost = |error: io::Error| ("Connection".to_owned(), error.to_string());
    let endpoint = std::env::var("SECRETS_MANAGER_ENDPOINT").unwrap_or_default();
    let key = std::env::var("AWS_ACCESS_KEY_ID").unwrap_or_default();
    let target = format!("X-Amz-Target: secretsmanager.{operation}");
    let signed = format!(
        "Authorization: AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/secretsmanager/aws4_request, Signature=0"
    );
    let authority = endpoint.trim_start_matches("http://");
    let (head, body) =
        request(authority, "POST", "/", &[target, signed], &body.to_string()).map_err(lost)?;
    let answer: Value = serde_json::from_str(&body).unwrap_or_default();
    if head.starts_with("HTTP/1.1 200") {
        return Ok(answer);
    }
    let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
    Err((text("__type"), text("Message") + &text("message")))
}

/// One request on a connection of its own; returns the head and the body of the answer.
fn request(
    authority: &str,
    method: &str,
    path: &str,
    headers: &[String],
    body: &str,
) -> io::Result<(String, String)> {
    let mut stream = TcpStream::connect(authority)?;
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) =
        answer.split_once("\r\n\r\n").ok_or_else(|| io::Error::other("no answer"))?;
    Ok((head.to_owned(), body.to_owned()))
}

fn header(head: &str, name: &str) -> String {
    let wanted = |line: &&str| {
        line.split_once(':').is_some_and(|(given, _)| given.eq_ignore_ascii_case(name))
    };
    let line = head.lines().find(wanted).and_then(|line| line.split_once(':'));
    line.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}
