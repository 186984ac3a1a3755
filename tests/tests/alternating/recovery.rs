//! A rotation of two users that is cut off anywhere: who still logs in, and how it goes on.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use std::time::Duration;

use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _};
use turnlock_local::{Delivery, Fault, Operation};
use turnlock_tests::pair::{CLONE, server_with_user};
use turnlock_tests::postgres::{Server, Setup, Version};
use turnlock_tests::wire::{Fuse, Protocol, Wire};
use turnlock_tests::world::{FUNCTION, USER, World};

fn of(version: Version) -> Setup {
    Setup { version, ..Setup::default() }
}

/// Something that the first user may do by a privilege, by ownership, by an attribute and by a setting.
const RIGHTS: &str = "CREATE TABLE prices (id int); GRANT SELECT ON prices TO app; \
     CREATE SCHEMA AUTHORIZATION app; ALTER ROLE app CREATEDB; ALTER ROLE app SET work_mem = '7MB'";

async fn pair(version: Version) -> World {
    let world = World::start_alternating(of(version)).await;
    world.server.sql(RIGHTS).await;
    world
}

/// The version that consumers read logs in and has all that the first user has.
async fn assert_current_serves(world: &World) {
    let uses = "SELECT * FROM prices; CREATE TABLE app.mine (id int); DROP TABLE app.mine; \
         SELECT concat_ws(' ', current_user, current_setting('work_mem'), rolcreatedb) \
         FROM pg_roles WHERE rolname = current_user";
    let user = world.user("AWSCURRENT");
    assert_eq!(world.run_as("AWSCURRENT", uses).await.as_deref(), Ok("app 7MB t"), "as {user}");
}

/// Goes on after an interruption, to the end: both users log in and are alike.
async fn assert_goes_on(world: &World) {
    assert_current_serves(world).await;
    world.retry().await.expect("the rotation goes on");
    assert!(!world.labels().contains_key("AWSPENDING"));
    assert_current_serves(world).await;
}

#[tokio::test]
async fn a_denial_of_any_call_to_secrets_manager_leaves_consumers_their_user_and_a_retry_goes_on() {
    let world = pair(Version::V18).await;
    world.rotate_calmly().await;
    world.local.clear_calls();
    world.rotate_calmly().await;
    let calls = u32::try_from(world.function_calls().len()).expect("a few");
    assert_eq!(calls, 13);
    let mut interrupted = 0;
    for call in 0..calls {
        // Each of the two is the pending one once.
        for _ in 0..2 {
            world.local.fail_after(call, Fault::AccessDenied);
            interrupted += u32::from(world.rotate().await.is_err());
            world.local.clear_faults();
            assert_goes_on(&world).await;
            world.assert_in_step().await;
        }
    }
    assert!(interrupted > calls, "only {interrupted} rotations were interrupted");
}

/// Has both secrets lead through a wire, without TLS.
fn through(world: &World, wire: &Wire) {
    let admin = world.document("AWSCURRENT")["masterarn"].as_str().expect("an ARN").to_owned();
    for secret in [&admin, &world.secret] {
        let text = world.local.value_of(secret, "AWSCURRENT").expect("a value");
        let mut text: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        text["port"] = json!(wire.port());
        text["ssl"] = json!(false);
        world.local.put_value(secret, &text.to_string()).expect("a write");
    }
}

