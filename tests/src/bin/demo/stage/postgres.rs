//! PostgreSQL, with one user or with two.

use serde_json::json;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use turnlock_local::Function;
use turnlock_tests::postgres::{Logins, Mark, Server, Setup};
use turnlock_tests::world::{self, ADMIN, FUNCTION, USER, World};

use super::{Place, Stage, bounded, first_password};
use crate::Problem;
use crate::consumers::{Consumers, Options};

impl Options for PgConnectOptions {
    fn of(&self, user: &str, password: &str) -> Self {
        self.clone().username(user).password(password)
    }
}

impl Place for World {
    type Options = PgConnectOptions;
    const FUNCTION: &str = FUNCTION;

    fn port(&self) -> u16 {
        self.server.port()
    }

    fn mark(&self) -> Mark {
        self.server.mark()
    }

    async fn logins_since(&self, mark: Mark) -> Logins {
        self.server.logins_since(mark, USER).await
    }

    async fn end(self) {
        let Self { server, scene } = self;
        scene.local.stop().await;
        drop(server);
    }
}

impl Stage<World> {
    /// One user with its own authority.
    pub(crate) async fn of_one_user() -> Result<Self, Problem> {
        let server = server().await;
        let password = first_password()?;
        server.sql(&format!("CREATE ROLE {USER} LOGIN PASSWORD '{password}'")).await;
        let text = secret(server.port(), &password);
        let consumers = consumers(&server)?;
        let (database, function) = (database(&server).await, function(&server));
        let world = World::with_function(server, &text, function).await;
        Ok(Self { consumers, world, text, database })
    }

    /// A user and the admin that made it, after these statements of a superuser's about the user.
    pub(crate) async fn of_two_users(statements: &str) -> Result<Self, Problem> {
        let server = server().await;
        let (password, admin) = (first_password()?, first_password()?);
        let make = format!(
            "CREATE ROLE {ADMIN} LOGIN CREATEROLE PASSWORD '{admin}'; SET ROLE {ADMIN}; \
             CREATE ROLE {USER} LOGIN PASSWORD '{password}'; RESET ROLE; {statements}"
        );
        server.sql(&make).await;
        let consumers = consumers(&server)?;
        let (database, function) = (database(&server).await, function(&server));
        let world = World::administered_with(server, function, |secret| {
            secret["password"] = json!(password);
        });
        let world = world.await;
        let secret = world::secret_of(&world.server, ADMIN, &json!(admin));
        let text = world.local.value_of(&world.secret, "AWSCURRENT").unwrap_or_default();
        let stage = Self { consumers, world, text, database };
        stage.set_admin(&secret)?;
        Ok(stage)
    }
}

async fn server() -> Server {
    Server::start(Setup { max_connections: 100, ..Setup::default() }).await
}

async fn database(server: &Server) -> String {
    let version = server.query_one("SHOW server_version").await;
    let version = version.split(' ').next().unwrap_or_default();
    format!("PostgreSQL {version} with TLS and SCRAM")
}

fn function(server: &Server) -> Function {
    bounded(world::function(server), server.folder())
}

fn consumers(server: &Server) -> std::io::Result<Consumers<PgConnectOptions>> {
    let (folder, port) = (server.folder(), server.port());
    let options = PgConnectOptions::new_without_pgpass()
        .host(server.host())
        .socket(folder)
        .port(port)
        .database("postgres")
        .application_name("consumer")
        .ssl_mode(PgSslMode::VerifyFull)
        .ssl_root_cert(server.ca_file());
    Consumers::start(options, folder.join(format!(".s.PGSQL.{port}")), port)
}

/// A secret as people have them: their own spacing, order and numbers in it.
fn secret(port: u16, password: &str) -> String {
    let user = json!(USER);
    format!(
        r#"{{"username": {user}, "password": "{password}", "engine": "postgres", "host": "localhost", "port": {port}, "dbname": "postgres", "zone": {{"z": 1.50, "a": [null, true]}}, "account": 123456789012345678901234567890}}"#
    )
}
