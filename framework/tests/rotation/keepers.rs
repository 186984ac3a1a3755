//! Who has the next key made, and which keys a rotator is told to leave alone.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::Instant;
use turnlock::vault::Label;
use turnlock::{Class, Outcome, PasswordPolicy, Step, VersionId, rotate};

use crate::world::keys::{Keys, OVERLAP};
use crate::world::{Fake, LATER, World, event, with_key};
use turnlock::testing::{DENIED, Value};

fn has(world: &World<Keys>, key: &str) -> bool {
    world.rotator.minted().contains_key(key)
}

fn key(world: &World<Keys>, label: Label) -> String {
    crate::world::document(&world.text(label).unwrap()).string("key").unwrap()
}

/// Begins a rotation and takes createSecret; the logins that it took, as `login` and `rejected`.
async fn create(world: &World<Keys>, version: &str) -> Vec<String> {
    world.app(|secret| secret.begin(version));
    world.fuse.disarm();
    world.step(Step::Create, version).await.unwrap();
    let calls = world.fuse.log().into_iter();
    calls.filter_map(|call| call.strip_suffix(" key").map(str::to_owned)).collect()
}

/// The authorities that the rotator was given, as they print.
fn authorities(world: &World<Keys>) -> Vec<String> {
    let given = world.rotator.given.lock().unwrap();
    given.iter().filter(|text| text.starts_with("Authority")).cloned().collect()
}

#[tokio::test(start_paused = true)]
async fn the_current_key_has_the_next_one_made() {
    let world = World::two_keys();
    assert_eq!(create(&world, "v1").await, ["login"]);
    assert!(authorities(&world)[0].contains("holder: Own"));
}

#[tokio::test(start_paused = true)]
async fn the_admin_has_the_next_key_made_where_the_secret_names_one() {
    let world = World::keys_with_admin(2);
    assert_eq!(create(&world, "v1").await, ["login"]);
    let authority = &authorities(&world)[0];
    assert!(authority.contains("holder: Admin") && authority.contains("acme-admin"), "{authority}");
}

