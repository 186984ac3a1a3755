use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::accounts::{Accounts, Full, Key, Principal};
use super::answer::{Answer, timestamp};
use super::oauth;
use super::request::Request;
use super::setup::{Authentication, Minting, Paging, Setup};

/// What a request is about, in a word.
pub(super) fn name(request: &Request) -> &'static str {
    let parts = request.parts();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match (request.method.as_str(), parts.as_slice()) {
        ("POST", ["accounts", _, "keys"]) => "create",
        ("GET", ["accounts", _, "keys"]) => "list",
        ("DELETE", ["accounts", _, "keys", _]) => "retire",
        ("POST", ["accounts", _, "regenerate"]) => "regenerate",
        ("PUT", ["accounts", _, "key"]) => "update",
        ("GET", ["whoami"]) => "test",
        ("POST", ["oauth", "token"]) => "token",
        ("POST", ["oauth", "introspect"]) => "introspect",
        _ => "unknown",
    }
}

/// Carries a request out.
pub(super) fn act(
    accounts: &mut Accounts,
    setup: &Setup,
    origin: &str,
    request: &Request,
) -> Answer {
    let name = name(request);
    let error = |status, code: &str| Answer::error(status, code, request, setup.echoes);
    match name {
        "unknown" => return error(404, "no_such_path"),
        "token" => return oauth::token(accounts, setup, request),
        "introspect" => return oauth::introspect(accounts, request),
        _ => {}
    }
    let key = credential(setup.authentication, request);
    let Some(principal) = key.and_then(|key| accounts.principal(&key)) else {
        return error(401, "no_valid_key").with("WWW-Authenticate", "Bearer");
    };
    let parts = request.parts();
    let own = match (&principal, parts.get(1)) {
        (Principal::Account(account, id), None) => return whoami(account, id.as_deref()),
        (Principal::Admin, None) => return whoami("admin", None),
        (Principal::Account(own, id), Some(account)) => {
            if own != account || setup.minting == Minting::Admin {
                return error(403, "no_right");
            }
            id.clone()
        }
        (Principal::Admin, Some(_)) => None,
    };
    let account = parts.get(1).map_or("", String::as_str);
    if !accounts.exists(account) {
        return error(404, "no_such_account");
    }
    match name {
        "create" => create(accounts, setup, account, request),
        "list" => list(accounts, setup, origin, account, request),
        "retire" => match parts.get(3) {
            Some(id) if accounts.retire(account, id) => Answer::empty(204),
            _ => error(404, "no_such_key"),
        },
        "regenerate" => {
            let value = accounts.draw("key");
            let key = accounts.replace(account, own.as_deref(), value);
            key.map_or_else(|| error(404, "no_such_key"), |key| issued(200, &key, setup))
        }
        _ => update(accounts, setup, account, own.as_deref(), request),
    }
}

/// The key that a request has.
fn credential(authentication: Authentication, request: &Request) -> Option<String> {
    match authentication {
        Authentication::Bearer => {
            let header = request.header("authorization")?;
            Some(header.strip_prefix("Bearer ")?.to_owned())
        }
        Authentication::Header(name) => {
            Some(request.header(&name.to_ascii_lowercase())?.to_owned())
        }
        Authentication::Basic => basic(request).map(|(_, password)| password),
        Authentication::Query(name) => request.parameter(name),
    }
}

