//! Steps of one MySQL or MariaDB user that come twice, at once, late or in vain: no password in use is lost.

#![expect(clippy::expect_used, clippy::panic, reason = "a failed test should panic")]

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use turnlock_local::{Delivery, Fault, Operation};
use turnlock_tests::mysql::{Product, Setup};
use turnlock_tests::one_user::Way;
use turnlock_tests::world::mysql::{FIRST_PASSWORD, World};

const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];
/// Invocations of one step at once.
const AT_ONCE: usize = 3;

/// Takes one step in several invocations at once, all of which have to succeed.
async fn step_at_once(world: &Arc<World>, way: Way, step: &'static str, version: &str) {
    let mut invocations = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (world, version) = (Arc::clone(world), version.to_owned());
        invocations.spawn(async move { world.step(step, &version).await });
    }
    while let Some(done) = invocations.join_next().await {
        done.expect("it ends").unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
    }
}

#[tokio::test]
async fn steps_that_come_twice_rotate_once() {
    for way in Way::all() {
        let world = way.start(Setup::default()).await;
        for delivery in [Delivery::Twice, Delivery::Overlapping] {
            world.local.set_knobs(|knobs| {
                knobs.delivery = delivery;
                knobs.attempts = 3;
                knobs.attempt_spacing = Duration::ZERO;
            });
            for _ in 0..3 {
                let versions = world.local.versions(&world.secret).len();
                let done = world.rotate().await;
                done.unwrap_or_else(|error| panic!("{way:?}, {delivery:?}: {error:?}"));
                assert_eq!(world.local.versions(&world.secret).len(), versions + 1);
                world.assert_rotated(way).await;
            }
        }
    }
}

#[tokio::test]
async fn a_change_made_by_several_invocations_at_once_loses_no_password_in_use() {
    for way in Way::all() {
        let world = Arc::new(way.start(Setup { max_connections: 40, ..Setup::default() }).await);
        for round in 0..4 {
            if round % 2 == 1 && (way.keeps || way.by_admin) {
                // The current password is the second one then, or is dead.
                world.abandon().await;
            }
            let current = world.password("AWSCURRENT");
            let pending = world.begin().await;
            world.step("createSecret", &pending).await.expect("a version is made");
            for step in ["setSecret", "testSecret", "setSecret"] {
                step_at_once(&world, way, step, &pending).await;
                assert!(world.logs_in(&pending).await, "{way:?}: {step}");
                assert_eq!(world.accepts(&current).await, way.keeps, "{way:?}: {step}");
            }
            step_at_once(&world, way, "finishSecret", &pending).await;
            world.assert_rotated(way).await;
        }
    }
}

#[tokio::test]
async fn steps_repeated_in_any_order_leave_the_same_passwords() {
    const ORDER: [usize; 12] = [1, 0, 2, 1, 1, 2, 0, 1, 0, 2, 2, 1];
    for way in Way::all() {
        let world = way.start(Setup::default()).await;
        for _ in 0..2 {
            let pending = world.rotate_but_for_the_end().await;
            let (current, next) = (world.password("AWSCURRENT"), world.password(&pending));
            for step in ORDER.map(|index| STEPS[index]) {
                let done = world.step(step, &pending).await;
                done.unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
                assert!(world.accepts(&next).await, "{way:?}: {step}");
                assert_eq!(world.accepts(&current).await, way.keeps, "{way:?}: {step}");
            }
            world.step("finishSecret", &pending).await.expect("consumers change over");
            let stored = world.stored_password().await;
            for step in STEPS {
                world.step(step, &pending).await.expect("there is nothing left to do");
            }
            assert_eq!(world.password("AWSCURRENT"), next);
            assert_eq!(world.stored_password().await, stored, "{way:?}");
            world.assert_rotated(way).await;
        }
    }
}

#[tokio::test]
async fn a_change_repeated_by_an_admin_leaves_what_is_stored_as_it_is() {
    for way in Way::all().filter(|way| way.by_admin) {
        let world = way.start(Setup::default()).await;
        let pending = world.rotate_but_for_the_end().await;
        let stored = world.stored_password().await;
        for _ in 0..3 {
            world.step("setSecret", &pending).await.expect("a step can be repeated");
            assert_eq!(world.stored_password().await, stored, "{way:?}");
        }
    }
}

