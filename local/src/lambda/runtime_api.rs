//! The Lambda Runtime API of one environment.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use hyper::{HeaderMap, Method, Response, StatusCode};
use serde_json::json;
use tokio::net::TcpListener;

use super::Answer;
use super::environment::Environment;
use crate::http::{self, Reply, Request};
use crate::random;

const VERSION: &str = "/2018-06-01/runtime/";

/// Serves one process for ever.
pub(super) async fn serve(environment: Arc<Environment>, listener: TcpListener) {
    http::serve(listener, move |request| {
        let environment = environment.clone();
        async move { Some(answer(&environment, request).await) }
    })
    .await;
}

async fn answer(environment: &Environment, request: Request) -> Reply {
    let path = request.path.strip_prefix(VERSION).unwrap_or_default().to_owned();
    let parts: Vec<&str> = path.split('/').collect();
    match (&request.method, parts.as_slice()) {
        (&Method::GET, ["invocation", "next"]) => next(environment).await,
        (&Method::POST, ["invocation", id, "response"]) => {
            let answer = Answer::Success { payload: request.body, log: String::new() };
            accepted(environment.answer(id, answer))
        }
        (&Method::POST, ["invocation", id, "error"]) => {
            accepted(environment.answer(id, failure(&request.headers, request.body)))
        }
        (&Method::POST, ["init", "error"]) => {
            environment.init_failed(failure(&request.headers, request.body)).await;
            accepted(true)
        }
        _ => http::json(StatusCode::NOT_FOUND, &json!({ "errorType": "NotFound" })),
    }
}

async fn next(environment: &Environment) -> Reply {
    let Some((request_id, payload, timeout)) = environment.next().await else {
        return http::json(StatusCode::GONE, &json!({ "errorType": "Gone" }));
    };
    let response = Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", request_id)
        .header("lambda-runtime-deadline-ms", deadline(timeout))
        .header("lambda-runtime-invoked-function-arn", &environment.function_arn)
        .header("lambda-runtime-trace-id", trace_id());
    http::finish(response, payload)
}

fn accepted(known: bool) -> Reply {
    if known {
        return http::json(StatusCode::ACCEPTED, &json!({ "status": "OK" }));
    }
    let body = json!({ "errorType": "InvalidRequestID", "errorMessage": "Invalid request ID" });
    http::json(StatusCode::BAD_REQUEST, &body)
}

/// What the function reports; the header says the type where the body does not.
fn failure(headers: &HeaderMap, body: Bytes) -> Answer {
    let mut answer = Answer::reported(body);
    if let Answer::Failure { error_type, .. } = &mut answer
        && error_type.is_empty()
    {
        let named = headers.get("lambda-runtime-function-error-type");
        let named = named.and_then(|value| value.to_str().ok()).unwrap_or("Unhandled");
        named.clone_into(error_type);
    }
    answer
}

/// Milliseconds of the real clock: functions compare it with their own.
fn deadline(timeout: Duration) -> u64 {
    let end = SystemTime::now() + timeout;
    let millis = end.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    u64::try_from(millis).unwrap_or(u64::MAX)
}

fn trace_id() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let id = random::uuid().replace('-', "");
    format!(
        "Root=1-{seconds:08x}-{};Parent={};Sampled=0",
        id.get(..24).unwrap_or_default(),
        id.get(..16).unwrap_or_default()
    )
}
