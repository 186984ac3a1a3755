//! A rotation of two users of MySQL or MariaDB that is cut off anywhere: who still logs in, and how it goes on.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use std::time::Duration;

use turnlock_local::Delivery;
use turnlock_tests::mysql::{Product, Setup};
use turnlock_tests::turns::{CLONE, Turns, answer};
use turnlock_tests::world::mysql::USER;

/// Something that the first user may do at each level, and a setting.
const RIGHTS: &str = "CREATE DATABASE shop; CREATE TABLE shop.orders (id int); CREATE DATABASE other; \
     CREATE TABLE other.prices (id int, cost int); CREATE ROLE reader; \
     GRANT SELECT ON other.prices TO reader; GRANT reader TO turnlock_admin@'%' WITH ADMIN OPTION; \
     CREATE PROCEDURE other.one() SELECT 1; \
     GRANT SELECT, INSERT ON shop.* TO app@'%'; GRANT UPDATE (cost) ON other.prices TO app@'%'; \
     GRANT EXECUTE ON PROCEDURE other.one TO app@'%'; GRANT PROCESS ON *.* TO app@'%'; \
     GRANT reader TO app@'%'; ALTER USER app@'%' WITH MAX_USER_CONNECTIONS 19";

/// What they can do, all of which has to work.
const USES: [&str; 5] = [
    "INSERT INTO shop.orders VALUES (1)",
    "UPDATE other.prices SET cost = 1",
    "CALL other.one()",
    "SET ROLE reader",
    "SELECT id FROM other.prices",
];

async fn pair(product: Product) -> Turns {
    let turns = Turns::start_on(Setup { max_connections: 60, ..Setup::of(product) }).await;
    turns.server.sql(RIGHTS).await;
    turns
}

/// The version that consumers read logs in and can do it all.
async fn assert_current_serves(turns: &Turns) {
    let mut session = turns.log_in("AWSCURRENT").await;
    for statement in USES {
        let answer = answer(&mut session, statement).await;
        assert!(answer == "done", "{statement}: {answer}");
    }
}

/// Whoever logs in with any version is one that can do it all: none was let in half-made.
async fn assert_nobody_half_made(turns: &Turns) {
    for version in turns.local.versions(&turns.secret) {
        if turns.local.value_of(&turns.secret, &version).is_none() || !turns.logs_in(&version).await
        {
            continue;
        }
        let mut session = turns.log_in(&version).await;
        for statement in USES {
            let answer = answer(&mut session, statement).await;
            assert!(answer == "done", "{version}: {statement}: {answer}");
        }
    }
}

/// Goes on after an interruption, to the end.
async fn assert_goes_on(turns: &Turns) {
    assert_current_serves(turns).await;
    assert_nobody_half_made(turns).await;
    turns.retry().await.expect("the rotation goes on");
    assert!(!turns.labels().contains_key("AWSPENDING"));
    assert_current_serves(turns).await;
    turns.assert_equal().await;
}

#[tokio::test]
async fn a_rotation_that_is_abandoned_in_the_middle_is_followed_by_a_calm_one() {
    for product in Product::ALL {
        let turns = pair(product).await;
        for _ in 0..4 {
            let pending = turns.abandon().await;
            assert_current_serves(&turns).await;
            let late = turns.step("finishSecret", &pending).await.expect_err("it was abandoned");
            assert_eq!(late.class, "refused");
            turns.rotate_calmly().await;
            assert_current_serves(&turns).await;
            turns.assert_equal().await;
        }
    }
}

#[tokio::test]
async fn a_rotation_that_is_cancelled_in_the_middle_goes_on_when_it_is_turned_on_again() {
    for product in Product::ALL {
        let turns = pair(product).await;
        for _ in 0..2 {
            turns.rotate_but_for_the_end().await;
            turns.cancel();
            assert_goes_on(&turns).await;
        }
    }
}

#[tokio::test]
async fn two_invocations_of_a_step_at_once_end_as_one() {
    for product in Product::ALL {
        let turns = pair(product).await;
        for _ in 0..4 {
            let pending = turns.begin().await;
            turns.step("createSecret", &pending).await.expect("a version is made");
            for step in ["setSecret", "testSecret", "setSecret", "testSecret"] {
                let (one, other) =
                    tokio::join!(turns.step(step, &pending), turns.step(step, &pending));
                one.and(other).unwrap_or_else(|error| panic!("{error:?}"));
            }
            turns.step("finishSecret", &pending).await.expect("consumers change over");
            assert_current_serves(&turns).await;
            turns.assert_equal().await;
        }
    }
}

#[tokio::test]
async fn steps_that_overlap_or_come_twice_rotate_once() {
    for product in Product::ALL {
        for delivery in [Delivery::Twice, Delivery::Overlapping] {
            let turns = pair(product).await;
            turns.local.set_knobs(|knobs| {
                knobs.delivery = delivery;
                knobs.attempts = 3;
                knobs.attempt_spacing = Duration::ZERO;
            });
            for expected in [CLONE, USER, CLONE, USER] {
                turns.rotate().await.unwrap_or_else(|error| panic!("{delivery:?}: {error:?}"));
                assert_eq!(turns.user("AWSCURRENT"), expected);
                assert_current_serves(&turns).await;
                turns.assert_equal().await;
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_is_restarted_between_any_two_steps_is_no_hindrance() {
    for product in Product::ALL {
        let mut turns = Turns::start_on(Setup::of(product)).await;
        turns.server.sql(RIGHTS).await;
        for _ in 0..2 {
            let pending = turns.begin().await;
            for step in ["createSecret", "setSecret", "testSecret", "finishSecret"] {
                turns.world.server.restart().await;
                assert_current_serves(&turns).await;
                turns.step(step, &pending).await.unwrap_or_else(|error| panic!("{error:?}"));
            }
            assert_current_serves(&turns).await;
            turns.assert_equal().await;
        }
    }
}
