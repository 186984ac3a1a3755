//! A request that came in, and whether it is the one of a step.

use std::collections::BTreeMap;

use hyper::HeaderMap;
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::pattern::{self, Found};
use super::script::Step;

/// A request as it came in.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) method: String,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Sent {
    /// Why it is not the request of a step; what stands for names goes to `found`.
    pub(super) fn differs(&self, step: &Step, found: &mut Found) -> Option<&'static str> {
        let (method, address) = step.send.split_once(' ').expect("a method and an address");
        let expected = Url::parse(address).expect("an address");
        if self.method != method || self.url.origin() != expected.origin() {
            return Some("method or host");
        }
        if !pattern::fits(expected.path(), self.url.path(), found) {
            return Some("path");
        }
        if !pairs_fit(&query(&expected), &query(&self.url), found) {
            return Some("query");
        }
        for (name, pattern) in &step.headers {
            let value = self.headers.get(name).and_then(|value| value.to_str().ok());
            if !value.is_some_and(|value| pattern::fits(pattern, value, found)) {
                return Some("headers");
            }
        }
        if !step.headers.contains_key("authorization") && self.headers.contains_key("authorization")
        {
            return Some("headers: it is sent in someone's name");
        }
        (!self.body_fits(step, found)).then_some("body")
    }

    fn body_fits(&self, step: &Step, found: &mut Found) -> bool {
        let kind = self.headers.get("content-type").and_then(|kind| kind.to_str().ok());
        match (&step.json, &step.form) {
            (Some(json), _) => {
                let pattern: Value = serde_json::from_str(json).expect("JSON");
                serde_json::from_str(&self.body)
                    .is_ok_and(|body| pattern::fits_json(&pattern, &body, found))
                    && kind.is_some_and(|kind| kind.ends_with("json"))
            }
            (None, Some(form)) => {
                let sent = form_urlencoded::parse(self.body.as_bytes()).into_owned().collect();
                pairs_fit(form, &sent, found) && kind == Some("application/x-www-form-urlencoded")
            }
            (None, None) => self.body.is_empty(),
        }
    }

    /// It as text, without what is secret.
    pub(super) fn masked(&self, secrets: &[&str]) -> String {
        let mut text = format!("{} {}\n", self.method, self.url);
        for (name, value) in &self.headers {
            let value = value.to_str().unwrap_or("?");
            let value = if value.starts_with("Basic ") { "Basic …" } else { value };
            text.push_str(&format!("{name}: {value}\n"));
        }
        text.push_str(&self.body);
        secrets.iter().fold(text, |text, secret| text.replace(secret, "…"))
    }
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
