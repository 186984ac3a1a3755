//! Admins whose password Amazon RDS keeps, in a secret with a name and a password alone.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use serde_json::{Value, json};
use turnlock_local::{Fault as Refusal, Operation};
use turnlock_tests::amazon::{Amazon, CLUSTER_TAG, INSTANCE_TAG, host_of, server};
use turnlock_tests::postgres::{Logins, Version};
use turnlock_tests::rds::{Cluster, Fault, Instance, REGION, host};
use turnlock_tests::world::{ADMIN, ADMIN_PASSWORD, FIRST_PASSWORD, USER};

const CLONE: &str = "app_clone";

fn single_user(secret: &mut Value) {
    secret["rotation"] = json!({"strategy": "single-user"});
}

/// Rotates twice; whoever is current logs in each time, and RDS and the tags are asked once a rotation.
async fn rotates(amazon: &Amazon) {
    let world = &amazon.world;
    for _ in 0..2 {
        let old = world.password("AWSCURRENT");
        world.local.clear_calls();
        amazon.rds.take_calls();
        let mark = world.mark();
        world.rotate().await.expect("the rotation succeeds");
        assert_ne!(world.password("AWSCURRENT"), old);
        let user = world.document("AWSCURRENT")["username"].as_str().expect("a name").to_owned();
        for name in [USER, CLONE, ADMIN] {
            assert_eq!(world.server.logins_since(mark, name).await.failed, 0, "{name}");
        }
        let password = world.password("AWSCURRENT");
        assert!(world.server.can_log_in(&user, &password, "postgres").await, "{user}");

        let of_admin = |call: &turnlock_local::Call| call.secret_id.as_ref() == Some(&amazon.admin);
        let calls = world.function_calls();
        let on_admin: Vec<_> =
            calls.iter().filter(|call| of_admin(call)).map(|call| call.operation).collect();
        assert_eq!(on_admin, [Operation::GetSecretValue, Operation::DescribeSecret]);
        // One more than with an admin whose secret says where to log in.
        assert_eq!(calls.len(), 14, "{calls:?}");
        assert_eq!(amazon.rds.take_calls().len(), 1);
    }
}

/// The cluster `shop` with the writer `one`, and a user's secret for this host in it.
async fn in_a_cluster(user_host: &str) -> Amazon {
    let cluster = Cluster::new("shop", "one", &["two"]);
    let names = [cluster.writer.clone(), host("one", "", REGION)];
    let server = server(Version::Distribution, &names).await;
    let cluster = Cluster { port: server.port(), ..cluster };
    let amazon = Amazon::with(server, (user_host, cluster.port), |_| ()).await;
    amazon.tag(CLUSTER_TAG, &cluster.arn());
    amazon.rds.put_cluster(cluster);
    amazon
}

#[tokio::test]
async fn an_admin_of_an_instance_lets_two_users_take_turns() {
    for version in Version::ALL {
        rotates(&Amazon::start(version).await).await;
    }
}

#[tokio::test]
async fn an_admin_of_an_instance_changes_the_password_of_a_single_user() {
    for version in Version::ALL {
        let amazon = Amazon::start(version).await;
        amazon.edit(single_user);
        rotates(&amazon).await;
        assert_eq!(amazon.world.document("AWSCURRENT")["username"], json!(USER));
    }
}

#[tokio::test]
async fn an_admin_of_a_cluster_is_logged_in_at_its_writer() {
    rotates(&in_a_cluster(&host("shop", "cluster-", REGION)).await).await;
}

#[tokio::test]
async fn the_instance_that_is_the_writer_is_the_same_database_as_the_clusters_endpoint() {
    let amazon = in_a_cluster(&host("one", "", REGION)).await;
    for _ in 0..2 {
        amazon.world.rotate().await.expect("the rotation succeeds");
    }
}

#[tokio::test]
async fn keys_that_nobody_knows_yet_are_no_obstacle() {
    let amazon = Amazon::start(Version::Distribution).await;
    amazon.write_admin(&json!({
        "username": ADMIN, "password": ADMIN_PASSWORD, "dbInstanceIdentifier": "other",
        "port": 1, "endpoint": {"host": "elsewhere.example.com"}, "version": 2,
    }));
    rotates(&amazon).await;
}

#[tokio::test]
async fn the_tag_counts_in_any_case_and_among_others() {
    let shop = Instance::new("shop");
    let server = server(Version::Distribution, &[host_of(&shop)]).await;
    let shop = Instance { port: server.port(), ..shop };
    let amazon = Amazon::with(server, (&host_of(&shop), shop.port), |_| ()).await;
    amazon.tag("aws:secretsmanager:owningService", "rds");
    amazon.tag("aws:rds:PRIMARYdbinstanceARN", &shop.arn());
    amazon.rds.put_instance(shop);
    rotates(&amazon).await;
}

#[tokio::test]
async fn the_test_alone_asks_rds_once_and_logs_in_as_the_admin() {
    let amazon = Amazon::start(Version::Distribution).await;
    let mark = amazon.world.mark();
    amazon.world.test_only().await.expect("the test passes");
    assert_eq!(amazon.rds.take_calls().len(), 1);
    for user in [USER, ADMIN] {
        let logins = amazon.world.server.logins_since(mark, user).await;
        assert_eq!(logins, Logins { accepted: 1, failed: 0, plaintext: 0 }, "{user}");
    }
}

