//! Rotations that fail, and what they must not have changed.

use serde_json::{Value, json};
use turnlock_local::Operation;

use crate::canary::{Canary, assert_absent};
use crate::postgres::{Server, Setup};
use crate::world::{ADMIN_PASSWORD, FIRST_PASSWORD, FUNCTION, StepError, USER, World, secret_of};

/// Everything that a server has of roles: passwords, attributes, settings, memberships.
const ROLES: &str = "SELECT concat_ws(E'\\n', \
     (SELECT string_agg(r::text, E'\\n' ORDER BY r.oid) FROM pg_authid r), \
     (SELECT string_agg(s::text, E'\\n' ORDER BY s::text) FROM pg_db_role_setting s), \
     (SELECT string_agg(m::text, E'\\n' ORDER BY m::text) FROM pg_auth_members m))";

impl World {
    /// A user with its own authority, and a secret that the test edits before it is stored.
    pub async fn start_with(setup: Setup, edit: impl FnOnce(&mut Value)) -> Self {
        let server = Server::start(setup).await;
        server.sql(&format!("CREATE ROLE {USER} LOGIN PASSWORD '{FIRST_PASSWORD}'")).await;
        let mut secret = secret_of(&server, USER, &json!(FIRST_PASSWORD));
        edit(&mut secret);
        Self::with_secret(server, &secret.to_string()).await
    }

    /// Rotates, which has to fail before anything is written anywhere; returns how it failed.
    ///
    /// # Panics
    ///
    /// If the rotation succeeds, writes, changes the server or tells a secret.
    pub async fn rotate_refused(&self) -> StepError {
        let error = self.rotate_failing().await;
        let put = self.calls_of(Operation::PutSecretValue);
        assert_eq!(put, 0, "a version was written before: {error:?}");
        let pending = self.local.value_of(&self.secret, "AWSPENDING");
        assert!(pending.is_none(), "the pending version has a value");
        error
    }

    /// Rotates, which has to fail before anything is changed for consumers; returns how it failed.
    ///
    /// # Panics
    ///
    /// If the rotation succeeds, moves `AWSCURRENT`, changes the server or tells a secret.
    pub async fn rotate_failing(&self) -> StepError {
        let (labels, mark) = (self.settled_labels(), self.mark());
        let value = self.local.value_of(&self.secret, "AWSCURRENT");
        let roles = self.roles().await;
        self.local.clear_calls();
        let error = self.rotate().await.expect_err("the rotation fails");
        assert_eq!(self.calls_of(Operation::UpdateSecretVersionStage), 0, "{error:?}");
        assert_eq!(self.settled_labels(), labels, "{error:?}");
        assert!(self.local.value_of(&self.secret, "AWSCURRENT") == value, "{error:?}");
        assert!(self.roles().await == roles, "the server was changed: {error:?}");
        let where_from = format!("Rotation failed in {} of {}: ", error.step, self.secret);
        assert!(error.message.starts_with(&where_from), "{error:?}");
        assert!(error.message.ends_with(&format!(" ({})", error.class)), "{error:?}");
        let log = self.server.log_since(mark);
        self.assert_silent_on_passwords(&[("the error", &error.message), ("the server", &log)]);
        error
    }

    /// Runs testSecret alone, as attaching without rotating does; it has to leave everything as it was.
    ///
    /// # Errors
    ///
    /// Whatever the test names.
    ///
    /// # Panics
    ///
    /// If a version, a label or a role is changed, or the function asks for more than it needs to read.
    pub async fn tested(&self) -> Result<(), StepError> {
        let state = || {
            let versions = self.local.versions(&self.secret);
            (versions, self.labels(), self.local.value_of(&self.secret, "AWSCURRENT"))
        };
        let (before, roles, mark) = (state(), self.roles().await, self.mark());
        self.local.clear_calls();
        let result = self.test_only().await;
        assert!(state() == before, "a version was changed");
        assert!(self.roles().await == roles, "the server was changed");
        let log = self.server.log_since(mark);
        for statement in
            ["ALTER ROLE", "CREATE ROLE", "GRANT ", "REVOKE ", "COMMENT ON", "REASSIGN"]
        {
            assert!(!log.contains(statement), "{log}");
        }
        let reads =
            [Operation::DescribeSecret, Operation::GetSecretValue, Operation::ListSecretVersionIds];
        let calls = self.function_calls();
        assert!(calls.iter().all(|call| reads.contains(&call.operation)), "{calls:?}");
        result
    }

    /// Fails if the function's output or one of these texts holds a password that tests start with.
    ///
    /// # Panics
    ///
    /// If one does.
    pub fn assert_silent_on_passwords(&self, texts: &[(&str, &str)]) {
        let output = self.local.output(FUNCTION);
        let canaries =
            [Canary::of("the user's", FIRST_PASSWORD), Canary::of("the admin's", ADMIN_PASSWORD)];
        assert_absent(&canaries, &[texts, &[("the function's output", &output)]].concat());
    }

    /// Everything that the server has of roles, as text.
    pub async fn roles(&self) -> String {
        self.server.query_one(ROLES).await
    }

    /// How many calls of an operation the function made.
    pub fn calls_of(&self, operation: Operation) -> usize {
        self.function_calls().iter().filter(|call| call.operation == operation).count()
    }

    /// The labels but for `AWSPENDING`, which the service itself puts on a version without a value.
    fn settled_labels(&self) -> Vec<(String, String)> {
        self.labels().into_iter().filter(|(label, _)| label != "AWSPENDING").collect()
    }
}

impl StepError {
    /// Fails unless this is the step, the class, and a text with all of these words.
    ///
    /// # Panics
    ///
    /// If it is something else.
    pub fn assert_is(&self, step: &str, class: &str, words: &[&str]) {
        assert_eq!((self.step.as_str(), self.class.as_str()), (step, class), "{}", self.message);
        for word in words {
            assert!(self.message.contains(word), "no `{word}` in: {}", self.message);
        }
    }
}
