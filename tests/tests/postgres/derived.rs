//! Consumers log in by the URL that a rotation writes, whatever characters the password has.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use turnlock_tests::canary::{Canary, assert_absent};
use turnlock_tests::postgres::{Setup, Version};
use turnlock_tests::world::{FIRST_PASSWORD, FUNCTION, USER, World};

const URL: &str = "postgresql://{username|percent}:{password|percent}@{host}:{port}/{dbname|percent}?sslmode=verify-full";
const JDBC: &str =
    "jdbc:postgresql://{host}:{port}/{dbname}?user={username|percent}&password={password|percent}";

/// A secret with passwords of all punctuation, an URL that has yet to be made, and a stale one.
fn derived(secret: &mut Value) {
    secret["jdbc"] = json!("jdbc:stale");
    secret["rotation"] = json!({
        "password": {"length": 200, "exclude_characters": ""},
        "derived": {"url": URL, "jdbc": JDBC},
    });
}

fn text(world: &World, label: &str, field: &str) -> String {
    world.document(label)[field].as_str().expect("a string").to_owned()
}

/// Logs in by nothing but the URL and the root of the certificate.
async fn log_in(world: &World, url: &str) -> Result<PgConnection, sqlx::Error> {
    let options: PgConnectOptions = url.parse().expect("a URL");
    options.ssl_root_cert(world.server.ca_file()).connect().await
}

#[tokio::test]
async fn the_url_of_the_current_version_logs_in_after_each_rotation() {
    for version in Version::ALL {
        let world = World::start_with(Setup { version, ..Setup::default() }, derived).await;
        let mut old: Option<String> = None;
        for _ in 0..5 {
            world.rotate().await.expect("the rotation succeeds");
            let url = text(&world, "AWSCURRENT", "url");
            let mut session = log_in(&world, &url).await.expect("the URL logs in");
            let user = sqlx::query_scalar("SELECT current_user::text").fetch_one(&mut session);
            let user: String = user.await.expect("an answer");
            assert_eq!(user, USER);
            session.close().await.expect("a session can be ended");
            if let Some(old) = old.replace(url) {
                assert_eq!(text(&world, "AWSPREVIOUS", "url"), old);
                let error = log_in(&world, &old).await.expect_err("the old URL is dead");
                let code = error.as_database_error().and_then(|error| error.code());
                assert_eq!(code.as_deref(), Some("28P01"));
            }
        }
        let (url, jdbc) = (text(&world, "AWSCURRENT", "url"), text(&world, "AWSCURRENT", "jdbc"));
        let (_, password) = jdbc.split_once("&password=").expect("a password");
        let (start, port) = (format!("postgresql://{USER}:{password}@"), world.server.port());
        assert!(url.starts_with(&start), "both hold one password");
        assert!(
            jdbc.starts_with(&format!("jdbc:postgresql://localhost:{port}/postgres?user={USER}&"))
        );
    }
}

#[tokio::test]
async fn nothing_that_is_derived_is_printed() {
    let world = World::start_with(Setup::default(), derived).await;
    world.test_only().await.expect("the test succeeds");
    world.rotate().await.expect("the rotation succeeds");
    let output = world.local.output(FUNCTION);
    let stale: Vec<_> = output.lines().filter(|line| line.contains("rotation.derived")).collect();
    assert_eq!(stale.len(), 2, "a warning each of the two that were stale: {stale:?}");
    let canaries = [
        Canary::of("the first password", FIRST_PASSWORD),
        Canary::of("the new password", world.password("AWSCURRENT")),
        Canary::of("the url", text(&world, "AWSCURRENT", "url")),
        Canary::of("the jdbc", text(&world, "AWSCURRENT", "jdbc")),
    ];
    assert_absent(&canaries, &[("the function's output", &output)]);
}

#[tokio::test]
async fn a_broken_template_is_told_when_it_is_attached_and_refused_when_it_is_rotated() {
    let broken = |secret: &mut Value| {
        derived(secret);
        secret["rotation"]["derived"]["url"] = json!(URL.replace("{port}", "{prot}"));
    };
    let world = World::start_with(Setup::default(), broken).await;
    let words = ["`rotation.derived.url`", "placeholder 4", "missing"];
    let error = world.test_only().await.expect_err("the template is broken");
    error.assert_is("testSecret", "malformed-secret", &words);
    world.rotate_refused().await.assert_is("createSecret", "malformed-secret", &words);
    assert!(world.accepts(FIRST_PASSWORD).await);
}