/// The test alone and setSecret both have to say this, and change nothing.
async fn fails(amazon: &Amazon, class: &str, words: &[&str]) {
    let world = &amazon.world;
    let error = world.test_only().await.expect_err("the test tells what is wrong");
    error.assert_is("testSecret", class, words);
    world.rotate_failing().await.assert_is("setSecret", class, words);
    assert!(world.accepts(FIRST_PASSWORD).await, "AWSCURRENT works");
    let of_admin = world.server.logins(ADMIN).await;
    assert_eq!(of_admin, Logins::default(), "the admin was not logged in");
}

#[tokio::test]
async fn an_admin_secret_without_tag_and_host_is_malformed() {
    let server = server(Version::Distribution, &[]).await;
    let at = ("localhost", server.port());
    let amazon = Amazon::with(server, at, |_| ()).await;
    let words = ["the admin's current version: ", "field `host` is missing"];
    fails(&amazon, "malformed-secret", &words).await;
    assert_eq!(amazon.rds.take_calls(), []);
}

#[tokio::test]
async fn a_tag_that_is_no_arn_of_a_database_says_nothing() {
    let server = server(Version::Distribution, &[]).await;
    let at = ("localhost", server.port());
    let amazon = Amazon::with(server, at, |_| ()).await;
    amazon.tag(INSTANCE_TAG, "arn:aws:rds:us-east-1:123456789012:snapshot:shop");
    fails(&amazon, "malformed-secret", &["field `host` is missing"]).await;
    assert_eq!(amazon.rds.take_calls(), []);
}

#[tokio::test]
async fn a_role_that_may_not_ask_rds_is_told_so_and_goes_on_once_it_may() {
    let amazon = Amazon::start(Version::Distribution).await;
    amazon.rds.fail(Fault::AccessDenied);
    let words = ["the function's role may not rds:DescribeDBInstances in us-east-1"];
    fails(&amazon, "permission", &words).await;
    amazon.rds.recover();
    amazon.retry().await;
}

#[tokio::test]
async fn a_role_that_may_not_ask_for_clusters_is_told_so() {
    let amazon = in_a_cluster(&host("shop", "cluster-", REGION)).await;
    amazon.rds.fail(Fault::AccessDenied);
    let words = ["the function's role may not rds:DescribeDBClusters in us-east-1"];
    fails(&amazon, "permission", &words).await;
}

#[tokio::test]
async fn an_rds_that_throttles_to_the_end_is_told_as_such() {
    let amazon = Amazon::start(Version::Distribution).await;
    amazon.rds.fail(Fault::Throttling);
    fails(&amazon, "throttled", &["Amazon RDS throttled DescribeDBInstances to the end"]).await;
    amazon.rds.recover();
    amazon.retry().await;
}

#[tokio::test]
async fn an_instance_that_is_gone_is_refused() {
    let amazon = Amazon::start(Version::Distribution).await;
    let gone = Instance::new("gone").arn();
    amazon.tag(INSTANCE_TAG, &gone);
    fails(&amazon, "refused", &["Amazon RDS has no", &gone]).await;
}

#[tokio::test]
async fn an_instance_without_an_endpoint_yet_is_refused_with_its_status() {
    let amazon = Amazon::start(Version::Distribution).await;
    let shop = Instance::new("shop");
    amazon.rds.put_instance(Instance { host: None, ..shop.clone() });
    let words = [&shop.arn(), "has no endpoint yet; its status is creating"];
    fails(&amazon, "refused", &words).await;
}

#[tokio::test]
async fn an_admin_of_another_engine_is_malformed() {
    let amazon = in_a_cluster(&host("shop", "cluster-", REGION)).await;
    let port = amazon.world.server.port();
    let engine = "aurora-mysql".to_owned();
    amazon.rds.put_cluster(Cluster { engine, port, ..Cluster::new("shop", "one", &["two"]) });
    let words = ["the admin's current version: field `engine` is of another database"];
    fails(&amazon, "malformed-secret", &words).await;
}

#[tokio::test]
async fn a_role_that_may_not_describe_the_admins_secret_is_told_which_one() {
    // How many calls a step, or the steps before it, make before that one.
    for (test_only, calls_before) in [(true, 4), (false, 8)] {
        let amazon = Amazon::start(Version::Distribution).await;
        let world = &amazon.world;
        world.local.fail_after(calls_before, Refusal::AccessDenied);
        let (step, error) = if test_only {
            ("testSecret", world.test_only().await.expect_err("it may not"))
        } else {
            ("setSecret", world.rotate_failing().await)
        };
        let action = "the function's role may not secretsmanager:DescribeSecret";
        error.assert_is(step, "permission", &[&amazon.admin, action]);
        assert_eq!(amazon.rds.take_calls(), []);
        assert!(world.accepts(FIRST_PASSWORD).await, "AWSCURRENT works");
    }
}

#[tokio::test]
async fn a_role_that_may_not_read_the_admins_secret_is_told_which_one() {
    let amazon = Amazon::start(Version::Distribution).await;
    amazon.world.local.fail_after(7, Refusal::AccessDenied);
    let error = amazon.world.rotate_failing().await;
    let action = "the function's role may not secretsmanager:GetSecretValue";
    error.assert_is("setSecret", "permission", &[&amazon.admin, action]);
}
