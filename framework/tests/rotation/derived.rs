//! Derived fields follow every rotation, and what is wrong with a template is told before anything is made.

use turnlock::vault::Label;
use turnlock::{Class, Outcome, Step};

use crate::world::database::{Database, Strategy};
use crate::world::logs::Logs;
use crate::world::{APP, Fake, World, document};
use turnlock::testing::{Secret, Value};

/// The members of a secret that keep its URL.
const DERIVED: &str = r#""url":"db://app:first-secret@db.internal", "rotation" : {"derived":
  {"url":"db://{username|percent}:{password|percent}@{host}"}}, "#;

const OWN: &str = r#"{"host":"db.internal","username":"app","password":"first-secret"}"#;
const WITH_ADMIN: &str = r#"{"masterarn":"admin-secret","host":"db.internal","username":"app","password":"first-secret"}"#;

fn with(secret: &str, members: &str) -> String {
    secret.replacen('{', &format!("{{ {members}"), 1)
}

/// A template that cannot be filled.
fn broken(secret: &str) -> String {
    with(secret, &DERIVED.replace("{host}", "{hots}"))
}

const PROBLEM: &str = "field `rotation.derived.url` names in placeholder 3 a field that is missing";

fn start(world: World<Database>, secret: &str) -> World<Database> {
    world.vault.insert(APP, Secret::new("v0", Value::Text(secret.to_owned())));
    world
}

fn single_user(secret: &str) -> World<Database> {
    start(World::single_user(), secret)
}

/// The URL that belongs to the other fields of a version.
fn url_of(text: &str) -> String {
    let fields = document(text);
    let field = |name| fields.string(name).unwrap();
    format!("db://{}:{}@db.internal", field("username"), field("password"))
}

fn assert_follows(world: &World<Database>) {
    let text = world.text(Label::Current).unwrap();
    assert_eq!(document(&text).string("url").unwrap(), url_of(&text));
    assert!(world.works(Label::Current));
}

