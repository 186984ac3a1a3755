//! testSecret with two users: whatever makes them differ keeps consumers where they are.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use serde_json::json;
use turnlock_local::Operation;
use turnlock_tests::canary::{Canary, assert_absent};
use turnlock_tests::pair::CLONE;
use turnlock_tests::postgres::{Setup, Version};
use turnlock_tests::world::{ADMIN, FUNCTION, StepError, USER, World};

fn of(version: Version) -> Setup {
    Setup { version, ..Setup::default() }
}

/// Who is to become current.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Turn {
    Clone,
    First,
}

/// A rotation that has done setSecret, and its version.
async fn set(version: Version, turn: Turn) -> (World, String) {
    let world = World::start_alternating(of(version)).await;
    if turn == Turn::First {
        world.rotate().await.expect("the rotation succeeds");
    }
    let pending = world.rotate_but_for_the_end().await;
    (world, pending)
}

/// Lets the admin change a setting that no extension has declared, which PostgreSQL leaves to superusers.
const ALLOWED: &str = "GRANT SET ON PARAMETER myapp.token TO turnlock_admin";

/// Runs statements between setSecret and testSecret, which has to name the difference; then tries all again.
async fn differs_until_the_retry(version: Version, turn: Turn, statement: &str, words: &[&str]) {
    let (world, pending) = set(version, turn).await;
    let current = world.labels().get("AWSCURRENT").cloned();
    world.server.sql(ALLOWED).await;
    world.server.sql(statement).await;
    let error = test_refused(&world, &pending).await;
    error.assert_is("testSecret", "refused", words);
    assert_eq!(world.labels().get("AWSCURRENT").cloned(), current);
    let retried = world.retry_by_hand(&pending).await;
    assert_eq!(retried, Ok(()), "{version:?} {turn:?} {statement}");
    assert_eq!(world.labels().get("AWSCURRENT"), Some(&pending));
    for label in ["AWSCURRENT", "AWSPREVIOUS"] {
        let role = world.run_as(label, "SELECT current_user::text").await;
        assert_eq!(role.as_deref(), Ok(USER), "{label}: {statement}");
    }
}

/// A setting's value that nobody may be told.
const TOKEN: &str = "a-token-that-nobody-may-see";

async fn test_refused(world: &World, pending: &str) -> StepError {
    let error = world.step("testSecret", pending).await.expect_err("the two differ");
    let output = world.local.output(FUNCTION);
    let texts = [("the error", error.message.as_str()), ("the output", &output)];
    assert_absent(&[Canary::of("a setting's value", TOKEN)], &texts);
    error
}

#[tokio::test]
async fn a_second_user_that_falls_out_of_step_is_not_handed_out_until_a_retry_mends_it() {
    let of_clone = |what: &str| format!("ALTER ROLE {CLONE} {what}");
    let of_app = |what: &str| format!("ALTER ROLE {USER} {what}");
    for version in Version::ALL {
        for (statement, words) in [
            (of_clone("RESET role"), vec!["the setting role", "acts as app_clone and not as app"]),
            (of_clone(&format!("SET myapp.token = '{TOKEN}'")), vec!["the setting myapp.token"]),
            (of_app(&format!("SET myapp.token = '{TOKEN}'")), vec!["the setting myapp.token"]),
            (
                of_app("IN DATABASE postgres SET work_mem = '7MB'"),
                vec!["work_mem in database postgres"],
            ),
            (of_clone("CONNECTION LIMIT 7"), vec!["CONNECTION LIMIT"]),
            (of_app("CONNECTION LIMIT 7"), vec!["CONNECTION LIMIT"]),
            (of_clone("VALID UNTIL '2099-01-01'"), vec!["VALID UNTIL"]),
            (of_app("VALID UNTIL '2099-01-01'"), vec!["VALID UNTIL"]),
            (
                format!("SET ROLE {ADMIN}; REVOKE {USER} FROM {CLONE}"),
                vec!["it is no member of app", "acts as app_clone and not as app"],
            ),
            (
                format!(
                    "GRANT pg_monitor TO {ADMIN} WITH ADMIN OPTION; SET ROLE {ADMIN}; \
                     GRANT pg_monitor TO {CLONE}"
                ),
                vec!["it is a member of pg_monitor"],
            ),
        ] {
            differs_until_the_retry(version, Turn::Clone, &statement, &words).await;
        }
    }
}

#[tokio::test]
async fn a_first_user_that_falls_out_of_step_is_not_handed_out_until_a_retry_mends_it() {
    let of_clone = |what: &str| format!("ALTER ROLE {CLONE} {what}");
    let of_app = |what: &str| format!("ALTER ROLE {USER} {what}");
    for version in Version::ALL {
        for (statement, word) in [
            (of_clone("RESET role"), "the setting role"),
            (of_clone(&format!("SET myapp.token = '{TOKEN}'")), "the setting myapp.token"),
            (of_app(&format!("SET myapp.token = '{TOKEN}'")), "the setting myapp.token"),
            (
                of_clone("IN DATABASE postgres SET work_mem = '7MB'"),
                "work_mem in database postgres",
            ),
            (of_clone("CONNECTION LIMIT 7"), "CONNECTION LIMIT"),
            (of_app("CONNECTION LIMIT 7"), "CONNECTION LIMIT"),
            (of_clone("VALID UNTIL '2099-01-01'"), "VALID UNTIL"),
            (of_app("VALID UNTIL '2099-01-01'"), "VALID UNTIL"),
        ] {
            differs_until_the_retry(version, Turn::First, &statement, &[word]).await;
        }
    }
}

