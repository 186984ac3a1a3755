//! Whether a request is the one of a step.

use std::collections::BTreeMap;

use serde_json::Value;
use url::{Url, form_urlencoded};

use super::pattern::{self, Found};
use super::script::Step;
use crate::tunnel::Sent;

/// Why it is not the request of a step; what stands for names goes to `found`.
pub(super) fn differs(sent: &Sent, step: &Step, found: &mut Found) -> Option<&'static str> {
    let (method, address) = step.send.split_once(' ').expect("a method and an address");
    let expected = Url::parse(address).expect("an address");
    if sent.method != method || sent.url.origin() != expected.origin() {
        return Some("method or host");
    }
    if !pattern::fits(expected.path(), sent.url.path(), found) {
        return Some("path");
    }
    if !pairs_fit(&query(&expected), &query(&sent.url), found) {
        return Some("query");
    }
    for (name, pattern) in &step.headers {
        let value = sent.headers.get(name).and_then(|value| value.to_str().ok());
        if !value.is_some_and(|value| pattern::fits(pattern, value, found)) {
            return Some("headers");
        }
    }
    if !step.headers.contains_key("authorization") && sent.headers.contains_key("authorization") {
        return Some("headers: it is sent in someone's name");
    }
    (!body_fits(sent, step, found)).then_some("body")
}

fn body_fits(sent: &Sent, step: &Step, found: &mut Found) -> bool {
    let kind = sent.headers.get("content-type").and_then(|kind| kind.to_str().ok());
    match (&step.json, &step.form) {
        (Some(json), _) => {
            let pattern: Value = serde_json::from_str(json).expect("JSON");
            serde_json::from_str(&sent.body)
                .is_ok_and(|body| pattern::fits_json(&pattern, &body, found))
                && kind.is_some_and(|kind| kind.ends_with("json"))
        }
        (None, Some(form)) => {
            let sent = form_urlencoded::parse(sent.body.as_bytes()).into_owned().collect();
            pairs_fit(form, &sent, found) && kind == Some("application/x-www-form-urlencoded")
        }
        (None, None) => sent.body.is_empty(),
    }
}

/// It as text, without what is secret.
pub(super) fn masked(sent: &Sent, secrets: &[&str]) -> String {
    let basic = |line: &str| match line.strip_prefix("authorization: Basic ") {
        Some(_) => "authorization: Basic …".to_owned(),
        None => line.to_owned(),
    };
    let text = sent.to_string().lines().map(basic).collect::<Vec<_>>().join("\n");
    let hide = |text: String, secret: &&str| {
        let in_form: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        text.replace(*secret, "…").replace(&in_form, "…")
    };
    secrets.iter().fold(text, hide)
}

fn query(url: &Url) -> BTreeMap<String, String> {
    url.query_pairs().into_owned().collect()
}

fn pairs_fit(
    patterns: &BTreeMap<String, String>,
    pairs: &BTreeMap<String, String>,
    found: &mut Found,
) -> bool {
    patterns.len() == pairs.len()
        && patterns.iter().all(|(name, pattern)| {
            pairs.get(name).is_some_and(|value| pattern::fits(pattern, value, found))
        })
}