#[tokio::test(start_paused = true)]
async fn a_derived_url_follows_every_rotation() {
    for (secret, strategy) in [
        (OWN, Strategy::SingleUser),
        (OWN, Strategy::DualPassword),
        (WITH_ADMIN, Strategy::SingleUser),
        (WITH_ADMIN, Strategy::AlternatingUsers),
    ] {
        let world = start(World::database(OWN, strategy), &with(secret, DERIVED));
        for version in ["v1", "v2", "v3"] {
            let before = url_of(&world.text(Label::Current).unwrap());
            world.rotation(version).await;
            assert_follows(&world);
            assert_eq!(url_of(&world.text(Label::Previous).unwrap()), before);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotation_changes_no_byte_but_the_password_and_what_is_derived_of_it() {
    let first = with(OWN, DERIVED);
    let world = single_user(&first);
    world.rotation("v1").await;
    let text = world.text(Label::Current).unwrap();
    let password = document(&text).string("password").unwrap();
    assert_eq!(text, first.replace("first-secret", &password));
    assert_eq!(first.matches("first-secret").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_derived_field_that_is_not_there_yet_is_appended() {
    let templates = DERIVED.split_once(", ").unwrap().1;
    let world = single_user(&with(OWN, templates));
    world.rotation("v1").await;
    assert_follows(&world);
    assert!(world.text(Label::Current).unwrap().ends_with("@db.internal\"}"));
}

#[tokio::test(start_paused = true)]
async fn create_secret_again_does_not_change_what_is_derived() {
    let world = single_user(&with(OWN, DERIVED));
    world.app(|secret| secret.begin("v1"));
    world.step(Step::Create, "v1").await.unwrap();
    let text = world.text(Label::Pending).unwrap();
    assert_eq!(document(&text).string("url").unwrap(), url_of(&text));
    let before = world.snapshot();
    for _ in 0..3 {
        assert_eq!(world.step(Step::Create, "v1").await.unwrap(), Outcome::Unchanged);
        assert_eq!(world.snapshot(), before);
    }
}

/// Lets createSecret refuse the first version, with nothing made before.
async fn refused<R: Fake>(world: World<R>, problem: &str) {
    world.app(|secret| secret.begin("v1"));
    let before = world.snapshot();
    world.fuse.disarm();
    let failure = world.step(Step::Create, "v1").await.unwrap_err().failure();
    assert_eq!(failure.class(), Class::MalformedSecret, "{failure}");
    assert!(failure.to_string().contains(problem), "{failure}");
    assert!(!failure.to_string().contains("first-"), "{failure}");
    assert_eq!(world.snapshot(), before);
    for call in world.fuse.log() {
        assert!(call.starts_with("DescribeSecret") || call.starts_with("GetSecretValue"), "{call}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_template_is_refused_before_anything_is_stored_or_made() {
    refused(single_user(&broken(OWN)), PROBLEM).await;
    refused(start(World::alternating_users(), &broken(WITH_ADMIN)), PROBLEM).await;
    // With a key before the current one, which is retired first in a rotation that goes on.
    let world = World::two_keys();
    world.rotation("v0b").await;
    let current = world.text(Label::Current).unwrap();
    let derived = r#""rotation":{"derived":{"url":"{account}{key}{hots}"}}, "#;
    world.app(|secret| {
        secret.versions.last_mut().unwrap().1 = Some(Value::Text(with(&current, derived)));
    });
    refused(world, PROBLEM).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_rotation_reads_or_writes_is_refused_as_a_derived_field() {
    let derived = |field: &str, template: &str| {
        with(OWN, &format!(r#""other":"x","rotation":{{"derived":{{"{field}":"{template}"}}}}, "#))
    };
    for field in ["host", "username", "password", "masterarn"] {
        let problem = format!("`rotation.derived.{field}` changes what the rotation itself reads");
        refused(single_user(&derived(field, "{other}")), &problem).await;
    }
    let world = single_user(&derived("password", "first-secret"));
    world.app(|secret| secret.begin("v1"));
    let failure = world.step(Step::Create, "v1").await.unwrap_err().failure();
    let problem = "`rotation.derived.password` is a field that the rotation itself writes";
    assert!(failure.to_string().contains(problem), "{failure}");
    assert!(world.text(Label::Pending).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_next_version_of_65536_bytes_with_what_is_derived_is_stored_and_one_more_is_refused() {
    let template = format!(r#""rotation":{{"derived":{{"long":"{}"}}}}, "#, "{note}".repeat(64));
    let padded = |pad: usize| {
        let (note, pad) = ("n".repeat(500), "p".repeat(pad));
        with(OWN, &format!(r#""note":"{note}","pad":"{pad}",{template}"#))
    };
    let world = single_user(&padded(0));
    world.rotation("v1").await;
    let room = 65_536 - world.text(Label::Current).unwrap().len();

    let world = single_user(&padded(room));
    world.rotation("v1").await;
    assert_eq!(world.text(Label::Current).unwrap().len(), 65_536);

    let world = single_user(&padded(room + 1));
    world.app(|secret| secret.begin("v1"));
    let failure = world.step(Step::Create, "v1").await.unwrap_err().failure();
    assert_eq!(failure.class(), Class::Refused);
    assert!(failure.to_string().contains("over 65,536 bytes"), "{failure}");
}

/// What the service does when rotation is attached without rotating at once.
async fn attach(secret: &str) -> (World<Database>, Result<Outcome, turnlock::Failure>) {
    let world = single_user(secret);
    world.app(|app| app.put("check", Value::Text(secret.to_owned())));
    let before = world.snapshot();
    let outcome = world.step(Step::Test, "check").await;
    assert_eq!(world.snapshot(), before);
    (world, outcome.map_err(crate::world::Stopped::failure))
}

#[tokio::test(start_paused = true)]
async fn attaching_without_rotating_tells_a_broken_template() {
    let (_, outcome) = attach(&broken(OWN)).await;
    let failure = outcome.unwrap_err();
    assert_eq!(failure.class(), Class::MalformedSecret);
    assert!(failure.to_string().contains(PROBLEM), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn attaching_without_rotating_warns_of_a_field_left_behind_and_passes() {
    let logs = Logs::start();
    attach(&with(OWN, DERIVED)).await.1.unwrap();
    assert!(logs.warnings().is_empty(), "{}", logs.text());

    attach(&with(OWN, &DERIVED.replace("app:first", "app:zeroth"))).await.1.unwrap();
    let warnings = logs.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("url"), "{warnings:?}");
    assert!(!warnings[0].contains("secret@"), "{warnings:?}");
}

/// Lets AWS's own function, which knows of no derived fields, make the pending version.
async fn written_by_another(first: &str) -> World<Database> {
    let world = single_user(first);
    let password = r#""password":"first-secret""#;
    let text = first.replace(password, r#""password":"second-secret""#);
    assert_ne!(text, first);
    world.app(|secret| secret.put("v1", Value::Text(text)));
    world.attempt("v1", 1).await.unwrap();
    world.app(|secret| secret.clear(Label::Pending));
    assert!(world.works(Label::Current));
    world
}

#[tokio::test(start_paused = true)]
async fn a_rotation_that_another_function_began_is_finished_and_the_field_left_behind_is_named() {
    let logs = Logs::start();
    let world = written_by_another(&with(OWN, DERIVED)).await;
    let warnings = logs.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("field=\"url\""), "{warnings:?}");
    world.rotation("v2").await;
    assert_follows(&world);
}

#[tokio::test(start_paused = true)]
async fn a_rotation_that_another_function_began_is_finished_with_a_broken_template() {
    let logs = Logs::start();
    written_by_another(&broken(OWN)).await;
    let warnings = logs.warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains(PROBLEM), "{warnings:?}");
    assert!(warnings[0].contains("the next rotation will fail"), "{warnings:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_that_is_derived_is_ever_logged() {
    let logs = Logs::start();
    let secret = with(OWN, &DERIVED.replace("{host}", "{host}#{note}"));
    let secret = with(&secret, r#""note":"kept-from-logs", "#);
    let world = single_user(&secret);
    world.rotation("v1").await;
    world.rotation("v2").await;
    attach(&secret).await.1.unwrap();
    written_by_another(&secret).await;
    attach(&broken(&secret)).await.1.unwrap_err();
    tracing::trace!("the end");
    let (text, stored) = (logs.text(), world.app(|secret| secret.versions.clone()));
    assert!(text.contains("WARN") && text.contains("the end"), "{text}");
    for canary in ["first-secret", "second-secret", "kept-from-logs", "db://"] {
        assert!(!text.contains(canary), "{canary} is in {text}");
    }
    for (_, value) in stored {
        let Some(Value::Text(stored)) = value else { panic!("every version has a text") };
        let password = document(&stored).string("password").unwrap();
        assert!(!text.contains(&password[..8]), "{text}");
    }
}
