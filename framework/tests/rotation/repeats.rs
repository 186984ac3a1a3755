//! A step that was taken before can be taken again, at any time, and changes nothing more.

use turnlock::vault::Label;
use turnlock::{Outcome, Step};

use crate::world::{Fake, World};

/// Rotates twice; after each step of the second rotation takes every step up to it again, and compares.
async fn repeats<R: Fake>(world: World<R>) -> usize {
    let mut repeated = 0;
    world.rotation("v1").await;
    world.app(|secret| secret.begin("v2"));
    for (done, step) in Step::ALL.into_iter().enumerate() {
        world.step(step, "v2").await.unwrap();
        for again in &Step::ALL[..=done] {
            repeated += unchanged(&world, *again).await;
        }
    }
    world.app(|secret| secret.clear(Label::Pending));
    for again in Step::ALL {
        repeated += unchanged(&world, again).await;
    }
    repeated
}

async fn unchanged<R: Fake>(world: &World<R>, step: Step) -> usize {
    let before = world.snapshot();
    let outcome = world.step(step, "v2").await.unwrap();
    assert_eq!(outcome, Outcome::Unchanged, "{step}");
    assert_eq!(world.snapshot(), before, "{step}");
    1
}

#[tokio::test(start_paused = true)]
async fn every_step_again_after_any_step_changes_nothing_more() {
    assert_eq!(repeats(World::single_user()).await, 14);
    assert_eq!(repeats(World::single_user_with_admin()).await, 14);
    assert_eq!(repeats(World::alternating_users()).await, 14);
    assert_eq!(repeats(World::dual_password()).await, 14);
    assert_eq!(repeats(World::two_keys()).await, 14);
}

#[tokio::test(start_paused = true)]
async fn each_strategy_changes_the_secret_and_the_target_in_a_rotation() {
    async fn changed<R: Fake>(world: World<R>) {
        let (stored, target) = (world.text(Label::Current), world.rotator.snapshot());
        world.rotation("v1").await;
        assert_ne!(world.text(Label::Current), stored);
        assert_ne!(world.rotator.snapshot(), target);
        assert!(world.works(Label::Current));
    }
    changed(World::single_user()).await;
    changed(World::single_user_with_admin()).await;
    changed(World::alternating_users()).await;
    changed(World::dual_password()).await;
    changed(World::two_keys()).await;
}

#[tokio::test(start_paused = true)]
async fn a_late_step_of_an_older_rotation_is_refused_and_changes_nothing() {
    let world = World::single_user();
    world.rotation("v1").await;
    world.rotation("v2").await;
    let before = world.snapshot();
    for step in Step::ALL {
        let failure = world.step(step, "v1").await.unwrap_err().failure();
        assert!(failure.to_string().contains("not AWSPENDING"), "{failure}");
    }
    assert_eq!(world.snapshot(), before);
}

#[tokio::test(start_paused = true)]
async fn a_pending_version_that_is_the_current_one_has_nothing_left_to_set() {
    for world in [World::single_user(), World::dual_password()] {
        world.app(|secret| secret.begin_test("v1"));
        world.fuse.disarm();
        assert_eq!(world.step(Step::Set, "v1").await.unwrap(), Outcome::Unchanged);
        let log = world.fuse.log();
        assert!(!log.contains(&"alter user".to_owned()), "{log:?}");
    }
}
