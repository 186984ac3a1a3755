//! Steps of a key's rotation that come twice, at once and shortly after each other: nothing that is stored is dead.

#![expect(clippy::expect_used, clippy::panic, reason = "a failed test should panic")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use turnlock_local::{Delivery, Fault, Operation};
use turnlock_tests::key_ways::Way;
use turnlock_tests::scene::is_late;
use turnlock_tests::world::keys::World;

const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];
/// Short, since a key that another invocation may be about to store is left alone for as long.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long the provider takes to answer, so that calls of two invocations overlap.
const SLOW: Duration = Duration::from_millis(60);
/// Keys that two invocations may have minted and not stored yet.
const TWO: usize = 2;
/// How often a step that has to succeed may be late.
const LATE: usize = 10;
/// Worlds at once.
const AT_ONCE: usize = 6;

fn with_retries(world: &World) {
    world.local.set_knobs(|knobs| {
        knobs.attempts = 15;
        knobs.attempt_spacing = Duration::from_millis(700);
    });
}

/// Takes one step in two invocations, of which one is later by so much; at least one of them has to succeed in the end.
async fn step_twice(world: &Arc<World>, step: &'static str, version: &str, later: Duration) {
    let mut invocations = JoinSet::new();
    for pause in [Duration::ZERO, later] {
        let (world, version) = (Arc::clone(world), version.to_owned());
        invocations.spawn(async move {
            tokio::time::sleep(pause).await;
            world.step(step, &version).await
        });
    }
    while let Some(done) = invocations.join_next().await {
        if let Err(error) = done.expect("it ends") {
            // Who comes second may not wait for the first, and may find no room beside it.
            let beside = ["throttled", "refused"].contains(&error.class.as_str());
            assert!(step == "createSecret" && beside || is_late(&error.class), "{error:?}");
        }
    }
    for _ in 0..LATE {
        match world.step(step, version).await {
            Err(error) if is_late(&error.class) => {}
            done => return drop(done.expect("the step was taken")),
        }
    }
    panic!("{step} is late each time");
}

/// The version of a rotation that has not called the provider yet.
async fn begin(world: &World) -> String {
    world.local.set_knobs(|knobs| knobs.attempts = 1);
    world.local.fail_next(Operation::DescribeSecret, 1, Fault::AccessDenied);
    let error = world.rotate().await.expect_err("createSecret is denied");
    assert_eq!(error.step, "createSecret", "{error:?}");
    world.local.clear_faults();
    world.labels()["AWSPENDING"].clone()
}

/// Rotates twice by steps that each come twice, and once calmly; how often a version had more than one key minted.
async fn stagger(way: Way, later: Duration) -> usize {
    let context = format!("{later:?} later");
    let world = Arc::new(way.start(TIMEOUT).await);
    world.rotate().await.expect("a rotation");
    let mut minted_twice = 0;
    for _ in 0..2 {
        let pending = begin(&world).await;
        world.provider.clear_calls();
        let watch = world.watch(way, TWO, SLOW);
        for step in STEPS {
            step_twice(&world, step, &pending, later).await;
            assert_eq!(world.fault(way, 1), None, "{way:?}, {context}, {step}");
        }
        world.provider.recover();
        watch.assert_quiet(&context);
        assert_eq!(world.labels()["AWSCURRENT"], pending, "{way:?}, {context}");
        assert!(world.works("AWSPREVIOUS"), "{way:?}, {context}");
        let mints = world.provider.calls().into_iter().filter(|call| *call == "create").count();
        minted_twice += usize::from(mints > 1);
        world.clear_pending(&pending);
    }
    with_retries(&world);
    world.rotate().await.unwrap_or_else(|error| panic!("{way:?}, {context}: {error:?}"));
    world.assert_rotated(way, &context);
    minted_twice
}

#[tokio::test(flavor = "multi_thread")]
async fn two_invocations_of_each_step_half_a_second_apart_or_less_lose_no_key_and_leave_none() {
    let pauses = (0..=10).map(|tenth| Duration::from_millis(50 * tenth));
    let all: VecDeque<_> = pauses.flat_map(|later| Way::ALL.map(|way| (way, later))).collect();
    let all = Arc::new(Mutex::new(all));
    let mut workers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let all = Arc::clone(&all);
        workers.spawn(async move {
            let mut minted_twice = 0;
            loop {
                let next = all.lock().expect("no test has panicked").pop_front();
                let Some((way, later)) = next else { return minted_twice };
                minted_twice += stagger(way, later).await;
            }
        });
    }
    let mut minted_twice = 0;
    while let Some(done) = workers.join_next().await {
        minted_twice += done.expect("every rotation ends well");
    }
    assert!(minted_twice > 0, "no two invocations got in each other's way");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_whose_every_step_is_delivered_twice_rotates_once() {
    for way in Way::ALL {
        let world = Arc::new(way.start(TIMEOUT).await);
        with_retries(&world);
        for delivery in [Delivery::Twice, Delivery::Overlapping] {
            world.local.set_knobs(|knobs| knobs.delivery = delivery);
            for _ in 0..3 {
                let versions = world.local.versions(&world.secret).len();
                let watch = world.watch(way, TWO, SLOW / 3);
                let done = world.rotate().await;
                done.unwrap_or_else(|error| panic!("{way:?}, {delivery:?}: {error:?}"));
                world.provider.recover();
                watch.assert_quiet(&format!("{way:?}, {delivery:?}"));
                assert_eq!(world.local.versions(&world.secret).len(), versions + 1);
                world.assert_rotated(way, &format!("{delivery:?}"));
            }
        }
    }
}
