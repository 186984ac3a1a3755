//! Secrets for a replica of the admin's host: the change is made at its source and waited for.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use std::time::Duration;

use serde_json::{Value, json};
use turnlock_tests::amazon::{Amazon, CLUSTER_TAG, INSTANCE_TAG, host_of, server};
use turnlock_tests::postgres::{Logins, Server, Version};
use turnlock_tests::rds::{AmazonRds, Cluster, Instance, REGION, host};
use turnlock_tests::world::{ADMIN, ADMIN_PASSWORD, FIRST_PASSWORD, USER, secret_of};

const CLONE: &str = "app_clone";
/// The longest that the function may take to look at the replica.
const PATIENCE: Duration = Duration::from_secs(120);
/// What every look at the two users has, and no other statement.
const LOOK: &str = "SELECT json_build_object( 'version'";

fn single_user(secret: &mut Value) {
    secret["rotation"] = json!({"strategy": "single-user"});
}

fn copy_of(source: &str, id: &str) -> Instance {
    Instance { source: Some(source.to_owned()), ..Instance::new(id) }
}

/// A source that has the admin, and a replica of it that the user's secret is for.
struct Pair {
    amazon: Amazon,
    replica: Server,
}

impl Pair {
    /// The instance `shop` and its read replica `copy`.
    async fn of_instances(version: Version, edit: impl FnOnce(&mut Value)) -> Self {
        let names = ["shop", "copy"].map(|id| host(id, "", REGION));
        let source = server(version, &names).await;
        let replica = Server::standby_of(&source).await;
        let shop = Instance { port: source.port(), ..Instance::new("shop") };
        let copy = Instance { port: replica.port(), ..copy_of("shop", "copy") };
        let amazon = Amazon::with(source, (&host_of(&copy), copy.port), edit).await;
        amazon.tag(INSTANCE_TAG, &shop.arn());
        amazon.rds.put_instance(shop);
        amazon.rds.put_instance(copy);
        Self { amazon, replica }
    }

    /// The cluster `shop` of the writer `one` and the reader `two`, and a secret for a host of its readers.
    async fn of_a_cluster(replica_host: &str) -> Self {
        let reports = host("reports", "cluster-custom-", REGION);
        let cluster = Cluster { custom: vec![reports], ..Cluster::new("shop", "one", &["two"]) };
        let names = [cluster.writer.clone(), replica_host.to_owned()];
        let source = server(Version::Distribution, &names).await;
        let replica = Server::standby_of(&source).await;
        let cluster = Cluster { port: source.port(), ..cluster };
        let amazon = Amazon::with(source, (replica_host, replica.port()), |_| ()).await;
        amazon.tag(CLUSTER_TAG, &cluster.arn());
        amazon.rds.put_cluster(cluster);
        Self { amazon, replica }
    }

    /// Whoever is current logs in where consumers do.
    async fn current_works(&self) -> bool {
        let secret = self.amazon.world.document("AWSCURRENT");
        let text = |field: &str| secret[field].as_str().expect("a text").to_owned();
        self.replica.can_log_in(&text("username"), &text("password"), "postgres").await
    }

    /// Three rounds of two users, and how many logins each takes.
    async fn takes_turns(&self) {
        let world = &self.amazon.world;
        for (next, current) in [(CLONE, USER), (USER, CLONE), (CLONE, USER)] {
            let (here, there) = (world.mark(), self.replica.mark());
            world.rotate().await.expect("the rotation succeeds");
            assert_eq!(world.document("AWSCURRENT")["username"], json!(next));
            // Four in all, none of which fails. At the replica the current user's, to prove itself and to
            // look when the change has arrived, and the pending one's; at the source the admin's.
            for (server, mark, user, accepted) in [
                (&self.replica, there, current, 2),
                (&self.replica, there, next, 1),
                (&self.replica, there, ADMIN, 0),
                (&world.server, here, ADMIN, 1),
                (&world.server, here, USER, 0),
                (&world.server, here, CLONE, 0),
            ] {
                let logins = server.logins_since(mark, user).await;
                assert_eq!(logins, Logins { accepted, failed: 0, plaintext: 0 }, "{user}");
            }
            let log = world.server.log_since(here);
            let set = format!("ALTER ROLE \"{next}\" LOGIN PASSWORD 'SCRAM-SHA-256$");
            assert_eq!(log.matches(&set).count(), 1, "{log}");
            assert!(!self.replica.log_since(there).contains("ALTER ROLE"));
            assert!(self.current_works().await);
        }
    }

