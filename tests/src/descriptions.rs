//! Descriptions of the provider of the tests, for the strategies besides overlapping keys and for clients of OAuth 2.0.

use serde_json::{Value, json};

use crate::world::keys::ACCOUNT;

/// What the descriptions below have in common.
const COMMON: &str = r#"title = "The provider of the tests"
base_url = "{url}"
host_from_secret = ["url"]
principal = "{account}"
key = { bearer = "{key}" }
admin = { bearer = "{admin.key}" }
test = { method = "GET", path = "/whoami" }
"#;

/// `regenerate`, for [`described`].
pub const REGENERATE: &str = r#"strategy = "regenerate"
[update]
method = "POST"
path = "/accounts/{account}/regenerate"
fields = { key = "/data/token", key_id = "/data/id" }
"#;

/// `single-user`, for [`described`].
pub const SINGLE_USER: &str = r#"strategy = "single-user"
draw = "key"
[update]
method = "PUT"
path = "/accounts/{account}/key"
json = { value = "{next.key}" }
"#;

/// `refresh-token`.
pub const REFRESH_TOKEN: &str = r#"title = "OAuth 2.0"
strategy = "refresh-token"
base_url = "{url}"
host_from_secret = ["url"]
principal = "{client_id}"
key = { basic = { user = "{client_id|percent}", password = "{client_secret|percent}" } }

[test]
method = "POST"
path = "/oauth/introspect"
form = { token = "{refresh_token}" }
when = [{ status = 200, at = "/active", is = false, means = "rejected" }]

[update]
method = "POST"
path = "/oauth/token"
form = { grant_type = "refresh_token", refresh_token = "{refresh_token}" }
when = [{ status = 400, at = "/error", is = "invalid_grant", means = "rejected" }]
fields = { refresh_token = "/refresh_token", access_token = "/access_token" }
"#;

/// Secrets of a client, which an admin makes.
pub const CLIENT_SECRET: &str = r#"title = "OAuth 2.0"
strategy = "overlapping-keys"
base_url = "{url}"
host_from_secret = ["url"]
principal = "{account}"
limit = 2
admin = { bearer = "{admin.key}" }

[test]
by = "anyone"
method = "POST"
path = "/oauth/token"
form = { grant_type = "client_credentials", client_id = "{account}", client_secret = "{key}" }

[create]
by = "admin"
method = "POST"
path = "/accounts/{account}/keys"
form = { label = "{new.label}" }
fields = { key = "/data/token", key_id = "/data/id" }

[[retire]]
by = "admin"
method = "DELETE"
path = "/accounts/{account}/keys/{key_id}"
"#;

/// A description with what all have in common.
///
/// # Panics
///
/// If it has no table.
pub fn described(strategy: &str) -> String {
    // What is no table comes first in TOML.
    let (head, tables) = strategy.split_at(strategy.find("[update]").expect("a table"));
    format!("{head}{COMMON}{tables}")
}

/// Makes a secret one of `refresh-token`, whose first token is yet to be authorized.
pub fn refresh_tokens(secret: &mut Value) {
    secret["client_id"] = json!(ACCOUNT);
    secret["client_secret"] = secret["key"].take();
    secret["rotation"]["accept_loss"] = json!(true);
    secret["access_token"] = json!("none yet");
    secret["refresh_token"] = json!("to be authorized");
}