#[tokio::test]
async fn memberships_of_the_second_user_take_nothing_from_the_first() {
    for version in Version::ALL {
        for statement in [
            format!("SET ROLE {ADMIN}; REVOKE {USER} FROM {CLONE}"),
            format!("GRANT pg_monitor TO {CLONE}"),
        ] {
            let (world, pending) = set(version, Turn::First).await;
            world.server.sql(&statement).await;
            world.step("testSecret", &pending).await.expect("the first user is as it was");
            world.step("finishSecret", &pending).await.expect("consumers change over");
            assert!(world.logs_in("AWSCURRENT").await);
        }
    }
}

#[tokio::test]
async fn a_membership_that_the_admin_may_not_take_away_is_named_until_somebody_does() {
    let (world, pending) = set(Version::V18, Turn::Clone).await;
    world.server.sql(&format!("GRANT pg_monitor TO {CLONE}")).await;
    let error = test_refused(&world, &pending).await;
    error.assert_is("testSecret", "refused", &["it is a member of pg_monitor"]);
    let before = world.account(CLONE).await;
    let error = world.step("setSecret", &pending).await.expect_err("the admin may not revoke it");
    error.assert_is("setSecret", "permission", &["taking pg_monitor away from app_clone"]);
    assert_eq!(world.account(CLONE).await, before);
    world.server.sql(&format!("REVOKE pg_monitor FROM {CLONE}")).await;
    world.retry_by_hand(&pending).await.expect("the two are alike again");
}

#[tokio::test]
async fn users_that_are_both_changed_are_refused_until_they_are_alike() {
    let (world, pending) = set(Version::V18, Turn::First).await;
    let alter = format!(
        "ALTER ROLE {USER} SET myapp.token = '{TOKEN}'; ALTER ROLE {CLONE} SET work_mem = '7MB'"
    );
    world.server.sql(&alter).await;
    let words = ["the setting myapp.token", "the setting work_mem"];
    test_refused(&world, &pending).await.assert_is("testSecret", "refused", &words);
    let error =
        world.step("setSecret", &pending).await.expect_err("whose word counts is not known");
    error.assert_is("setSecret", "refused", &["were both changed since the last rotation"]);
    assert!(!error.message.contains(TOKEN), "{}", error.message);
    let alike =
        format!("ALTER ROLE {USER} RESET myapp.token; ALTER ROLE {USER} SET work_mem = '7MB'");
    world.server.sql(&alike).await;
    world.retry_by_hand(&pending).await.expect("the two are alike again");
}

/// AWS's function has done setSecret: a second user that is a member of the first, and no mark.
async fn set_by_aws(version: Version, current: &str, statements: &str) -> (World, String) {
    let world = World::left_by_aws(of(version), current, "").await;
    world.local.set_knobs(|knobs| knobs.require_rotation_token = false);
    world.server.sql(statements).await;
    // The other one's version of before is as good as one that it would have made.
    let pending = world.document("AWSPREVIOUS").to_string();
    let token = "00000000-0000-4000-8000-000000000001".to_owned();
    let request = json!({
        "SecretId": world.secret,
        "ClientRequestToken": token,
        "SecretString": pending,
        "VersionStages": ["AWSPENDING"],
    });
    world.local.call(Operation::PutSecretValue, &request).expect("createSecret stores a version");
    (world, token)
}

#[tokio::test]
async fn what_aws_has_set_passes_where_the_next_user_can_do_all_that_the_current_one_can() {
    for version in Version::ALL {
        let table = format!("CREATE TABLE prices (id int); GRANT SELECT ON prices TO {USER}");
        for current in [USER, CLONE] {
            let (world, pending) = set_by_aws(version, current, &table).await;
            world.step("testSecret", &pending).await.expect("nothing is lost");
            world.step("finishSecret", &pending).await.expect("consumers change over");
            world.run_as("AWSCURRENT", "SELECT * FROM prices").await.expect("it can read");
        }
    }
}

#[tokio::test]
async fn what_aws_has_set_is_refused_where_the_next_user_lacks_something_and_mended_by_a_retry() {
    let of_app = |what: &str| format!("ALTER ROLE {USER} {what}");
    let owned = "CREATE SCHEMA shop; GRANT CREATE, USAGE ON SCHEMA shop TO app; SET ROLE app_clone; \
         CREATE TABLE shop.orders (id int)";
    let no_grant = format!("SET ROLE {ADMIN}; REVOKE {USER} FROM {CLONE}; RESET ROLE");
    for version in Version::ALL {
        for (current, statements, word) in [
            (USER, of_app("CREATEDB"), "it lacks CREATEDB"),
            (USER, of_app(&format!("SET myapp.token = '{TOKEN}'")), "the setting myapp.token"),
            (CLONE, owned.to_owned(), "app_clone owns 1 objects"),
        ] {
            let (world, pending) = set_by_aws(version, current, &statements).await;
            world.server.sql(ALLOWED).await;
            let before = world.labels().get("AWSCURRENT").cloned();
            let error = test_refused(&world, &pending).await;
            error.assert_is("testSecret", "refused", &["which stays in use", word]);
            assert_eq!(world.labels().get("AWSCURRENT").cloned(), before);
            let retried = world.retry_by_hand(&pending).await;
            retried.unwrap_or_else(|error| panic!("{version:?} {statements}: {error:?}"));
        }
        let (world, pending) = set_by_aws(version, USER, &no_grant).await;
        let error = test_refused(&world, &pending).await;
        error.assert_is("testSecret", "refused", &["it is no member of app"]);
    }
}
