//! The stand-in, a real function and one secret with rotation on, whatever the secret is for.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use turnlock_local::{Call, EventKind, Fault, Function, Knobs, Local, Operation};

/// The longest that a rotation may take here, retries and time-outs included.
const PATIENCE: Duration = Duration::from_secs(60);

/// The stand-in with a real function, and one secret with rotation on.
#[derive(Debug)]
pub struct Scene {
    /// Secrets Manager and Lambda.
    pub local: Local,
    /// The secret's ARN.
    pub secret: String,
    /// The function's name in the stand-in.
    function: &'static str,
}

impl Scene {
    /// A secret of this text, whatever it is.
    ///
    /// # Panics
    ///
    /// If the stand-in does not start or refuses it.
    pub async fn start(name: &'static str, function: Function, text: &str) -> Self {
        let knobs = Knobs { attempts: 1, require_rotation_token: true, ..Knobs::default() };
        let local = Local::builder().function(name, function).knobs(knobs).start().await;
        let local = local.expect("the stand-in starts");
        let secret = local.create_secret("app", text).expect("a secret can be created");
        Self::of(local, secret, name)
    }

    /// A secret of a stand-in that the test started, and the function there that rotates it from now on.
    ///
    /// # Panics
    ///
    /// If the stand-in has no such secret or function.
    pub fn of(local: Local, secret: String, function: &'static str) -> Self {
        local.set_rotation(&secret, function).expect("rotation can be turned on");
        Self { local, secret, function }
    }

    /// A secret with an admin, which is another secret.
    ///
    /// # Panics
    ///
    /// If the stand-in does not start or refuses one of them.
    pub async fn start_administered(
        name: &'static str,
        function: Function,
        admin: &Value,
        mut secret: Value,
        edit: impl FnOnce(&mut Value),
    ) -> Self {
        let mut scene = Self::start(name, function, "{}").await;
        let admin = scene.local.create_secret("admin", &admin.to_string()).expect("a secret");
        secret["masterarn"] = json!(admin);
        edit(&mut secret);
        scene.secret = scene.local.create_secret("user", &secret.to_string()).expect("a secret");
        scene.local.set_rotation(&scene.secret, name).expect("rotation");
        scene
    }

    /// Rotates once and waits for the end; the error is that of the step that failed.
    pub async fn rotate(&self) -> Result<(), StepError> {
        self.local.rotate(&self.secret).expect("the rotation begins");
        self.settle().await
    }

    /// Asks for a rotation where one may be unfinished, which is then tried again.
    pub async fn retry(&self) -> Result<(), StepError> {
        if let Err(refused) = self.local.rotate(&self.secret) {
            assert!(refused.to_string().contains("will be reattempted"), "{refused}");
        }
        self.settle().await
    }

    /// Runs testSecret alone, as attaching without rotating does.
    pub async fn test_only(&self) -> Result<(), StepError> {
        self.local.test_rotation(&self.secret).expect("the test begins");
        self.settle().await
    }

    /// Waits for the end of the rotation in progress; the error is that of the step that failed.
    pub async fn settle(&self) -> Result<(), StepError> {
        let ended = self.local.wait_for_rotation(&self.secret, PATIENCE).await;
        ended.map_err(|failure| {
            let failed = |kind| {
                let EventKind::StepFinished { step, error_type, error_message, .. } = kind else {
                    return None;
                };
                error_type.map(|class| (step, class, error_message.unwrap_or_default()))
            };
            let mut events = self.local.events().into_iter().rev();
            let (step, class, message) = events
                .find_map(|event| failed(event.kind))
                .unwrap_or_else(|| (String::new(), String::new(), format!("{failure:?}")));
            StepError { step, class, message }
        })
    }

    /// The secret's document of a label or a version id.
    pub fn document(&self, version: &str) -> Value {
        let text = self.local.value_of(&self.secret, version).expect("the version has a value");
        serde_json::from_str(&text).expect("the value is JSON")
    }

    /// The password of a label or a version id.
    pub fn password(&self, version: &str) -> String {
        self.document(version)["password"].as_str().expect("a password").to_owned()
    }

    /// The user of a label or a version id.
    pub fn user(&self, version: &str) -> String {
        self.document(version)["username"].as_str().expect("a name").to_owned()
    }

    /// Edits the current version, as a person would, which abandons a rotation that is under way.
    pub fn edit(&self, edit: impl FnOnce(&mut Value)) {
        let mut secret = self.document("AWSCURRENT");
        edit(&mut secret);
        self.local.put_value(&self.secret, &secret.to_string()).expect("a write");
    }

    /// The labels and the versions that have them.
    pub fn labels(&self) -> BTreeMap<String, String> {
        self.local.labels(&self.secret)
    }

    /// Takes `AWSPENDING` off a version, as people do to get unstuck.
    pub fn clear_pending(&self, version: &str) {
        let request = json!({
            "SecretId": self.secret,
            "VersionStage": "AWSPENDING",
            "RemoveFromVersionId": version,
        });
        let cleared = self.local.call(Operation::UpdateSecretVersionStage, &request);
        cleared.expect("the label can be cleared");
    }

    /// The calls that the function made to Secrets Manager.
    pub fn function_calls(&self) -> Vec<Call> {
        self.local.calls().into_iter().filter(|call| call.from_function.is_some()).collect()
    }

    /// Rotates up to finishSecret, which fails; the version in the making.
    ///
    /// # Panics
    ///
    /// If it fails earlier.
    pub async fn rotate_but_for_the_end(&self) -> String {
        self.local.set_knobs(|knobs| knobs.require_rotation_token = false);
        self.local.fail_next(Operation::UpdateSecretVersionStage, 1, Fault::AccessDenied);
        let error = self.rotate().await.expect_err("finishSecret is denied");
        assert_eq!(error.step, "finishSecret", "{error:?}");
        self.labels()["AWSPENDING"].clone()
    }

    /// Takes all four steps by hand for a version, as the service does when it tries again.
    ///
    /// # Errors
    ///
    /// The first step that fails.
    pub async fn retry_by_hand(&self, version: &str) -> Result<(), StepError> {
        for step in ["createSecret", "setSecret", "testSecret", "finishSecret"] {
            self.step(step, version).await?;
        }
        Ok(())
    }

    /// What the function has printed.
    pub fn output(&self) -> String {
        self.local.output(self.function)
    }

    /// Invokes one step by hand for a version, as `cargo lambda invoke` would.
    pub async fn step(&self, step: &str, version: &str) -> Result<Value, StepError> {
        let event = json!({"Step": step, "SecretId": self.secret, "ClientRequestToken": version});
        let result = self.local.invoke(self.function, event).await;
        match result.error_type {
            None => Ok(result.payload),
            Some(class) => Err(StepError {
                step: step.to_owned(),
                class,
                message: result.error_message.unwrap_or_default(),
            }),
        }
    }
}

/// Whether a class of error says that a step was cut off by the clock, by the function itself or by Lambda.
pub fn is_late(class: &str) -> bool {
    ["timeout", "Sandbox.Timedout"].contains(&class)
}

/// How a step failed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StepError {
    /// The step.
    pub step: String,
    /// `errorType`.
    pub class: String,
    /// `errorMessage`.
    pub message: String,
}
