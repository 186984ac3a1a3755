//! Lambda's Invoke: `POST /2015-03-31/functions/NAME/invocations`.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use hyper::{Response, StatusCode};
use serde_json::json;

use crate::backoff::Backoff;
use crate::http::{self, Reply, Request};
use crate::lambda::{Answer, Deployed, Throttled};
use crate::random;
use crate::service::Shared;

/// Bytes of log that `LogType: Tail` returns.
const TAIL: usize = 4096;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);
const OLDEST_EVENT: Duration = Duration::from_secs(6 * 60 * 60);

pub(crate) async fn answer(service: &Shared, request: Request) -> Reply {
    let name = request.path.trim_start_matches("/2015-03-31/functions/").to_owned();
    let name = decode(name.strip_suffix("/invocations").unwrap_or(&name));
    let Some(function) = service.functions.find(&name).cloned() else {
        let message = format!("Function not found: {name}");
        let body = json!({ "Type": "User", "Message": message, "message": message });
        return with_type(http::json(StatusCode::NOT_FOUND, &body), "ResourceNotFoundException");
    };
    let payload =
        if request.body.is_empty() { Bytes::from_static(b"{}") } else { request.body.clone() };
    if serde_json::from_slice::<serde_json::Value>(&payload).is_err() {
        let message = "Could not parse request body into json";
        let body = json!({ "Type": "User", "Message": message, "message": message });
        let reply = http::json(StatusCode::BAD_REQUEST, &body);
        return with_type(reply, "InvalidRequestContentException");
    }
    match request.header("x-amz-invocation-type") {
        Some("DryRun") => empty(StatusCode::NO_CONTENT),
        Some("Event") => {
            service.tasks.spawn(run_queued(function, payload));
            empty(StatusCode::ACCEPTED)
        }
        _ => {
            let tail = request.header("x-amz-log-type") == Some("Tail");
            function
                .invoke(payload, tail)
                .await
                .map_or_else(throttled, |answer| respond(answer, tail))
        }
    }
}

/// Runs an event that nobody waits for. Documented: Lambda puts what it throttles back into a queue, with
/// pauses from a second to five minutes, for up to six hours.
async fn run_queued(function: Arc<Deployed>, payload: Bytes) {
    let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
    let queued = async {
        while function.invoke(payload.clone(), false).await.is_err() {
            tokio::time::sleep(backoff.pause()).await;
        }
    };
    if tokio::time::timeout(OLDEST_EVENT, queued).await.is_err() {
        tracing::warn!("an event was throttled until it was too old");
    }
}

fn throttled(_: Throttled) -> Reply {
    let body =
        json!({ "Type": "User", "Reason": Throttled::REASON, "message": Throttled::MESSAGE });
    with_type(http::json(StatusCode::TOO_MANY_REQUESTS, &body), Throttled::CODE)
}

fn respond(answer: Answer, tail: bool) -> Reply {
    let response = Response::builder()
        .header("content-type", "application/json")
        .header("x-amzn-requestid", random::uuid())
        .header("x-amz-executed-version", "$LATEST");
    let (response, payload, log) = match answer {
        Answer::Success { payload, log } => (response, payload, log),
        Answer::Failure { payload, log, .. } => {
            (response.header("x-amz-function-error", "Unhandled"), payload, log)
        }
    };
    if !tail {
        return http::finish(response, payload);
    }
    let log = log.as_bytes();
    let last = log.get(log.len().saturating_sub(TAIL)..).unwrap_or_default();
    http::finish(response.header("x-amz-log-result", STANDARD.encode(last)), payload)
}

fn empty(status: StatusCode) -> Reply {
    let response = Response::builder().status(status).header("x-amzn-requestid", random::uuid());
    http::finish(response, Bytes::new())
}

fn with_type(mut reply: Reply, error_type: &'static str) -> Reply {
    let value = hyper::header::HeaderValue::from_static(error_type);
    reply.headers_mut().insert("x-amzn-errortype", value);
    reply
}

/// Decodes the `%3A` of an ARN in a path.
fn decode(text: &str) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = (*first == b'%').then(|| tail.get(..2)).flatten();
        let byte = code.and_then(|code| std::str::from_utf8(code).ok());
        match byte.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                decoded.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}
