//! `engine: redshift` on a PostgreSQL that asks for md5, whose SQL is near enough, and nothing that Redshift lacks.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use serde_json::{Value, json};
use turnlock_tests::canary::{Canary, assert_absent};
use turnlock_tests::postgres::{
    Authentication, Logins, Mark, PasswordEncryption, Server, Setup, Version,
};
use turnlock_tests::world::{
    ADMIN, ADMIN_PASSWORD, FIRST_PASSWORD, FUNCTION, StepError, USER, World, secret_of,
};

const CHANGE: &str = "BEGIN READ WRITE; SET LOCAL statement_timeout = 5000; \
     SET LOCAL search_path = pg_catalog; ALTER USER \"app\" PASSWORD 'md5…'; COMMIT";
const WHO: &str = "BEGIN; SET LOCAL statement_timeout = 5000; SET LOCAL search_path = pg_catalog; \
     SELECT me.usesuper, (SELECT count(*) FROM pg_class c \
     WHERE c.relname = 'svv_system_privileges') > 0 \
     FROM pg_user me WHERE me.usename = session_user; COMMIT";
const MAY_ALTER_USERS: &str = "BEGIN; SET LOCAL statement_timeout = 5000; \
     SET LOCAL search_path = pg_catalog; SELECT count(*) > 0 FROM svv_system_privileges \
     WHERE system_privilege = 'ALTER USER'; COMMIT";

fn of(version: Version) -> Setup {
    Setup {
        version,
        authentication: Authentication::Md5,
        password_encryption: PasswordEncryption::Md5,
        ..Setup::default()
    }
}

fn md5() -> Setup {
    of(Version::Distribution)
}

fn redshift(secret: &mut Value) {
    secret["engine"] = json!("redshift");
}

/// A user with its own authority, after an edit of its secret.
async fn own(setup: Setup, edit: impl FnOnce(&mut Value)) -> World {
    World::start_with(setup, |secret| {
        redshift(secret);
        edit(secret);
    })
    .await
}

/// A user with an admin that these attributes make one, after edits of both secrets.
async fn administered(attributes: &str, edit: impl FnOnce(&mut Value, &mut Value)) -> World {
    let server = Server::start(md5()).await;
    server
        .sql(&format!(
            "CREATE ROLE {USER} LOGIN PASSWORD '{FIRST_PASSWORD}'; \
             CREATE ROLE {ADMIN} LOGIN {attributes} PASSWORD '{ADMIN_PASSWORD}'"
        ))
        .await;
    let mut admin = secret_of(&server, ADMIN, &json!(ADMIN_PASSWORD));
    let mut user = secret_of(&server, USER, &json!(FIRST_PASSWORD));
    redshift(&mut admin);
    redshift(&mut user);
    user["rotation"] = json!({"strategy": "single-user"});
    edit(&mut admin, &mut user);
    let mut world = World::with_secret(server, "{}").await;
    user["masterarn"] =
        json!(world.local.create_secret("admin", &admin.to_string()).expect("a secret"));
    world.secret = world.local.create_secret("user", &user.to_string()).expect("a secret");
    world.local.set_rotation(&world.secret, FUNCTION).expect("rotation");
    world
}

/// What the function's logins have run since a mark, without the digests.
fn statements(world: &World, since: Mark) -> Vec<String> {
    let log = world.server.log_since(since);
    let is_ours = |line: &&str| line.contains(" app@") || line.contains(" turnlock_admin@");
    let text = |line: &str| {
        let (_, text) = line.split_once(" LOG:  statement: ")?;
        let (before, digest) = text.split_once("'md5").unwrap_or((text, ""));
        Some(match digest.split_once('\'') {
            Some((_, after)) => format!("{before}'md5…'{after}"),
            None => text.to_owned(),
        })
    };
    log.lines().filter(is_ours).filter_map(text).collect()
}

/// Rotates, with a look at every login, statement and place where a password could be.
async fn rotates(world: &World, ran: &[&str]) {
    let (old, mark) = (world.password("AWSCURRENT"), world.mark());
    world.rotate().await.expect("the rotation succeeds");
    let new = world.password("AWSCURRENT");
    assert_ne!(new, old);
    let logins = world.server.logins_since(mark, USER).await;
    assert_eq!((logins.failed, logins.plaintext), (0, 0));
    assert_eq!(statements(world, mark), ran);
    assert!(world.stored_password().await.starts_with("md5"));
    let (log, output) = (world.server.log_since(mark), world.local.output(FUNCTION));
    let passwords = [&old, &new].map(|password| Canary::of("a password", password.as_str()));
    assert_absent(&passwords, &[("the server", &log), ("the function", &output)]);
    assert!(world.accepts(&new).await);
    assert!(!world.accepts(&old).await);
}

#[tokio::test]
async fn a_user_changes_its_own_password_by_statements_that_redshift_has() {
    for version in Version::ALL {
        let world = own(of(version), |_| ()).await;
        rotates(&world, &[CHANGE]).await;
        rotates(&world, &[CHANGE]).await;
        assert_eq!(world.document("AWSCURRENT")["engine"], "redshift");
    }
}

#[tokio::test]
async fn an_admin_changes_the_users_password_by_statements_that_redshift_has() {
    let world = administered("SUPERUSER", |_, _| ()).await;
    rotates(&world, &[CHANGE]).await;
}

#[tokio::test]
async fn an_admin_secret_without_an_engine_is_of_redshift_too() {
    let without = |admin: &mut Value, _: &mut Value| admin["engine"] = Value::Null;
    let world = administered("SUPERUSER", without).await;
    rotates(&world, &[CHANGE]).await;
}

