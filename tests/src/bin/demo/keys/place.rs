use serde_json::{Value, json};
use turnlock_local::Function;
use turnlock_tests::binaries;
use turnlock_tests::jupyterhub::{JupyterHub, Token};
use turnlock_tests::scene::Scene;

use super::PAUSE;
use crate::Problem;
use crate::picture::masked;
use crate::screen::{Ink, Line};
use crate::shooting::LATENCY;
use crate::stage::{Strike, bounded};
use crate::text::wrapped;

/// The user whose token is rotated.
const USER: &str = "reports";
/// The function's name, which is its program's, too.
const FUNCTION: &str = "turnlock-api-key";

/// A hub with a user, and the stand-in with a function and a secret.
pub(crate) struct Place {
    pub(crate) hub: JupyterHub,
    pub(crate) scene: Scene,
    /// The secret's text at the start.
    text: String,
}

impl Place {
    pub(crate) async fn set() -> Result<Self, Problem> {
        let hub = JupyterHub::start().await;
        hub.create_user(USER);
        let Token { id, value } = hub.create_token(USER, "made by a person", &Value::Null);
        let secret = json!({
            "url": hub.url(),
            "user": USER,
            "key": value,
            "key_id": id,
            "scopes": "self",
            "ssl": false,
            // Consumers here read the secret again before each rotation, however soon it is.
            "rotation": {"provider": "jupyterhub", "overlap_minutes": 0},
        });
        let text = secret.to_string();
        let function = Function::binary(binaries::turnlock_api_key());
        let function = bounded(function, hub.folder()).env("RUST_LOG", "debug");
        let scene = Scene::start(FUNCTION, function, &text).await;
        scene.local.set_knobs(|knobs| (knobs.step_spacing, knobs.latency) = (PAUSE, LATENCY));
        Ok(Self { hub, scene, text })
    }

    /// Who is who.
    pub(super) fn lines(&self) -> Vec<Line> {
        let entry = |name: &str, text: &str| {
            Line::new().add(Ink::Faint, format!("  {name:<10} ")).add(Ink::Plain, text)
        };
        let mut lines = vec![
            entry("provider", &format!("JupyterHub, on port {}", self.hub.port())),
            entry("service", "turnlock-local, for Secrets Manager and Lambda; 20 ms a call"),
            entry("function", &format!("the program {FUNCTION}, run as by Lambda")),
            entry("consumer", "asks the hub who it is with its token, again and again"),
        ];
        let first = self.known().into_iter().next().map(|token| token.value).unwrap_or_default();
        let mut name = "secret";
        for text in wrapped(&self.text.replacen(&first, &masked(&first), 1), ',', 64) {
            lines.push(entry(name, &text));
            name = "";
        }
        lines
    }

    /// The token of a label's version.
    pub(super) fn token(&self, label: &str) -> String {
        self.scene.document(label)["key"].as_str().unwrap_or_default().to_owned()
    }

    pub(super) fn current(&self) -> String {
        self.token("AWSCURRENT")
    }

    /// All tokens that the secret has had, in the order of their creation.
    pub(super) fn known(&self) -> Vec<Token> {
        let (local, secret) = (&self.scene.local, &self.scene.secret);
        let of = |version: String| {
            let document: Value = serde_json::from_str(&local.value_of(secret, &version)?).ok()?;
            let field = |name: &str| Some(document.get(name)?.as_str()?.to_owned());
            Some(Token { id: field("key_id")?, value: field("key")? })
        };
        local.versions(secret).into_iter().filter_map(of).collect()
    }

    /// The ids of the tokens that the hub has now.
    pub(super) fn tokens(&self) -> Vec<String> {
        let id = |token: Value| token["id"].as_str().unwrap_or_default().to_owned();
        self.hub.tokens(USER).into_iter().map(id).collect()
    }

    /// Whether the secret's text is that of the start, but for the token and its id.
    pub(super) fn untouched(&self) -> bool {
        let now = self.scene.local.value_of(&self.scene.secret, "AWSCURRENT");
        let known = self.known();
        let (Some(now), Some(first), Some(last)) = (now, known.first(), known.last()) else {
            return false;
        };
        let quoted = |text: &str| json!(text).to_string();
        let text = now.replacen(&quoted(&last.value), &quoted(&first.value), 1);
        text.replacen(&quoted(&last.id), &quoted(&first.id), 1) == self.text
    }

    /// What the function has printed.
    pub(super) fn output(&self) -> String {
        self.scene.output()
    }
}

impl Strike for Place {
    async fn strike(self) {
        let Self { hub, scene, .. } = self;
        scene.local.stop().await;
        drop(hub);
    }
}