#[tokio::test]
async fn a_session_that_is_killed_in_the_middle_of_the_change_changes_nothing() {
    for version in Version::ALL {
        let world = pair(version).await;
        for pending in [CLONE, USER] {
            let make =
                "DROP ROLE IF EXISTS boss; CREATE ROLE boss SUPERUSER LOGIN PASSWORD 'of-the-boss'";
            world.server.sql(make).await;
            let mut boss =
                world.server.log_in("boss", "of-the-boss", "postgres").await.expect("a session");
            // The change waits for this one: of the first user, or of the name that is to be made.
            let hold = if pending == CLONE {
                format!("CREATE ROLE {CLONE}")
            } else {
                format!("ALTER ROLE {USER} NOLOGIN")
            };
            run(&mut boss, &format!("BEGIN; {hold}")).await;
            let kill = async {
                let waiting = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'turnlock' \
                     AND wait_event_type = 'Lock'";
                while world.server.query_one(waiting).await == "0" {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                let kill = waiting.replace("count(*)", "pg_terminate_backend(pid)");
                world.server.sql(&kill).await;
            };
            let (rotated, ()) = tokio::join!(world.rotate(), kill);
            let error = rotated.expect_err("the session is killed");
            error.assert_is("setSecret", "tcp", &["the server is shutting down", "57P01"]);
            run(&mut boss, "ROLLBACK").await;
            boss.close().await.expect("a session can be ended");
            assert_goes_on(&world).await;
            assert_eq!(world.user("AWSCURRENT"), pending);
            world.assert_in_step().await;
        }
    }
}

async fn run(session: &mut sqlx::PgConnection, statements: &str) {
    let statements = AssertSqlSafe(statements.to_owned());
    sqlx::raw_sql(statements).execute(session).await.expect("the boss may");
}

#[tokio::test]
async fn a_label_that_is_cleared_in_the_middle_costs_one_rotation_and_nobodys_login() {
    for version in Version::ALL {
        let world = pair(version).await;
        for _ in 0..3 {
            let pending = world.rotate_but_for_the_end().await;
            world.clear_pending(&pending);
            assert_current_serves(&world).await;
            let late = world.step("finishSecret", &pending).await.expect_err("it was abandoned");
            assert_eq!(late.class, "refused");
            world.rotate_calmly().await;
            assert_current_serves(&world).await;
            world.assert_in_step().await;
        }
    }
}

#[tokio::test]
async fn a_rotation_that_is_cancelled_in_the_middle_goes_on_when_it_is_turned_on_again() {
    for version in Version::ALL {
        let world = pair(version).await;
        for _ in 0..2 {
            let pending = world.rotate_but_for_the_end().await;
            let request = json!({"SecretId": world.secret});
            world.local.call(Operation::CancelRotateSecret, &request).expect("it is cancelled");
            assert_current_serves(&world).await;
            let late = world.step("testSecret", &pending).await.expect_err("it was cancelled");
            assert_eq!(late.class, "refused");
            world.local.set_rotation(&world.secret, FUNCTION).expect("it is turned on again");
            assert_goes_on(&world).await;
            world.assert_in_step().await;
        }
    }
}

#[tokio::test]
async fn two_invocations_of_a_step_at_once_end_as_one() {
    for version in Version::ALL {
        let world = pair(version).await;
        for _ in 0..4 {
            let pending = begun(&world).await;
            world.step("createSecret", &pending).await.expect("a version is made");
            for step in ["setSecret", "testSecret", "setSecret", "testSecret"] {
                let (one, other) =
                    tokio::join!(world.step(step, &pending), world.step(step, &pending));
                one.and(other).unwrap_or_else(|error| panic!("{error:?}"));
            }
            world.step("finishSecret", &pending).await.expect("consumers change over");
            assert_current_serves(&world).await;
        }
        world.assert_in_step().await;
    }
}

#[tokio::test]
async fn steps_that_overlap_end_as_one() {
    let world = pair(Version::V18).await;
    world.local.set_knobs(|knobs| {
        knobs.delivery = Delivery::Overlapping;
        knobs.attempts = 3;
        knobs.attempt_spacing = Duration::ZERO;
    });
    for _ in 0..4 {
        world.rotate().await.expect("a rotation of overlapping steps succeeds");
        assert_current_serves(&world).await;
    }
    world.assert_in_step().await;
}

/// A rotation of which createSecret has failed: the version to make, without a value.
async fn begun(world: &World) -> String {
    world.local.set_knobs(|knobs| knobs.require_rotation_token = false);
    world.local.fail_next(Operation::PutSecretValue, 1, Fault::AccessDenied);
    let error = world.rotate().await.expect_err("createSecret is denied");
    assert_eq!(error.step, "createSecret", "{error:?}");
    world.labels()["AWSPENDING"].clone()
}

#[tokio::test]
async fn a_server_that_is_restarted_between_any_two_steps_is_no_hindrance() {
    for version in Version::ALL {
        let mut world = pair(version).await;
        for _ in 0..2 {
            let pending = begun(&world).await;
            for step in ["createSecret", "setSecret", "testSecret", "finishSecret"] {
                world.server.restart().await;
                assert_current_serves(&world).await;
                world.step(step, &pending).await.unwrap_or_else(|error| panic!("{error:?}"));
            }
            assert_current_serves(&world).await;
            world.assert_in_step().await;
        }
    }
}

/// A pair behind a wire, and a standby of its server.
async fn with_standby(version: Version) -> (World, Wire, Server) {
    let primary = server_with_user(of(version), "").await;
    primary.sql(RIGHTS).await;
    let world = World::administered(primary, |_| ()).await;
    let wire = Wire::to(world.server.port(), Protocol::Postgres, &Fuse::default());
    through(&world, &wire);
    let standby = Server::standby_of(&world.server).await;
    (world, wire, standby)
}

/// Waits until the standby has all that its server has.
async fn caught_up(primary: &Server, standby: &Server) {
    let written = primary.query_one("SELECT pg_current_wal_lsn()").await;
    let replayed = format!("SELECT pg_last_wal_replay_lsn() >= '{written}'");
    while standby.query_one(&replayed).await != "t" {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_standby_that_takes_over_before_the_change_is_read_only_until_it_is_promoted() {
    for version in Version::ALL {
        let (mut world, wire, standby) = with_standby(version).await;
        let pending = begun(&world).await;
        world.step("createSecret", &pending).await.expect("a version is made");
        caught_up(&world.server, &standby).await;
        wire.lead_to(standby.port());
        let error = world.step("setSecret", &pending).await.expect_err("a standby takes no writes");
        error.assert_is("setSecret", "read-only", &["is a replica", "the writer's endpoint"]);
        standby.sql("SELECT pg_promote()").await;
        drop(std::mem::replace(&mut world.server, standby));
        assert_goes_on(&world).await;
        assert_eq!(world.labels().get("AWSCURRENT"), Some(&pending));
        world.assert_in_step().await;
    }
}

#[tokio::test]
async fn a_change_that_a_fail_over_has_lost_is_made_again() {
    for version in Version::ALL {
        let (mut world, wire, standby) = with_standby(version).await;
        let pending = begun(&world).await;
        world.step("createSecret", &pending).await.expect("a version is made");
        caught_up(&world.server, &standby).await;
        // Nothing reaches it any more.
        standby.sql("ALTER SYSTEM SET primary_conninfo = ''").await;
        standby.sql("SELECT pg_reload_conf()").await;
        while standby.query_one("SELECT count(*) FROM pg_stat_wal_receiver").await != "0" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        world.step("setSecret", &pending).await.expect("the change is made");
        standby.sql("SELECT pg_promote()").await;
        wire.lead_to(standby.port());
        drop(std::mem::replace(&mut world.server, standby));
        let error = world.step("testSecret", &pending).await.expect_err("there is no such user");
        error.assert_is("testSecret", "auth-rejected", &["rejects the password of app_clone"]);
        assert_goes_on(&world).await;
        assert_eq!(world.labels().get("AWSCURRENT"), Some(&pending));
        world.assert_in_step().await;
    }
}
