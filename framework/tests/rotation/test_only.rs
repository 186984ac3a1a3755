//! `RotateImmediately=false`: testSecret alone, on a pending version with the current value.

use turnlock::vault::Label;
use turnlock::{Class, Outcome, Step};

use crate::world::database::Database;
use crate::world::{Fake, World};
use turnlock::testing::Fault;
use turnlock::testing::Value;

/// What the service does when rotation is attached without rotating at once.
fn attach<R: Fake>(world: &World<R>) {
    let current = world.text(Label::Current).unwrap();
    world.app(|secret| secret.put("check", Value::Text(current)));
}

async fn checked(world: &World<Database>, preflight: &str) {
    attach(world);
    let before = world.snapshot();
    world.fuse.disarm();
    assert_eq!(world.step(Step::Test, "check").await.unwrap(), Outcome::Unchanged);
    assert_eq!(world.snapshot(), before);
    let log = world.fuse.log();
    let preflights: Vec<_> = log.iter().filter(|call| call.starts_with("preflight")).collect();
    assert_eq!(preflights, [preflight]);
}

#[tokio::test(start_paused = true)]
async fn the_own_authority_is_checked_once_and_nothing_is_changed() {
    checked(&World::single_user(), "preflight app").await;
    checked(&World::dual_password(), "preflight app").await;
}

#[tokio::test(start_paused = true)]
async fn the_admins_authority_is_checked_once_and_nothing_is_changed() {
    checked(&World::single_user_with_admin(), "preflight root").await;
    checked(&World::alternating_users(), "preflight root").await;
}

#[tokio::test(start_paused = true)]
async fn keys_pass_with_the_check_that_a_rotator_has_by_default() {
    let world = World::two_keys();
    attach(&world);
    let before = world.snapshot();
    assert_eq!(world.step(Step::Test, "check").await.unwrap(), Outcome::Unchanged);
    assert_eq!(world.snapshot(), before);
}

#[tokio::test(start_paused = true)]
async fn what_the_check_misses_is_the_answer() {
    for world in [World::single_user(), World::single_user_with_admin()] {
        attach(&world);
        world.fuse.arm_at("preflight", Fault::FailsBefore);
        let failure = world.step(Step::Test, "check").await.unwrap_err().failure();
        assert_eq!(failure.class(), Class::Tcp);
        assert!(failure.to_string().contains("the server hung up"), "{failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_current_password_that_is_rejected_fails_the_check() {
    let world = World::single_user();
    world.rotator.users().get_mut("app").unwrap().primary = "another".to_owned();
    attach(&world);
    let failure = world.step(Step::Test, "check").await.unwrap_err().failure();
    assert_eq!(failure.class(), Class::AuthRejected);
}

#[tokio::test(start_paused = true)]
async fn an_admin_that_cannot_log_in_fails_the_check() {
    let world = World::alternating_users();
    world.rotator.users().get_mut("root").unwrap().primary = "another".to_owned();
    attach(&world);
    let failure = world.step(Step::Test, "check").await.unwrap_err().failure();
    assert_eq!(failure.class(), Class::AuthRejected);
    assert!(failure.to_string().contains("admin-secret"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn a_full_rotation_is_not_stopped_by_what_the_next_one_will_miss() {
    for world in [World::single_user(), World::dual_password()] {
        world.app(|secret| secret.begin("v1"));
        world.fuse.arm_at("preflight", Fault::FailsBefore);
        world.attempt("v1", 1).await.unwrap();
        assert_eq!(world.fuse.blown(), 1);
        assert!(world.works(Label::Current));
        assert_eq!(world.text(Label::Current), world.text(Label::Pending));
    }
}

#[tokio::test(start_paused = true)]
async fn the_admins_authority_is_not_checked_in_a_full_rotation() {
    for world in [World::single_user_with_admin(), World::alternating_users()] {
        world.fuse.disarm();
        world.rotation("v1").await;
        let log = world.fuse.log();
        assert!(!log.iter().any(|call| call.starts_with("preflight")), "{log:?}");
    }
}
