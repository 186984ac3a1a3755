//! Databases of Amazon RDS: real servers behind the names that RDS gives, and an admin whose password it keeps.

use std::ops::Deref;

use serde_json::{Value, json};
use turnlock_local::Function;

use crate::mysql;
use crate::postgres::{Server, Setup, Tls, Version};
use crate::rds::{AmazonRds, Instance, REGION, host};
use crate::scene::Scene;
use crate::world::mysql as of_mysql;
use crate::world::{
    ADMIN, ADMIN_PASSWORD, FIRST_PASSWORD, FUNCTION, USER, World, function, secret_of,
    server_with_admin,
};

/// The tag by which RDS says of which instance a secret has the password.
pub const INSTANCE_TAG: &str = "aws:rds:primaryDBInstanceArn";
/// The same for a cluster.
pub const CLUSTER_TAG: &str = "aws:rds:primaryDBClusterArn";

/// A user's secret whose admin's secret has a name and a password, and nothing else.
#[derive(Debug)]
pub struct Amazon<W = World> {
    /// The user's secret, and the server that takes writes.
    pub world: W,
    /// Who knows where the databases are.
    pub rds: AmazonRds,
    /// The ARN of the admin's secret.
    pub admin: String,
}

impl Amazon {
    /// The instance `shop`, with the user and the admin, and a tag on the admin's secret that says so.
    pub async fn start(version: Version) -> Self {
        let shop = Instance::new("shop");
        let server = server(version, &[host_of(&shop)]).await;
        let shop = Instance { port: server.port(), ..shop };
        let (host, port) = (host_of(&shop), shop.port);
        let amazon = Self::with(server, (&host, port), |_| ()).await;
        amazon.tag(INSTANCE_TAG, &shop.arn());
        amazon.rds.put_instance(shop);
        amazon
    }

    /// A server that has the user and the admin; the user's secret is for this host and port.
    ///
    /// There is no tag yet, and no database at RDS.
    pub async fn with(server: Server, at: (&str, u16), edit: impl FnOnce(&mut Value)) -> Self {
        let rds = AmazonRds::start();
        let function = of_amazon(function(&server), &rds);
        let secret = secret_of(&server, USER, &json!(FIRST_PASSWORD));
        let mut world = World::with_function(server, "{}", function).await;
        let admin = put_secrets(&mut world.scene, FUNCTION, secret, at, edit);
        Self { world, rds, admin }
    }
}

impl Amazon<of_mysql::World> {
    /// A server of MySQL or MariaDB that has the user and the admin; the user's secret is for this host and port.
    ///
    /// There is no tag yet, and no database at RDS.
    pub async fn of_mysql(
        server: mysql::Server,
        at: (&str, u16),
        edit: impl FnOnce(&mut Value),
    ) -> Self {
        let rds = AmazonRds::start();
        let function = of_amazon(of_mysql::function(&server), &rds);
        let secret = of_mysql::secret_of(&server, USER, &json!(FIRST_PASSWORD));
        let mut world = of_mysql::World::with_function(server, "{}", function).await;
        let admin = put_secrets(&mut world.scene, of_mysql::FUNCTION, secret, at, edit);
        Self { world, rds, admin }
    }
}

impl<W: Deref<Target = Scene>> Amazon<W> {
    /// Puts a tag on the admin's secret as RDS does.
    pub fn tag(&self, key: &str, value: &str) {
        self.world.local.tag_as_aws(&self.admin, key, value).expect("a tag");
    }

    /// Writes the admin's secret anew.
    pub fn write_admin(&self, text: &Value) {
        self.world.local.put_value(&self.admin, &text.to_string()).expect("a write");
    }

    /// Edits the user's secret, as a person would.
    pub fn edit(&self, edit: impl FnOnce(&mut Value)) {
        self.world.edit(edit);
    }

    /// Has the rotation that failed taken up again, with the same version.
    ///
    /// # Panics
    ///
    /// If none has failed, or it fails again.
    pub async fn retry(&self) {
        let pending = self.world.labels().get("AWSPENDING").cloned().expect("a rotation failed");
        self.world.local.rotate(&self.world.secret).expect_err("a rotation is not complete");
        let ended = self.world.settle().await;
        ended.expect("the retry succeeds");
        assert_eq!(self.world.labels().get("AWSCURRENT"), Some(&pending));
    }
}

fn of_amazon(function: Function, rds: &AmazonRds) -> Function {
    function.env("AWS_ENDPOINT_URL_RDS", rds.endpoint())
}

/// Makes the secret of the admin as RDS does, and the user's; returns the ARN of the first.
fn put_secrets(
    scene: &mut Scene,
    function: &str,
    mut secret: Value,
    at: (&str, u16),
    edit: impl FnOnce(&mut Value),
) -> String {
    let admin = json!({"username": ADMIN, "password": ADMIN_PASSWORD}).to_string();
    let admin = scene.local.create_secret("rds!db-1", &admin).expect("a secret");
    secret["masterarn"] = json!(admin);
    secret["host"] = json!(at.0);
    secret["port"] = json!(at.1);
    edit(&mut secret);
    scene.secret = scene.local.create_secret("user", &secret.to_string()).expect("a secret");
    scene.local.set_rotation(&scene.secret, function).expect("rotation");
    admin
}

/// A server with the admin and the user, and a certificate for these names besides `localhost`.
pub async fn server(version: Version, names: &[String]) -> Server {
    let tls = Tls::TrustedFor(names.to_vec());
    server_with_admin(Setup { version, tls, ..Setup::default() }).await
}

/// The host name of an instance.
pub fn host_of(instance: &Instance) -> String {
    host(&instance.id, "", REGION)
}

/// The same of MySQL or MariaDB.
pub async fn mysql_server(product: mysql::Product, names: &[String]) -> mysql::Server {
    let tls = Tls::TrustedFor(names.to_vec());
    of_mysql::server_with_admin(mysql::Setup { tls, ..mysql::Setup::of(product) }).await
}