/// The user and the password of HTTP's basic authentication.
pub(super) fn basic(request: &Request) -> Option<(String, String)> {
    let encoded = request.header("authorization")?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

fn whoami(account: &str, id: Option<&str>) -> Answer {
    Answer::json(200, &json!({"account": account, "key_id": id}))
}

fn create(accounts: &mut Accounts, setup: &Setup, account: &str, request: &Request) -> Answer {
    let label = request.field("label").or_else(|| request.field("name")).unwrap_or_default();
    let lifetime =
        request.field("lifetime").map(|seconds| seconds.parse().map(Duration::from_secs));
    let Ok(lifetime) = lifetime.transpose() else {
        return Answer::error(400, "no_valid_lifetime", request, setup.echoes);
    };
    match accounts.mint_within_the_limit(account, &label, lifetime) {
        Ok(key) => issued(201, &key, setup),
        Err(Full) => Answer::error(setup.full, "too_many_keys", request, setup.echoes),
    }
}

fn update(
    accounts: &mut Accounts,
    setup: &Setup,
    account: &str,
    own: Option<&str>,
    request: &Request,
) -> Answer {
    const SHORTEST: usize = 16;
    let Some(value) = request.field("value").filter(|value| value.len() >= SHORTEST) else {
        return Answer::error(422, "too_short", request, setup.echoes);
    };
    accounts.note(&value);
    match accounts.replace(account, own, value) {
        Some(key) => Answer::json(200, &json!({"data": {"id": id(&key.id, setup)}})),
        None => Answer::error(404, "no_such_key", request, setup.echoes),
    }
}

/// The one answer that has the secret.
fn issued(status: u16, key: &Key, setup: &Setup) -> Answer {
    let mut data = public(key, setup);
    data["token"] = json!(key.value);
    Answer::json(status, &json!({"data": data}))
}

fn public(key: &Key, setup: &Setup) -> Value {
    json!({
        "id": id(&key.id, setup),
        "label": key.label,
        "created_at": timestamp(key.created),
        "expires_at": key.expires.map(timestamp),
    })
}

fn id(id: &str, setup: &Setup) -> Value {
    if setup.numeric_ids { json!(id.parse::<u64>().ok()) } else { json!(id) }
}

fn list(
    accounts: &Accounts,
    setup: &Setup,
    origin: &str,
    account: &str,
    request: &Request,
) -> Answer {
    let all: Vec<Value> = accounts.keys(account).iter().map(|key| public(key, setup)).collect();
    let (size, parameter) = match setup.paging {
        Paging::None => return Answer::json(200, &json!({"data": all})),
        Paging::Page(size) | Paging::Link(size) => (size, "page"),
        Paging::Cursor(size) => (size, "cursor"),
    };
    let pages = all.len().div_ceil(size).max(1);
    let asked = request.parameter(parameter).unwrap_or_else(|| match setup.paging {
        Paging::Cursor(_) => cursor(1),
        Paging::None | Paging::Page(_) | Paging::Link(_) => "1".to_owned(),
    });
    // Cursors are made to be opaque: what is to be escaped in a query has to be.
    let plain = asked.strip_prefix("c&+").and_then(|rest| rest.strip_suffix("=="));
    let number = match setup.paging {
        Paging::Cursor(_) => plain.and_then(|plain| plain.parse().ok()),
        Paging::None | Paging::Page(_) | Paging::Link(_) => asked.parse::<usize>().ok(),
    };
    let Some(page) = number.filter(|number| (1..=pages).contains(number)) else {
        return Answer::error(400, "no_such_page", request, setup.echoes);
    };
    let data: Vec<Value> = all.into_iter().skip((page - 1) * size).take(size).collect();
    let next = (page < pages).then_some(page + 1);
    match setup.paging {
        Paging::Cursor(_) => {
            Answer::json(200, &json!({"data": data, "next_cursor": next.map(cursor)}))
        }
        Paging::Link(_) => {
            let answer = Answer::json(200, &json!({"data": data}));
            let Some(next) = next else { return answer };
            let path = &request.path;
            let links = format!(
                "<{origin}{path}?page=1>; rel=\"first\", <{origin}{path}?page={next}>; rel=\"next\""
            );
            answer.with("Link", links)
        }
        Paging::None | Paging::Page(_) => {
            Answer::json(200, &json!({"data": data, "page": page, "pages": pages}))
        }
    }
}

fn cursor(page: usize) -> String {
    format!("c&+{page}==")
}
