//! PostgreSQL.

use super::{ADMIN_SECRETS, Stage, Way, encrypt};
use crate::amazon::{Amazon, CLUSTER_TAG, server};
use crate::postgres::{Server, Setup, Version};
use crate::rds::{Cluster, REGION, host};
use crate::world::{FUNCTION, World};

pub(super) const WAYS: [Way; 8] = [
    Way { name: "PostgreSQL, one user", function: FUNCTION, start: || Box::pin(one_user()) },
    Way {
        name: "PostgreSQL, one user, set by an admin",
        function: FUNCTION,
        start: || Box::pin(set_by_an_admin()),
    },
    Way {
        name: "PostgreSQL, one user, after a rotation that was given up",
        function: FUNCTION,
        start: || Box::pin(async { one_user().await.given_up() }),
    },
    Way {
        name: "PostgreSQL, one user, under a customer's key",
        function: FUNCTION,
        start: || Box::pin(under_a_key()),
    },
    Way { name: "PostgreSQL, two users", function: FUNCTION, start: || Box::pin(two_users()) },
    Way {
        name: "PostgreSQL, two users, the admin's secret under a customer's key",
        function: FUNCTION,
        start: || Box::pin(admin_under_a_key()),
    },
    Way {
        name: "PostgreSQL, two users, admin of an instance managed by RDS",
        function: FUNCTION,
        start: || Box::pin(of_an_instance()),
    },
    Way {
        name: "PostgreSQL, two users, admin of a cluster managed by RDS, reader endpoint",
        function: FUNCTION,
        start: || Box::pin(of_readers()),
    },
];

async fn one_user() -> Stage {
    Stage::of(FUNCTION, World::start(Setup::default()).await)
}

async fn under_a_key() -> Stage {
    let world = World::start(Setup::default()).await;
    encrypt(&world, &world.secret);
    Stage::of(FUNCTION, world)
}

async fn set_by_an_admin() -> Stage {
    Stage::of(FUNCTION, World::start_with_admin(Setup::default()).await)
}

async fn admin_under_a_key() -> Stage {
    let world = World::start_alternating(Setup::default()).await;
    encrypt(&world, ADMIN_SECRETS[0]);
    Stage::of(FUNCTION, world)
}

async fn two_users() -> Stage {
    Stage::of(FUNCTION, World::start_alternating(Setup::default()).await)
}

async fn of_an_instance() -> Stage {
    let Amazon { world, rds, .. } = Amazon::start(Version::Distribution).await;
    Stage::of(FUNCTION, world).asking(rds)
}

async fn of_readers() -> Stage {
    let cluster = Cluster::new("shop", "one", &["two"]);
    let reader = host("shop", "cluster-ro-", REGION);
    let source = server(Version::Distribution, &[cluster.writer.clone(), reader.clone()]).await;
    let replica = Server::standby_of(&source).await;
    let cluster = Cluster { port: source.port(), ..cluster };
    let amazon = Amazon::with(source, (&reader, replica.port()), |_| ()).await;
    amazon.tag(CLUSTER_TAG, &cluster.arn());
    amazon.rds.put_cluster(cluster);
    let Amazon { world, rds, .. } = amazon;
    Stage::of(FUNCTION, world).asking(rds).beside(replica)
}
