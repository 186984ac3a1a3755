//! Whatever never answers, the deadline comes first and says what was waited for.

use std::time::Duration;

use tokio::time::Instant;
use turnlock::vault::Label;
use turnlock::{Class, Step};

use crate::world::{Fake, World, far};
use turnlock::testing::Fault;
use turnlock::testing::Value;

/// Takes the steps before `step` calmly, and `step` with a call that never answers.
async fn waits<R: Fake>(world: &World<R>, step: Step, call: &'static str, waited_for: &str) {
    world.app(|secret| secret.begin("v1"));
    for earlier in Step::ALL.into_iter().take_while(|earlier| *earlier != step) {
        world.step(earlier, "v1").await.unwrap();
    }
    world.fuse.arm_at(call, Fault::NeverAnswers);
    let deadline = far();
    let failure = world.step(step, "v1").await.unwrap_err().failure();
    let now = Instant::now();
    assert_eq!(world.fuse.blown(), 1, "{call} was never called");
    assert_eq!(failure.class(), Class::Timeout, "{failure}");
    let text = failure.to_string();
    assert!(text.contains(&format!("no time was left while {waited_for}")), "{text}");
    assert!(now >= deadline && now < deadline + Duration::from_millis(50), "{step} {call}");
}

#[tokio::test(start_paused = true)]
async fn a_vault_call_that_never_answers_is_named() {
    for (step, call, waited_for) in [
        (Step::Create, "DescribeSecret", "describing the secret"),
        (Step::Create, "GetSecretValue app-secret v1", "reading the secret"),
        (Step::Create, "GetSecretValue app-secret AWSCURRENT", "reading the secret"),
        (Step::Create, "PutSecretValue", "storing the next version"),
        (Step::Set, "DescribeSecret", "describing the secret"),
        (Step::Set, "GetSecretValue app-secret AWSCURRENT", "reading the secret"),
        (Step::Test, "GetSecretValue app-secret v1", "reading the secret"),
        (Step::Finish, "DescribeSecret", "describing the secret"),
        (Step::Finish, "UpdateSecretVersionStage", "moving AWSCURRENT"),
    ] {
        waits(&World::single_user(), step, call, waited_for).await;
    }
    let call = "GetSecretValue admin-secret";
    waits(&World::alternating_users(), Step::Set, call, "reading the admin secret").await;
}

#[tokio::test(start_paused = true)]
async fn a_login_that_never_answers_is_named_with_the_target_and_the_user() {
    let waited_for = "logging in to db.internal as app";
    waits(&World::single_user(), Step::Set, "login app", waited_for).await;
    waits(&World::single_user(), Step::Test, "login app", waited_for).await;
    let waited_for = "logging in to db.internal as root";
    waits(&World::alternating_users(), Step::Set, "login root", waited_for).await;
    waits(&World::two_keys(), Step::Test, "login key", "logging in to api.example as acme").await;
}

#[tokio::test(start_paused = true)]
async fn a_change_that_never_answers_is_named_with_the_target() {
    let waited_for = "setting the pending credential at db.internal";
    waits(&World::single_user(), Step::Set, "alter user", waited_for).await;
    waits(&World::alternating_users(), Step::Set, "grant", waited_for).await;
    waits(&World::two_keys(), Step::Create, "mint", "creating the next credential").await;
}

#[tokio::test(start_paused = true)]
async fn a_retirement_that_never_answers_is_named_with_the_target() {
    let world = World::two_keys();
    world.rotation("v0b").await;
    waits(&world, Step::Create, "delete", "retiring a credential at api.example").await;
}

#[tokio::test(start_paused = true)]
async fn a_search_for_old_versions_that_never_answers_is_named() {
    let world = World::single_user();
    world.rotator.users().get_mut("app").unwrap().primary = "nobody-knows".to_owned();
    waits(&world, Step::Set, "ListSecretVersionIds", "listing old versions").await;
}

#[tokio::test(start_paused = true)]
async fn a_session_that_never_closes_takes_no_more_than_a_moment() {
    let world = World::alternating_users();
    let (started, patience) = (Instant::now(), Duration::from_secs(5));
    world.app(|secret| secret.begin("v1"));
    world.fuse.arm_at("close", Fault::NeverAnswers);
    world.attempt("v1", 1).await.unwrap();
    assert_eq!(world.fuse.blown(), 1);
    assert!(world.works(Label::Current));
    assert!(Instant::now() - started < patience);
}

#[tokio::test(start_paused = true)]
async fn a_check_that_never_answers_does_not_stop_a_full_rotation() {
    let world = World::single_user();
    world.app(|secret| secret.begin("v1"));
    world.fuse.arm_at("preflight", Fault::NeverAnswers);
    world.attempt("v1", 1).await.unwrap();
    assert_eq!(world.fuse.blown(), 1);
    assert!(world.works(Label::Current));
}

#[tokio::test(start_paused = true)]
async fn a_check_that_never_answers_is_named_where_it_is_all_there_is_to_do() {
    for world in [World::single_user(), World::alternating_users()] {
        let current = world.text(Label::Current).unwrap();
        world.app(|secret| secret.put("check", Value::Text(current)));
        world.fuse.arm_at("preflight", Fault::NeverAnswers);
        let failure = world.step(Step::Test, "check").await.unwrap_err().failure();
        assert_eq!(failure.class(), Class::Timeout);
        assert!(failure.to_string().contains("checking the rights at db.internal"), "{failure}");
    }
}
