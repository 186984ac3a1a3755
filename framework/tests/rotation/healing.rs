//! A password that works and sits on a version that nobody reads is found, and the rotation goes on with it.

use turnlock::vault::Label;
use turnlock::{Class, Outcome, Step};

use crate::world::database::{Database, User};
use crate::world::{KEY, OWN, World};
use turnlock::testing::{DENIED, Value};

/// Changes the target to a pending version, whose label somebody then clears.
async fn interrupted(world: &World<Database>, version: &str) {
    world.app(|secret| secret.begin(version));
    world.step(Step::Create, version).await.unwrap();
    world.step(Step::Set, version).await.unwrap();
    world.app(|secret| secret.clear(Label::Pending));
}

#[tokio::test(start_paused = true)]
async fn a_password_on_a_version_without_a_label_sets_the_next_one() {
    let world = World::single_user();
    world.rotation("v1").await;
    interrupted(&world, "v2").await;
    assert!(!world.works(Label::Current));
    assert!(!world.works(Label::Previous));
    assert!(world.any_version_works());

    world.rotation("v3").await;
    assert!(world.works(Label::Current));
    assert!(world.kept_the_rest());
}

#[tokio::test(start_paused = true)]
async fn a_password_that_is_buried_under_abandoned_versions_sets_the_next_one() {
    let world = World::single_user();
    interrupted(&world, "v1").await;
    for abandoned in ["v2", "v3", "v4"] {
        world.app(|secret| secret.begin(abandoned));
        world.step(Step::Create, abandoned).await.unwrap();
        world.app(|secret| secret.clear(Label::Pending));
    }
    world.app(|secret| secret.put("v5", Value::Binary));
    world.app(|secret| secret.put("v6", Value::Text("not JSON".into())));
    world.app(|secret| secret.put("v6b", Value::Refused(DENIED)));
    world.rotation("v7").await;
    assert!(world.works(Label::Current));
}

#[tokio::test(start_paused = true)]
async fn a_password_on_the_previous_version_alone_sets_the_next_one() {
    let world = World::single_user();
    world.rotation("v1").await;
    let restored = "a-password-from-a-backup-secret";
    let previous = OWN.replace("first-secret", restored);
    world.app(|secret| {
        secret.put("by-hand", Value::Text(previous));
        secret.clear(Label::Pending);
        secret.labels.insert(Label::Previous.name(), turnlock::VersionId::new("by-hand"));
    });
    world.rotator.users().get_mut("app").unwrap().primary = restored.to_owned();
    assert!(!world.works(Label::Current));
    assert!(world.works(Label::Previous));

    world.fuse.disarm();
    world.rotation("v2").await;
    assert!(world.works(Label::Current));
    assert_eq!(rejections(&world), 2, "only the current and the pending one are tried before it");
}

#[tokio::test(start_paused = true)]
async fn a_password_of_an_interrupted_rotation_is_the_third_that_is_tried() {
    let world = World::single_user();
    for version in ["v1", "v2", "v3"] {
        world.rotation(version).await;
    }
    // Of two in a row, the newer one has found the older.
    interrupted(&world, "v4").await;
    interrupted(&world, "v5").await;
    world.fuse.disarm();
    world.rotation("v6").await;
    assert!(world.works(Label::Current));
    assert_eq!(rejections(&world), 2, "a third failure can be enough for the account to be locked");
}

#[tokio::test(start_paused = true)]
async fn a_previous_password_that_was_restored_is_tried_before_those_without_a_label() {
    let world = World::single_user();
    world.app(|secret| {
        secret.put("between", Value::Text(OWN.replace("first-secret", "never-in-use")));
        secret.clear(Label::Pending);
    });
    world.rotation("v1").await;
    world.rotator.users().get_mut("app").unwrap().primary = "first-secret".to_owned();
    world.fuse.disarm();
    world.rotation("v2").await;
    assert!(world.works(Label::Current));
    assert_eq!(rejections(&world), 2, "only the current and the pending one are tried before it");
}

fn rejections(world: &World<Database>) -> usize {
    world.fuse.log().iter().filter(|call| call.starts_with("rejected")).count()
}

#[tokio::test(start_paused = true)]
async fn consumers_of_a_dual_password_are_not_locked_out_while_it_heals() {
    let world = World::dual_password();
    world.rotation("v1").await;
    interrupted(&world, "v2").await;
    world.app(|secret| secret.begin("v3"));
    for step in Step::ALL {
        world.step(step, "v3").await.unwrap();
        assert!(world.works(Label::Current), "{step}");
    }
    assert!(world.works(Label::Previous));
}

