//! Rotations whose secrets are all watched for: in all that anybody prints, answers or logs.

use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tempfile::TempDir;
use turnlock_local::{Function, Hook, Local};

use crate::canary::{Canary, assert_absent};
use crate::metrics;
use crate::scene::Scene;

/// What has to stay secret.
#[derive(Debug)]
pub struct Watch {
    /// The user's password at the start.
    pub old: Canary,
    /// The admin's password.
    pub admin: Canary,
    tokens: Arc<Mutex<Vec<String>>>,
    data: TempDir,
}

impl Default for Watch {
    fn default() -> Self {
        Self::of(Canary::new("the old password"), Canary::new("the admin's password"))
    }
}

impl Watch {
    /// Watches for these.
    ///
    /// # Panics
    ///
    /// If no folder can be made.
    pub fn of(old: Canary, admin: Canary) -> Self {
        let data = tempfile::tempdir().expect("a folder");
        Self { old, admin, tokens: Arc::default(), data }
    }

    /// The stand-in with a function that logs all that it can, and a secret, perhaps with an admin's.
    ///
    /// # Panics
    ///
    /// If the stand-in does not start or refuses one of them.
    pub async fn scene(
        &self,
        name: &'static str,
        function: Function,
        mut secret: Value,
        admin: Option<&Value>,
        edit: impl FnOnce(&mut Value),
    ) -> Scene {
        let file = self.data.path().join("state.json");
        let function = function.env("RUST_LOG", "trace").env("AWS_LAMBDA_LOG_LEVEL", "TRACE");
        let local = Local::builder().function(name, function).data(&file);
        let local = local.start().await.expect("the stand-in starts");
        if let Some(admin) = admin {
            let arn = local.create_secret("admin", &admin.to_string()).expect("a secret");
            secret["masterarn"] = json!(arn);
            secret["rotation"] = json!({"strategy": "single-user"});
        }
        edit(&mut secret);
        let secret = local.create_secret("app", &secret.to_string()).expect("a secret");
        let seen = Arc::clone(&self.tokens);
        local.set_knobs(|knobs| {
            knobs.attempts = 1;
            knobs.require_rotation_token = true;
            knobs.before_step = Some(Hook::new(move |_| {
                seen.lock().expect("no test has panicked").extend(token_in(&file));
                std::future::ready(())
            }));
        });
        Scene::of(local, secret, name)
    }

    /// Everything that was secret at any time.
    ///
    /// # Panics
    ///
    /// If there was no rotation yet.
    pub fn canaries(&self, scene: &Scene) -> Vec<Canary> {
        let mut canaries = vec![self.old.clone(), self.admin.clone()];
        let tokens = self.tokens.lock().expect("no test has panicked");
        assert!(!tokens.is_empty(), "no RotationToken was seen");
        canaries.extend(tokens.iter().map(|token| Canary::of("the RotationToken", token)));
        for version in scene.local.versions(&scene.secret) {
            let Some(text) = scene.local.value_of(&scene.secret, &version) else {
                continue;
            };
            let secret: Value = serde_json::from_str(&text).expect("JSON");
            let password = secret["password"].as_str().expect("a password");
            canaries.push(Canary::of("a version's password", password));
        }
        canaries
    }

    /// Looks for all secrets in all that anybody has printed or answered, and in what the server has logged.
    ///
    /// # Panics
    ///
    /// If one is there, or if there are not so many versions of the secret: then there is nothing new to look for.
    pub fn assert_silent(&self, scene: &Scene, versions: usize, log: &str) {
        let local = &scene.local;
        assert_eq!(local.versions(&scene.secret).len(), versions, "nothing new to look for");
        let output = scene.output();
        assert!(output.contains(" done") || output.contains("ERROR"), "{output}");
        assert!(!metrics::lines(&output).is_empty(), "{output}");
        let events = format!("{:?}", local.events());
        let calls = format!("{:?}", local.calls());
        let texts = [
            ("the server's log", log),
            ("the function's output", &output),
            ("events and errors", &events),
            ("the journal", &calls),
        ];
        assert_absent(&self.canaries(scene), &texts);
    }
}

/// The `RotationToken` of the rotation in progress, as the stand-in's data file holds it.
pub fn token_in(file: &Path) -> Option<String> {
    let state: Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
    let secrets = state["secrets"].as_array()?;
    let token = |secret: &Value| secret["rotating"]["rotation_token"].as_str().map(str::to_owned);
    secrets.iter().find_map(token)
}
