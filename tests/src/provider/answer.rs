use std::time::SystemTime;

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::request::Request;

/// What is sent back.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

impl Answer {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", body.to_string())
    }

    pub(super) fn text(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type".to_owned(), kind.to_owned())];
        Self { status, headers, body: body.into() }
    }

    pub(super) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// An error; where the provider is a careless one, with the request in its message.
    pub(super) fn error(status: u16, code: &str, request: &Request, echoes: bool) -> Self {
        let message = if echoes { request.text() } else { format!("the request has {code}") };
        Self::json(status, &json!({"error": {"code": code, "message": message}}))
    }

    #[must_use]
    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// As it goes over the wire, with the length of the body.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head();
        if self.status != 204 {
            bytes.truncate(bytes.len() - 2);
            bytes.extend(format!("Content-Length: {}\r\n\r\n", self.body.len()).bytes());
            bytes.extend(&self.body);
        }
        bytes
    }

    /// The head without a length.
    pub(super) fn head(&self) -> Vec<u8> {
        let headers: String =
            self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        // A client goes by the number; the phrase is for people.
        format!("HTTP/1.1 {} As Said\r\n{headers}\r\n", self.status).into_bytes()
    }
}

/// A time as JSON has it, by RFC 3339.
pub(super) fn timestamp(time: SystemTime) -> String {
    let time = OffsetDateTime::from(time);
    let (year, month, day) = (time.year(), u8::from(time.month()), time.day());
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}
