//! A key is retired when consumers have changed over, and never the one that they have.

use std::time::Duration;

use turnlock::vault::Label;
use turnlock::{Class, Step, VersionId};

use crate::world::keys::{Keys, OVERLAP};
use crate::world::logs::Logs;
use crate::world::{Fake, KEY, World, with_key};
use turnlock::testing::{Dates, Fault, Value};

/// More than a test takes: the dates that it is told are of the clock that nobody stops.
const MOMENT: Duration = Duration::from_mins(1);

/// Looks whether a rotation is refused for the overlap, and without effect.
async fn too_early(world: &World<Keys>, version: &str) {
    world.app(|secret| secret.begin(version));
    let before = world.snapshot();
    let failure = world.refusal(version).await;
    assert_eq!(failure.class(), Class::Refused);
    let text = failure.to_string();
    for part in ["for 120 minutes", "rotate again then", "`rotation.overlap_minutes`"] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(world.snapshot(), before);
}

#[tokio::test(start_paused = true)]
async fn a_second_rotation_is_refused_until_consumers_have_changed_over() {
    for world in [World::two_keys(), World::keys_with_admin(2)] {
        world.rotation_just_now("v1").await;
        too_early(&world, "v2").await;
        tokio::time::advance(OVERLAP - MOMENT).await;
        too_early(&world, "v2").await;
        tokio::time::advance(MOMENT).await;
        world.rotation_just_now("v2").await;
        assert!(world.works(Label::Current));
        assert!(world.works(Label::Previous));
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotation_counts_from_its_end_and_what_was_written_by_hand_from_its_creation() {
    let world = World::two_keys();
    world.app(|secret| secret.begin("v1"));
    world.step(Step::Create, "v1").await.unwrap();
    tokio::time::advance(2 * OVERLAP).await;
    world.attempt("v1", 1).await.unwrap();
    world.app(|secret| secret.end());
    too_early(&world, "v2").await;

    let world = World::two_keys();
    tokio::time::advance(2 * OVERLAP).await;
    world.rotator.add("written-by-hand");
    world.app(|secret| secret.write_by_hand("m1", with_key("written-by-hand")));
    too_early(&world, "v2").await;
}

#[tokio::test(start_paused = true)]
async fn an_overlap_of_zero_retires_at_once() {
    let mut world = World::two_keys();
    world.rotator.overlap = Duration::ZERO;
    for version in ["v1", "v2", "v3"] {
        world.rotation_just_now(version).await;
    }
    assert!(world.works(Label::Current));
}

#[tokio::test(start_paused = true)]
async fn what_a_version_replaced_that_was_moved_back_by_hand_is_left_alone() {
    let world = World::keys(3);
    tokio::time::advance(2 * OVERLAP).await;
    world.rotation_just_now("v1").await;
    tokio::time::advance(2 * OVERLAP).await;
    let version = |id: &str| VersionId::new(id);
    world.app(|secret| secret.promote(Some(&version("v1")), &version("v0")).unwrap());
    assert!(world.works(Label::Current) && world.works(Label::Previous));
    let replaced = world.text(Label::Previous).unwrap();
    world.rotation_just_now("v2").await;
    assert!(world.works(Label::Current) && world.works(Label::Previous));
    assert!(world.accepts(&replaced));
}

#[tokio::test(start_paused = true)]
async fn a_previous_key_that_is_dead_keeps_no_rotation_from_beginning() {
    let world = World::two_keys();
    world.rotation_just_now("v1").await;
    world.rotator.minted().remove("first-secret");
    world.rotation_just_now("v2").await;
    assert!(world.works(Label::Current));
}

#[tokio::test(start_paused = true)]
async fn a_previous_key_that_is_dead_is_retired_to_the_end_after_the_overlap_where_that_takes_steps()
 {
    for (in_steps, passed, expected) in
        [(true, 2 * OVERLAP, 1), (true, MOMENT, 0), (false, 2 * OVERLAP, 0)]
    {
        let mut world = World::two_keys();
        world.rotator.lists = false;
        world.rotator.in_steps = in_steps;
        world.rotation_just_now("v1").await;
        world.rotator.minted().remove("first-secret");
        tokio::time::advance(passed).await;
        world.fuse.disarm();
        world.rotation_just_now("v2").await;
        let log = world.fuse.log();
        assert_eq!(log.iter().filter(|call| *call == "delete").count(), expected, "{log:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_ahead_of_ours_shortens_no_overlap() {
    let world = World::two_keys();
    world.app(|secret| secret.dates = Dates::Ahead(3 * OVERLAP));
    world.rotation_just_now("v1").await;
    too_early(&world, "v2").await;
    tokio::time::advance(4 * OVERLAP).await;
    world.rotation_just_now("v2").await;
}

#[tokio::test(start_paused = true)]
async fn without_any_date_the_overlap_is_over_and_that_is_said() {
    let world = World::two_keys();
    world.app(|secret| secret.dates = Dates::Absent);
    world.rotation_just_now("v1").await;
    let logs = Logs::start();
    world.rotation_just_now("v2").await;
    assert!(world.works(Label::Current));
    let warnings = logs.warnings();
    assert!(warnings[0].contains("AWSCURRENT has no date"), "{warnings:?}");
}

#[tokio::test(start_paused = true)]
async fn a_previous_key_of_another_account_is_not_retired() {
    let world = World::keys(4);
    world.rotator.add("of-another-account");
    let other = KEY.replace("first-secret", "of-another-account").replace("acme", "other");
    world.app(|secret| secret.write_by_hand("m1", Value::Text(other)));
    tokio::time::advance(2 * OVERLAP).await;
    world.rotation("v1").await;
    assert!(world.rotator.minted().contains_key("first-secret"));
    assert!(world.works(Label::Previous));
}

/// Somebody has deleted the current key at the provider, or stored a wrong one.
fn spoil_current(world: &World<Keys>) {
    let current = world.text(Label::Current).unwrap();
    let key = crate::world::document(&current).string("key").unwrap();
    world.rotator.minted().remove(&key);
    assert!(!world.works(Label::Current));
}

#[tokio::test(start_paused = true)]
async fn a_key_that_works_is_not_retired_for_a_current_one_that_does_not() {
    for world in [World::two_keys(), World::keys_with_admin(2)] {
        world.rotation("v1").await;
        spoil_current(&world);
        let logs = Logs::start();
        world.rotation_just_now("v2").await;
        let warnings = logs.warnings();
        assert!(warnings[0].contains("what it replaced is not retired"), "{warnings:?}");
        assert!(world.works(Label::Current));
        assert!(world.rotator.minted().contains_key("first-secret"));
    }
}

#[tokio::test(start_paused = true)]
async fn where_the_current_key_is_dead_and_there_is_no_room_nothing_is_retired() {
    for world in [World::two_keys(), World::keys_with_admin(2)] {
        world.rotation("v1").await;
        spoil_current(&world);
        world.rotator.add("of-somebody");
        let keys = world.rotator.snapshot();
        let failure = world.refusal("v2").await;
        assert!(failure.to_string().contains("as many keys as it may"), "{failure}");
        assert_eq!(world.rotator.snapshot(), keys);
    }
}

#[tokio::test(start_paused = true)]
async fn a_calm_rotation_of_keys_warns_of_nothing() {
    for world in [World::two_keys(), World::keys_with_admin(2)] {
        let logs = Logs::start();
        world.rotation("v1").await;
        world.rotation("v2").await;
        assert_eq!(logs.warnings(), [""; 0]);
    }
}

/// Looks whether createSecret refuses to retire what would take the current key with it.
async fn spared(world: &World<Keys>) {
    let keys = world.rotator.snapshot();
    let failure = world.refusal("v2").await;
    assert_eq!(failure.class(), Class::Refused);
    assert!(failure.to_string().contains("nothing is retired until they"), "{failure}");
    assert_eq!(world.rotator.snapshot(), keys);
}

#[tokio::test(start_paused = true)]
async fn a_key_whose_name_may_be_that_of_the_current_one_is_not_retired() {
    let mut world = World::keys(3);
    world.rotator.takes = |_, _| true;
    world.rotation("v1").await;
    world.rotator.add("written-by-hand");
    world.app(|secret| secret.write_by_hand("m1", with_key("written-by-hand")));
    tokio::time::advance(2 * OVERLAP).await;
    spared(&world).await;

    let mut world = World::keys(3);
    world.rotator.takes = |_, _| true;
    world.rotator.overlap = Duration::ZERO;
    world.rotation("v1").await;
    let version = |id: &str| VersionId::new(id);
    world.app(|secret| secret.promote(Some(&version("v1")), &version("v0")).unwrap());
    spared(&world).await;
}

/// A key that was current until a version with the same key as the current one was written by hand.
async fn unlabelled() -> World<Keys> {
    let mut world = World::two_keys();
    world.rotator.lists = false;
    world.rotation("v1").await;
    let again = world.text(Label::Current).unwrap().replace("note", "other-note");
    world.app(|secret| secret.write_by_hand("m1", Value::Text(again)));
    assert!(!world.app(|secret| secret.labels.values().any(|id| id.as_str() == "v0")));
    world
}

#[tokio::test(start_paused = true)]
async fn a_key_that_may_have_been_current_is_not_taken_for_abandoned_within_the_overlap() {
    let world = unlabelled().await;
    tokio::time::advance(OVERLAP - MOMENT).await;
    let failure = world.refusal("v2").await;
    assert!(failure.to_string().contains("as many keys as it may"), "{failure}");
    assert!(world.rotator.minted().contains_key("first-secret"));
    tokio::time::advance(MOMENT).await;
    world.rotation_just_now("v2").await;
    assert!(!world.rotator.minted().contains_key("first-secret"));
}

/// Keys at their limit: the current one, and one that was stored just now and never became current.
async fn abandoned() -> World<Keys> {
    let mut world = World::two_keys();
    world.rotator.lists = false;
    world.rotation_just_now("v1").await;
    world.rotator.minted().remove("first-secret");
    tokio::time::advance(MOMENT).await;
    world.rotator.add("never-current");
    world.app(|secret| {
        secret.put("lost", with_key("never-current"));
        secret.clear(Label::Pending);
    });
    world
}

#[tokio::test(start_paused = true)]
async fn a_key_that_never_was_current_is_taken_for_abandoned_within_the_overlap_too() {
    let world = abandoned().await;
    world.rotation_just_now("v2").await;
    assert!(!world.rotator.minted().contains_key("never-current"));
    assert!(world.works(Label::Current));
    assert!(world.works(Label::Previous));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_taken_for_abandoned_where_a_key_is_not_made_for_another_reason() {
    let world = abandoned().await;
    world.fuse.arm_at("mint", Fault::FailsBefore);
    assert_eq!(world.refusal("v2").await.class(), Class::Tcp);
    assert!(world.rotator.minted().contains_key("never-current"));
    let log = world.fuse.log();
    assert_eq!(log.iter().filter(|call| *call == "mint").count(), 1, "{log:?}");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_is_stored_twice_and_has_a_label_once_is_not_taken_for_abandoned() {
    // Nor where the version with the label was not read at first.
    for read in ["no such call", "GetSecretValue app-secret pinned"] {
        let world = abandoned().await;
        world.app(|secret| {
            secret.put("pinned", with_key("never-current"));
            secret.labels.insert("PINNED", VersionId::new("pinned"));
            secret.clear(Label::Pending);
        });
        world.fuse.arm_at(read, Fault::FailsBefore);
        let failure = world.refusal("v2").await;
        assert!(failure.to_string().contains("as many keys as it may"), "{failure}");
        assert!(world.rotator.minted().contains_key("never-current"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_of_another_account_is_not_taken_for_abandoned() {
    let world = abandoned().await;
    let other = KEY.replace("first-secret", "never-current").replace("acme", "other");
    world.app(|secret| {
        let lost = VersionId::new("lost");
        let found = secret.versions.iter_mut().find(|(id, _)| *id == lost).unwrap();
        found.1 = Some(Value::Text(other));
    });
    let failure = world.refusal("v2").await;
    assert!(failure.to_string().contains("as many keys as it may"), "{failure}");
    assert!(world.rotator.minted().contains_key("never-current"));
}