    /// Waits until the function has looked in vain at the replica for what was changed at its source.
    async fn looked_in_vain(&self) {
        let made = format!("EXISTS (SELECT FROM pg_roles WHERE rolname = '{CLONE}')");
        self.amazon.world.server.wait_until(&made).await;
        let mark = self.replica.mark();
        // The second one: the first may have begun before the change was made.
        let looked = async {
            while self.replica.log_since(mark).matches(LOOK).count() < 2 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, looked).await.expect("the function looks");
        assert_eq!(self.replica.query_one(&format!("SELECT {made}")).await, "f");
    }
}

#[tokio::test]
async fn two_users_take_turns_at_a_read_replica() {
    for version in Version::ALL {
        Pair::of_instances(version, |_| ()).await.takes_turns().await;
    }
}

#[tokio::test]
async fn two_users_take_turns_at_the_reader_endpoint_of_a_cluster() {
    Pair::of_a_cluster(&host("shop", "cluster-ro-", REGION)).await.takes_turns().await;
}

#[tokio::test]
async fn two_users_take_turns_at_a_custom_endpoint_of_a_cluster() {
    Pair::of_a_cluster(&host("reports", "cluster-custom-", REGION)).await.takes_turns().await;
}

#[tokio::test]
async fn two_users_take_turns_at_an_instance_that_is_a_reader() {
    Pair::of_a_cluster(&host("two", "", REGION)).await.takes_turns().await;
}

#[tokio::test]
async fn two_users_take_turns_at_a_replica_of_a_replica() {
    for version in Version::ALL {
        let names = ["shop", "middle", "copy"].map(|id| host(id, "", REGION));
        let source = server(version, &names).await;
        let middle = Server::standby_of(&source).await;
        let replica = Server::standby_fed_by(&middle, &source).await;
        let shop = Instance { port: source.port(), ..Instance::new("shop") };
        let copy = Instance { port: replica.port(), ..copy_of("middle", "copy") };
        let amazon = Amazon::with(source, (&host_of(&copy), copy.port), |_| ()).await;
        amazon.tag(INSTANCE_TAG, &shop.arn());
        let middle_instance = Instance { port: middle.port(), ..copy_of("shop", "middle") };
        for instance in [shop, middle_instance, copy] {
            amazon.rds.put_instance(instance);
        }
        Pair { amazon, replica }.takes_turns().await;
    }
}

#[tokio::test]
async fn an_admin_whose_secret_names_the_source_is_as_good() {
    let pair = Pair::of_instances(Version::Distribution, |_| ()).await;
    let mut admin = secret_of(&pair.amazon.world.server, ADMIN, &json!(ADMIN_PASSWORD));
    admin["host"] = json!(host("shop", "", REGION));
    pair.amazon.write_admin(&admin);
    pair.amazon.rds.take_calls();
    pair.takes_turns().await;
    // Of each round, both ends of the relation, and nothing to find the admin.
    assert_eq!(pair.amazon.rds.take_calls().len(), 3 * 2);
}

#[tokio::test]
async fn the_test_alone_passes_at_a_replica_and_changes_nothing() {
    let pair = Pair::of_instances(Version::Distribution, |_| ()).await;
    let roles = pair.amazon.world.roles().await;
    pair.amazon.world.test_only().await.expect("the test passes");
    assert_eq!(pair.amazon.world.roles().await, roles);
    assert!(pair.current_works().await);
}

#[tokio::test]
async fn what_the_admin_lacks_is_told_of_the_source_where_it_is_lacking() {
    let pair = Pair::of_instances(Version::Distribution, |_| ()).await;
    let world = &pair.amazon.world;
    world.server.sql(&format!("ALTER ROLE {ADMIN} NOCREATEROLE")).await;
    let source = format!("at {}:{} ", host("shop", "", REGION), world.server.port());
    let error = world.test_only().await.expect_err("a right is missing");
    error.assert_is("testSecret", "permission", &[&source, "missing: CREATEROLE"]);
    assert!(pair.current_works().await);
}

