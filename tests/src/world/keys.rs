//! A provider of keys, the stand-in, the real function and a secret, ready to be rotated.

use std::ops::{Deref, DerefMut};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use turnlock_local::Function;

use crate::binaries;
use crate::provider::{Authentication, Key, Minting, Paging, Provider, Setup};
use crate::scene::Scene;

pub use super::StepError;

/// The function's name in the stand-in.
pub const FUNCTION: &str = "turnlock-api-key";

/// Whose keys they are.
pub const ACCOUNT: &str = "svc-app";

/// What a description of the provider leaves out.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Without {
    /// A list: what is left over cannot be found.
    pub list: bool,
}

/// A provider, the stand-in with the real function, and one secret with rotation on.
#[derive(Debug)]
pub struct World {
    /// The provider.
    pub provider: Provider,
    /// The key that the secret began with.
    pub first: Key,
    /// The rest, by whose names a world's own are: `world.local`, `world.rotate()`.
    pub scene: Scene,
    /// `PROVIDERS_DIR`
    folder: TempDir,
}

impl World {
    /// An account whose key is rotated by itself, overlapping, without a pause between two rotations.
    pub async fn start(setup: Setup) -> Self {
        Self::start_with(setup, Without::default(), |_| ()).await
    }

    /// The same with a secret that the test edits before it is stored, and a description that leaves something out.
    pub async fn start_with(setup: Setup, without: Without, edit: impl FnOnce(&mut Value)) -> Self {
        let description = overlapping(&setup, without);
        Self::described(setup, &description, edit).await
    }

    /// An account and any description of the provider, which is `PROVIDERS_DIR/harness.toml`.
    pub async fn described(setup: Setup, description: &str, edit: impl FnOnce(&mut Value)) -> Self {
        Self::described_within(TIMEOUT, setup, description, edit).await
    }

    /// The same with a function whose steps may take this long.
    pub async fn described_within(
        timeout: Duration,
        setup: Setup,
        description: &str,
        edit: impl FnOnce(&mut Value),
    ) -> Self {
        Self::of(traced().timeout(timeout), setup, description, edit).await
    }

    /// An account whose key a function rotates that is no test's: overlapping, by itself.
    pub async fn of_function(function: Function, setup: Setup) -> Self {
        let description = overlapping(&setup, Without::default());
        Self::of(function, setup, &description, |_| ()).await
    }

    async fn of(
        function: Function,
        setup: Setup,
        description: &str,
        edit: impl FnOnce(&mut Value),
    ) -> Self {
        Self::at(Provider::start(setup), function, false, description, edit).await
    }

    /// An account at a provider that the test has started, a function that it has set up, and perhaps an admin.
    pub async fn at(
        provider: Provider,
        function: Function,
        by_admin: bool,
        description: &str,
        edit: impl FnOnce(&mut Value),
    ) -> Self {
        let first = provider.open_account(ACCOUNT);
        let mut secret = secret_of(&provider, &first);
        let folder = folder(description);
        let function = knowing(function, &provider, &folder);
        let scene = if by_admin {
            let admin = json!({"key": provider.admin_key(), "url": provider.url(), "ssl": false});
            Scene::start_administered(FUNCTION, function, &admin, secret, edit).await
        } else {
            edit(&mut secret);
            Scene::start(FUNCTION, function, &secret.to_string()).await
        };
        Self { provider, first, scene, folder }
    }

    /// The same with an admin, whose key is in another secret.
    pub async fn administered(
        setup: Setup,
        description: &str,
        edit: impl FnOnce(&mut Value),
    ) -> Self {
        Self::administered_within(TIMEOUT, setup, description, edit).await
    }

    /// The same with a function whose steps may take this long.
    pub async fn administered_within(
        timeout: Duration,
        setup: Setup,
        description: &str,
        edit: impl FnOnce(&mut Value),
    ) -> Self {
        let function = traced().timeout(timeout);
        Self::at(Provider::start(setup), function, true, description, edit).await
    }

    /// The key of a label or a version id.
    pub fn key(&self, version: &str) -> String {
        self.text("key", version)
    }

    /// The key's id of a label or a version id.
    pub fn key_id(&self, version: &str) -> String {
        self.text("key_id", version)
    }

    fn text(&self, field: &str, version: &str) -> String {
        self.document(version)[field].as_str().expect("a text").to_owned()
    }

    /// Whether consumers of a label or a version are let in.
    pub fn works(&self, version: &str) -> bool {
        self.provider.accepts(&self.key(version))
    }

    /// The ids of the keys that the account has.
    pub fn ids(&self) -> Vec<String> {
        self.provider.keys(ACCOUNT).into_iter().map(|key| key.id).collect()
    }