#[tokio::test(start_paused = true)]
async fn an_older_key_has_the_next_one_made_where_the_current_one_is_dead() {
    let world = World::keys(3);
    world.rotation("v1").await;
    world.rotator.add("buried");
    world.app(|secret| {
        secret.write_by_hand("m1", with_key("buried"));
        secret.write_by_hand("m2", with_key("wrong"));
        secret.write_by_hand("m3", with_key("wrong-too"));
    });
    world.rotator.minted().remove("first-secret");
    // First the one that would be retired.
    let logins = create(&world, "v2").await;
    assert_eq!(logins, ["login", "rejected", "login", "rejected", "login", "rejected", "login"]);
    assert!(authorities(&world).last().unwrap().contains("holder: Own"));
    world.attempt("v2", 1).await.unwrap();
    assert!(world.works(Label::Current));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_rejected_is_not_tried_again() {
    let world = World::two_keys();
    world.rotation("v1").await;
    world.rotator.minted().remove(&key(&world, Label::Current));
    assert_eq!(create(&world, "v2").await, ["login", "login", "rejected", "login"]);
}

#[tokio::test(start_paused = true)]
async fn where_no_key_works_that_is_the_error() {
    let world = World::two_keys();
    world.rotator.minted().clear();
    let failure = world.refusal("v1").await;
    assert_eq!(failure.class(), Class::AuthRejected);
    let text = failure.to_string();
    assert!(text.contains("accepts none of the 1 passwords of acme"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn an_admin_that_does_not_log_in_is_the_error() {
    let world = World::keys_with_admin(2);
    world.rotator.minted().remove("admins-secret");
    let failure = world.refusal("v1").await;
    assert_eq!(failure.class(), Class::AuthRejected);
    assert!(failure.to_string().contains("admin-secret does not log in"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn a_rotator_is_told_the_secret_and_how_long_an_invocation_can_go_on() {
    let world = World::two_keys();
    world.app(|secret| secret.begin("v1"));
    let (event, policy) = (event(Step::Create, "v1"), PasswordPolicy::default());
    let deadline = Instant::now() + Duration::from_secs(29);
    rotate(&world.rotator, &world.vault, &policy, &event, deadline).await.unwrap();
    let given = world.rotator.given.lock().unwrap().concat();
    assert!(given.contains(r#"secret: SecretId("app-secret")"#), "{given}");
    assert!(given.contains("lifetime: 31s"), "{given}");
    assert_eq!(*world.rotator.deadline.lock().unwrap(), Some(deadline));
    assert_eq!(turnlock::deadline(), None, "outside of a step there is none");
}

/// An attempt that died after the provider had minted a key, and the version with that key.
async fn orphan(world: &World<Keys>, version: &str) -> Value {
    world.app(|secret| secret.begin(version));
    world.step(Step::Create, version).await.unwrap();
    let pending = VersionId::new(version);
    let value = world.app(|secret| {
        let found = secret.versions.iter_mut().find(|(id, _)| *id == pending).unwrap();
        found.1.take().unwrap()
    });
    tokio::time::advance(LATER).await;
    value
}

#[tokio::test(start_paused = true)]
async fn a_key_that_no_version_holds_is_found_and_deleted_by_the_next_attempt() {
    let world = World::two_keys();
    orphan(&world, "v1").await;
    world.rotation_just_now("v1").await;
    assert_eq!(world.rotator.minted().len(), 2);
    assert!(world.works(Label::Current) && world.works(Label::Previous));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_no_version_holds_is_found_and_deleted_by_the_next_rotation() {
    let world = World::two_keys();
    orphan(&world, "v1").await;
    world.rotation_just_now("v2").await;
    assert_eq!(world.rotator.minted().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_young_key_that_no_version_holds_may_be_stored_in_a_moment() {
    let world = World::two_keys();
    world.app(|secret| secret.begin("v1"));
    world.step(Step::Create, "v1").await.unwrap();
    world.app(|secret| secret.versions[1].1 = None);
    let failure = world.refusal("v1").await;
    assert!(failure.to_string().contains("as many keys as it may"), "{failure}");
}

/// A key that a died attempt left, and that somebody has stored under a label of their own.
async fn pinned(value: impl FnOnce(Value) -> Value) -> World<Keys> {
    let world = World::keys(3);
    let orphan = orphan(&world, "v1").await;
    world.app(|secret| {
        secret.put("other", value(orphan));
        secret.labels.insert("PINNED", VersionId::new("other"));
        secret.begin("v2");
    });
    world
}

#[tokio::test(start_paused = true)]
async fn a_key_of_a_version_with_any_label_is_in_use() {
    let world = pinned(|value| value).await;
    world.step(Step::Create, "v2").await.unwrap();
    assert_eq!(world.rotator.minted().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn where_a_version_with_a_label_cannot_be_read_nothing_is_deleted() {
    for (value, class, reason) in [
        (Value::Refused(DENIED), Class::Permission, DENIED),
        (Value::Binary, Class::MalformedSecret, "other holds is not known: "),
        (Value::Text("not JSON".into()), Class::MalformedSecret, "is not JSON"),
    ] {
        let world = pinned(|_| value).await;
        let keys = world.rotator.snapshot();
        let failure = world.refusal("v2").await;
        assert_eq!(failure.class(), class, "{failure}");
        assert!(failure.to_string().contains(reason), "{failure}");
        assert_eq!(world.rotator.snapshot(), keys);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_that_another_invocation_stores_in_this_moment_is_in_use() {
    let world = World::keys(3);
    let stored = orphan(&world, "v1").await;
    world.fuse.disarm();
    let mut create = pin!(world.step(Step::Create, "v1"));
    while !world.fuse.log().contains(&"list".to_owned()) {
        assert!(poll_fn(|cx| Poll::Ready(create.as_mut().poll(cx))).await.is_pending());
    }
    world.app(|secret| secret.put("v1", stored));
    assert_eq!(create.await.unwrap(), Outcome::Unchanged);
    assert!(world.works(Label::Pending));
    assert_eq!(world.rotator.minted().len(), 2, "its own key is retired");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_was_current_a_moment_ago_is_in_use_without_a_label() {
    let world = World::keys(4);
    world.rotation("v1").await;
    let replaced = key(&world, Label::Current);
    world.rotation("v2").await;
    let again = world.text(Label::Current).unwrap().replace("note", "other-note");
    world.app(|secret| secret.write_by_hand("m1", Value::Text(again)));
    create(&world, "v3").await;
    assert!(has(&world, &replaced));
    tokio::time::advance(OVERLAP).await;
    create(&world, "v4").await;
    assert!(!has(&world, &replaced));
}

#[tokio::test(start_paused = true)]
async fn a_key_of_a_version_without_a_label_that_never_was_current_is_not_in_use() {
    // With room for one more, so that nothing but the rotator deletes it.
    let world = World::keys(3);
    world.rotation_just_now("v1").await;
    world.rotator.minted().remove("first-secret");
    tokio::time::advance(LATER).await;
    create(&world, "v2").await;
    let abandoned = key(&world, Label::Pending);
    world.app(|secret| secret.clear(Label::Pending));
    assert!(2 * LATER < OVERLAP && has(&world, &abandoned));
    tokio::time::advance(LATER).await;
    create(&world, "v3").await;
    assert!(!has(&world, &abandoned));
}

#[tokio::test(start_paused = true)]
async fn the_last_key_that_works_is_in_use_without_a_label() {
    let world = World::two_keys();
    world.rotation("v1").await;
    let last = key(&world, Label::Current);
    world.app(|secret| {
        secret.write_by_hand("m1", with_key("wrong"));
        secret.write_by_hand("m2", with_key("wrong-too"));
    });
    world.rotator.minted().remove("first-secret");
    tokio::time::advance(OVERLAP).await;
    world.rotation_just_now("v2").await;
    assert!(has(&world, &last));
    assert!(world.works(Label::Current));
}
