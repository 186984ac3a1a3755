//! Secrets for a replica of the admin's host, on MySQL and MariaDB: the change is made at its source and waited for.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use std::time::Duration;

use serde_json::json;
use turnlock_tests::amazon::{Amazon, INSTANCE_TAG, host_of, mysql_server};
use turnlock_tests::mysql::{Logins, Product, Server, Setup};
use turnlock_tests::one_user::Way;
use turnlock_tests::rds::{Instance, REGION, host};
use turnlock_tests::turns::CLONE;
use turnlock_tests::world::mysql::{ADMIN, ADMIN_PASSWORD, FIRST_PASSWORD, USER, World, secret_of};

/// The longest that the function may take to look at the replica.
const PATIENCE: Duration = Duration::from_secs(120);

fn engine(product: Product) -> String {
    product.engine().to_owned()
}

/// A source that has the admin, and a replica of it that the user's secret is for.
struct Pair {
    amazon: Amazon<World>,
    replica: Server,
}

impl Pair {
    /// The instance `shop` and its read replica `copy`.
    async fn start(product: Product) -> Self {
        let names = ["shop", "copy"].map(|id| host(id, "", REGION));
        let source = mysql_server(product, &names).await;
        source.sql("CREATE DATABASE store; GRANT SELECT ON store.* TO app@'%'").await;
        let replica = Server::replica_of(&source).await;
        let engine = engine(product);
        let shop =
            Instance { port: source.port(), engine: engine.clone(), ..Instance::new("shop") };
        let source_of_copy = Some("shop".to_owned());
        let copy = Instance {
            port: replica.port(),
            engine,
            source: source_of_copy,
            ..Instance::new("copy")
        };
        let amazon = Amazon::of_mysql(source, (&host_of(&copy), copy.port), |_| ()).await;
        amazon.tag(INSTANCE_TAG, &shop.arn());
        amazon.rds.put_instance(shop);
        amazon.rds.put_instance(copy);
        Self { amazon, replica }
    }

    /// Whoever is current logs in where consumers do.
    async fn current_works(&self) -> bool {
        let secret = self.amazon.world.document("AWSCURRENT");
        let text = |field: &str| secret[field].as_str().expect("a text").to_owned();
        self.replica.can_log_in(&text("username"), &text("password")).await
    }

    /// Waits until the function has looked in vain at the replica for what was changed at its source.
    async fn looked_in_vain(&self) {
        let made = format!("EXISTS (SELECT 1 FROM mysql.user WHERE user = '{CLONE}')");
        self.amazon.world.server.wait_until(&made).await;
        let mark = self.replica.mark();
        let look = format!("WHERE User = '{CLONE}' ORDER BY Host");
        // The second one: the first may have begun before the change was made.
        let looked = async {
            while self.replica.log_since(mark).matches(&look).count() < 2 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, looked).await.expect("the function looks");
        assert_eq!(self.replica.query_one(&format!("SELECT {made}")).await, "0");
    }
}

#[tokio::test]
async fn two_users_take_turns_at_a_read_replica() {
    for product in Product::ALL {
        let pair = Pair::start(product).await;
        let world = &pair.amazon.world;
        for (next, current) in [(CLONE, USER), (USER, CLONE), (CLONE, USER)] {
            let (here, there) = (world.mark(), pair.replica.mark());
            world.rotate().await.expect("the rotation succeeds");
            assert_eq!(world.document("AWSCURRENT")["username"], json!(next));
            // Five in all, of which none fails: the current one proves itself and is compared, the pending one is
            // tried, and the admin changes it here and waits for it there.
            for (server, mark, user, accepted) in [
                (&pair.replica, there, current, 2),
                (&pair.replica, there, next, 1),
                (&pair.replica, there, ADMIN, 1),
                (&world.server, here, ADMIN, 1),
                (&world.server, here, USER, 0),
                (&world.server, here, CLONE, 0),
            ] {
                let logins = server.logins_since(mark, user).await;
                assert_eq!(logins, Logins { accepted, failed: 0, plaintext: 0 }, "{user}");
            }
            assert!(pair.current_works().await);
        }
        world.test_only().await.expect("the test alone passes at a replica, too");
    }
}

#[tokio::test]
async fn a_change_that_arrives_late_is_waited_for() {
    for product in Product::ALL {
        let pair = Pair::start(product).await;
        pair.replica.pause_replay().await;
        let mark = pair.replica.mark();
        let resume = async {
            pair.looked_in_vain().await;
            assert!(pair.current_works().await);
            pair.replica.resume_replay().await;
        };
        let (rotated, ()) = tokio::join!(pair.amazon.world.rotate(), resume);
        rotated.expect("the rotation succeeds");
        assert_eq!(pair.amazon.world.document("AWSCURRENT")["username"], json!(CLONE));
        assert!(pair.current_works().await);
        for user in [USER, CLONE] {
            assert_eq!(pair.replica.logins_since(mark, user).await.failed, 0, "{user}");
        }
    }
}

