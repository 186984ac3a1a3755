use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::accounts::{AccessToken, Accounts, Principal, RefreshToken};
use super::answer::Answer;
use super::request::Request;
use super::routes::basic;
use super::setup::Setup;

/// How long an access token lives.
const LIFETIME: Duration = Duration::from_secs(3600);

/// RFC 6749, for clients that have a secret.
pub(super) fn token(accounts: &mut Accounts, setup: &Setup, request: &Request) -> Answer {
    let Some(client) = client(accounts, request) else {
        return error(401, "invalid_client").with("WWW-Authenticate", "Basic");
    };
    match request.field("grant_type").as_deref() {
        Some("client_credentials") => granted(accounts, &client, None),
        Some("refresh_token") => {
            let token = request.field("refresh_token").unwrap_or_default();
            match accounts.refresh(setup, &client, &token) {
                Some(next) => granted(accounts, &client, Some(next)),
                None => error(400, "invalid_grant"),
            }
        }
        _ => error(400, "unsupported_grant_type"),
    }
}

/// RFC 7662, for the same clients.
pub(super) fn introspect(accounts: &mut Accounts, request: &Request) -> Answer {
    if client(accounts, request).is_none() {
        return error(401, "invalid_client").with("WWW-Authenticate", "Basic");
    }
    let token = request.field("token").unwrap_or_default();
    Answer::json(200, &accounts.introspect(&token))
}

/// The account whose key came as a client's secret, in the head or in the body.
fn client(accounts: &Accounts, request: &Request) -> Option<String> {
    let decoded = |text: String| {
        let pair = format!("x={text}");
        form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned())
    };
    // By RFC 6749, 2.3.1, both are encoded as in a form before they are put together.
    let in_head = basic(request).and_then(|(id, secret)| Some((decoded(id)?, decoded(secret)?)));
    let (id, secret) = match in_head {
        Some(pair) => pair,
        None => (request.field("client_id")?, request.field("client_secret")?),
    };
    match accounts.principal(&secret)? {
        Principal::Account(account, Some(_)) if account == id => Some(account),
        Principal::Account(..) | Principal::Admin => None,
    }
}

fn granted(accounts: &mut Accounts, account: &str, refresh: Option<String>) -> Answer {
    let value = accounts.draw("access");
    let expires = accounts.now() + LIFETIME;
    let account = account.to_owned();
    accounts.tokens.access.push(AccessToken { value: value.clone(), account, expires });
    let mut body =
        json!({"access_token": value, "token_type": "Bearer", "expires_in": LIFETIME.as_secs()});
    if let Some(refresh) = refresh {
        body["refresh_token"] = json!(refresh);
    }
    Answer::json(200, &body).with("Cache-Control", "no-store")
}

fn error(status: u16, code: &str) -> Answer {
    Answer::json(status, &json!({"error": code, "error_description": "as RFC 6749 has it"}))
}

impl Accounts {
    /// The first refresh token of a new family.
    pub(super) fn authorize(&mut self, account: &str) -> String {
        let family = self.next_number();
        self.issue(account, family)
    }

    fn issue(&mut self, account: &str, family: u64) -> String {
        let value = self.draw("refresh");
        let account = account.to_owned();
        let token = RefreshToken { value: value.clone(), account, family, used: None };
        self.tokens.refresh.push(token);
        value
    }

    /// The refresh token that follows on this one, or the same; a token used too late ends its family.
    fn refresh(&mut self, setup: &Setup, account: &str, value: &str) -> Option<String> {
        let now = self.now();
        let token = self.tokens.refresh.iter_mut().find(|token| token.value == value)?;
        if token.account != account {
            return None;
        }
        if !setup.refresh_rotates {
            return Some(token.value.clone());
        }
        let family = token.family;
        if token.used.is_some_and(|used| now >= used + setup.grace) {
            self.tokens.refresh.retain(|token| token.family != family);
            return None;
        }
        token.used.get_or_insert(now);
        Some(self.issue(account, family))
    }

    /// Whether a refresh token would be taken, or would still be by the server's grace.
    pub(super) fn takes_refresh_token(&self, value: &str) -> bool {
        let now = self.now();
        let live =
            |token: &&RefreshToken| token.used.is_none_or(|used| now < used + self.setup().grace);
        self.tokens.refresh.iter().filter(live).any(|token| token.value == value)
    }

    fn introspect(&self, value: &str) -> Value {
        let seconds = |time: SystemTime| {
            time.duration_since(UNIX_EPOCH).map(|since| since.as_secs()).unwrap_or_default()
        };
        let now = self.now();
        let access = self.tokens.access.iter();
        if let Some(token) =
            access.clone().find(|token| token.value == value && token.expires > now)
        {
            let exp = seconds(token.expires);
            return json!({"active": true, "client_id": token.account, "token_type": "Bearer", "exp": exp});
        }
        if !self.takes_refresh_token(value) {
            return json!({"active": false});
        }
        let account = self.tokens.refresh.iter().find(|token| token.value == value);
        json!({"active": true, "client_id": account.map(|token| &token.account)})
    }
}