    /// The keys that the provider accepts and no version of the secret holds.
    pub fn orphans(&self) -> Vec<Key> {
        let versions = self.local.versions(&self.secret);
        let texts = versions.iter().filter_map(|id| self.local.value_of(&self.secret, id));
        let held: Vec<String> = texts.filter_map(|text| held_in(&text)).collect();
        let mut keys = self.provider.keys(ACCOUNT);
        keys.retain(|key| !held.contains(&key.value));
        keys
    }

    /// Writes the description anew; the function reads it at the next step.
    pub fn describe(&self, description: &str) {
        self.add("harness.toml", description.as_bytes());
    }

    /// Writes a file into `PROVIDERS_DIR`.
    pub fn add(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.folder.path().join(name), bytes).expect("a file can be written");
    }
}

fn held_in(text: &str) -> Option<String> {
    let secret: Value = serde_json::from_str(text).ok()?;
    secret["key"].as_str().map(str::to_owned)
}

/// A secret with a key of the provider's.
pub fn secret_of(provider: &Provider, key: &Key) -> Value {
    json!({
        "url": provider.url(),
        "account": ACCOUNT,
        "key": key.value,
        "key_id": key.id,
        "ssl": false,
        "note": "kept as it is",
        "rotation": {"provider": "harness", "overlap_minutes": 0},
    })
}

/// Long enough for every wait of the function's, and short enough for a test that has it time out.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// The function; what it can print, it prints.
pub fn traced() -> Function {
    super::observed(binaries::turnlock_api_key(), "trace")
}

/// A function that knows the provider's description and its certificate.
fn knowing(function: Function, provider: &Provider, folder: &TempDir) -> Function {
    let folder = folder.path().to_str().expect("a path is text");
    let function = function.env("PROVIDERS_DIR", folder);
    if !provider.url().starts_with("https") {
        return function;
    }
    function.env("TLS_CA_FILE", provider.ca_file().to_str().expect("a path is text"))
}

fn folder(description: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    std::fs::write(folder.path().join("harness.toml"), description).expect("a file can be written");
    folder
}

/// A description of the provider as it is set up, with keys that overlap.
pub fn overlapping(setup: &Setup, without: Without) -> String {
    let limit = setup.limit.map(|limit| format!("limit = {limit}\n")).unwrap_or_default();
    let settle = setup.settle.as_secs();
    let list = if without.list { String::new() } else { list(setup.paging) };
    let [key, admin] = ["key", "admin.key"].map(|name| authentication(setup.authentication, name));
    let by = match setup.minting {
        Minting::Itself => "",
        Minting::Admin => "by = \"admin\"\n",
    };
    let full = setup.full;
    format!(
        r#"title = "The provider of the tests"
strategy = "overlapping-keys"
base_url = "{{url}}"
host_from_secret = ["url"]
principal = "{{account}}"
settle_seconds = {settle}
{limit}
[key]
{key}
[admin]
{admin}
test = {{ method = "GET", path = "/accounts/{{account}}/keys" }}

[test]
method = "GET"
path = "/whoami"
same = {{ account = "/account" }}

[create]
{by}method = "POST"
path = "/accounts/{{account}}/keys"
json = {{ label = "{{new.label}}", lifetime = "{{new.expires_in?|number}}" }}
success = [201]
when = [{{ status = {full}, means = "full" }}]
fields = {{ key = "/data/token", key_id = "/data/id" }}

[[retire]]
{by}method = "DELETE"
path = "/accounts/{{account}}/keys/{{key_id}}"

{list}"#
    )
}

fn list(paging: Paging) -> String {
    let pages = match paging {
        Paging::None => "",
        Paging::Page(_) => r#"pages = { by = "number", query = "page", last = "/pages" }"#,
        Paging::Cursor(_) => r#"pages = { by = "cursor", query = "cursor", at = "/next_cursor" }"#,
        Paging::Link(_) => r#"pages = { by = "link" }"#,
    };
    format!(
        r#"[list]
items = "/data"
id = "/id"
label = "/label"
{pages}
request = {{ method = "GET", path = "/accounts/{{account}}/keys" }}
"#
    )
}

/// How a key is shown, of a field of the secret.
fn authentication(authentication: Authentication, field: &str) -> String {
    match authentication {
        Authentication::Bearer => format!("bearer = \"{{{field}}}\""),
        Authentication::Header(name) => {
            format!("header = {{ name = \"{name}\", value = \"{{{field}}}\" }}")
        }
        Authentication::Basic => {
            let user = if field == "key" { "{account}" } else { "admin" };
            format!("basic = {{ user = \"{user}\", password = \"{{{field}}}\" }}")
        }
        Authentication::Query(name) => {
            format!("query = {{ name = \"{name}\", value = \"{{{field}}}\" }}")
        }
    }
}

impl Deref for World {
    type Target = Scene;

    fn deref(&self) -> &Scene {
        &self.scene
    }
}

impl DerefMut for World {
    fn deref_mut(&mut self) -> &mut Scene {
        &mut self.scene
    }
}
