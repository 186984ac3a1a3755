//! A rotation of one MySQL or MariaDB user that is cut off anywhere: who still logs in, and how it goes on.

#![expect(clippy::expect_used, clippy::panic, reason = "a failed test should panic")]

use turnlock_local::Fault;
use turnlock_tests::mysql::Setup;
use turnlock_tests::one_user::Way;
use turnlock_tests::wire::{Blow, Fuse, Point, Protocol, Wire};
use turnlock_tests::world::mysql::World;

/// What people and the service do after a rotation that was cut off.
#[derive(Clone, Copy, Debug)]
enum Then {
    ClearTheLabel,
    Cancel,
}

impl Then {
    /// Does so, and rotates; the rotation has to succeed.
    async fn rotate(self, world: &World, way: Way, interruption: &str) {
        let labels = world.labels();
        match self {
            Self::ClearTheLabel => {
                if let Some(pending) = labels.get("AWSPENDING") {
                    world.clear_pending(pending);
                }
            }
            Self::Cancel => world.cancel(),
        }
        assert_someone_logs_in(world, way, interruption).await;
        let rotated = world.retry().await;
        rotated.unwrap_or_else(|error| panic!("{way:?}, {interruption}, {self:?}: {error:?}"));
        assert!(!world.labels().contains_key("AWSPENDING"), "{way:?}, {interruption}, {self:?}");
        world.assert_rotated(way).await;
    }
}

/// AWSCURRENT logs in; where the password before dies at once, a version of the secret does.
async fn assert_someone_logs_in(world: &World, way: Way, interruption: &str) {
    if world.logs_in("AWSCURRENT").await {
        return;
    }
    assert!(!way.keeps, "{way:?}, {interruption}: AWSCURRENT is locked out");
    let newest = world.local.versions(&world.secret).pop().expect("a version");
    assert!(world.logs_in(&newest).await, "{way:?}, {interruption}: nobody logs in");
}

#[tokio::test]
async fn a_rotation_given_up_at_any_call_leaves_a_password_and_a_later_one_ends_well() {
    for way in Way::all() {
        let world = way.start(Setup::default()).await;
        world.rotate().await.expect("a rotation");
        world.local.clear_calls();
        world.rotate().await.expect("a rotation");
        let calls = u32::try_from(world.function_calls().len()).expect("a few");
        assert_eq!(calls, if way.by_admin { 13 } else { 11 });
        world.local.set_knobs(|knobs| knobs.require_rotation_token = false);
        let mut interrupted = 0;
        for call in 0..calls {
            for (fault, then) in
                [(Fault::CrashAfter, Then::ClearTheLabel), (Fault::AccessDenied, Then::Cancel)]
            {
                let interruption = format!("{fault:?} at call {call}");
                world.local.fail_after(call, fault);
                let rotated = world.rotate().await;
                world.local.clear_faults();
                assert_someone_logs_in(&world, way, &interruption).await;
                if rotated.is_err() {
                    interrupted += 1;
                    then.rotate(&world, way, &interruption).await;
                }
                world.assert_rotated(way).await;
            }
        }
        assert!(interrupted >= calls, "{way:?}: only {interrupted} were interrupted");
    }
}

/// Has both secrets lead through a wire.
fn through(world: &World, wire: &Wire) {
    let admin = world.document("AWSCURRENT")["masterarn"].as_str().map(str::to_owned);
    for secret in admin.iter().chain([&world.secret]) {
        let text = world.local.value_of(secret, "AWSCURRENT").expect("a value");
        let mut text: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        text["port"] = serde_json::json!(wire.port());
        world.local.put_value(secret, &text.to_string()).expect("a write");
    }
}

#[tokio::test]
async fn a_rotation_given_up_at_any_message_leaves_a_password_and_a_later_one_ends_well() {
    for way in Way::all() {
        let world = way.start(Setup::default()).await;
        world.local.set_knobs(|knobs| knobs.require_rotation_token = false);
        let fuse = Fuse::default();
        let wire = Wire::to(world.server.port(), Protocol::MySql, &fuse);
        through(&world, &wire);
        let mut points = 0;
        for at in 0.. {
            let interruption = format!("cut at message {at}");
            fuse.arm(Point { at, blow: Blow::Cuts });
            let rotated = world.rotate().await;
            let met = fuse.mend().is_some();
            assert_someone_logs_in(&world, way, &interruption).await;
            if let Err(error) = rotated {
                assert_eq!(error.class, "tcp", "{way:?}, {interruption}: {error:?}");
                Then::ClearTheLabel.rotate(&world, way, &interruption).await;
                points += 1;
            }
            world.assert_rotated(way).await;
            if !met {
                break;
            }
        }
        assert!(points > 20, "{way:?}: only {points} rotations were cut off");
    }
}
