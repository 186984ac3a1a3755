//! What holds for every input, for fuzzers and tests: each function panics where it does not.

#![expect(clippy::expect_used, reason = "a broken promise should panic")]

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use serde_json::Value;

use crate::http::{Reply, Request};
use crate::knobs::Knobs;
use crate::lambda::{Functions, Processes};
use crate::secret::{CURRENT, Secret};
use crate::service::{Service, Shared};
use crate::store::Store;
use crate::tasks::Tasks;

#[cfg(test)]
mod tests;
use crate::server;

/// More requests than that make a run slow and nothing new.
const MOST_REQUESTS: usize = 16;

/// Requests to one service, between lines of three hyphens: method and path, headers, an empty line, the body. A first
/// line of one word is an operation of Secrets Manager, and the rest its body.
///
/// Every request is answered, none with a fault of ours and none with a stored value in an error; and between any two of
/// them, every secret's labels are in order.
pub fn requests(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let (tasks, processes) = (Tasks::new(), Processes::default());
        let functions = Functions::new(std::collections::HashMap::default());
        let (knobs, store) = (Knobs::default(), Store::default());
        let service: Shared =
            Arc::new(Service::new(knobs, functions, processes, tasks, None, store));
        for text in text.split("\n---\n").take(MOST_REQUESTS) {
            let Some(request) = request(text) else { continue };
            let stored = stored(&request);
            let before = service.look(with_current);
            let reply = server::answer(&service, request).await.expect("an answer");
            answered(reply, stored.as_deref()).await;
            service.look(|store| {
                store.secrets.iter().for_each(labels);
                let now = with_current(store);
                let lost = |arn: &&String| !now.contains(*arn) && store.find(arn).is_ok();
                assert_eq!(before.iter().find(lost), None, "its current version is gone");
            });
        }
        service.tasks.stopped().await;
    });
}

fn request(text: &str) -> Option<Request> {
    let (line, rest) = text.split_once('\n').unwrap_or((text, ""));
    let mut headers = HeaderMap::new();
    let Some((method, path)) = line.split_once(' ') else {
        let target = format!("secretsmanager.{line}");
        headers.insert("x-amz-target", HeaderValue::from_str(&target).ok()?);
        let body = Bytes::copy_from_slice(rest.as_bytes());
        return Some(Request { method: Method::POST, path: "/".to_owned(), headers, body });
    };
    let (head, body) = rest.split_once("\n\n").unwrap_or((rest, ""));
    for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_str(value).ok()?);
    }
    let method = Method::from_bytes(method.as_bytes()).ok()?;
    let body = Bytes::copy_from_slice(body.as_bytes());
    Some(Request { method, path: path.to_owned(), headers, body })
}

/// The value that a request wants stored, if it is long enough not to be in an answer by chance.
fn stored(request: &Request) -> Option<String> {
    let body: Value = serde_json::from_slice(&request.body).ok()?;
    let value = body.get("SecretString")?.as_str()?.to_owned();
    let text = String::from_utf8_lossy(&request.body).into_owned();
    // What is in another member too may be shown as that.
    (value.len() >= 12 && text.matches(&value).count() == 1).then_some(value)
}

async fn answered(reply: Reply, stored: Option<&str>) {
    let status = reply.status();
    assert!(status.as_u16() < 500, "{reply:?}");
    let body = reply.into_body().collect().await.expect("a body").to_bytes();
    let text = std::str::from_utf8(&body).expect("UTF-8");
    if status == StatusCode::BAD_REQUEST {
        let body: Value = serde_json::from_str(text).expect("JSON");
        let of_invoke = body.get("Type").is_some();
        assert!(of_invoke || body.get("__type").is_some_and(Value::is_string), "{text}");
        assert!(stored.is_none_or(|value| !text.contains(value)), "{text}");
    }
}

/// A label is on one version at most, and no two versions have one id.
fn labels(secret: &Secret) {
    let labels: Vec<&String> = secret.versions.iter().flat_map(|version| &version.labels).collect();
    assert_eq!(labels.iter().collect::<BTreeSet<_>>().len(), labels.len(), "{labels:?}");
    let ids: BTreeSet<&str> = secret.versions.iter().map(|version| version.id.as_str()).collect();
    assert_eq!(ids.len(), secret.versions.len());
}

/// The secrets that have a current version.
fn with_current(store: &Store) -> BTreeSet<String> {
    let current = store.secrets.iter().filter(|secret| secret.labelled(CURRENT).is_some());
    current.map(|secret| secret.arn.clone()).collect()
}
