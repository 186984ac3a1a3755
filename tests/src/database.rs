//! A server of any product, for what is to be shown of all of them alike.

use std::path::Path;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _};
use turnlock_local::Function;

use crate::mysql::Product;
use crate::servers::{Logins, Mark};
use crate::world::{ADMIN, ADMIN_PASSWORD};
use crate::{mysql, postgres, world};

/// What server, and what its secrets call it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// PostgreSQL.
    Postgres,
    /// MySQL.
    MySql,
    /// MariaDB.
    MariaDb,
    /// MariaDB whose secrets have `mysql` in `engine`.
    MariaDbAsMySql,
}

/// A running server with an admin.
#[derive(Debug)]
pub struct Database {
    kind: Kind,
    server: Server,
}

#[derive(Debug)]
enum Server {
    Postgres(postgres::Server),
    MySql(mysql::Server),
}

impl Database {
    /// Starts one, with the admin of [`ADMIN`].
    pub async fn start(kind: Kind) -> Self {
        let product = match kind {
            Kind::Postgres => {
                let server = postgres::Server::start(postgres::Setup::default()).await;
                let admin = "LOGIN CREATEROLE PASSWORD";
                server.sql(&format!("CREATE ROLE {ADMIN} {admin} '{ADMIN_PASSWORD}'")).await;
                return Self { kind, server: Server::Postgres(server) };
            }
            Kind::MySql => Product::MySql,
            Kind::MariaDb | Kind::MariaDbAsMySql => Product::MariaDb,
        };
        let server = world::mysql::server_with_admin(mysql::Setup::of(product)).await;
        Self { kind, server: Server::MySql(server) }
    }

    /// What it is, and its version.
    pub async fn name(&self) -> String {
        let (name, version) = match &self.server {
            Server::Postgres(server) => {
                ("PostgreSQL", server.query_one("SHOW server_version").await)
            }
            Server::MySql(server) => {
                let name = match server.product() {
                    Product::MySql => "MySQL",
                    Product::MariaDb => "MariaDB",
                };
                (name, server.query_one("SELECT version()").await)
            }
        };
        let version = version.split([' ', '-']).next().unwrap_or_default();
        format!("{name} {version}")
    }

    /// The authority to trust, PEM.
    pub fn ca_file(&self) -> &Path {
        match &self.server {
            Server::Postgres(server) => server.ca_file(),
            Server::MySql(server) => server.ca_file(),
        }
    }

    /// Its TCP port.
    pub fn port(&self) -> u16 {
        match &self.server {
            Server::Postgres(server) => server.port(),
            Server::MySql(server) => server.port(),
        }
    }

    /// The present end of the log.
    pub fn mark(&self) -> Mark {
        match &self.server {
            Server::Postgres(server) => server.mark(),
            Server::MySql(server) => server.mark(),
        }
    }

    /// What the server logged after a mark.
    pub fn log_since(&self, mark: Mark) -> String {
        match &self.server {
            Server::Postgres(server) => server.log_since(mark),
            Server::MySql(server) => server.log_since(mark),
        }
    }

    /// The logins of several users together, after a mark.
    pub async fn logins_of(&self, mark: Mark, users: &[&str]) -> Logins {
        match &self.server {
            Server::Postgres(server) => server.logins_of(mark, users).await,
            Server::MySql(server) => server.logins_of(mark, users).await,
        }
    }

    /// Makes a user anew that the admin may change, with a schema of its name that it may do all in.
    ///
    /// Another user called `<name>_clone` is gone.
    ///
    /// # Panics
    ///
    /// If the server refuses it.
    pub async fn make_user(&self, name: &str, password: &str) {
        match &self.server {
            Server::Postgres(server) => {
                server.sql(&format!("DROP SCHEMA IF EXISTS {name} CASCADE")).await;
                server.sql(&format!("DROP ROLE IF EXISTS {name}_clone, {name}")).await;
                server
                    .sql(&format!(
                        "SET ROLE {ADMIN}; CREATE ROLE {name} LOGIN PASSWORD '{password}'; \
                         RESET ROLE; CREATE SCHEMA {name} AUTHORIZATION {name}"
                    ))
                    .await;
            }
            Server::MySql(server) => {
                server
                    .sql(&format!(
                        "DROP DATABASE IF EXISTS {name}; CREATE DATABASE {name}; \
                         DROP USER IF EXISTS {name}@'%', {name}_clone@'%'; \
                         CREATE USER {name}@'%' IDENTIFIED BY '{password}'; \
                         GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP ON {name}.* TO {name}@'%'"
                    ))
                    .await;
            }
        }
    }

    /// Whether a consumer with this password is let in; one attempt in the server's log.
    ///
    /// # Panics
    ///
    /// If the server neither lets it in nor rejects it: not knowing is not an answer.
    pub async fn can_log_in(&self, user: &str, password: &str) -> bool {
        match &self.server {
            Server::Postgres(server) => server.can_log_in(user, password, "postgres").await,
            Server::MySql(server) => server.can_log_in(user, password).await,
        }
    }

    /// Logs in and runs statements.
    ///
    /// # Errors
    ///
    /// What the server says to the login or to a statement.
    pub async fn run_as(&self, user: &str, password: &str, statements: &str) -> Result<(), String> {
        let refused = |error: sqlx::Error| format!("{user}: {error}");
        let statements = AssertSqlSafe(statements.to_owned());
        match &self.server {
            Server::Postgres(server) => {
                let mut session =
                    server.log_in(user, password, "postgres").await.map_err(refused)?;
                sqlx::raw_sql(statements).execute(&mut session).await.map_err(refused)?;
                session.close().await.map_err(refused)
            }
            Server::MySql(server) => {
                let mut session = server.log_in(user, password).await.map_err(refused)?;
                sqlx::raw_sql(statements).execute(&mut session).await.map_err(refused)?;
                session.close().await.map_err(refused)
            }
        }
    }

    /// A secret in the form that AWS's functions use.
    pub fn secret_of(&self, user: &str, password: &str) -> Value {
        let password = json!(password);
        let mut secret = match &self.server {
            Server::Postgres(server) => world::secret_of(server, user, &password),
            Server::MySql(server) => world::mysql::secret_of(server, user, &password),
        };
        if self.kind == Kind::MariaDbAsMySql {
            secret["engine"] = json!("mysql");
        }
        secret
    }

    /// The admin's secret.
    pub fn secret_of_admin(&self) -> Value {
        self.secret_of(ADMIN, ADMIN_PASSWORD)
    }

    /// Our function for it, trusting the server's own authority.
    pub fn function(&self) -> Function {
        match &self.server {
            Server::Postgres(server) => world::function(server),
            Server::MySql(server) => world::mysql::function(server),
        }
    }
}
