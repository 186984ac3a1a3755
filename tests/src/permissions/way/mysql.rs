//! MySQL and MariaDB.

use super::{Stage, Way, encrypt};
use crate::amazon::{Amazon, CLUSTER_TAG, INSTANCE_TAG, host_of, mysql_server};
use crate::mysql::{Product, Setup};
use crate::one_user;
use crate::rds::{Cluster, Instance};
use crate::world::mysql::{FUNCTION, World};

pub(super) const WAYS: [Way; 12] = [
    Way { name: "MySQL, one user", function: FUNCTION, start: || Box::pin(one_user(PRODUCT)) },
    Way {
        name: "MySQL, one user, set by an admin",
        function: FUNCTION,
        start: || Box::pin(set_by_an_admin(PRODUCT)),
    },
    Way {
        name: "MySQL, one user, after a rotation that was given up",
        function: FUNCTION,
        start: || Box::pin(async { one_user(PRODUCT).await.given_up() }),
    },
    Way {
        name: "MySQL, one user, under a customer's key",
        function: FUNCTION,
        start: || Box::pin(under_a_key()),
    },
    Way { name: "MySQL, two passwords", function: FUNCTION, start: || Box::pin(two_passwords()) },
    Way {
        name: "MySQL, two passwords, set by an admin",
        function: FUNCTION,
        start: || Box::pin(two_passwords_by_an_admin()),
    },
    Way { name: "MySQL, two users", function: FUNCTION, start: || Box::pin(two_users(PRODUCT)) },
    Way {
        name: "MySQL, two users, admin of an instance managed by RDS",
        function: FUNCTION,
        start: || Box::pin(of_an_instance()),
    },
    Way {
        name: "MySQL, two users, admin of a cluster managed by RDS",
        function: FUNCTION,
        start: || Box::pin(of_a_cluster()),
    },
    Way {
        name: "MariaDB, one user",
        function: FUNCTION,
        start: || Box::pin(one_user(Product::MariaDb)),
    },
    Way {
        name: "MariaDB, one user, set by an admin",
        function: FUNCTION,
        start: || Box::pin(set_by_an_admin(Product::MariaDb)),
    },
    Way {
        name: "MariaDB, two users",
        function: FUNCTION,
        start: || Box::pin(two_users(Product::MariaDb)),
    },
];

const PRODUCT: Product = Product::MySql;

async fn one_user(product: Product) -> Stage {
    Stage::of(FUNCTION, World::start(Setup::of(product)).await)
}

async fn set_by_an_admin(product: Product) -> Stage {
    Stage::of(FUNCTION, World::start_with_admin(Setup::of(product)).await)
}

async fn under_a_key() -> Stage {
    let world = World::start(Setup::of(PRODUCT)).await;
    encrypt(&world, &world.secret);
    Stage::of(FUNCTION, world)
}

async fn two_passwords() -> Stage {
    let setup = Setup::of(PRODUCT);
    Stage::of(FUNCTION, one_user::Way::DUAL_OWN.start(setup).await)
}

async fn two_passwords_by_an_admin() -> Stage {
    Stage::of(FUNCTION, World::start_dual(Setup::of(PRODUCT)).await)
}

async fn two_users(product: Product) -> Stage {
    Stage::of(FUNCTION, World::start_alternating(Setup::of(product)).await)
}

async fn of_an_instance() -> Stage {
    let shop = Instance { engine: "mysql".to_owned(), ..Instance::new("shop") };
    let server = mysql_server(PRODUCT, &[host_of(&shop)]).await;
    let shop = Instance { port: server.port(), ..shop };
    let amazon = Amazon::of_mysql(server, (&host_of(&shop), shop.port), |_| ()).await;
    amazon.tag(INSTANCE_TAG, &shop.arn());
    amazon.rds.put_instance(shop);
    let Amazon { world, rds, .. } = amazon;
    Stage::of(FUNCTION, world).asking(rds)
}

async fn of_a_cluster() -> Stage {
    let cluster = Cluster::new("shop", "one", &["two"]);
    let server = mysql_server(PRODUCT, std::slice::from_ref(&cluster.writer)).await;
    let engine = "aurora-mysql".to_owned();
    let cluster = Cluster { engine, port: server.port(), ..cluster };
    let amazon = Amazon::of_mysql(server, (&cluster.writer, cluster.port), |_| ()).await;
    amazon.tag(CLUSTER_TAG, &cluster.arn());
    amazon.rds.put_cluster(cluster);
    let Amazon { world, rds, .. } = amazon;
    Stage::of(FUNCTION, world).asking(rds)
}
