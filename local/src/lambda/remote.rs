//! A function behind a URL that speaks Invoke.

use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;

use super::Answer;
use crate::http;

/// `None` where whoever serves the URL throttles.
pub(super) async fn invoke(
    url: &str,
    name: &str,
    payload: Bytes,
    timeout: Duration,
) -> Option<Answer> {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let path = match path {
        "" => format!("/2015-03-31/functions/{name}/invocations"),
        path => format!("/{path}"),
    };
    let sent = http::post(authority, &path, payload);
    Some(match tokio::time::timeout(timeout, sent).await {
        Err(_) => {
            let message = format!("Task timed out after {:.2} seconds", timeout.as_secs_f64());
            Answer::failure("Sandbox.Timedout", &message)
        }
        Ok(Err(error)) => Answer::failure("Runtime.Unreachable", &error.to_string()),
        Ok(Ok(answer)) if answer.status == StatusCode::TOO_MANY_REQUESTS => return None,
        Ok(Ok(answer)) => {
            let failed = answer.headers.contains_key("x-amz-function-error");
            if failed || !answer.status.is_success() {
                Answer::reported(answer.body)
            } else {
                Answer::Success { payload: answer.body, log: String::new() }
            }
        }
    })
}
