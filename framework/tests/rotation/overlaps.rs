//! Two deliveries of one step at the same time do what one does.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use turnlock::vault::Label;
use turnlock::{Outcome, Step};

use crate::world::{Fake, Stopped, World};

type Done = Result<Outcome, Stopped>;

/// How the second delivery runs, once the first is under way.
#[derive(Clone, Copy, Debug)]
enum Second {
    /// To its end, while the first stands still.
    AtOnce,
    /// Call by call with the first.
    InTurn,
}

/// Lets `first` go on for some polls before `second` begins.
///
/// The last value is whether the second began before the first was done.
async fn interrupt(
    first: impl Future<Output = Done>,
    second: impl Future<Output = Done>,
    polls: usize,
    how: Second,
) -> (Done, Done, bool) {
    let mut first = pin!(first);
    for _ in 0..polls {
        let polled = poll_fn(|cx| Poll::Ready(first.as_mut().poll(cx))).await;
        if let Poll::Ready(first) = polled {
            return (first, second.await, false);
        }
    }
    match how {
        Second::AtOnce => {
            let second = second.await;
            (first.await, second, true)
        }
        Second::InTurn => {
            let (first, second) = tokio::join!(first, second);
            (first, second, true)
        }
    }
}

/// Interrupts each step by itself after any number of polls; returns how many that were.
async fn overlaps<R: Fake>(build: impl Fn() -> World<R>, check: impl Fn(&World<R>)) -> usize {
    let mut visited = 0;
    for how in [Second::AtOnce, Second::InTurn] {
        for step in Step::ALL {
            for polls in 1.. {
                let world = build();
                world.app(|secret| secret.begin("v1"));
                for earlier in Step::ALL.into_iter().take_while(|earlier| *earlier != step) {
                    world.step(earlier, "v1").await.unwrap();
                }
                let (first, second) = (world.step(step, "v1"), world.step(step, "v1"));
                let (first, second, overlapped) = interrupt(first, second, polls, how).await;
                first.unwrap();
                second.unwrap();
                world.attempt("v1", 1).await.unwrap();
                assert!(world.works(Label::Current), "{step} {how:?} after {polls} polls");
                check(&world);
                if !overlapped {
                    break;
                }
                visited += 1;
            }
        }
    }
    visited
}

#[tokio::test(start_paused = true)]
async fn any_step_delivered_twice_at_once_succeeds_twice_with_passwords() {
    for build in [
        World::single_user,
        World::single_user_with_admin,
        World::alternating_users,
        World::dual_password,
    ] {
        let visited = overlaps(build, |world| {
            assert_eq!(world.app(|secret| secret.versions.len()), 2);
        });
        let visited = visited.await;
        assert!(visited >= 20, "{visited}");
    }
}

#[tokio::test(start_paused = true)]
async fn alternating_users_and_a_dual_password_keep_the_old_one_alive_through_an_overlap() {
    for build in [World::alternating_users, World::dual_password] {
        let visited = overlaps(build, |world| assert!(world.works(Label::Previous))).await;
        assert!(visited >= 20, "{visited}");
    }
}

#[tokio::test(start_paused = true)]
async fn any_step_delivered_twice_at_once_leaves_no_key_that_no_version_holds() {
    let visited = overlaps(
        || World::keys(3),
        |world| {
            assert_eq!(world.rotator.minted().len(), 2);
            assert!(world.works(Label::Previous));
        },
    );
    let visited = visited.await;
    assert!(visited >= 20, "{visited}");
}

#[tokio::test(start_paused = true)]
async fn two_creates_at_once_store_one_value_and_both_succeed() {
    let world = World::keys(3);
    world.app(|secret| secret.begin("v1"));
    let (first, second) =
        tokio::join!(world.step(Step::Create, "v1"), world.step(Step::Create, "v1"));
    let mut outcomes = [first.unwrap().name(), second.unwrap().name()];
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["changed", "unchanged"]);
    let log = world.fuse.log();
    assert_eq!(log.iter().filter(|call| *call == "mint").count(), 2, "{log:?}");
    assert_eq!(log.iter().filter(|call| *call == "delete").count(), 1, "{log:?}");
    assert!(world.works(Label::Pending));
    assert!(world.works(Label::Current));
    assert_eq!(world.rotator.minted().len(), 2);
}
