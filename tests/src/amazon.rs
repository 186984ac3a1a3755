//! Databases of Amazon RDS: real servers behind the names that RDS gives, and an admin whose password it keeps.

use serde_json::{Value, json};

use crate::postgres::{Server, Setup, Tls, Version};
use crate::rds::{AmazonRds, Instance, REGION, host};
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
pub struct Amazon {
    /// The user's secret, and the server that takes writes.
    pub world: World,
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
        let function = function(&server).env("AWS_ENDPOINT_URL_RDS", rds.endpoint());
        let mut world = World::with_function(server, "{}", function).await;
        let admin = json!({"username": ADMIN, "password": ADMIN_PASSWORD}).to_string();
        let admin = world.local.create_secret("rds!db-1", &admin).expect("a secret");
        let mut secret = secret_of(&world.server, USER, &json!(FIRST_PASSWORD));
        secret["masterarn"] = json!(admin);
        secret["host"] = json!(at.0);
        secret["port"] = json!(at.1);
        edit(&mut secret);
        world.secret = world.local.create_secret("user", &secret.to_string()).expect("a secret");
        world.local.set_rotation(&world.secret, FUNCTION).expect("rotation");
        Self { world, rds, admin }
    }

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
        let mut secret = self.world.document("AWSCURRENT");
        edit(&mut secret);
        self.world.local.put_value(&self.world.secret, &secret.to_string()).expect("a write");
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

/// A server with the admin and the user, and a certificate for these names besides `localhost`.
pub async fn server(version: Version, names: &[String]) -> Server {
    let tls = Tls::TrustedFor(names.to_vec());
    server_with_admin(Setup { version, tls, ..Setup::default() }).await
}

/// The host name of an instance.
pub fn host_of(instance: &Instance) -> String {
    host(&instance.id, "", REGION)
}
