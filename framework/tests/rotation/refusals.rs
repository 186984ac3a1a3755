//! Where no step can be right, nothing is written and no target is touched.

use turnlock::vault::Label;
use turnlock::{Class, Document, Step};

use crate::world::database::{Database, Strategy};
use crate::world::{ADMIN_SECRET, Fake, OF_ADMIN, OWN, World, document};
use turnlock::testing::{Secret, Value};

/// Takes a step that is refused, and looks whether that had any effect.
async fn refused<R: Fake>(world: &World<R>, step: Step, class: Class, reason: &str) {
    let before = world.snapshot();
    world.fuse.disarm();
    let failure = world.step(step, "v1").await.unwrap_err().failure();
    assert_eq!(failure.class(), class, "{failure}");
    let text = failure.to_string();
    assert!(text.contains(reason), "{text}");
    assert_eq!(world.snapshot(), before, "{step}");
    for call in world.fuse.log() {
        assert!(call.starts_with("DescribeSecret") || call.starts_with("GetSecretValue"), "{call}");
    }
}

fn pending(world: &World<Database>, text: &str) {
    world.app(|secret| secret.put("v1", Value::Text(text.to_owned())));
}

/// What an edit by hand may have made of the first version.
fn next(from: &str, to: &str) -> String {
    assert!(OWN.contains(from));
    OWN.replace("first-secret", "second-secret").replace(from, to)
}

fn admin(world: &World<Database>, text: &str) {
    world.vault.insert(ADMIN_SECRET, Secret::new("a0", Value::Text(text.to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_secret_whose_rotation_is_off_is_left_alone() {
    for step in Step::ALL {
        let world = World::single_user();
        pending(&world, &next("", ""));
        world.app(|secret| secret.rotation_enabled = false);
        refused(&world, step, Class::Refused, "rotation is not enabled").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_version_that_the_secret_does_not_have_is_refused() {
    for step in Step::ALL {
        refused(&World::single_user(), step, Class::Refused, "no version of that").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_not_pending_is_refused() {
    for step in Step::ALL {
        let world = World::single_user();
        pending(&world, &next("", ""));
        world.app(|secret| {
            secret.clear(Label::Pending);
            secret.labels.insert(Label::Previous.name(), turnlock::VersionId::new("v1"));
        });
        refused(&world, step, Class::Refused, "not AWSPENDING").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_pending_version_without_a_value_is_neither_set_nor_tested() {
    for step in [Step::Set, Step::Test] {
        let world = World::single_user();
        world.app(|secret| secret.begin("v1"));
        refused(&world, step, Class::Refused, "createSecret comes first").await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_current_version_that_is_no_object_is_refused_and_not_quoted() {
    for (value, reason) in [
        (Value::Text("first-secret".into()), "is not JSON"),
        (Value::Text("\"first-secret\"".into()), "is not a JSON object"),
        (Value::Text("[\"first-secret\"]".into()), "is not a JSON object"),
        (Value::Text("{\"host\":\"db.internal\"}".into()), "`username` is missing"),
        (Value::Binary, "is binary"),
    ] {
        for step in [Step::Create, Step::Set] {
            let world = World::single_user();
            world.vault.insert("app-secret", Secret::new("v0", value.clone()));
            match step {
                Step::Create => world.app(|secret| secret.begin("v1")),
                Step::Set | Step::Test | Step::Finish => pending(&world, &next("", "")),
            }
            refused(&world, step, Class::MalformedSecret, "the current version").await;
            refused(&world, step, Class::MalformedSecret, reason).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pending_version_that_is_no_object_is_neither_set_nor_tested() {
    for (value, reason) in [
        (Value::Text("second-secret".into()), "is not JSON"),
        (Value::Text("7".into()), "is not a JSON object"),
        (Value::Binary, "is binary"),
    ] {
        for step in [Step::Set, Step::Test] {
            let world = World::single_user();
            world.app(|secret| secret.put("v1", value.clone()));
            refused(&world, step, Class::MalformedSecret, "the pending version").await;
            refused(&world, step, Class::MalformedSecret, reason).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pending_version_for_another_user_or_host_is_not_set() {
    let world = World::single_user();
    pending(&world, &next("\"app\"", "\"root\""));
    refused(&world, Step::Set, Class::Refused, "is for root, not app").await;

    let world = World::single_user();
    pending(&world, &next("db.internal", "db.elsewhere"));
    refused(&world, Step::Set, Class::Refused, "is for db.elsewhere, not for db.internal").await;
}

#[tokio::test(start_paused = true)]
async fn alternating_users_are_not_set_out_of_turn() {
    let world = World::alternating_users();
    let same = world.text(Label::Current).unwrap().replace("first-secret", "second-secret");
    pending(&world, &same);
    refused(&world, Step::Set, Class::Refused, "is for app, not app_clone").await;
}

#[tokio::test(start_paused = true)]
async fn an_admin_for_another_host_is_refused() {
    for world in [World::single_user_with_admin(), World::alternating_users()] {
        world.app(|secret| secret.begin("v1"));
        world.step(Step::Create, "v1").await.unwrap();
        admin(&world, &OF_ADMIN.replace("db.internal", "db.elsewhere"));
        let reason = "admin-secret is for db.elsewhere, not for db.internal";
        refused(&world, Step::Set, Class::Refused, reason).await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_admin_that_is_the_user_itself_is_refused() {
    let world = World::single_user_with_admin();
    world.app(|secret| secret.begin("v1"));
    world.step(Step::Create, "v1").await.unwrap();
    admin(&world, &OF_ADMIN.replace("root", "app"));
    refused(&world, Step::Set, Class::Refused, "app is the admin itself").await;
}

#[tokio::test(start_paused = true)]
async fn an_admin_secret_that_is_no_object_is_refused() {
    let world = World::alternating_users();
    world.app(|secret| secret.begin("v1"));
    world.step(Step::Create, "v1").await.unwrap();
    admin(&world, "admins-secret");
    refused(&world, Step::Set, Class::MalformedSecret, "the admin's current version").await;
}

/// A first version that the next one, with its longer password, makes exactly that many bytes of.
fn long(bytes: usize) -> &'static str {
    let text = |note: usize| OWN.replace("\"kept\"", &format!("\"{}\"", "k".repeat(note)));
    let grows = 32 - "first-secret".len();
    let text = text(bytes - grows - text(0).len());
    assert_eq!(document(&text).text().expose().len(), bytes - grows);
    text.leak()
}

#[tokio::test(start_paused = true)]
async fn a_next_version_of_65536_bytes_is_stored_and_one_byte_more_is_refused() {
    let world = World::database(long(65_536), Strategy::SingleUser);
    world.rotation("v1").await;
    assert_eq!(world.text(Label::Current).unwrap().len(), 65_536);

    let world = World::database(long(65_537), Strategy::SingleUser);
    world.app(|secret| secret.begin("v1"));
    refused(&world, Step::Create, Class::Refused, "over 65,536 bytes").await;
}

#[test]
fn documents_of_the_tests_are_read_as_they_are_meant() {
    fn names(document: &Document) -> Vec<&str> {
        document.names().collect()
    }
    assert_eq!(names(&document(OWN)), ["host", "username", "password", "note", "big"]);
}
