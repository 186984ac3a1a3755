//! A PostgreSQL server, the stand-in, the real function and a secret, ready to be rotated.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use turnlock_local::{Call, EventKind, Function, Knobs, Local, Operation};

use crate::binaries;
use crate::postgres::{Mark, Server, Setup};

/// The role whose password is rotated, unless a test says otherwise.
pub const USER: &str = "app";
/// Its password at the start.
pub const FIRST_PASSWORD: &str = "first-password-of-app";
/// A role without SUPERUSER that may change the user's password.
pub const ADMIN: &str = "turnlock_admin";
/// The admin's password.
pub const ADMIN_PASSWORD: &str = "password-of-the-admin";
/// The function's name in the stand-in.
pub const FUNCTION: &str = "turnlock-postgres";

/// The longest that a rotation may take here, retries and time-outs included.
const PATIENCE: Duration = Duration::from_secs(60);

/// A PostgreSQL server, the stand-in with the real function, and one secret with rotation on.
#[derive(Debug)]
pub struct World {
    /// The server.
    pub server: Server,
    /// Secrets Manager and Lambda.
    pub local: Local,
    /// The secret's ARN.
    pub secret: String,
}

impl World {
    /// A user with its own authority on a server of this kind.
    pub async fn start(setup: Setup) -> Self {
        let server = Server::start(setup).await;
        let password = json!(FIRST_PASSWORD);
        server.sql(&format!("CREATE ROLE {USER} LOGIN PASSWORD '{FIRST_PASSWORD}'")).await;
        let secret = secret_of(&server, USER, &password);
        Self::with_secret(server, &secret.to_string()).await
    }

    /// The same, with an admin named by `masterarn` and the strategy `single-user`.
    pub async fn start_with_admin(setup: Setup) -> Self {
        Self::start_administered(setup, |secret| {
            secret["rotation"] = json!({"strategy": "single-user"});
        })
        .await
    }

    /// The same with two users that take turns, as `masterarn` has it by default.
    pub async fn start_alternating(setup: Setup) -> Self {
        Self::start_administered(setup, |_| ()).await
    }

    /// A user, the admin that made it, and a secret that the test edits before it is stored.
    pub async fn start_administered(setup: Setup, edit: impl FnOnce(&mut Value)) -> Self {
        Self::administered(server_with_admin(setup).await, edit).await
    }

    /// A secret of the user's with an admin, on a server that has both.
    pub async fn administered(server: Server, edit: impl FnOnce(&mut Value)) -> Self {
        let function = function(&server);
        Self::administered_with(server, function, edit).await
    }

    /// The same, with the function set up by the test.
    pub async fn administered_with(
        server: Server,
        function: Function,
        edit: impl FnOnce(&mut Value),
    ) -> Self {
        let mut world = Self::with_function(server, "{}", function).await;
        let admin = secret_of(&world.server, ADMIN, &json!(ADMIN_PASSWORD));
        let admin = world.local.create_secret("admin", &admin.to_string()).expect("a secret");
        let mut secret = secret_of(&world.server, USER, &json!(FIRST_PASSWORD));
        secret["masterarn"] = json!(admin);
        edit(&mut secret);
        world.secret = world.local.create_secret("user", &secret.to_string()).expect("a secret");
        world.local.set_rotation(&world.secret, FUNCTION).expect("rotation");
        world
    }

    /// A secret of this text, whatever it is.
    pub async fn with_secret(server: Server, text: &str) -> Self {
        let function = function(&server);
        Self::with_function(server, text, function).await
    }

    /// The same, with the function set up by the test.
    pub async fn with_function(server: Server, text: &str, function: Function) -> Self {
        let knobs = Knobs { attempts: 1, require_rotation_token: true, ..Knobs::default() };
        let local = Local::builder().function(FUNCTION, function).knobs(knobs).start().await;
        let local = local.expect("the stand-in starts");
        let secret = local.create_secret("app", text).expect("a secret can be created");
        local.set_rotation(&secret, FUNCTION).expect("rotation can be turned on");
        Self { server, local, secret }
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

    /// Whether the user can log in with a password.
    pub async fn accepts(&self, password: &str) -> bool {
        self.server.can_log_in(USER, password, "postgres").await
    }

    /// What the server stores of the user's password.
    pub async fn stored_password(&self) -> String {
        self.server
            .query_one(&format!("SELECT rolpassword FROM pg_authid WHERE rolname = '{USER}'"))
            .await
    }

    /// The calls that the function made to Secrets Manager.
    pub fn function_calls(&self) -> Vec<Call> {
        self.local.calls().into_iter().filter(|call| call.from_function.is_some()).collect()
    }

    /// Invokes one step by hand for a version, as `cargo lambda invoke` would.
    pub async fn step(&self, step: &str, version: &str) -> Result<Value, StepError> {
        let event = json!({"Step": step, "SecretId": self.secret, "ClientRequestToken": version});
        let result = self.local.invoke(FUNCTION, event).await;
        match result.error_type {
            None => Ok(result.payload),
            Some(class) => Err(StepError {
                step: step.to_owned(),
                class,
                message: result.error_message.unwrap_or_default(),
            }),
        }
    }

    /// A mark in the server's log, to count logins from.
    pub fn mark(&self) -> Mark {
        self.server.mark()
    }
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

/// A server with the admin, and the user that it made.
pub async fn server_with_admin(setup: Setup) -> Server {
    let server = Server::start(setup).await;
    server
        .sql(&format!(
            "CREATE ROLE {ADMIN} LOGIN CREATEROLE PASSWORD '{ADMIN_PASSWORD}'; \
             SET ROLE {ADMIN}; CREATE ROLE {USER} LOGIN PASSWORD '{FIRST_PASSWORD}'"
        ))
        .await;
    server
}

/// A secret in the form that AWS's functions use.
pub fn secret_of(server: &Server, user: &str, password: &Value) -> Value {
    json!({
        "engine": "postgres",
        "host": "localhost",
        "port": server.port(),
        "username": user,
        "password": password,
        "dbname": "postgres",
    })
}

/// The real function, trusting the server's own authority.
pub fn function(server: &Server) -> Function {
    Function::binary(binaries::turnlock_postgres())
        .env("TLS_CA_FILE", server.ca_file().display().to_string())
        .env("RUST_LOG", "debug")
}
