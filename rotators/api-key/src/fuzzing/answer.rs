use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use turnlock::{Class, Sensitive};
use url::Url;

use super::parts;
use crate::answer::{Success, read};
use crate::description::{Meaning, Request};
use crate::http::Answer;
use crate::list::Page;

/// The rules of a request, the status and headers of an answer, and its body.
///
/// Any answer has a meaning; of its words none is in the error, and the next page is at the same host.
pub fn answer(data: &[u8]) {
    let Some([rules, head, body]) = parts(data) else { return };
    let Ok(request) = toml::from_str::<Request>(rules) else { return };
    let mut lines = head.lines();
    let Some(status) = lines.next().and_then(|line| line.parse::<u16>().ok()) else { return };
    let headers = headers(lines);
    let sent = Answer { status, headers, body: Ok(Sensitive::new(body)) };
    match read(&request, "GET /", Ok(sent)) {
        Ok(success) => {
            fields(&request, &success);
            turned(&success);
        }
        Err(fault) => {
            let shown = fault.error.to_string();
            assert!(body.len() < 40 || !shown.contains(body), "{shown}");
            let rejects = fault.error.class() == Class::AuthRejected;
            assert_eq!(rejects, fault.meaning == Meaning::Rejected);
            assert!(status >= 400 || fault.uncertain, "what answers {status} may have been done");
        }
    }
}

fn headers<'a>(lines: impl Iterator<Item = &'a str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            headers.append(name, value);
        }
    }
    headers
}

/// What is stored has no control characters, and is there for each field or a problem is told.
fn fields(request: &Request, success: &Success) {
    let (fields, whole) = match success.fields(request) {
        Ok(fields) => (fields, true),
        Err((_, fields)) => (fields, false),
    };
    assert!(fields.iter().all(|(_, value)| !value.expose().chars().any(char::is_control)));
    assert!(!whole || fields.iter().count() == request.fields.len());
}

fn turned(success: &Success) {
    let Some(address) = success.next_link() else { return };
    let first: Url = "https://api.example.com:8443/v1/keys?page=1".parse().expect("an address");
    let mut next = first.clone();
    if Page::Address(address).turn(&mut next).is_ok() {
        assert_eq!(next.origin(), first.origin(), "{next}");
        assert!(next.username().is_empty() && next.password().is_none(), "{next}");
    } else {
        assert_eq!(next, first);
    }
}
