//! A rotation of a key that is cut off at any of its calls: who is let in meanwhile, what is left over, how it goes on.

#![expect(clippy::expect_used, clippy::panic, reason = "a failed test should panic")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use turnlock_local::{EventKind, Fault};
use turnlock_tests::key_ways::Way;
use turnlock_tests::provider::Oddity;
use turnlock_tests::scene::is_late;
use turnlock_tests::world::keys::{ACCOUNT, World};

/// Short, since a key that an attempt has left is not touched before that attempt can be at work no more.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Worlds that share the points of one way.
const AT_ONCE: usize = 8;
/// Enough for such a key to be old enough.
const ATTEMPTS: u32 = 12;

/// A call of a rotation, from 1.
#[derive(Clone, Copy, Debug)]
enum Call {
    Provider(usize),
    SecretsManager(u32),
}

/// What becomes of the call.
#[derive(Clone, Copy, Debug)]
enum Fate {
    KilledBefore,
    KilledAfter,
    LostBefore,
    LostAfter,
}

/// What happens after the attempt that was cut off.
#[derive(Clone, Copy, Debug)]
enum Then {
    Retry,
    ClearTheLabel,
}

#[derive(Clone, Copy, Debug)]
struct Point {
    call: Call,
    fate: Fate,
    then: Then,
}

impl Point {
    /// Every way to cut off every call of a calm rotation.
    async fn all(world: &World, way: Way) -> VecDeque<Self> {
        world.rotate().await.expect("a rotation");
        world.local.clear_calls();
        world.provider.clear_calls();
        world.rotate().await.expect("a rotation");
        let here = u32::try_from(world.function_calls().len()).expect("a few");
        let there = world.provider.calls().len();
        assert!(here >= 10 && there >= 6, "{here} and {there} calls");
        let killed = [
            (Fate::KilledBefore, Then::Retry),
            (Fate::KilledAfter, Then::Retry),
            (Fate::KilledAfter, Then::ClearTheLabel),
            (Fate::LostAfter, Then::Retry),
        ];
        // Secrets Manager is asked again in the same step.
        let lost = [(Fate::LostBefore, Then::Retry), (Fate::LostAfter, Then::ClearTheLabel)];
        let at = |call| move |(fate, then)| Self { call, fate, then };
        let theirs = (1..=there).map(Call::Provider);
        let theirs = theirs.flat_map(|call| killed.into_iter().chain(lost).map(at(call)));
        let ours = (1..=here).map(Call::SecretsManager);
        let points = theirs.chain(ours.flat_map(|call| killed.map(at(call))));
        // Where there is a list, what a retry does is looked at after every message: the program `torture`.
        points.filter(|point| !way.lists || matches!(point.then, Then::ClearTheLabel)).collect()
    }

    fn plan(self, world: &World) {
        match self.call {
            Call::Provider(number) => {
                let fault = match self.fate {
                    Fate::KilledBefore => Oddity::KillsTheCaller.before_acting(),
                    Fate::KilledAfter => Oddity::KillsTheCaller.after_acting(),
                    Fate::LostBefore => Oddity::Closes.before_acting(),
                    Fate::LostAfter => Oddity::Closes.after_acting(),
                };
                world.provider.fail("*", number, fault);
            }
            Call::SecretsManager(number) => {
                let fault = match self.fate {
                    Fate::KilledBefore => Fault::CrashBefore,
                    Fate::KilledAfter => Fault::CrashAfter,
                    Fate::LostBefore => Fault::Drop,
                    Fate::LostAfter => Fault::DropAnswer,
                };
                world.local.fail_after(number - 1, fault);
            }
        }
    }
}

/// Cuts one rotation off, and goes on until one has succeeded; whether there was anything to go on with.
async fn survive(world: &Arc<World>, way: Way, point: Point) -> bool {
    let context = format!("{way:?}, {point:?}");
    world.local.set_knobs(|knobs| knobs.attempts = 1);
    point.plan(world);
    let watch = world.watch(way, 1, Duration::ZERO);
    let first = world.rotate().await;
    world.local.clear_faults();
    world.provider.recover();
    watch.assert_quiet(&context);
    assert_eq!(world.fault(way, 1), None, "{context}");
    let labels = world.labels();
    if let (Then::ClearTheLabel, Some(pending)) = (point.then, labels.get("AWSPENDING")) {
        world.clear_pending(pending);
    }
    if !way.lists {
        retire_by_hand(world, &context);
    }
    if first.is_err() {
        let begun = world.local.events().len();
        world.local.set_knobs(|knobs| {
            knobs.attempts = ATTEMPTS;
            knobs.attempt_spacing = Duration::from_millis(700);
        });
        let watch = world.watch(way, 1, Duration::ZERO);
        let retried = world.retry().await;
        retried.unwrap_or_else(|error| panic!("{context}: {error:?}"));
        world.provider.recover();
        watch.assert_quiet(&context);
        for event in world.local.events().split_off(begun) {
            if let EventKind::StepFinished {
                error_type: Some(class), step, error_message, ..
            } = event.kind
            {
                // On a machine that is busy, one may be cut off by the clock besides.
                let passes = class == "throttled" || is_late(&class);
                assert!(passes, "{context}: {step} failed with {class}: {error_message:?}");
            }
        }
    }
    world.assert_rotated(way, &context);
    first.is_err()
}

/// Does what is left to people where the provider has no list: what to retire is in the log.
fn retire_by_hand(world: &World, context: &str) {
    for orphan in world.orphans() {
        let output = world.output();
        let named =
            output.contains(&orphan.label) || output.contains(&format!("id=\"{}\"", orphan.id));
        assert!(named, "{context}: nothing tells of {orphan:?}");
        assert!(world.provider.revoke(ACCOUNT, &orphan.id), "{context}");
    }
}

/// One sweep at a time: several beside each other have the machine start more functions than it can in their time.
static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Takes one point after the other; how many rotations were cut off.
async fn work(points: Arc<Mutex<VecDeque<Point>>>, way: Way) -> usize {
    let world = Arc::new(way.start(TIMEOUT).await);
    for _ in 0..2 {
        world.rotate().await.expect("a rotation");
    }
    let mut cut_off = 0;
    loop {
        let next = points.lock().expect("no test has panicked").pop_front();
        let Some(point) = next else { return cut_off };
        cut_off += usize::from(survive(&world, way, point).await);
    }
}

async fn sweep(way: Way) {
    let _turn = TURN.lock().await;
    let points = Point::all(&way.start(TIMEOUT).await, way).await;
    let count = points.len();
    let points = Arc::new(Mutex::new(points));
    let mut workers = JoinSet::new();
    for _ in 0..AT_ONCE {
        workers.spawn(work(Arc::clone(&points), way));
    }
    let mut cut_off = 0;
    while let Some(done) = workers.join_next().await {
        cut_off += done.expect("every rotation ends well");
    }
    assert!(cut_off > count / 3, "{way:?}: only {cut_off} rotations of {count} were cut off");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_by_the_key_itself_survives_a_cut_at_any_call() {
    sweep(Way::OWN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_by_an_admin_survives_a_cut_at_any_call() {
    sweep(Way::ADMIN).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_with_a_list_in_pages_survives_a_cut_at_any_call() {
    sweep(Way::PAGED).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_without_a_list_survives_a_cut_at_any_call_and_names_what_it_leaves() {
    sweep(Way::UNLISTED).await;
}
