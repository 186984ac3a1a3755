//! Roles and servers with settings of their own: a rotation means the same there.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use std::time::Duration;

use turnlock_tests::postgres::{Authentication, Logins, PasswordEncryption, Setup, Version};
use turnlock_tests::world::{ADMIN, FIRST_PASSWORD, USER, World};

/// Rotates, in test-only mode first, without a failed login.
async fn rotates(world: &World) {
    let (old, mark) = (world.password("AWSCURRENT"), world.mark());
    world.test_only().await.expect("the test passes");
    world.rotate().await.expect("the rotation succeeds");
    let logins = world.server.logins_since(mark, USER).await;
    assert_eq!((logins.failed, logins.plaintext), (0, 0));
    let new = world.password("AWSCURRENT");
    assert_ne!(new, old);
    assert!(world.accepts(&new).await);
    assert!(!world.accepts(&old).await);
}

/// Rotates a role, and then an admin's user, on every version after these statements about `{role}`.
async fn rotates_after(statements: &str) {
    for version in Version::ALL {
        let setup = Setup { version, ..Setup::default() };
        let own = World::start(setup.clone()).await;
        own.server.sql(&statements.replace("{role}", USER)).await;
        rotates(&own).await;
        let by_admin = World::start_with_admin(setup).await;
        by_admin.server.sql(&statements.replace("{role}", ADMIN)).await;
        rotates(&by_admin).await;
    }
}

#[tokio::test]
async fn a_role_that_only_reads_by_default_is_rotated() {
    rotates_after("ALTER ROLE {role} SET default_transaction_read_only = on").await;
}

#[tokio::test]
async fn functions_that_look_like_the_systems_are_not_called() {
    let trap = "LANGUAGE plpgsql AS $$ BEGIN RAISE 'trapped'; END $$";
    let statements = format!(
        "CREATE SCHEMA evil; GRANT USAGE ON SCHEMA evil TO public; \
         CREATE FUNCTION evil.pg_is_in_recovery() RETURNS bool {trap}; \
         CREATE FUNCTION evil.current_setting(text) RETURNS text {trap}; \
         CREATE FUNCTION evil.current_setting(text, bool) RETURNS text {trap}; \
         CREATE FUNCTION evil.pg_advisory_xact_lock(int, int) RETURNS void {trap}; \
         CREATE FUNCTION evil.pg_has_role(oid, oid, text) RETURNS bool {trap}; \
         CREATE FUNCTION evil.trap(name, text) RETURNS bool {trap}; \
         CREATE OPERATOR evil.= (LEFTARG = name, RIGHTARG = text, FUNCTION = evil.trap); \
         CREATE VIEW evil.pg_settings AS SELECT 1 / 0 AS name; \
         CREATE VIEW evil.pg_roles AS SELECT 1 / 0 AS oid; \
         GRANT SELECT ON ALL TABLES IN SCHEMA evil TO public; \
         ALTER ROLE {{role}} SET search_path = evil, pg_catalog"
    );
    rotates_after(&statements).await;
}

#[tokio::test]
async fn a_role_that_acts_as_another_is_rotated() {
    let statements = "CREATE ROLE other NOLOGIN; GRANT other TO {role}; \
         ALTER ROLE {role} SET role = 'other'";
    rotates_after(statements).await;
}

#[tokio::test]
async fn a_role_that_reads_backslashes_in_strings_is_rotated() {
    let statements = "ALTER ROLE {role} SET standard_conforming_strings = off; \
         ALTER ROLE {role} SET escape_string_warning = off; \
         ALTER ROLE {role} SET backslash_quote = off";
    // The setting is gone from version 19 on.
    rotates_after(statements).await;
}

#[tokio::test]
async fn a_role_whose_statements_time_out_at_once_is_rotated() {
    for version in Version::ALL {
        let world = World::start(Setup { version, ..Setup::default() }).await;
        world.server.sql(&format!("ALTER ROLE {USER} SET statement_timeout = 1")).await;
        // On a busy machine not even BEGIN is done in a millisecond; nothing but the repetition helps then.
        world.local.set_knobs(|knobs| {
            knobs.attempts = 10;
            knobs.attempt_spacing = Duration::from_millis(10);
        });
        world.rotate().await.expect("the rotation succeeds");
        assert!(world.accepts(&world.password("AWSCURRENT")).await);
    }
}

#[tokio::test]
async fn a_role_with_another_encoding_and_other_formats_is_rotated() {
    let statements = "ALTER ROLE {role} SET client_encoding = 'LATIN1'; \
         ALTER ROLE {role} SET DateStyle = 'German'; ALTER ROLE {role} SET bytea_output = 'escape'; \
         ALTER ROLE {role} SET client_min_messages = 'debug5'; \
         ALTER ROLE {role} SET default_transaction_isolation = 'serializable'";
    rotates_after(statements).await;
}

#[tokio::test]
async fn a_server_that_stores_md5_gets_md5() {
    for version in Version::ALL {
        let setup = Setup {
            version,
            authentication: Authentication::Md5,
            password_encryption: PasswordEncryption::Md5,
            ..Setup::default()
        };
        let world = World::start(setup).await;
        rotates(&world).await;
        assert!(world.stored_password().await.starts_with("md5"));
    }
}

#[tokio::test]
async fn a_password_stored_as_md5_is_replaced_by_scram_where_the_server_now_wants_it() {
    let setup = Setup { authentication: Authentication::Md5, ..Setup::default() };
    let world = World::start(setup).await;
    world
        .server
        .sql(&format!(
            "SET password_encryption = 'md5'; ALTER ROLE {USER} PASSWORD '{FIRST_PASSWORD}'"
        ))
        .await;
    assert!(world.stored_password().await.starts_with("md5"));
    rotates(&world).await;
    assert!(world.stored_password().await.starts_with("SCRAM-SHA-256$4096:"));
}

#[tokio::test]
async fn the_verifier_has_as_many_iterations_as_the_server_asks_for() {
    for iterations in [1, 4096, 9999] {
        let setup = Setup {
            version: Version::V18,
            configuration: vec![format!("scram_iterations = {iterations}")],
            ..Setup::default()
        };
        let world = World::start(setup).await;
        rotates(&world).await;
        let stored = world.stored_password().await;
        assert!(stored.starts_with(&format!("SCRAM-SHA-256${iterations}:")), "{stored}");
    }
}

#[tokio::test]
async fn a_role_that_may_have_one_connection_is_rotated() {
    let world = World::start(Setup::default()).await;
    world.server.sql(&format!("ALTER ROLE {USER} CONNECTION LIMIT 1")).await;
    let mark = world.mark();
    world.rotate().await.expect("the rotation succeeds");
    let logins = world.server.logins_since(mark, USER).await;
    assert_eq!(logins, Logins { accepted: 2, failed: 0, plaintext: 0 });
}

#[tokio::test]
async fn a_role_that_asks_for_millions_of_iterations_is_refused_before_anything_changes() {
    let world = World::start(Setup { version: Version::V18, ..Setup::default() }).await;
    let stored = world.stored_password().await;
    world.server.sql(&format!("ALTER ROLE {USER} SET scram_iterations = 200000000")).await;
    for error in [world.test_only().await, world.rotate().await] {
        let error = error.expect_err("a login would take minutes");
        assert_eq!(error.class, "refused");
        assert!(error.message.contains("scram_iterations is 200000000"), "{}", error.message);
    }
    assert_eq!(world.stored_password().await, stored);
}
