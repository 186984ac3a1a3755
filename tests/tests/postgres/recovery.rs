//! A rotation that is repeated, cut off or given up: what still logs in, and how it heals.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a failed test should panic")]

use std::time::Duration;

use serde_json::json;
use turnlock_local::{Delivery, EventKind, Fault, Operation};
use turnlock_tests::postgres::{Setup, Version};
use turnlock_tests::world::{FIRST_PASSWORD, USER, World};

/// Calls to Secrets Manager in a calm rotation by the user itself.
const CALLS: u32 = 11;

async fn assert_rotated(world: &World, old: &str) {
    assert!(!world.labels().contains_key("AWSPENDING"));
    assert_current_works(world, old).await;
}

async fn assert_current_works(world: &World, old: &str) {
    let new = world.password("AWSCURRENT");
    assert_ne!(new, old);
    assert!(world.accepts(&new).await, "the current password logs in");
    assert!(!world.accepts(old).await, "the password before does not");
}

fn retrying(world: &World) {
    world.local.set_knobs(|knobs| {
        knobs.attempts = 3;
        knobs.attempt_spacing = Duration::ZERO;
        knobs.latency = Duration::ZERO;
    });
}

#[tokio::test]
async fn a_call_to_secrets_manager_that_fails_anywhere_is_made_again() {
    let world = World::start(Setup::default()).await;
    retrying(&world);
    let mut visited = 0;
    for fault in [Fault::InternalServiceError, Fault::Throttled] {
        for call in 0..CALLS {
            let old = world.password("AWSCURRENT");
            world.local.clear_calls();
            world.local.fail_after(call, fault.clone());
            let rotated = world.rotate().await;
            rotated.unwrap_or_else(|error| panic!("{fault:?} at call {call}: {error:?}"));
            world.local.clear_faults();
            visited += world.local.calls().iter().filter(|call| call.outcome.is_err()).count();
            assert_rotated(&world, &old).await;
        }
    }
    // Reading a version that has no value yet is an answer with an error too, once in every rotation.
    assert!(visited >= 2 * 2 * CALLS as usize, "only {visited} faults were met");
}

#[tokio::test]
async fn every_step_delivered_twice_changes_nothing_more() {
    for version in Version::ALL {
        let world = World::start(Setup { version, ..Setup::default() }).await;
        world.local.set_knobs(|knobs| knobs.delivery = Delivery::Twice);
        world.rotate().await.expect("a rotation of doubled steps succeeds");
        assert_rotated(&world, FIRST_PASSWORD).await;
        assert_eq!(world.local.versions(&world.secret).len(), 2);
    }
}

#[tokio::test]
async fn a_step_repeated_by_the_admin_leaves_the_stored_verifier_as_it_is() {
    let world = World::start_with_admin(Setup::default()).await;
    world.local.set_knobs(|knobs| knobs.require_rotation_token = false);
    world.local.fail_next(Operation::UpdateSecretVersionStage, 1, Fault::AccessDenied);
    world.rotate().await.expect_err("finishSecret is denied");
    let pending = world.labels()["AWSPENDING"].clone();
    let stored = world.stored_password().await;
    for step in ["createSecret", "setSecret", "testSecret", "setSecret"] {
        world.step(step, &pending).await.expect("a step can be repeated");
        assert_eq!(world.stored_password().await, stored, "after {step}");
    }
    world.step("finishSecret", &pending).await.expect("the last step can be repeated");
    // Taken by hand, a step leaves AWSPENDING to nobody who would clean it up.
    assert_current_works(&world, FIRST_PASSWORD).await;
    for step in ["createSecret", "setSecret", "testSecret", "finishSecret"] {
        let again = world.step(step, &pending).await.expect("a late step is no error");
        assert_eq!(again["outcome"], json!("unchanged"));
    }
    assert_eq!(world.stored_password().await, stored);
}

#[tokio::test]
async fn steps_that_overlap_end_as_one() {
    let world = World::start(Setup::default()).await;
    world.local.set_knobs(|knobs| {
        knobs.delivery = Delivery::Overlapping;
        knobs.attempts = 3;
        knobs.attempt_spacing = Duration::ZERO;
    });
    for _ in 0..5 {
        let old = world.password("AWSCURRENT");
        world.rotate().await.expect("a rotation of overlapping steps succeeds");
        assert_rotated(&world, &old).await;
    }
}

/// Leaves the new password in the database and nowhere under a label.
async fn interrupted_and_unlabelled(setup: Setup) -> World {
    let world = World::start(setup).await;
    world.local.fail_next(Operation::UpdateSecretVersionStage, 1, Fault::AccessDenied);
    world.rotate().await.expect_err("finishSecret is denied");
    let pending = world.labels()["AWSPENDING"].clone();
    world.clear_pending(&pending);
    assert!(!world.accepts(&world.password("AWSCURRENT")).await);
    assert!(world.accepts(&world.password(&pending)).await);
    world
}

#[tokio::test]
async fn a_password_left_on_an_unlabelled_version_is_found_and_replaced() {
    for version in Version::ALL {
        let world = interrupted_and_unlabelled(Setup { version, ..Setup::default() }).await;
        let lost = world.local.versions(&world.secret).last().expect("a version").clone();
        let lost = world.password(&lost);
        world.rotate().await.expect("the next rotation heals the secret");
        assert_rotated(&world, &lost).await;
    }
}

