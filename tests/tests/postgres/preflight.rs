//! testSecret alone, as attaching without rotating runs it: changes nothing and names what is missing.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use serde_json::json;
use turnlock_tests::postgres::{Logins, Server, Setup, Version};
use turnlock_tests::world::{
    ADMIN, ADMIN_PASSWORD, FIRST_PASSWORD, FUNCTION, USER, World, secret_of,
};

fn of(version: Version) -> Setup {
    Setup { version, ..Setup::default() }
}

/// Amazon's parameter, which a server of ours takes for a setting of an extension.
fn restricted() -> Setup {
    let configuration = vec!["rds.restrict_password_commands = 1".to_owned()];
    Setup { configuration, ..Setup::default() }
}

/// Runs the test alone with an admin, after these statements; it has to name what is missing.
async fn lacks(setup: Setup, statements: &str, class: &str, words: &[&str]) {
    let world = World::start_with_admin(setup).await;
    world.server.sql(statements).await;
    let error = world.tested().await.expect_err("a right is missing");
    error.assert_is("testSecret", class, words);
    world.assert_silent_on_passwords(&[("the error", &error.message)]);
}

#[tokio::test]
async fn a_user_that_may_change_its_password_passes() {
    for version in Version::ALL {
        let world = World::start(of(version)).await;
        world.tested().await.expect("the test passes");
        let logins = world.server.logins(USER).await;
        assert_eq!(logins, Logins { accepted: 1, failed: 0, plaintext: 0 });
        assert!(world.accepts(FIRST_PASSWORD).await);
    }
}

