//! The strategies, each with a secret of its own on a real target.

use std::ops::Deref;

use serde_json::json;
use turnlock_local::Operation;

use super::stage::Stage;
use crate::amazon::{Amazon, CLUSTER_TAG, server};
use crate::mysql::{self, Product};
use crate::one_user;
use crate::postgres::{Server, Setup, Version};
use crate::provider;
use crate::rds::{Cluster, REGION, host};
use crate::scene::Scene;
use crate::world;

/// The names that the secrets of admins have here; what a role may do with them, it may by these names.
pub const ADMIN_SECRETS: [&str; 2] = ["admin", "rds!db-1"];
/// The key of the customer's, of the one secret that has one.
pub const KMS_KEY: &str =
    "arn:aws:kms:us-east-1:123456789012:key/11112222-3333-4444-5555-666677778888";

/// A strategy, or a situation of one in which it asks AWS for something more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// PostgreSQL: one user, by itself.
    SingleUser,
    /// The same where a rotation was given up after its change, and its label cleared.
    WayBack,
    /// The same with a secret under a key of the customer's.
    CustomerKey,
    /// PostgreSQL: two users and an admin.
    AlternatingUsers,
    /// The same with an admin whose password Amazon RDS manages, of an instance.
    ManagedAdmin,
    /// The same of a cluster, with a secret for its reader endpoint.
    ReaderEndpoint,
    /// MySQL: one user, by itself.
    MysqlSingleUser,
    /// MySQL: one user with two passwords, by itself.
    MysqlDualPassword,
    /// MySQL: two users and an admin.
    MysqlAlternatingUsers,
    /// A provider of keys: two at a time.
    OverlappingKeys,
}

impl Way {
    /// All there are.
    pub const ALL: [Self; 10] = [
        Self::SingleUser,
        Self::WayBack,
        Self::CustomerKey,
        Self::AlternatingUsers,
        Self::ManagedAdmin,
        Self::ReaderEndpoint,
        Self::MysqlSingleUser,
        Self::MysqlDualPassword,
        Self::MysqlAlternatingUsers,
        Self::OverlappingKeys,
    ];

    /// The function that rotates it.
    pub fn function(self) -> &'static str {
        match self {
            Self::SingleUser
            | Self::WayBack
            | Self::CustomerKey
            | Self::AlternatingUsers
            | Self::ManagedAdmin
            | Self::ReaderEndpoint => world::FUNCTION,
            Self::MysqlSingleUser | Self::MysqlDualPassword | Self::MysqlAlternatingUsers => {
                world::mysql::FUNCTION
            }
            Self::OverlappingKeys => world::keys::FUNCTION,
        }
    }

    /// What it is called in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::SingleUser => "PostgreSQL, one user",
            Self::WayBack => "PostgreSQL, way back to a cleared version",
            Self::CustomerKey => "PostgreSQL, secret under a customer's key",
            Self::AlternatingUsers => "PostgreSQL, two users",
            Self::ManagedAdmin => "PostgreSQL, admin managed by RDS",
            Self::ReaderEndpoint => "PostgreSQL, reader endpoint of a cluster",
            Self::MysqlSingleUser => "MySQL, one user",
            Self::MysqlDualPassword => "MySQL, two passwords",
            Self::MysqlAlternatingUsers => "MySQL, two users",
            Self::OverlappingKeys => "API keys, overlapping",
        }
    }

    pub(super) async fn start(self) -> Stage {
        match self {
            Self::SingleUser => self.stage(world::World::start(Setup::default()).await),
            Self::WayBack => {
                let stage = self.stage(world::World::start(Setup::default()).await);
                Stage { given_up: true, ..stage }
            }
            Self::CustomerKey => {
                let world = world::World::start(Setup::default()).await;
                let request = json!({"SecretId": world.secret, "KmsKeyId": KMS_KEY});
                world.local.call(Operation::UpdateSecret, &request).expect("a key");
                self.stage(world)
            }
            Self::AlternatingUsers => {
                self.stage(world::World::start_alternating(Setup::default()).await)
            }
            Self::ManagedAdmin => {
                let Amazon { world, rds, .. } = Amazon::start(Version::Distribution).await;
                Stage { rds: Some(rds), ..self.stage(world) }
            }
            Self::ReaderEndpoint => self.reader_endpoint().await,
            Self::MysqlSingleUser | Self::MysqlDualPassword => {
                let keeps = self == Self::MysqlDualPassword;
                let way = one_user::Way { keeps, ..one_user::Way::DUAL_OWN };
                self.stage(way.start(mysql::Setup::of(Product::MySql)).await)
            }
            Self::MysqlAlternatingUsers => {
                let setup = mysql::Setup::of(Product::MySql);
                self.stage(world::mysql::World::start_alternating(setup).await)
            }
            Self::OverlappingKeys => {
                self.stage(world::keys::World::start(provider::Setup::default()).await)
            }
        }
    }

    /// A cluster of a writer and a reader, and a secret for the endpoint of its readers.
    async fn reader_endpoint(self) -> Stage {
        let cluster = Cluster::new("shop", "one", &["two"]);
        let reader = host("shop", "cluster-ro-", REGION);
        let source = server(Version::Distribution, &[cluster.writer.clone(), reader.clone()]).await;
        let replica = Server::standby_of(&source).await;
        let cluster = Cluster { port: source.port(), ..cluster };
        let amazon = Amazon::with(source, (&reader, replica.port()), |_| ()).await;
        amazon.tag(CLUSTER_TAG, &cluster.arn());
        amazon.rds.put_cluster(cluster);
        let Amazon { world, rds, .. } = amazon;
        Stage { rds: Some(rds), replica: Some(replica), ..self.stage(world) }
    }

    fn stage(self, world: impl Deref<Target = Scene> + Send + Sync + 'static) -> Stage {
        Stage {
            world: Box::new(world),
            function: self.function(),
            rds: None,
            replica: None,
            given_up: false,
        }
    }
}
