//! Secrets that cannot be rotated are refused by createSecret, with the field and the problem.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use serde_json::{Value, json};
use turnlock_local::Operation;
use turnlock_tests::canary::{Canary, assert_absent};
use turnlock_tests::postgres::{Logins, Server, Setup};
use turnlock_tests::world::{FIRST_PASSWORD, FUNCTION, USER, World, function, secret_of};

/// Rotates an edited secret, which has to fail in createSecret without a login.
async fn refused(edit: impl FnOnce(&mut Value), class: &str, words: &[&str]) {
    let world = World::start_with(Setup::default(), edit).await;
    world.rotate_refused().await.assert_is("createSecret", class, words);
    assert_eq!(world.server.logins(USER).await, Logins::default());
}

/// Rotates a secret of any text, which has to fail in the same way and without a piece of it.
async fn refused_text(text: &str, words: &[&str]) {
    let world = World::with_secret(Server::start(Setup::default()).await, text).await;
    let error = world.rotate_refused().await;
    error.assert_is("createSecret", "malformed-secret", words);
    let canary = Canary::of("the secret's text", text);
    let output = world.local.output(FUNCTION);
    assert_absent(&[canary], &[("error", &error.message), ("function", &output)]);
}

fn remove(secret: &mut Value, field: &str) {
    secret.as_object_mut().and_then(|fields| fields.remove(field)).expect("a field");
}

#[tokio::test]
async fn plain_text_is_refused_and_not_quoted() {
    refused_text("just-a-password-in-plain-text", &["not JSON", "store a JSON object"]).await;
}

#[tokio::test]
async fn a_json_array_is_refused_and_not_quoted() {
    let text = r#"["app","a-password-in-an-array"]"#;
    refused_text(text, &["not a JSON object", "store a JSON object"]).await;
}

#[tokio::test]
async fn json_that_is_cut_off_is_refused_and_not_quoted() {
    let text = r#"{"username":"app","password":"a-password-that-does-not-end"#;
    refused_text(text, &["not JSON", "store a JSON object"]).await;
}

#[tokio::test]
async fn a_binary_secret_is_refused() {
    let mut world = World::start(Setup::default()).await;
    let request = json!({
        "Name": "binary", "SecretBinary": "c2VjcmV0", "ClientRequestToken": "b".repeat(32),
    });
    let answer = world.local.call(Operation::CreateSecret, &request).expect("a binary secret");
    world.secret = answer["ARN"].as_str().expect("an ARN").to_owned();
    world.local.set_rotation(&world.secret, FUNCTION).expect("rotation");
    let words = ["is binary", "store a JSON object as SecretString"];
    world.rotate_refused().await.assert_is("createSecret", "malformed-secret", &words);
}

#[tokio::test]
async fn the_engine_of_another_database_is_refused() {
    let words = ["`engine`", "of another database", "postgres, aurora-postgresql and redshift"];
    refused(|secret| secret["engine"] = json!("mysql"), "malformed-secret", &words).await;
}

#[tokio::test]
async fn a_port_that_is_no_number_is_refused() {
    let words = ["`port`", "whole number from 1 to 65535"];
    refused(|secret| secret["port"] = json!("abc"), "malformed-secret", &words).await;
}

#[tokio::test]
async fn a_port_over_65535_is_refused() {
    let words = ["`port`", "whole number from 1 to 65535"];
    refused(|secret| secret["port"] = json!(70_000), "malformed-secret", &words).await;
}

#[tokio::test]
async fn an_empty_username_is_refused() {
    let words = ["`username` is empty"];
    refused(|secret| secret["username"] = json!(""), "malformed-secret", &words).await;
}

#[tokio::test]
async fn a_username_with_a_nul_is_refused() {
    let words = ["`username` has a NUL"];
    refused(|secret| secret["username"] = json!("app\0"), "malformed-secret", &words).await;
}

#[tokio::test]
async fn a_username_that_postgresql_would_cut_off_is_refused() {
    let words = ["`username`", "63 bytes"];
    let long = "é".repeat(32);
    refused(|secret| secret["username"] = json!(long), "malformed-secret", &words).await;
}

