//! A script, played to the function.

use std::fs;
use std::sync::Arc;

use serde_json::{Value, json};
use tempfile::TempDir;
use turnlock_local::Function;

use super::provider::Provider;
use super::script::{Fault, Script};
use crate::binaries::turnlock_api_key;
use crate::scene::{Scene, StepError};
use crate::tunnel::{Sent, Tunnel};

/// A script with a function, a secret, and the provider that it tells of.
#[derive(Debug)]
pub struct Play {
    script: Script,
    provider: Arc<Provider>,
    scene: Scene,
    _tunnel: Tunnel,
    _folder: TempDir,
}

const NAME: &str = "keys";

impl Play {
    /// Sets the scene.
    pub async fn of(script: Script) -> Self {
        let provider = Provider::new(script.clone());
        let answers = Arc::clone(&provider);
        let tunnel = Tunnel::start(Arc::new(move |sent: &Sent| answers.answer(sent))).await;
        let folder = TempDir::new().expect("a folder");
        let roots = folder.path().join("roots.pem");
        fs::write(&roots, tunnel.authority()).expect("a file");
        let function = Function::binary(turnlock_api_key())
            .env("HTTPS_PROXY", tunnel.address())
            .env("TLS_CA_FILE", roots.to_string_lossy());
        let mut secret = script.secret.clone();
        let mut rotation = script.rotation.clone();
        rotation.insert("provider".to_owned(), json!(script.name));
        rotation.insert("overlap_minutes".to_owned(), json!(0));
        secret.insert("rotation".to_owned(), rotation.into());
        let scene = match &script.admin {
            None => Scene::start(NAME, function, &Value::from(secret).to_string()).await,
            Some(admin) => {
                let admin = Value::from(admin.clone());
                Scene::start_administered(NAME, function, &admin, secret.into(), |_| {}).await
            }
        };
        Self { script, provider, scene, _tunnel: tunnel, _folder: folder }
    }

    /// Rotates twice, and checks that every request came that the script has, and no other.
    ///
    /// # Panics
    ///
    /// If it is otherwise; the message has the requests, without what is secret.
    pub async fn twice(&self) {
        let Script { first, second, holds, .. } = &self.script;
        let mut expected = self.scene.document("AWSCURRENT");
        for (steps, holds) in [(first, &holds.first), (second, &holds.second)] {
            self.provider.play(steps.clone(), None);
            let rotated = self.scene.rotate().await;
            let problems = self.provider.problems();
            let name = &self.script.name;
            assert!(problems.is_empty(), "{name}: {rotated:?}\n{}", problems.join("\n"));
            assert_eq!(rotated, Ok(()), "{}", self.script.name);
            for (field, value) in holds {
                let text = value.as_str().expect("a text");
                expected[field] = json!(self.provider.filled(text));
            }
            assert_eq!(self.scene.document("AWSCURRENT"), expected, "{}", self.script.name);
        }
        self.keeps_secrets();
    }

    /// Rotates up to an answer that fails; how the rotation failed.
    ///
    /// # Panics
    ///
    /// If it does not, or if a request comes that the script does not have.
    pub async fn failing(&self, fault: &Fault) -> StepError {
        let Script { first, second, .. } = &self.script;
        let name = &self.script.name;
        let steps = if fault.second { second } else { first };
        assert!(steps.iter().any(|step| step.name == fault.at), "{name}: no step {}", fault.at);
        if fault.second {
            self.provider.play(first.clone(), None);
            assert_eq!(self.scene.rotate().await, Ok(()), "{name}");
        }
        let before = self.scene.document("AWSCURRENT");
        self.provider.play(steps.clone(), Some(fault.clone()));
        let rotated = self.scene.rotate().await;
        assert_eq!(self.scene.document("AWSCURRENT"), before, "{name}");
        let surprises = self.provider.surprises();
        assert!(surprises.is_empty(), "{name}: {}", surprises.join("\n"));
        self.keeps_secrets();
        rotated.expect_err(&format!("{name}: {} answers {}", fault.at, fault.answer))
    }

    /// Rotates again after the last step of a retirement has failed, with a key that is rejected by now.
    ///
    /// # Panics
    ///
    /// If the retirement is not finished, or the rotation is not.
    pub async fn resumed(&self, rejected: &Fault) {
        let mut steps = self.script.second.clone();
        let old = steps.first_mut().expect("the old key is tried first");
        old.answer = rejected.answer;
        old.body.clone_from(&rejected.body);
        self.provider.play(steps, None);
        let rotated = self.scene.retry().await;
        let (name, problems) = (&self.script.name, self.provider.problems());
        assert!(problems.is_empty(), "{name}: {rotated:?}\n{}", problems.join("\n"));
        assert_eq!(rotated, Ok(()), "{name}");
    }

    /// The output of the function holds nothing secret.
    fn keeps_secrets(&self) {
        let output = self.scene.output();
        for secret in self.script.secret_texts() {
            assert!(!output.contains(secret), "{}: a secret in its output", self.script.name);
        }
    }
}
