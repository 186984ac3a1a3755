//! How an invocation ended, as the library tells it.

use bytes::Bytes;
use serde_json::Value;

use crate::lambda::{Answer, Throttled};

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq)]
pub struct InvokeResult {
    /// The status of Invoke: 200 also where the function failed, 404 where there is none, 429 where as many
    /// ran as may.
    pub status: u16,
    /// The type of the function's error, or of the runtime's (`Sandbox.Timedout`, …).
    pub error_type: Option<String>,
    /// The words of that error.
    pub error_message: Option<String>,
    /// What the function answered; text, where that is not JSON.
    pub payload: Value,
}

impl From<Result<Answer, Throttled>> for InvokeResult {
    fn from(answer: Result<Answer, Throttled>) -> Self {
        match answer {
            Err(Throttled) => Self {
                status: 429,
                error_type: Some(Throttled::CODE.to_owned()),
                error_message: Some(Throttled::MESSAGE.to_owned()),
                payload: Value::Null,
            },
            Ok(Answer::Success { payload, .. }) => {
                Self { status: 200, error_type: None, error_message: None, payload: json(&payload) }
            }
            Ok(Answer::Failure { error_type, error_message, payload, .. }) => Self {
                status: 200,
                error_type: Some(error_type),
                error_message: Some(error_message),
                payload: json(&payload),
            },
        }
    }
}

fn json(payload: &Bytes) -> Value {
    let text = || Value::String(String::from_utf8_lossy(payload).into_owned());
    serde_json::from_slice(payload).unwrap_or_else(|_| text())
}
