//! What a PostgreSQL server can refuse is told apart, and changes nothing.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::Connection as _;
use turnlock_tests::postgres::{Logins, Server, Setup, Version};
use turnlock_tests::world::{ADMIN, ADMIN_PASSWORD, FIRST_PASSWORD, USER, World, secret_of};

/// Nobody logs in with this.
const WRONG: &str = "a-password-that-is-wrong";

fn failed(count: usize) -> Logins {
    Logins { accepted: 0, failed: count, plaintext: 0 }
}

#[tokio::test]
async fn a_password_that_is_wrong_everywhere_is_tried_once_a_version() {
    for version in Version::ALL {
        let setup = Setup { version, ..Setup::default() };
        let world = World::start_with(setup, |secret| secret["password"] = json!(WRONG)).await;
        let words = ["none of the 2 passwords of app", "[28P01]", "by hand", "masterarn"];
        world.rotate_failing().await.assert_is("setSecret", "auth-rejected", &words);
        // The current one and the pending one.
        assert_eq!(world.server.logins(USER).await, failed(2));
        assert!(world.accepts(FIRST_PASSWORD).await);
    }
}

#[tokio::test]
async fn older_versions_that_are_wrong_too_are_tried_once_each() {
    let edit = |secret: &mut Value| secret["password"] = json!(WRONG);
    let world = World::start_with(Setup::default(), edit).await;
    let text = world.local.value_of(&world.secret, "AWSCURRENT").expect("a value");
    for password in ["another-wrong-password", "a-third-wrong-password", WRONG] {
        world.local.put_value(&world.secret, &text.replace(WRONG, password)).expect("a write");
    }
    let words = ["none of the 4 passwords of app"];
    world.rotate_failing().await.assert_is("setSecret", "auth-rejected", &words);
    assert_eq!(world.server.logins(USER).await, failed(4));
}

#[tokio::test]
async fn a_role_without_login_is_told_from_a_wrong_password() {
    let world = World::start(Setup::default()).await;
    world.server.sql(&format!("ALTER ROLE {USER} NOLOGIN")).await;
    let words = ["whatever the password is", "NOLOGIN", "[28000]"];
    world.rotate_failing().await.assert_is("setSecret", "auth-rejected", &words);
    assert_eq!(world.server.logins(USER).await, failed(1));
}

#[tokio::test]
async fn a_database_that_is_missing_is_named() {
    let edit = |secret: &mut Value| secret["dbname"] = json!("shop");
    let world = World::start_with(Setup::default(), edit).await;
    let words = ["accepts app", "no database shop", "`dbname`", "[3D000]"];
    world.rotate_failing().await.assert_is("setSecret", "database-missing", &words);
}

#[tokio::test]
async fn a_database_that_the_role_may_not_use_is_named() {
    let edit = |secret: &mut Value| secret["dbname"] = json!("shop");
    let world = World::start_with(Setup::default(), edit).await;
    world.server.sql("CREATE DATABASE shop").await;
    world.server.sql("REVOKE CONNECT ON DATABASE shop FROM public").await;
    let words = ["app", "may not CONNECT to the database shop", "[42501]"];
    world.rotate_failing().await.assert_is("setSecret", "permission", &words);
}

#[tokio::test]
async fn a_server_without_a_free_connection_is_told_as_such() {
    let world = World::start(Setup { max_connections: 4, ..Setup::default() }).await;
    let only = world.server.log_in(USER, FIRST_PASSWORD, "postgres").await.expect("a connection");
    let words = ["no connection left for app", "max_connections", "[53300]"];
    world.rotate_failing().await.assert_is("setSecret", "too-many-connections", &words);
    drop(only);
}

#[tokio::test]
async fn a_standby_is_refused_with_the_endpoint_that_is_needed() {
    for version in Version::ALL {
        let primary = Server::start(Setup { version, ..Setup::default() }).await;
        primary.sql(&format!("CREATE ROLE {USER} LOGIN PASSWORD '{FIRST_PASSWORD}'")).await;
        let standby = Server::standby_of(&primary).await;
        let secret = secret_of(&standby, USER, &json!(FIRST_PASSWORD)).to_string();
        let world = World::with_secret(standby, &secret).await;
        let words = ["is a replica", "the writer's endpoint"];
        world.rotate_failing().await.assert_is("setSecret", "read-only", &words);
        assert!(world.accepts(FIRST_PASSWORD).await);
    }
}

#[tokio::test]
async fn a_server_that_is_read_only_by_its_configuration_is_refused() {
    let configuration = vec!["default_transaction_read_only = on".to_owned()];
    let setup = Setup { configuration, ..Setup::default() };
    let server = Server::start(setup).await;
    let create = format!("CREATE ROLE {USER} LOGIN PASSWORD '{FIRST_PASSWORD}'");
    server.sql(&format!("BEGIN READ WRITE; {create}; COMMIT")).await;
    let secret = secret_of(&server, USER, &json!(FIRST_PASSWORD)).to_string();
    let world = World::with_secret(server, &secret).await;
    let words = ["takes no writes", "the writer's endpoint"];
    world.rotate_failing().await.assert_is("setSecret", "read-only", &words);
}

#[tokio::test]
async fn an_admin_without_the_right_is_told_by_the_servers_code() {
    let world = World::start_with_admin(Setup { version: Version::V18, ..Setup::default() }).await;
    world.server.sql(&format!("ALTER ROLE {ADMIN} NOCREATEROLE")).await;
    let words = ["changing the password of app", "privilege is missing", "[42501]"];
    world.rotate_failing().await.assert_is("setSecret", "permission", &words);
}

#[tokio::test]
async fn a_role_that_somebody_dropped_is_told_from_a_missing_right() {
    let world = World::start_with_admin(Setup::default()).await;
    world.server.sql(&format!("DROP ROLE {USER}")).await;
    let words =
        ["changing the password of app", "a role or another object does not exist", "[42704]"];
    world.rotate_failing().await.assert_is("setSecret", "refused", &words);
}

#[tokio::test]
async fn a_role_that_another_session_changes_is_waited_for_and_then_told() {
    let world = World::start_with_admin(Setup::default()).await;
    let mut other = world.server.log_in(ADMIN, ADMIN_PASSWORD, "postgres").await;
    let other = other.as_mut().expect("the admin is let in");
    let mut change = other.begin().await.expect("a transaction");
    sqlx::raw_sql("ALTER ROLE app PASSWORD NULL").execute(&mut *change).await.expect("a change");
    let error = world.rotate_failing().await;
    error.assert_is("setSecret", "timeout", &["changing the password of app"]);
    change.rollback().await.expect("the end of the transaction");
    // The stuck rotation is taken up again by the request that it has refused.
    world.local.rotate(&world.secret).expect_err("a rotation is not complete");
    let ended = world.local.wait_for_rotation(&world.secret, Duration::from_secs(30)).await;
    ended.expect("the rotation succeeds");
    assert!(world.accepts(&world.password("AWSCURRENT")).await);
}