#[tokio::test]
async fn a_change_that_arrives_late_is_waited_for() {
    for version in Version::ALL {
        let pair = Pair::of_instances(version, |_| ()).await;
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
    for version in Version::ALL {
        let pair = Pair::of_instances(version, |_| ()).await;
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
async fn a_single_user_is_tested_at_a_replica_until_the_change_has_arrived() {
    for version in Version::ALL {
        let pair = Pair::of_instances(version, single_user).await;
        let world = &pair.amazon.world;
        pair.replica.pause_replay().await;
        let error = world.rotate().await.expect_err("it has not arrived");
        error.assert_is("testSecret", "auth-rejected", &["rejects the password of app", "[28P01]"]);
        assert!(pair.current_works().await, "the replica still has what AWSCURRENT says");
        let new = world.password("AWSPENDING");
        assert!(world.accepts(&new).await, "its source has the new password");

        pair.replica.resume_replay().await;
        let stored = format!("rolpassword = '{}'", world.stored_password().await);
        let arrived = format!("EXISTS (SELECT FROM pg_authid WHERE {stored})");
        pair.replica.wait_until(&arrived).await;
        assert!(!pair.current_works().await, "from now until the retry ends");
        pair.amazon.retry().await;
        assert_eq!(world.password("AWSCURRENT"), new);
        assert!(pair.current_works().await);
    }
}

/// The user's secret is for this host, which RDS does not call a replica of the admin's.
async fn is_refused(user_host: &str, put: impl FnOnce(&AmazonRds, u16)) {
    let shop = Instance::new("shop");
    let names = [host_of(&shop), user_host.to_owned()];
    let server = server(Version::Distribution, &names).await;
    let port = server.port();
    let amazon = Amazon::with(server, (user_host, port), |_| ()).await;
    amazon.tag(INSTANCE_TAG, &shop.arn());
    amazon.rds.put_instance(Instance { port, ..shop.clone() });
    put(&amazon.rds, port);
    let there = format!("is for {}:{port}, ", host_of(&shop));
    let here = format!("not for {user_host}:{port}");
    let words = [amazon.admin.as_str(), &there, &here];
    let error = amazon.world.test_only().await.expect_err("it is another database");
    error.assert_is("testSecret", "refused", &words);
    amazon.world.rotate_failing().await.assert_is("setSecret", "refused", &words);
    assert!(amazon.world.accepts(FIRST_PASSWORD).await, "AWSCURRENT works");
    assert_eq!(amazon.world.server.logins(ADMIN).await, Logins::default());
}

#[tokio::test]
async fn a_host_that_is_no_replica_of_the_admins_is_refused() {
    is_refused(&host("other", "", REGION), |rds, port| {
        rds.put_instance(Instance { port, ..Instance::new("other") });
    })
    .await;
}

#[tokio::test]
async fn the_source_of_the_admins_host_is_refused() {
    is_refused(&host("source", "", REGION), |rds, port| {
        rds.put_instance(Instance { port, ..Instance::new("source") });
        rds.put_instance(Instance { port, ..copy_of("source", "shop") });
    })
    .await;
}

#[tokio::test]
async fn a_host_that_only_looks_like_a_replica_is_refused() {
    let copy = host("copy", "", REGION);
    for alike in [copy.replace(".c9", ".d9"), copy.replace("localhost", "example.localhost")] {
        is_refused(&alike, |rds, port| {
            rds.put_instance(Instance { port, ..copy_of("shop", "copy") });
        })
        .await;
    }
}

#[tokio::test]
async fn an_admin_of_another_port_of_the_same_host_is_refused() {
    let amazon = Amazon::start(Version::Distribution).await;
    let (port, other) = (amazon.world.server.port(), server(Version::Distribution, &[]).await);
    for user_host in ["localhost", &host("shop", "", REGION)] {
        let mut admin = secret_of(&other, ADMIN, &json!(ADMIN_PASSWORD));
        admin["host"] = json!(user_host);
        amazon.write_admin(&admin);
        amazon.edit(|secret| secret["host"] = json!(user_host));
        let (there, here) = (other.port(), port);
        let words =
            [format!("is for {user_host}:{there}, "), format!("not for {user_host}:{here}")];
        let error = amazon.world.test_only().await.expect_err("it is another server");
        error.assert_is("testSecret", "refused", &[&words[0], &words[1]]);
    }
    let error = amazon.world.rotate_failing().await;
    error.assert_is("setSecret", "refused", &["the admin secret", "not for"]);
    assert_eq!(other.logins(ADMIN).await, Logins::default());
}
