//! A PostgreSQL server, the stand-in, the real function and a secret, ready to be rotated.

pub mod keys;
pub mod mysql;

use std::ops::{Deref, DerefMut};
use std::path::Path;

use serde_json::{Value, json};
use turnlock_local::Function;

use crate::binaries;
use crate::postgres::{Mark, Server, Setup};
use crate::scene::Scene;

pub use crate::scene::StepError;

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

/// A PostgreSQL server, the stand-in with the real function, and one secret with rotation on.
#[derive(Debug)]
pub struct World {
    /// The server.
    pub server: Server,
    /// The rest, by whose names a world's own are: `world.local`, `world.rotate()`.
    pub scene: Scene,
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
        let admin = secret_of(&server, ADMIN, &json!(ADMIN_PASSWORD));
        let secret = secret_of(&server, USER, &json!(FIRST_PASSWORD));
        let scene = Scene::start_administered(FUNCTION, function, &admin, secret, edit).await;
        Self { server, scene }
    }

    /// A secret of this text, whatever it is.
    pub async fn with_secret(server: Server, text: &str) -> Self {
        let function = function(&server);
        Self::with_function(server, text, function).await
    }

    /// The same, with the function set up by the test.
    pub async fn with_function(server: Server, text: &str, function: Function) -> Self {
        let scene = Scene::start(FUNCTION, function, text).await;
        Self { server, scene }
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

    /// A mark in the server's log, to count logins from.
    pub fn mark(&self) -> Mark {
        self.server.mark()
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

/// A function of ours that says all that it can at this level, and metrics: tests look for secrets there.
pub(crate) fn observed(program: &Path, level: &str) -> Function {
    Function::binary(program)
        .env("RUST_LOG", level)
        .env("METRICS_NAMESPACE", "Turnlock")
        // A resolver that loses a question asks again before the function stops waiting, by resolv.conf(5).
        .env("RES_OPTIONS", "timeout:1 attempts:2")
}

/// The real function, trusting the server's own authority.
pub fn function(server: &Server) -> Function {
    observed(binaries::turnlock_postgres(), "debug")
        .env("TLS_CA_FILE", server.ca_file().display().to_string())
}