#[tokio::test]
async fn a_secret_without_a_database_is_for_dev() {
    let world = own(md5(), |secret| secret["dbname"] = Value::Null).await;
    world.server.sql("CREATE DATABASE dev").await;
    let mark = world.mark();
    rotates(&world, &[CHANGE]).await;
    assert!(world.server.log_since(mark).contains(" app@dev LOG:  statement: "));
}

#[tokio::test]
async fn a_user_that_only_reads_by_default_is_rotated() {
    let world = own(md5(), |_| ()).await;
    world.server.sql("ALTER ROLE app SET default_transaction_read_only = on").await;
    rotates(&world, &[CHANGE]).await;
}

#[tokio::test]
async fn passwords_keep_redshifts_rules_whatever_punctuation_the_policy_allows() {
    let world = own(md5(), |secret| {
        secret["rotation"] = json!({"password": {"length": 64, "exclude_characters": ""}});
    })
    .await;
    for _ in 0..2 {
        world.rotate().await.expect("the rotation succeeds");
        let password = world.password("AWSCURRENT");
        assert_eq!(password.len(), 64);
        assert!(!password.contains(['\'', '"', '\\', '/', '@']), "{password}");
    }
}

#[tokio::test]
async fn a_policy_that_redshift_would_never_accept_is_refused_before_anything_is_written() {
    for (policy, word) in [
        (json!({"length": 65}), "8 to 64 characters"),
        (json!({"length": 7}), "8 to 64 characters"),
        (json!({"exclude_numbers": true}), "a digit"),
    ] {
        let edit = |secret: &mut Value| secret["rotation"] = json!({"password": policy});
        let error = own(md5(), edit).await.rotate_refused().await;
        error.assert_is("createSecret", "policy", &[word, "rotation.password"]);
    }
}

#[tokio::test]
async fn two_users_that_take_turns_are_refused_with_what_to_write_instead() {
    for rotation in [json!({}), json!({"strategy": "alternating-users"})] {
        let edit = |_: &mut Value, user: &mut Value| user["rotation"] = rotation;
        let world = administered("SUPERUSER", edit).await;
        let words = ["not there for Redshift", r#""rotation": {"strategy": "single-user"}"#];
        let error = world.rotate_refused().await;
        error.assert_is("createSecret", "refused", &words);
        assert_eq!(world.server.logins(ADMIN).await, Logins::default());
    }
}

#[tokio::test]
async fn two_passwords_at_once_are_refused() {
    let edit = |secret: &mut Value| secret["rotation"] = json!({"strategy": "dual-password"});
    let error = own(md5(), edit).await.rotate_refused().await;
    error.assert_is("createSecret", "refused", &["a Redshift user has one password"]);
}

#[tokio::test]
async fn an_admin_of_the_other_engine_is_refused() {
    for (admin, user) in [("postgres", "redshift"), ("redshift", "postgres")] {
        let world = administered("SUPERUSER", |first, second| {
            first["engine"] = json!(admin);
            second["engine"] = json!(user);
        })
        .await;
        let error = world.rotate_failing().await;
        let words = ["the admin's current version: field `engine` is of another database than"];
        error.assert_is("setSecret", "malformed-secret", &words);
    }
}

#[tokio::test]
async fn a_wrong_password_is_told_as_such() {
    let world = own(md5(), |secret| secret["password"] = json!("a-wrong-password")).await;
    let error = world.rotate_failing().await;
    error.assert_is("setSecret", "auth-rejected", &["rejects the password of app"]);
}

#[tokio::test]
async fn a_server_that_asks_for_scram_is_not_taken_for_redshift() {
    let error = own(Setup::default(), |_| ()).await.rotate_failing().await;
    error.assert_is("setSecret", "refused", &["by method 10", "check `engine`"]);
}

/// Runs the test alone, and returns what it ran.
async fn tested(world: &World) -> (Result<(), StepError>, Vec<String>) {
    let (roles, mark) = (world.roles().await, world.mark());
    let result = world.test_only().await;
    assert!(world.roles().await == roles, "the server was changed");
    (result, statements(world, mark))
}

#[tokio::test]
async fn the_test_alone_asks_nothing_of_a_user_that_logs_in() {
    let world = own(md5(), |_| ()).await;
    let (result, ran) = tested(&world).await;
    result.expect("the test passes");
    assert!(ran.is_empty(), "{ran:?}");
    assert_eq!(world.server.logins(USER).await.accepted, 1);
}

#[tokio::test]
async fn an_admin_has_to_be_superuser_or_to_have_alter_user() {
    let world = administered("SUPERUSER", |_, _| ()).await;
    let (result, ran) = tested(&world).await;
    result.expect("the test passes");
    assert_eq!(ran, [WHO]);

    let world = administered("CREATEROLE", |_, _| ()).await;
    let (result, ran) = tested(&world).await;
    let words =
        ["the admin may not change the password of app", "missing: superuser", "ALTER USER"];
    result.expect_err("a right is missing").assert_is("testSecret", "permission", &words);
    assert_eq!(ran, [WHO]);

    let view = |privilege: &str| {
        format!(
            "SET allow_system_table_mods = on; CREATE OR REPLACE VIEW \
             pg_catalog.svv_system_privileges AS SELECT '{privilege}'::text AS system_privilege; \
             GRANT SELECT ON pg_catalog.svv_system_privileges TO public"
        )
    };
    world.server.sql(&view("ALTER TABLE")).await;
    let (result, ran) = tested(&world).await;
    result.expect_err("it is another right").assert_is("testSecret", "permission", &words);
    assert_eq!(ran, [WHO, MAY_ALTER_USERS]);

    world.server.sql(&view("ALTER USER")).await;
    let (result, ran) = tested(&world).await;
    result.expect("the test passes");
    assert_eq!(ran, [WHO, MAY_ALTER_USERS]);
}