#[tokio::test]
async fn a_missing_username_is_refused() {
    let words = ["`username` is missing"];
    refused(|secret| remove(secret, "username"), "malformed-secret", &words).await;
}

#[tokio::test]
async fn a_missing_password_is_refused() {
    let words = ["`password` is missing"];
    refused(|secret| remove(secret, "password"), "malformed-secret", &words).await;
}

#[tokio::test]
async fn a_password_that_is_no_string_is_refused() {
    let words = ["`password` is not a string"];
    let edit = |secret: &mut Value| secret["password"] = json!([FIRST_PASSWORD]);
    refused(edit, "malformed-secret", &words).await;
}

#[tokio::test]
async fn a_missing_host_is_refused_with_the_attachment_that_writes_it() {
    let words = ["`host` is missing", "AWS::SecretsManager::SecretTargetAttachment"];
    refused(|secret| remove(secret, "host"), "malformed-secret", &words).await;
}

#[tokio::test]
async fn a_database_name_with_a_nul_is_refused() {
    let words = ["`dbname` has a control character"];
    refused(|secret| secret["dbname"] = json!("a\0b"), "malformed-secret", &words).await;
}

#[tokio::test]
async fn a_flag_that_is_neither_true_nor_false_is_refused() {
    let words = ["`ssl` is not true or false"];
    refused(|secret| secret["ssl"] = json!("prefer"), "malformed-secret", &words).await;
}

#[tokio::test]
async fn a_rotation_section_that_is_no_object_is_refused() {
    let words = ["`rotation` is not an object"];
    refused(|secret| secret["rotation"] = json!("single-user"), "malformed-secret", &words).await;
}

#[tokio::test]
async fn an_unknown_strategy_is_refused_with_the_known_ones() {
    let words = ["`rotation.strategy`", "single-user, alternating-users, dual-password"];
    let edit = |secret: &mut Value| secret["rotation"] = json!({"strategy": "best"});
    refused(edit, "malformed-secret", &words).await;
}

#[tokio::test]
async fn a_misspelt_setting_of_passwords_is_refused() {
    let words = ["`rotation.password.lenght`", "is not a setting of passwords"];
    let edit = |secret: &mut Value| secret["rotation"] = json!({"password": {"lenght": 64}});
    refused(edit, "malformed-secret", &words).await;
}

#[tokio::test]
async fn a_policy_that_allows_no_password_is_refused() {
    let password = json!({"length": 3});
    let edit = |secret: &mut Value| secret["rotation"] = json!({"password": password});
    refused(edit, "policy", &["too short", "each included type"]).await;
}

#[tokio::test]
async fn two_users_without_an_admin_are_refused() {
    let words = ["alternating-users needs an admin", "masterarn"];
    let edit = |secret: &mut Value| secret["rotation"] = json!({"strategy": "alternating-users"});
    refused(edit, "refused", &words).await;
}

#[tokio::test]
async fn two_passwords_for_one_role_are_refused() {
    let words = ["one password", "dual-password is for MySQL and MariaDB"];
    let edit = |secret: &mut Value| secret["rotation"] = json!({"strategy": "dual-password"});
    refused(edit, "refused", &words).await;
}

#[tokio::test]
async fn a_password_length_in_the_environment_that_is_no_number_is_refused_by_every_step() {
    let server = Server::start(Setup::default()).await;
    server.sql(&format!("CREATE ROLE {USER} LOGIN PASSWORD '{FIRST_PASSWORD}'")).await;
    let function = function(&server).env("PASSWORD_LENGTH", "abc");
    let text = secret_of(&server, USER, &json!(FIRST_PASSWORD)).to_string();
    let world = World::with_function(server, &text, function).await;
    let words = ["PASSWORD_LENGTH", "whole number from 1 to 4096"];
    world.rotate_refused().await.assert_is("createSecret", "refused", &words);
    for step in ["setSecret", "testSecret", "finishSecret"] {
        let error = world.step(step, &world.labels()["AWSPENDING"]).await;
        error.expect_err("the variable is still wrong").assert_is(step, "refused", &words);
    }
    assert!(world.accepts(FIRST_PASSWORD).await);
}
