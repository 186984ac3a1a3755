//! Where an admin makes the changes: whom it is asked for, by whom, and at which host.

use turnlock::vault::Label;
use turnlock::{Class, Outcome, Step};

use crate::world::database::{Database, User};
use crate::world::{ADMIN_SECRET, OF_ADMIN, WITH_ADMIN, World};
use turnlock::testing::{Fault, Secret, Value};

/// A rotation that came as far as setSecret.
async fn created() -> World<Database> {
    let world = World::alternating_users();
    world.app(|secret| secret.begin("v1"));
    world.step(Step::Create, "v1").await.unwrap();
    world
}

/// Sets the pending credential, which has to fail and change nothing.
async fn refused(world: &World<Database>, class: Class, text: &str) {
    let before = world.snapshot();
    let failure = world.step(Step::Set, "v1").await.unwrap_err().failure();
    assert_eq!(failure.class(), class, "{failure}");
    assert!(failure.to_string().contains(text), "{failure}");
    assert_eq!(world.snapshot(), before);
}

fn change_password(world: &World<Database>, user: &str, password: &str) {
    world.rotator.users().get_mut(user).unwrap().primary = password.to_owned();
}

#[tokio::test(start_paused = true)]
async fn an_admin_makes_no_peer_of_a_user_that_no_version_logs_in_as() {
    let world = created().await;
    change_password(&world, "app", "known-to-somebody-else");
    refused(&world, Class::AuthRejected, "none of the 1 passwords of app").await;
    assert!(!world.rotator.users().contains_key("app_clone"));
}

#[tokio::test(start_paused = true)]
async fn an_admin_makes_a_peer_of_a_user_that_only_an_older_version_logs_in_as() {
    let world = created().await;
    let older = WITH_ADMIN.replace("first-secret", "from-a-version-without-a-label");
    world.app(|secret| secret.put("v0b", Value::Text(older)));
    world.app(|secret| secret.begin("v1"));
    change_password(&world, "app", "from-a-version-without-a-label");
    assert_eq!(world.step(Step::Set, "v1").await.unwrap(), Outcome::Changed);
    world.step(Step::Test, "v1").await.unwrap();
    world.step(Step::Finish, "v1").await.unwrap();
    assert!(world.works(Label::Current));
}

#[tokio::test(start_paused = true)]
async fn a_stranger_is_left_alone() {
    let world = created().await;
    let stranger = User { stranger: true, ..User::new("known-to-somebody-else") };
    world.rotator.users().insert("app_clone".into(), stranger);
    refused(&world, Class::Refused, "somebody else's").await;
}

#[tokio::test(start_paused = true)]
async fn a_version_that_only_names_a_stranger_proves_nothing() {
    let world = created().await;
    let stranger = User { stranger: true, ..User::new("known-to-somebody-else") };
    world.rotator.users().insert("app_clone".into(), stranger);
    let made_up = WITH_ADMIN.replace("\"app\"", "\"app_clone\"");
    world.app(|secret| secret.put("made-up", Value::Text(made_up)));
    world.app(|secret| secret.begin("v1"));
    refused(&world, Class::Refused, "somebody else's").await;
}

#[tokio::test(start_paused = true)]
async fn a_password_on_any_version_proves_that_a_user_is_ours() {
    for label in [Some(Label::Previous), None] {
        let world = created().await;
        let unknown = User { stranger: true, ..User::new("password-of-before") };
        world.rotator.users().insert("app_clone".into(), unknown);
        let before = WITH_ADMIN
            .replace("\"app\"", "\"app_clone\"")
            .replace("first-secret", "password-of-before");
        world.app(|secret| {
            secret.put("before", Value::Text(before));
            if let Some(label) = label {
                secret.labels.insert(label.name(), turnlock::VersionId::new("before"));
            }
            secret.begin("v1");
        });
        world.fuse.disarm();
        assert_eq!(world.step(Step::Set, "v1").await.unwrap(), Outcome::Changed);
        let rejected = world.fuse.log().iter().filter(|call| call.starts_with("rejected")).count();
        // The pending version is tried before those without a label.
        assert_eq!(rejected, if label.is_some() { 0 } else { 1 });
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_stored_of_a_password_proves_it_without_a_login() {
    for (password, expected) in [("password-of-before", true), ("known-to-somebody-else", false)] {
        let mut world = created().await;
        world.rotator.reads_digests = true;
        let unknown = User { stranger: true, ..User::new(password) };
        world.rotator.users().insert("app_clone".into(), unknown);
        let before = WITH_ADMIN
            .replace("\"app\"", "\"app_clone\"")
            .replace("first-secret", "password-of-before");
        world.app(|secret| {
            secret.put("before", Value::Text(before));
            secret.begin("v1");
        });
        world.fuse.disarm();
        if expected {
            assert_eq!(world.step(Step::Set, "v1").await.unwrap(), Outcome::Changed);
        } else {
            refused(&world, Class::Refused, "somebody else's").await;
        }
        let log = world.fuse.log();
        assert!(!log.iter().any(|call| call.starts_with("rejected")), "{log:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_admin_secret_without_a_host_is_completed_by_its_tags() {
    let world = created().await;
    let mut managed =
        Secret::new("a0", Value::Text(OF_ADMIN.replace("\"host\":\"db.internal\",", "")));
    managed.tags = vec![("host".into(), "db.internal".into())];
    world.vault.insert(ADMIN_SECRET, managed);
    world.fuse.disarm();
    assert_eq!(world.step(Step::Set, "v1").await.unwrap(), Outcome::Changed);
    let log = world.fuse.log();
    assert!(log.contains(&"DescribeSecret admin-secret".to_owned()), "{log:?}");
}

#[tokio::test(start_paused = true)]
async fn where_the_tags_of_an_admin_secret_are_not_read_that_is_the_error() {
    let world = created().await;
    let text = OF_ADMIN.replace("\"host\":\"db.internal\",", "");
    world.vault.insert(ADMIN_SECRET, Secret::new("a0", Value::Text(text)));
    world.fuse.arm_at("DescribeSecret admin-secret", Fault::FailsBefore);
    refused(&world, Class::Tcp, "the admin secret admin-secret").await;
    assert_eq!(world.fuse.blown(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_admin_secret_that_nothing_completes_is_named_with_its_missing_field() {
    let world = created().await;
    let text = OF_ADMIN.replace("\"host\":\"db.internal\",", "");
    world.vault.insert(ADMIN_SECRET, Secret::new("a0", Value::Text(text)));
    refused(&world, Class::MalformedSecret, "the admin's current version: field `host` is missing")
        .await;
}

#[tokio::test(start_paused = true)]
async fn an_admin_of_another_host_is_taken_where_that_one_is_copied_from_it() {
    for (of, expected) in [(Some("writer.internal"), true), (Some("other.internal"), false)] {
        let mut world = created().await;
        world.rotator.replica_of = of;
        let writer = OF_ADMIN.replace("db.internal", "writer.internal");
        world.vault.insert(ADMIN_SECRET, Secret::new("a0", Value::Text(writer)));
        if expected {
            assert_eq!(world.step(Step::Set, "v1").await.unwrap(), Outcome::Changed);
        } else {
            refused(&world, Class::Refused, "is for writer.internal, not for db.internal").await;
        }
    }
}