#[tokio::test]
async fn a_change_that_does_not_arrive_is_a_time_out_and_the_retry_goes_on() {
    for product in Product::ALL {
        let pair = Pair::start(product).await;
        let world = &pair.amazon.world;
        pair.replica.pause_replay().await;
        let error = world.rotate().await.expect_err("it does not arrive");
        let copy = format!("{}:{}", host("copy", "", REGION), pair.replica.port());
        error.assert_is("setSecret", "timeout", &[&copy, "is a replica", "repeated safely"]);
        assert_eq!(world.password("AWSCURRENT"), FIRST_PASSWORD);
        assert!(pair.current_works().await, "at the replica");
        assert!(world.accepts(FIRST_PASSWORD).await, "at the source");
        let mark = pair.replica.mark();
        pair.replica.resume_replay().await;
        pair.amazon.retry().await;
        assert!(pair.current_works().await);
        assert_eq!(pair.replica.logins_since(mark, CLONE).await.failed, 0);
    }
}

#[tokio::test]
async fn a_replica_as_the_only_host_is_read_only() {
    for product in Product::ALL {
        let pair = Pair::start(product).await;
        let (world, replica) = (&pair.amazon.world, &pair.replica);
        // The admin's secret says that it is for the replica, too.
        let mut admin = secret_of(replica, ADMIN, &json!(ADMIN_PASSWORD));
        admin["host"] = json!(host("copy", "", REGION));
        pair.amazon.write_admin(&admin);
        let words = ["is a replica or takes no writes", "the writer's endpoint"];
        let error = world.test_only().await.expect_err("it takes no writes");
        error.assert_is("testSecret", "read-only", &words);
        let error = world.rotate().await.expect_err("it takes no writes");
        error.assert_is("setSecret", "read-only", &words);
        assert!(pair.current_works().await);
    }
}

#[tokio::test]
async fn an_admin_whose_password_amazon_keeps_lets_two_users_take_turns() {
    for product in Product::ALL {
        let shop = Instance { engine: engine(product), ..Instance::new("shop") };
        let server = mysql_server(product, &[host_of(&shop)]).await;
        let shop = Instance { port: server.port(), ..shop };
        let amazon = Amazon::of_mysql(server, (&host_of(&shop), shop.port), |_| ()).await;
        amazon.tag(INSTANCE_TAG, &shop.arn());
        amazon.rds.put_instance(shop);
        let world = &amazon.world;
        world.test_only().await.expect("the test passes");
        for expected in [CLONE, USER] {
            amazon.rds.take_calls();
            world.local.clear_calls();
            let mark = world.mark();
            world.rotate().await.expect("the rotation succeeds");
            assert_eq!(world.document("AWSCURRENT")["username"], json!(expected));
            let logins = world.server.logins_of(mark, &[USER, CLONE, ADMIN]).await;
            assert_eq!(logins, Logins { accepted: 4, failed: 0, plaintext: 0 });
            // One more than with an admin whose secret says where to log in: the tags. MariaDB has no marks, so
            // that the version before proves the second user, once there is one.
            let proofs = usize::from(product == Product::MariaDb && expected == USER);
            assert_eq!(world.function_calls().len(), 14 + proofs);
            assert_eq!(amazon.rds.take_calls().len(), 1);
        }
        amazon.edit(|secret| secret["rotation"] = json!({"strategy": "single-user"}));
        world.rotate().await.expect("the rotation of a single user succeeds");
    }
}

#[tokio::test]
async fn a_replica_that_is_without_the_user_goes_on_replicating() {
    // A user of MariaDB may change its password only by a statement that knows no IF EXISTS.
    let by_itself_at_mariadb = |way: &Way| way.product == Product::MariaDb && !way.by_admin;
    for way in Way::all().filter(|way| !by_itself_at_mariadb(way)) {
        let world = way.start(Setup::default()).await;
        let replica = Server::replica_of(&world.server).await;
        if way.product == Product::MySql {
            replica.sql("SET GLOBAL super_read_only = OFF").await;
        }
        replica.sql("SET sql_log_bin = 0; DROP USER app@'%'").await;
        world.rotate().await.unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
        replica.catch_up_with(&world.server).await;
    }
}
