//! A MySQL or MariaDB server, the stand-in, the real function and a secret, ready to be rotated.

use std::ops::{Deref, DerefMut};

use serde_json::{Value, json};
use turnlock_local::Function;

use crate::binaries;
use crate::mysql::{Mark, Product, Server, Setup};
use crate::scene::Scene;

pub use super::{ADMIN, ADMIN_PASSWORD, FIRST_PASSWORD, StepError, USER};

/// The function's name in the stand-in.
pub const FUNCTION: &str = "turnlock-mysql";

/// A server, the stand-in with the real function, and one secret with rotation on.
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
        Self::start_with(setup, |_| ()).await
    }

    /// The same with a secret that the test edits before it is stored.
    pub async fn start_with(setup: Setup, edit: impl FnOnce(&mut Value)) -> Self {
        let server = server_with_user(setup).await;
        let mut secret = secret_of(&server, USER, &json!(FIRST_PASSWORD));
        edit(&mut secret);
        Self::with_secret(server, &secret.to_string()).await
    }

    /// A user, an admin named by `masterarn` and the strategy `single-user`.
    pub async fn start_with_admin(setup: Setup) -> Self {
        Self::start_administered(setup, strategy("single-user")).await
    }

    /// The same with two users that take turns, as `masterarn` has it by default.
    pub async fn start_alternating(setup: Setup) -> Self {
        Self::start_administered(setup, |_| ()).await
    }

    /// The same with one user that has two passwords.
    pub async fn start_dual(setup: Setup) -> Self {
        Self::start_administered(setup, strategy("dual-password")).await
    }

    /// A user, an admin, and a secret that the test edits before it is stored.
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
        self.server.can_log_in(USER, password).await
    }

    /// What the server stores of how the user proves who it is: plugins and digests.
    pub async fn stored_password(&self) -> String {
        self.server.stored_password(USER, "%").await
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

/// A server with the user, for any host.
pub async fn server_with_user(setup: Setup) -> Server {
    let server = Server::start(setup).await;
    server.sql(&format!("CREATE USER {USER}@'%' IDENTIFIED BY '{FIRST_PASSWORD}'")).await;
    server
}

/// A server with the user, and an admin that may do what the first user of an Amazon RDS instance may.
pub async fn server_with_admin(setup: Setup) -> Server {
    let server = server_with_user(setup).await;
    let rights = rights_of_an_admin(server.product());
    server
        .sql(&format!(
            "CREATE USER {ADMIN}@'%' IDENTIFIED BY '{ADMIN_PASSWORD}'; \
             GRANT {rights} ON *.* TO {ADMIN}@'%' WITH GRANT OPTION"
        ))
        .await;
    server
}

/// What the first user of an Amazon RDS instance may, as "Master user account privileges" of RDS's guide has it.
///
/// Where MySQL split `SET_USER_ID`, 8.4, the admin has the part that an instance of that version has.
pub fn rights_of_an_admin(product: Product) -> String {
    let own = match product {
        Product::MySql => {
            ", CREATE ROLE, DROP ROLE, APPLICATION_PASSWORD_ADMIN, ROLE_ADMIN, SET_ANY_DEFINER, \
             XA_RECOVER_ADMIN"
        }
        Product::MariaDb => "",
    };
    format!(
        "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, RELOAD, PROCESS, REFERENCES, INDEX, ALTER, \
         SHOW DATABASES, CREATE TEMPORARY TABLES, LOCK TABLES, EXECUTE, REPLICATION SLAVE, \
         REPLICATION CLIENT, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, CREATE USER, \
         EVENT, TRIGGER{own}"
    )
}

/// A secret in the form that AWS's functions use.
pub fn secret_of(server: &Server, user: &str, password: &Value) -> Value {
    json!({
        "engine": server.product().engine(),
        "host": "localhost",
        "port": server.port(),
        "username": user,
        "password": password,
    })
}

/// The real function, trusting the server's own authority.
pub fn function(server: &Server) -> Function {
    super::observed(binaries::turnlock_mysql(), "debug")
        .env("TLS_CA_FILE", server.ca_file().display().to_string())
}

fn strategy(name: &str) -> impl FnOnce(&mut Value) {
    move |secret| secret["rotation"] = json!({"strategy": name})
}
