//! MySQL and MariaDB, with a user and an admin.

use serde_json::{Value, json};
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use turnlock_tests::mysql::{Logins, Mark, Product, Server, Setup};
use turnlock_tests::world::mysql::{self as world, ADMIN, FUNCTION, USER, World};

use super::{Place, Stage, bounded, first_password};
use crate::Problem;
use crate::consumers::{Consumers, Options};

impl Options for MySqlConnectOptions {
    fn of(&self, user: &str, password: &str) -> Self {
        self.clone().username(user).password(password)
    }
}

impl Place for World {
    type Options = MySqlConnectOptions;
    const FUNCTION: &str = FUNCTION;

    fn port(&self) -> u16 {
        self.server.port()
    }

    fn mark(&self) -> Mark {
        self.server.mark()
    }

    async fn logins_since(&self, mark: Mark) -> Logins {
        self.server.logins_of(mark, &[USER, ADMIN]).await
    }

    async fn end(self) {
        let Self { server, scene } = self;
        scene.local.stop().await;
        drop(server);
    }
}

impl Stage<World> {
    /// A user with an admin, after these statements of root's about the user.
    pub(crate) async fn of_mysql(
        product: Product,
        statements: &str,
        edit: impl FnOnce(&mut Value),
    ) -> Result<Self, Problem> {
        // By names, the log could not tell consumers from the function.
        let configuration = vec!["skip_name_resolve = ON".to_owned()];
        let setup = Setup { max_connections: 100, configuration, ..Setup::of(product) };
        let server = world::server_with_admin(setup).await;
        let (password, admin) = (first_password()?, first_password()?);
        let make = format!(
            "ALTER USER {USER}@'%' IDENTIFIED BY '{password}', {ADMIN}@'%' IDENTIFIED BY '{admin}'; \
             {statements}"
        );
        server.sql(&make).await;
        let (database, consumers) = (database(&server).await, consumers(&server)?);
        let function = bounded(world::function(&server), server.folder());
        let world = World::administered_with(server, function, |secret| {
            secret["password"] = json!(password);
            edit(secret);
        });
        let world = world.await;
        let secret = world::secret_of(&world.server, ADMIN, &json!(admin));
        let text = world.local.value_of(&world.secret, "AWSCURRENT").unwrap_or_default();
        let stage = Self { consumers, world, text, database };
        stage.set_admin(&secret)?;
        Ok(stage)
    }
}

/// What people call the product.
pub(crate) fn name(product: Product) -> &'static str {
    match product {
        Product::MySql => "MySQL",
        Product::MariaDb => "MariaDB",
    }
}

async fn database(server: &Server) -> String {
    let version = server.query_one("SELECT version()").await;
    let version = version.split('-').next().unwrap_or_default();
    format!("{} {version} with TLS", name(server.product()))
}

fn consumers(server: &Server) -> std::io::Result<Consumers<MySqlConnectOptions>> {
    let (socket, port) = (server.folder().join("consumers.sock"), server.port());
    let options = MySqlConnectOptions::new()
        .host(server.host())
        .socket(&socket)
        .ssl_mode(MySqlSslMode::VerifyIdentity)
        .ssl_ca(server.ca_file());
    Consumers::start(options, socket, port)
}
