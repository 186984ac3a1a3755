//! A crash at any call, in any rotation, costs a repetition and nothing else.

use turnlock::Step;
use turnlock::vault::Label;

use crate::world::database::{Database, User};
use crate::world::keys::{Keys, OVERLAP};
use crate::world::{Fake, KEY, LATER, OWN, World};
use turnlock::testing::Fault;
use turnlock::testing::{Secret, Value};

/// What has to work at any moment.
#[derive(Clone, Copy, PartialEq)]
enum Promise {
    /// Some stored version: the old password dies when the new one is set.
    AnyVersion,
    /// The version that consumers read.
    Current,
}

/// More than any sweep needs: a rotation that is cut twice is done at the third attempt.
const ATTEMPTS: usize = 6;

/// Repeats a whole rotation until nothing fails, as the service does, and looks after each attempt.
async fn repeat<R: Fake>(world: &World<R>, version: &str, times: usize, promise: Promise) {
    world.app(|secret| secret.begin(version));
    let mut done = false;
    for _ in 0..ATTEMPTS {
        let before = world.fuse.blown();
        done = match world.attempt(version, times).await {
            Ok(()) => true,
            Err(stopped) => {
                assert!(world.fuse.blown() > before, "failed without a fault: {stopped:?}");
                false
            }
        };
        assert!(world.any_version_works(), "no stored version logs in");
        if promise == Promise::Current {
            assert!(world.works(Label::Current), "consumers are locked out");
        }
        if done {
            break;
        }
        tokio::time::advance(LATER).await;
    }
    assert!(done, "still not done after {ATTEMPTS} attempts");
    world.app(Secret::end);
    tokio::time::advance(OVERLAP).await;
}

/// Rotates some times in a row; in each rotation the fuse blows after each gap, if it comes to that.
async fn rotations<R: Fake>(
    world: &World<R>,
    gaps: &[usize],
    fault: Fault,
    times: usize,
    (rounds, promise): (usize, Promise),
) -> usize {
    let mut blown = 0;
    for round in 1..=rounds {
        world.fuse.arm(gaps.iter().copied(), fault);
        repeat(world, &format!("v{round}"), times, promise).await;
        blown += world.fuse.blown();
        assert!(world.works(Label::Current));
        assert!(world.kept_the_rest());
    }
    let last = world.app(|secret| secret.labels[Label::Current.name()].clone());
    assert_eq!(last.as_str(), format!("v{rounds}"));
    blown
}

/// Blows at every call of every rotation, in each way, with every step taken once and twice; then at every
/// pair of calls, the second while the first is being repaired. Counts how often.
async fn sweep<R: Fake>(
    build: fn() -> World<R>,
    promise: Promise,
    check: impl Fn(&World<R>),
) -> usize {
    let mut points = 0;
    for fault in Fault::CRASHES {
        for times in [1, 2] {
            for at in 1.. {
                let world = build();
                let blown = rotations(&world, &[at], fault, times, (4, promise)).await;
                check(&world);
                if blown == 0 {
                    break;
                }
                points += blown;
            }
        }
        points += pairs(build, fault, promise, &check).await;
    }
    points
}

async fn pairs<R: Fake>(
    build: fn() -> World<R>,
    fault: Fault,
    promise: Promise,
    check: &impl Fn(&World<R>),
) -> usize {
    let mut points = 0;
    for first in 1.. {
        for second in 1.. {
            let world = build();
            let blown = rotations(&world, &[first, second], fault, 1, (2, promise)).await;
            check(&world);
            points += blown;
            match blown {
                0 => return points,
                // Nothing is left to cut after the first one.
                1 | 2 => break,
                _ => {}
            }
        }
    }
    points
}

fn visited(points: usize, at_least: usize) {
    assert!(points >= at_least, "only {points} crashes were tried, of {at_least} and more");
}

#[tokio::test(start_paused = true)]
async fn a_single_user_survives_a_crash_before_and_after_any_call() {
    let points = sweep(World::single_user, Promise::AnyVersion, |world: &World<Database>| {
        assert_eq!(world.rotator.users().len(), 2);
    });
    visited(points.await, 4_000);
}