#[tokio::test]
async fn an_admin_that_may_change_the_users_password_passes() {
    for version in Version::ALL {
        let world = World::start_with_admin(of(version)).await;
        world.tested().await.expect("the test passes");
        for user in [USER, ADMIN] {
            let logins = world.server.logins(user).await;
            assert_eq!(logins, Logins { accepted: 1, failed: 0, plaintext: 0 });
        }
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_by_the_test_alone() {
    let edit = |secret: &mut serde_json::Value| secret["password"] = json!("a-wrong-password");
    let world = World::start_with(Setup::default(), edit).await;
    let error = world.tested().await.expect_err("the password is wrong");
    error.assert_is("testSecret", "auth-rejected", &["rejects the password of app", "[28P01]"]);
}

#[tokio::test]
async fn an_admin_without_createrole_is_told_so() {
    for version in Version::ALL {
        let revoke = format!("ALTER ROLE {ADMIN} NOCREATEROLE");
        let words = ["the admin may not change the password of app", "missing: CREATEROLE"];
        lacks(of(version), &revoke, "permission", &words).await;
    }
}

#[tokio::test]
async fn an_admin_without_admin_option_is_told_so_from_version_16_on() {
    let revoke = format!("REVOKE ADMIN OPTION FOR {USER} FROM {ADMIN}");
    let words = ["missing: ADMIN OPTION on app"];
    lacks(of(Version::V18), &revoke, "permission", &words).await;
}

#[tokio::test]
async fn an_admin_without_superuser_is_told_so_where_the_user_has_it() {
    let words = ["missing: SUPERUSER (app has it)"];
    lacks(Setup::default(), &format!("ALTER ROLE {USER} SUPERUSER"), "permission", &words).await;
}

#[tokio::test]
async fn all_that_an_admin_lacks_is_told_at_once() {
    let statements = format!(
        "ALTER ROLE {ADMIN} NOCREATEROLE; REVOKE ADMIN OPTION FOR {USER} FROM {ADMIN}; \
         ALTER ROLE {USER} SUPERUSER"
    );
    let words = ["SUPERUSER", "CREATEROLE", "ADMIN OPTION", "rds_password"];
    let setup = Setup { version: Version::V18, ..restricted() };
    lacks(setup, &statements, "permission", &words).await;
}

#[tokio::test]
async fn an_admin_outside_of_rds_password_is_told_so_where_amazon_restricts_passwords() {
    let words = ["missing: membership in rds_password", "rds.restrict_password_commands"];
    lacks(restricted(), "CREATE ROLE rds_password", "permission", &words).await;
}

#[tokio::test]
async fn a_user_outside_of_rds_password_is_told_so_where_amazon_restricts_passwords() {
    let world = World::start(restricted()).await;
    world.server.sql("CREATE ROLE rds_password").await;
    let error = world.tested().await.expect_err("a membership is missing");
    let words = ["may not change its own password", "membership in rds_password"];
    error.assert_is("testSecret", "permission", &words);
}

#[tokio::test]
async fn a_user_in_rds_password_passes_where_amazon_restricts_passwords() {
    let world = World::start(restricted()).await;
    world.server.sql(&format!("CREATE ROLE rds_password; GRANT rds_password TO {USER}")).await;
    world.tested().await.expect("the test passes");
}

#[tokio::test]
async fn what_the_next_rotation_lacks_does_not_fail_this_one_but_is_said() {
    let world = World::start(restricted()).await;
    world.rotate().await.expect("the password is changed already, so consumers must get it");
    assert!(world.accepts(&world.password("AWSCURRENT")).await);
    let output = world.local.output(FUNCTION);
    let warning = output.lines().find(|line| line.contains("the next rotation will fail"));
    let warning = warning.expect("a warning");
    assert!(warning.contains("WARN") && warning.contains("rds_password"), "{warning}");
}

#[tokio::test]
async fn an_admin_with_a_wrong_password_is_told_apart_from_the_user() {
    let admin = format!("ALTER ROLE {ADMIN} PASSWORD 'another-password'");
    let words = ["the admin secret arn:", "does not log in", "rejects the password", ADMIN];
    lacks(Setup::default(), &admin, "auth-rejected", &words).await;
}

#[tokio::test]
async fn an_admin_secret_that_is_missing_is_told_so() {
    let mut world = World::start_with_admin(Setup::default()).await;
    let mut text = world.document("AWSCURRENT");
    text["masterarn"] = json!("arn:aws:secretsmanager:us-east-1:123456789012:secret:none-AbCdEf");
    world.secret = world.local.create_secret("orphan", &text.to_string()).expect("a secret");
    world.local.set_rotation(&world.secret, FUNCTION).expect("rotation");
    let error = world.tested().await.expect_err("there is no admin secret");
    error.assert_is("testSecret", "refused", &["secret:none-AbCdEf", "does not exist"]);
}

#[tokio::test]
async fn a_user_that_is_its_own_admin_is_refused() {
    let mut world = World::start_with_admin(Setup::default()).await;
    let mut text = secret_of(&world.server, ADMIN, &json!(ADMIN_PASSWORD));
    text["masterarn"] = world.document("AWSCURRENT")["masterarn"].clone();
    text["rotation"] = json!({"strategy": "single-user"});
    world.secret = world.local.create_secret("itself", &text.to_string()).expect("a secret");
    world.local.set_rotation(&world.secret, FUNCTION).expect("rotation");
    let error = world.tested().await.expect_err("the admin's own secret would be left behind");
    error.assert_is("testSecret", "refused", &["is the admin itself", "leave the admin secret"]);
    let error = world.rotate_failing().await;
    error.assert_is("setSecret", "refused", &["is the admin itself"]);
    assert!(world.server.can_log_in(ADMIN, ADMIN_PASSWORD, "postgres").await);
}

#[tokio::test]
async fn an_admin_of_another_server_is_refused() {
    let world = World::start_with_admin(Setup::default()).await;
    let admin = world.document("AWSCURRENT")["masterarn"].as_str().expect("an ARN").to_owned();
    let mut text = secret_of(&world.server, ADMIN, &json!(ADMIN_PASSWORD));
    text["host"] = json!("127.0.0.1");
    world.local.put_value(&admin, &text.to_string()).expect("a write");
    let error = world.tested().await.expect_err("the admin is elsewhere");
    error.assert_is("testSecret", "refused", &["is for 127.0.0.1:", "not for localhost:"]);
}

#[tokio::test]
async fn a_replica_is_told_by_the_test_alone() {
    for version in Version::ALL {
        let primary = Server::start(of(version)).await;
        primary.sql(&format!("CREATE ROLE {USER} LOGIN PASSWORD '{FIRST_PASSWORD}'")).await;
        let standby = Server::standby_of(&primary).await;
        let secret = secret_of(&standby, USER, &json!(FIRST_PASSWORD)).to_string();
        let world = World::with_secret(standby, &secret).await;
        let error = world.tested().await.expect_err("a standby takes no writes");
        error.assert_is("testSecret", "read-only", &["is a replica", "the writer's endpoint"]);
    }
}

#[tokio::test]
async fn two_users_without_an_admin_are_told_by_the_test_alone() {
    let edit = |secret: &mut serde_json::Value| {
        secret["rotation"] = json!({"strategy": "alternating-users"});
    };
    let world = World::start_with(Setup::default(), edit).await;
    let error = world.tested().await.expect_err("it could not be rotated");
    error.assert_is("testSecret", "refused", &["alternating-users needs an admin", "masterarn"]);
}
