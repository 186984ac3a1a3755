//! createSecret leaves nothing at the target that no version holds, and takes nothing away that one does.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use turnlock::vault::Label;
use turnlock::{Class, Edit, Outcome, Sensitive, Step};

use crate::world::keys::Keys;
use crate::world::logs::Logs;
use crate::world::{KEY, LATER, World};
use turnlock::testing::Fault;
use turnlock::testing::{DENIED, Value};

fn has(world: &World<Keys>, key: &str) -> bool {
    world.rotator.minted().contains_key(key)
}

fn count(world: &World<Keys>, call: &str) -> usize {
    world.fuse.log().iter().filter(|made| *made == call).count()
}

type Spoils = fn(Edit) -> Edit;

/// A provider of whose answers something is made that cannot be stored.
fn spoilt(spoils: Spoils) -> World<Keys> {
    let mut world = World::keys(3);
    world.rotator.spoils = spoils;
    world
}

fn set(edit: Edit, field: &str, value: &str) -> Edit {
    edit.set(field, Sensitive::new(value))
}

#[tokio::test(start_paused = true)]
async fn a_key_that_cannot_be_stored_is_retired_again() {
    let derived = KEY.replacen('{', r#"{"rotation":{"derived":{"url":"{key}"}},"#, 1);
    let cases: [(&str, Spoils, Class, &str); 3] = [
        (KEY, |edit| set(edit, "account", "other"), Class::Refused, "is for other, not acme"),
        (KEY, |edit| set(edit, "masterarn", &"a".repeat(65_536)), Class::Refused, "over 65,536"),
        (
            &derived,
            |edit| set(edit, "url", ""),
            Class::MalformedSecret,
            "the rotation itself writes",
        ),
    ];
    for (first, spoils, class, reason) in cases {
        let world = spoilt(spoils);
        world.app(|secret| secret.versions[0].1 = Some(Value::Text(first.to_owned())));
        let failure = world.refusal("v1").await;
        assert_eq!(failure.class(), class, "{failure}");
        assert!(failure.to_string().contains(reason), "{failure}");
        assert_eq!((count(&world, "mint"), count(&world, "delete")), (1, 1), "{reason}");
        assert_eq!(world.rotator.minted().len(), 1);
        assert!(world.works(Label::Current));
    }
}

#[tokio::test(start_paused = true)]
async fn the_current_key_is_not_retired_where_the_provider_gives_it_again() {
    let again: [Spoils; 2] = [
        |edit| set(edit, "key", "first-secret"),
        |edit| set(set(edit, "key", "first-secret"), "account", "other"),
    ];
    for spoils in again {
        // An admin could do it, where a key cannot delete itself.
        let mut world = World::keys_with_admin(3);
        world.rotator.spoils = spoils;
        assert_eq!(world.refusal("v1").await.class(), Class::Refused);
        assert_eq!(count(&world, "delete"), 0);
        assert!(world.works(Label::Current));
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_cannot_be_read_is_said_to_be_left() {
    let world = spoilt(|edit| set(edit, "key", ""));
    let logs = Logs::start();
    assert_eq!(world.refusal("v1").await.class(), Class::MalformedSecret);
    let warnings = logs.warnings();
    assert!(warnings[0].contains("may be left there"), "{warnings:?}");
    assert_eq!(count(&world, "delete"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_could_not_be_retired_hides_no_error_and_shows_no_secret() {
    let world = spoilt(|edit| set(edit, "account", "other"));
    let logs = Logs::start();
    world.fuse.arm_at("delete", Fault::FailsBefore);
    let failure = world.refusal("v1").await;
    assert_eq!(world.fuse.blown(), 1);
    assert!(failure.to_string().contains("is for other, not acme"), "{failure}");
    let text = logs.text();
    assert!(text.contains("is left at the target: the provider hung up"), "{text}");
    for key in world.rotator.minted().keys() {
        assert!(!text.contains(&key[..8]), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_secrets_manager_surely_has_not_stored_is_retired_again() {
    for (code, class) in [(DENIED, Class::Permission), ("InvalidRequestException", Class::Refused)]
    {
        let world = World::keys(3);
        world.app(|secret| secret.refuses = Some(code));
        let failure = world.refusal("v1").await;
        assert_eq!(failure.class(), class, "{failure}");
        assert!(failure.to_string().contains("PutSecretValue"), "{failure}");
        assert_eq!((count(&world, "mint"), count(&world, "delete")), (1, 1));
        assert_eq!(world.rotator.minted().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_secrets_manager_may_have_stored_lives_on() {
    for fault in [Fault::FailsBefore, Fault::LosesAnswer, Fault::NeverAnswers] {
        let world = World::keys(3);
        world.fuse.arm_at("PutSecretValue", fault);
        world.refusal("v1").await;
        assert_eq!((count(&world, "mint"), count(&world, "delete")), (1, 0), "{fault:?}");
        assert_eq!(world.rotator.minted().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_an_unanswered_attempt_has_stored_lives_on_where_the_next_is_refused() {
    let world = World::keys(3);
    world.app(|secret| {
        secret.refuses = Some(DENIED);
        secret.stores_refused = true;
    });
    assert_eq!(world.refusal("v1").await.class(), Class::Permission);
    assert!(world.works(Label::Pending));
}

#[tokio::test(start_paused = true)]
async fn a_create_that_fails_since_another_was_faster_is_unchanged() {
    let world = World::two_keys();
    world.app(|secret| secret.begin("v1"));
    let mut slower = pin!(world.step(Step::Create, "v1"));
    // Up to the call, and not to its effect.
    while count(&world, "mint") == 0 {
        let polled = poll_fn(|cx| Poll::Ready(slower.as_mut().poll(cx))).await;
        assert!(polled.is_pending());
    }
    assert_eq!(world.step(Step::Create, "v1").await.unwrap(), Outcome::Changed);
    let stored = world.text(Label::Pending);
    assert_eq!(slower.await.unwrap(), Outcome::Unchanged);
    assert_eq!(count(&world, "mint"), 2);
    assert_eq!(world.text(Label::Pending), stored);
    assert!(world.works(Label::Pending) && world.works(Label::Current));
}

#[tokio::test(start_paused = true)]
async fn one_key_that_the_provider_gives_to_two_creates_at_once_is_not_retired() {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let mut world = World::keys(4);
    world.rotator.spoils = |edit| {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        set(set(edit, "key", "given-to-both"), "count", &count.to_string())
    };
    world.rotator.add("given-to-both");
    two_creates(&world).await;
    assert_eq!(COUNT.load(Ordering::Relaxed), 2);
    assert!(has(&world, "given-to-both"));
}

/// Two creates at once, of which one stores its key; both succeed.
async fn two_creates(world: &World<Keys>) {
    world.app(|secret| secret.begin("v1"));
    let (one, other) = tokio::join!(world.step(Step::Create, "v1"), world.step(Step::Create, "v1"));
    let mut outcomes = [one.unwrap().name(), other.unwrap().name()];
    outcomes.sort_unstable();
    assert_eq!(outcomes, ["changed", "unchanged"]);
}

#[tokio::test(start_paused = true)]
async fn what_the_target_was_not_told_of_yet_need_not_be_retired() {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let mut world = spoilt(|edit| {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        set(edit, "key", &format!("not-known-{count}"))
    });
    world.rotator.strict = true;
    two_creates(&world).await;
    assert!(has(&world, "first-secret"));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_the_target_does_not_accept_yet_is_retired_too() {
    let mut world = World::keys(3);
    world.rotator.slow = LATER;
    two_creates(&world).await;
    assert_eq!(world.rotator.minted().len(), 2);
    assert!(world.works(Label::Pending) && world.works(Label::Current));
}