#[tokio::test(start_paused = true)]
async fn a_single_user_with_an_admin_survives_a_crash_before_and_after_any_call() {
    let points =
        sweep(World::single_user_with_admin, Promise::AnyVersion, |world: &World<Database>| {
            assert_eq!(world.rotator.users()["root"].primary, "admins-secret");
        });
    visited(points.await, 4_000);
}

#[tokio::test(start_paused = true)]
async fn alternating_users_survive_a_crash_before_and_after_any_call() {
    let points = sweep(World::alternating_users, Promise::Current, |world: &World<Database>| {
        let users: Vec<String> = world.rotator.users().keys().cloned().collect();
        assert_eq!(users, ["app", "app_clone", "root"]);
        assert!(world.works(Label::Previous));
    });
    visited(points.await, 4_000);
}

#[tokio::test(start_paused = true)]
async fn a_dual_password_survives_a_crash_before_and_after_any_call() {
    let points = sweep(World::dual_password, Promise::Current, |world: &World<Database>| {
        assert!(world.works(Label::Previous));
    });
    visited(points.await, 4_000);
}

#[tokio::test(start_paused = true)]
async fn overlapping_keys_survive_a_crash_before_and_after_any_call() {
    let points = sweep(World::two_keys, Promise::Current, |world: &World<Keys>| {
        assert_eq!(world.rotator.minted().len(), 2, "a key of no version lives on");
        assert!(world.works(Label::Previous));
    });
    visited(points.await, 4_000);
}

#[tokio::test(start_paused = true)]
async fn overlapping_keys_with_an_admin_survive_a_crash_before_and_after_any_call() {
    let build = || World::keys_with_admin(2);
    let points = sweep(build, Promise::Current, |world: &World<Keys>| {
        assert_eq!(world.rotator.minted().len(), 3, "a key of no version lives on");
        assert!(world.works(Label::Previous));
    });
    visited(points.await, 4_000);
}

/// Somebody cleared the pending label after setSecret: the password that works is on no label.
fn interrupted(world: World<Database>, secondary: Option<&str>) -> World<Database> {
    world.app(|secret| {
        let lost = OWN.replace("first-secret", "lost-secret");
        secret.put("lost", Value::Text(lost));
        secret.clear(Label::Pending);
    });
    let mut user = User::new("lost-secret");
    user.secondary = secondary.map(str::to_owned);
    world.rotator.users().insert("app".to_owned(), user);
    world
}

#[tokio::test(start_paused = true)]
async fn healing_an_interrupted_rotation_survives_a_crash_before_and_after_any_call() {
    let build = || interrupted(World::single_user(), None);
    visited(sweep(build, Promise::AnyVersion, |_| {}).await, 4_000);
    let build = || interrupted(World::dual_password(), Some("first-secret"));
    visited(sweep(build, Promise::Current, |_| {}).await, 4_000);
}

#[tokio::test(start_paused = true)]
async fn making_room_for_a_key_survives_a_crash_before_and_after_any_call() {
    let build = || {
        let world = World::two_keys();
        world.rotator.add("lost-secret");
        world.app(|secret| {
            secret.put("lost", Value::Text(KEY.replace("first-secret", "lost-secret")));
            secret.clear(Label::Pending);
        });
        world
    };
    let points = sweep(build, Promise::Current, |world: &World<Keys>| {
        assert_eq!(world.rotator.minted().len(), 2, "a key of no version lives on");
    });
    visited(points.await, 4_000);
}

#[tokio::test(start_paused = true)]
async fn a_crash_is_noticed_and_what_it_left_undone_is_done_by_the_next_attempt() {
    let world = World::single_user();
    world.app(|secret| secret.begin("v1"));
    world.fuse.arm_at("alter user", Fault::DiesBefore);
    assert!(world.attempt("v1", 1).await.is_err());
    assert!(world.works(Label::Current));
    assert!(world.step(Step::Test, "v1").await.is_err());
    world.attempt("v1", 1).await.unwrap();
    assert!(world.works(Label::Current));
    assert!(!world.works(Label::Previous));
}
