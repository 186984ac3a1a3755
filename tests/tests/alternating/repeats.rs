//! Steps of two PostgreSQL users that take turns, repeated, out of order and alone: nothing more is changed.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use std::collections::BTreeMap;

use turnlock_local::{Delivery, Fault, Operation};
use turnlock_tests::postgres::{Setup, Version};
use turnlock_tests::world::{FUNCTION, StepError, USER, World};

const CLONE: &str = "app_clone";
const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

/// Comments on roles, of which one is the mark on the second user.
const COMMENTS: &str =
    "SELECT string_agg(s::text, E'\\n' ORDER BY s.objoid) FROM pg_shdescription s";

/// Something of everything that is kept in step.
const OWN: &str = "ALTER ROLE app CREATEDB CONNECTION LIMIT 9 VALID UNTIL '2099-01-01'; \
     ALTER ROLE app SET search_path = \"$user\", public; CREATE ROLE readers; GRANT readers TO app; \
     ALTER ROLE app IN DATABASE template1 SET work_mem = '9MB'";

async fn start(version: Version) -> World {
    let world = World::start_alternating(Setup { version, ..Setup::default() }).await;
    world.server.sql(OWN).await;
    world
}

/// Everything that a step could change.
#[derive(Eq, PartialEq)]
struct Snapshot {
    roles: String,
    comments: String,
    labels: BTreeMap<String, String>,
    values: Vec<Option<String>>,
}

impl Snapshot {
    async fn of(world: &World) -> Self {
        let versions = world.local.versions(&world.secret);
        Self {
            roles: world.roles().await,
            comments: world.server.query_one(COMMENTS).await,
            labels: world.labels(),
            values: versions.iter().map(|id| world.local.value_of(&world.secret, id)).collect(),
        }
    }

    async fn assert_same(&self, world: &World, when: &str) {
        let now = Self::of(world).await;
        assert!(now.roles == self.roles, "roles were changed: {when}");
        assert!(now.comments == self.comments, "comments were changed: {when}");
        assert!(now == *self, "the secret was changed: {when}");
    }
}

async fn log_in_with_both(world: &World) {
    for label in ["AWSCURRENT", "AWSPREVIOUS"] {
        let (_, mut session) = world.log_in(label, "postgres").await;
        let role: String = sqlx::query_scalar("SELECT current_user::text")
            .fetch_one(&mut session)
            .await
            .expect("an answer");
        assert_eq!(role, USER, "{label}");
    }
}

/// Rotates up to the move of AWSCURRENT, which fails; returns the version that is pending then.
async fn rotate_but_for_the_move(world: &World) -> String {
    let known = world.local.versions(&world.secret);
    world.local.fail_next(Operation::UpdateSecretVersionStage, 1, Fault::AccessDenied);
    let error: StepError = world.rotate().await.expect_err("the move fails");
    assert_eq!(error.step, "finishSecret", "{error:?}");
    world.local.clear_faults();
    let versions = world.local.versions(&world.secret);
    versions.into_iter().find(|version| !known.contains(version)).expect("a new version")
}

#[tokio::test]
async fn every_step_repeated_in_any_order_changes_nothing_more() {
    // Each order of the first three there is, one after the other, and each of them twice.
    const ORDERS: [usize; 18] = [0, 1, 2, 2, 1, 0, 0, 2, 1, 1, 2, 0, 0, 1, 1, 0, 2, 2];
    for version in Version::ALL {
        let world = start(version).await;
        for turn in 0..3 {
            let pending = rotate_but_for_the_move(&world).await;
            let before = Snapshot::of(&world).await;
            for step in ORDERS.map(|index| STEPS[index]) {
                let done = world.step(step, &pending).await;
                done.unwrap_or_else(|error| panic!("turn {turn}: {error:?}"));
                before.assert_same(&world, step).await;
            }
            world.step("finishSecret", &pending).await.expect("the move succeeds");
            let after = Snapshot::of(&world).await;
            assert!(after.roles == before.roles, "finishSecret changed the server");
            assert_eq!(world.labels()["AWSCURRENT"], pending);
            for step in STEPS.into_iter().rev().chain(STEPS) {
                world.step(step, &pending).await.expect("there is nothing left to do");
                after.assert_same(&world, step).await;
            }
            log_in_with_both(&world).await;
        }
    }
}