#[tokio::test]
async fn steps_of_a_version_that_is_over_change_nothing() {
    for way in Way::all() {
        let world = way.start(Setup::default()).await;
        for _ in 0..2 {
            world.rotate().await.expect("a rotation");
        }
        world.abandon().await;
        world.rotate().await.expect("a rotation");
        let stored = world.stored_password().await;
        let current = world.labels()["AWSCURRENT"].clone();
        let versions = world.local.versions(&world.secret);
        assert_eq!(versions.len(), 5);
        for old in versions.iter().filter(|version| **version != current) {
            for step in STEPS {
                world.step(step, old).await.expect_err("that version is over");
                assert_eq!(world.stored_password().await, stored, "{way:?}: {step}");
            }
        }
        world.assert_rotated(way).await;
    }
}

/// An account that three failed logins in a row lock for a day.
async fn with_lock(way: Way) -> Arc<World> {
    let configuration = match way.product {
        Product::MySql => Vec::new(),
        Product::MariaDb => vec!["max_password_errors = 3".to_owned()],
    };
    let setup = Setup { configuration, max_connections: 40, ..Setup::default() };
    let world = Arc::new(way.start(setup).await);
    if way.product == Product::MySql {
        let lock = "ALTER USER app@'%' FAILED_LOGIN_ATTEMPTS 3 PASSWORD_LOCK_TIME 1";
        world.server.sql(lock).await;
    }
    world
}

#[tokio::test]
async fn three_failed_logins_lock_the_account_that_the_next_tests_have() {
    for way in [Way::SINGLE[0], Way::SINGLE[2]] {
        let world = with_lock(way).await;
        for _ in 0..2 {
            assert!(!world.accepts("wrong").await);
        }
        assert!(world.accepts(FIRST_PASSWORD).await, "{way:?}: two do not lock it");
        for _ in 0..3 {
            assert!(!world.accepts("wrong").await);
        }
        assert!(!world.accepts(FIRST_PASSWORD).await, "{way:?}: three do");
    }
}

#[tokio::test]
async fn ten_rotations_with_failing_and_repeated_steps_lock_no_account() {
    for way in Way::all() {
        let world = with_lock(way).await;
        world.local.set_knobs(|knobs| {
            knobs.attempts = 3;
            knobs.attempt_spacing = Duration::ZERO;
        });
        for round in 0..10 {
            let mark = world.mark();
            match round % 5 {
                0 => {}
                1 => world.local.fail_next(
                    Operation::UpdateSecretVersionStage,
                    2,
                    Fault::AccessDenied,
                ),
                2 => world.local.fail_after(5, Fault::CrashAfter),
                3 => world.local.fail_after(8, Fault::CrashBefore),
                _ => {
                    world.local.set_knobs(|knobs| knobs.attempts = 1);
                    world.abandon().await;
                    world.local.set_knobs(|knobs| knobs.attempts = 3);
                }
            }
            let rotated = world.rotate().await;
            rotated.unwrap_or_else(|error| panic!("{way:?}, round {round}: {error:?}"));
            world.local.clear_faults();
            if way.keeps || way.by_admin {
                let failed = world.server.logins_since(mark, "app").await.failed;
                assert_eq!(failed, 0, "{way:?}, round {round}");
            }
            assert!(world.logs_in("AWSCURRENT").await, "{way:?}, round {round}: it is locked");
        }
    }
}

#[tokio::test]
async fn setsecret_repeated_many_times_and_at_once_locks_no_account() {
    for way in Way::DUAL {
        let world = with_lock(way).await;
        for is_second in [false, true] {
            if is_second {
                world.abandon().await;
            }
            let mark = world.mark();
            let pending = world.begin().await;
            world.step("createSecret", &pending).await.expect("a version is made");
            step_at_once(&world, way, "setSecret", &pending).await;
            for _ in 0..10 {
                world.step("setSecret", &pending).await.expect("it can be repeated");
            }
            let logins = world.server.logins_since(mark, "app").await;
            assert_eq!(logins.failed, 0, "{way:?}");
            world.step("finishSecret", &pending).await.expect("consumers change over");
            world.assert_rotated(way).await;
        }
    }
}