#[tokio::test]
async fn a_password_left_on_the_previous_version_is_found_and_replaced() {
    let world = World::start(Setup::default()).await;
    // As after a restore of the database: the password of the version before is the one that works.
    world.rotate().await.expect("a calm rotation succeeds");
    let sql = format!("ALTER ROLE app PASSWORD '{FIRST_PASSWORD}'");
    world.server.sql(&sql).await;
    world.rotate().await.expect("the next rotation heals the secret");
    assert_rotated(&world, FIRST_PASSWORD).await;
}

#[tokio::test]
async fn a_rotation_given_up_after_the_change_heals_at_the_next_one() {
    let world = World::start(Setup::default()).await;
    world.local.set_knobs(|knobs| {
        knobs.attempts = 2;
        knobs.attempt_spacing = Duration::from_secs(3);
    });
    world.local.fail_next(Operation::UpdateSecretVersionStage, 1, Fault::AccessDenied);
    let mut events = world.local.subscribe();
    let given_up = world.local.rotate(&world.secret).expect("the rotation begins");
    while let Ok(event) = events.recv().await {
        if let EventKind::StepFinished { error_type: Some(_), .. } = event.kind {
            break;
        }
    }
    // Between two attempts a person writes the old value again: the service abandons the rotation.
    let text = world.local.value_of(&world.secret, "AWSCURRENT").expect("a value");
    world.local.put_value(&world.secret, &text.replacen('{', "{ ", 1)).expect("a manual write");
    assert!(!world.labels().contains_key("AWSPENDING"));
    assert!(!world.accepts(&world.password("AWSCURRENT")).await);
    assert!(world.accepts(&world.password(&given_up)).await);

    let given_up = world.password(&given_up);
    world.rotate().await.expect("the next rotation heals the secret");
    assert_rotated(&world, &given_up).await;
}

#[tokio::test]
async fn a_password_that_nobody_knows_is_an_error_and_an_admin_heals_it() {
    let world = World::start(Setup::default()).await;
    world.rotate().await.expect("a calm rotation succeeds");
    world.server.sql("ALTER ROLE app PASSWORD 'set-by-hand'").await;
    let error = world.rotate().await.expect_err("no version logs in");
    assert_eq!((error.step.as_str(), error.class.as_str()), ("setSecret", "auth-rejected"));
    assert!(error.message.contains("masterarn"), "{}", error.message);

    let world = World::start_with_admin(Setup::default()).await;
    world.server.sql("ALTER ROLE app PASSWORD 'set-by-hand'").await;
    world.rotate().await.expect("the admin sets the password");
    assert_rotated(&world, "set-by-hand").await;
}

#[tokio::test]
async fn labels_that_lag_behind_lead_nobody_astray() {
    let world = World::start(Setup::default()).await;
    retrying(&world);
    world.local.set_knobs(|knobs| {
        knobs.label_lag = Duration::from_millis(300);
        knobs.attempts = 5;
        knobs.attempt_spacing = Duration::from_millis(300);
    });
    for _ in 0..3 {
        let old = world.password("AWSCURRENT");
        world.rotate().await.expect("a rotation with late labels succeeds");
        assert_rotated(&world, &old).await;
    }
}

#[tokio::test]
async fn what_was_written_a_moment_before_a_rotation_is_kept() {
    let world = World::start(Setup::default()).await;
    world.local.set_knobs(|knobs| knobs.label_lag = Duration::from_secs(2));
    tokio::time::sleep(Duration::from_secs(2)).await;
    let text = world.local.value_of(&world.secret, "AWSCURRENT").expect("a value");
    let noted = text.replacen('{', r#"{"note": "just written", "#, 1);
    world.local.put_value(&world.secret, &noted).expect("a manual write");
    world.rotate().await.expect("the rotation succeeds");
    assert_eq!(world.document("AWSCURRENT")["note"], json!("just written"));
}

#[tokio::test]
async fn an_old_password_is_tried_at_the_database_that_the_secret_names_now() {
    let world = World::start(Setup::default()).await;
    world.server.sql("CREATE DATABASE shop").await;
    let text = world.local.value_of(&world.secret, "AWSCURRENT").expect("a value");
    let of_shop = text.replace(r#""dbname":"postgres""#, r#""dbname":"shop""#);
    assert_ne!(text, of_shop);
    world.local.put_value(&world.secret, &of_shop).expect("a manual write");
    // The database gets another name, and the secret a password that nobody has.
    world.server.sql("ALTER DATABASE shop RENAME TO store").await;
    let of_store = of_shop.replace("shop", "store").replace(FIRST_PASSWORD, "never-set");
    world.local.put_value(&world.secret, &of_store).expect("a manual write");
    world.rotate().await.expect("the rotation heals the secret");
    assert_rotated_in(&world, "store").await;
}

async fn assert_rotated_in(world: &World, database: &str) {
    let new = world.password("AWSCURRENT");
    assert!(world.server.can_log_in(USER, &new, database).await);
    assert!(!world.server.can_log_in(USER, FIRST_PASSWORD, database).await);
}