#[tokio::test]
async fn steps_of_a_version_that_is_over_change_nothing() {
    for version in Version::ALL {
        let world = start(version).await;
        for _ in 0..3 {
            world.rotate().await.expect("the rotation succeeds");
        }
        let before = Snapshot::of(&world).await;
        let current = world.labels()["AWSCURRENT"].clone();
        let mut late = 0;
        for old in world.local.versions(&world.secret).into_iter().filter(|old| *old != current) {
            for step in STEPS {
                world.step(step, &old).await.expect_err("that version is over");
                before.assert_same(&world, step).await;
                late += 1;
            }
        }
        assert_eq!(late, 3 * STEPS.len(), "{version:?}");
        log_in_with_both(&world).await;
    }
}

#[tokio::test]
async fn steps_that_come_twice_rotate_once() {
    for version in Version::ALL {
        for delivery in [Delivery::Twice, Delivery::Overlapping] {
            let world = start(version).await;
            world.local.set_knobs(|knobs| knobs.delivery = delivery);
            for expected in [CLONE, USER, CLONE, USER] {
                world.rotate().await.unwrap_or_else(|error| panic!("{delivery:?}: {error:?}"));
                assert_eq!(world.document("AWSCURRENT")["username"], expected);
                world.assert_equal_abilities(&["postgres"]).await;
            }
        }
    }
}

#[tokio::test]
async fn the_test_alone_passes_before_and_after_each_turn_and_changes_nothing() {
    for version in Version::ALL {
        let world = start(version).await;
        for turn in 0..4 {
            let before = Snapshot::of(&world).await;
            for _ in 0..2 {
                let tested = world.test_only().await;
                tested.unwrap_or_else(|error| panic!("turn {turn}: {error:?}"));
                before.assert_same(&world, "testSecret alone").await;
            }
            world.rotate().await.expect("the rotation succeeds");
        }
    }
}

#[tokio::test]
async fn the_test_alone_tells_what_would_stop_the_next_turn() {
    for version in Version::ALL {
        let world = start(version).await;
        world.rotate().await.expect("the rotation succeeds");
        let stops = [
            (
                "ALTER ROLE app SET work_mem = '7MB'; ALTER ROLE app_clone SET work_mem = '8MB'",
                "app and app_clone were both changed since the last rotation",
                "ALTER ROLE app SET work_mem = '8MB'",
            ),
            (
                "ALTER ROLE app VALID UNTIL '2001-01-01'",
                "VALID UNTIL of app is over",
                "ALTER ROLE app VALID UNTIL '2099-01-01'",
            ),
            (
                "COMMENT ON ROLE app_clone IS 'Turnlock: second login of \"other\"'",
                "app_clone is marked as the second login of another role than app",
                "",
            ),
        ];
        for (stop, words, mend) in stops {
            world.server.sql(stop).await;
            let before = Snapshot::of(&world).await;
            let error = world.test_only().await.expect_err(words);
            error.assert_is("testSecret", "refused", &[words]);
            before.assert_same(&world, stop).await;
            world.server.sql(mend).await;
        }
        assert!(!world.local.output(FUNCTION).contains("panicked"));
    }
}

#[tokio::test]
async fn a_mark_that_somebody_removed_is_written_again() {
    for version in Version::ALL {
        let world = start(version).await;
        world.rotate().await.expect("the rotation succeeds");
        for turn in 0..4 {
            world.server.sql("COMMENT ON ROLE app_clone IS 'for reports'").await;
            world.rotate().await.unwrap_or_else(|error| panic!("turn {turn}: {error:?}"));
            let comments = world.server.query_one(COMMENTS).await;
            assert!(comments.contains("for reports\nTurnlock: second login of"), "{comments}");
            world.assert_equal_abilities(&["postgres"]).await;
        }
    }
}