#[tokio::test(start_paused = true)]
async fn an_admin_heals_without_trying_old_passwords() {
    for world in [World::single_user_with_admin(), World::alternating_users()] {
        interrupted(&world, "v1").await;
        world.fuse.disarm();
        world.rotation("v2").await;
        assert!(world.works(Label::Current));
        let log = world.fuse.log();
        assert!(!log.iter().any(|call| call.starts_with("rejected")), "{log:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_version_for_another_user_is_not_tried() {
    let world = World::single_user();
    world.app(|secret| {
        let other = OWN.replace("app", "root").replace("first-secret", "admins-secret");
        secret.put("by-hand", Value::Text(other));
        secret.clear(Label::Pending);
        secret.begin("v1");
    });
    world.rotator.users().get_mut("app").unwrap().primary = "nobody-knows".to_owned();
    world.step(Step::Create, "v1").await.unwrap();
    let before = world.snapshot();
    world.fuse.disarm();
    let failure = world.step(Step::Set, "v1").await.unwrap_err().failure();
    assert_eq!(failure.class().name(), "auth-rejected");
    let text = failure.to_string();
    assert!(text.contains("accepts none of the 2 passwords of app"), "{text}");
    assert!(text.contains("versions for another server or user were not tried"), "{text}");
    let log = world.fuse.log();
    assert!(!log.contains(&"login root".to_owned()), "{log:?}");
    assert_eq!(world.snapshot(), before);
}

#[tokio::test(start_paused = true)]
async fn a_repeated_set_after_healing_has_nothing_left_to_do() {
    let world = World::single_user();
    interrupted(&world, "v1").await;
    world.app(|secret| secret.begin("v2"));
    world.step(Step::Create, "v2").await.unwrap();
    assert_eq!(world.step(Step::Set, "v2").await.unwrap(), Outcome::Changed);
    assert_eq!(world.step(Step::Set, "v2").await.unwrap(), Outcome::Unchanged);
}

#[tokio::test(start_paused = true)]
async fn a_previous_version_that_nobody_can_read_does_not_hide_the_ones_before_it() {
    for code in [DENIED, "InvalidRequestException"] {
        let world = World::single_user();
        interrupted(&world, "v1").await;
        world.app(|secret| {
            secret.put("unreadable", Value::Refused(code));
            secret.clear(Label::Pending);
            secret.labels.insert(Label::Previous.name(), turnlock::VersionId::new("unreadable"));
        });
        world.rotation("v2").await;
        assert!(world.works(Label::Current));
    }
}

#[tokio::test(start_paused = true)]
async fn a_version_that_could_not_be_read_is_said_where_none_logs_in() {
    for code in [DENIED, "InvalidRequestException"] {
        let world = World::single_user();
        world.app(|secret| {
            secret.put("unreadable", Value::Refused(code));
            secret.clear(Label::Pending);
            secret.begin("v1");
        });
        world.rotator.users().insert("app".to_owned(), User::new("known-to-nobody"));
        world.step(Step::Create, "v1").await.unwrap();
        let failure = world.step(Step::Set, "v1").await.unwrap_err().failure();
        assert_eq!(failure.class(), Class::AuthRejected);
        assert!(failure.to_string().contains(code), "{failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_admin_retires_the_previous_key() {
    let world = World::keys_with_admin(2);
    world.rotation("v1").await;
    world.rotation("v2").await;
    world.rotation("v3").await;
    assert!(world.works(Label::Current));
    assert!(world.works(Label::Previous));
    assert_eq!(world.rotator.minted().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_key_of_an_abandoned_rotation_does_not_take_the_place_of_the_next_one() {
    let mut world = World::two_keys();
    world.rotator.lists = false;
    world.rotation("v1").await;
    for abandoned in ["v2", "v3"] {
        world.app(|secret| secret.begin(abandoned));
        world.step(Step::Create, abandoned).await.unwrap();
        world.app(|secret| secret.clear(Label::Pending));
    }
    world.rotation("v4").await;
    assert!(world.works(Label::Current));
    assert!(world.works(Label::Previous));
    assert_eq!(world.rotator.minted().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_key_of_a_version_with_any_label_is_not_taken_for_abandoned() {
    let world = World::two_keys();
    world.rotator.add("in-use-elsewhere");
    world.app(|secret| {
        let pinned = KEY.replace("first-secret", "in-use-elsewhere");
        secret.put("pinned", Value::Text(pinned));
        secret.labels.insert("PINNED", turnlock::VersionId::new("pinned"));
        secret.begin("v1");
    });
    let failure = world.step(Step::Create, "v1").await.unwrap_err().failure();
    assert!(failure.to_string().contains("as many keys as it may"), "{failure}");
    assert_eq!(world.rotator.minted().len(), 2);
}
