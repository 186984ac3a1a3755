//! No text that the framework makes holds a secret, whatever goes wrong.

use std::collections::BTreeSet;
use std::fmt::Debug;

use lambda_runtime::Diagnostic;
use turnlock::vault::{Label, SecretValue, Write};
use turnlock::{
    Credential, Edit, Failure, PasswordPolicy, RotationEvent, Sensitive, Step, VersionId,
};

use crate::world::database::{Database, Login};
use crate::world::keys::{ApiKey, Keys};
use crate::world::{ADMIN_SECRET, APP, Fake, KEY, OWN, Stopped, World, document, event};
use turnlock::testing::Fault;
use turnlock::testing::{Secret, Value};

/// Every secret there is in a world: those of the start, and those that were made since.
fn canaries<R: Fake>(world: &World<R>) -> Vec<String> {
    let known = ["first-secret", "second-secret", "admins-secret", "nobody-knows"];
    let mut secrets = known.map(str::to_owned).to_vec();
    for (_, value) in world.app(|secret| secret.versions.clone()) {
        let Some(Value::Text(text)) = value else { continue };
        secrets.push(text.clone());
        let Ok(document) = turnlock::Document::parse(Sensitive::new(text)) else { continue };
        for field in ["password", "key"] {
            secrets.extend(document.optional_string(field).ok().flatten());
        }
    }
    secrets
}

fn assert_clean(text: &str, canaries: &[String]) {
    assert!(!text.is_empty());
    for canary in canaries {
        assert!(!text.contains(canary.as_str()), "{canary} is in {text}");
        // A driver or a parser that quotes shows a piece.
        let piece = canary.get(..8).unwrap_or(canary);
        assert!(!text.contains(piece), "{piece} is in {text}");
    }
}

/// Everything that can be printed of a failure.
fn texts(failure: Failure) -> [String; 3] {
    let texts = [failure.to_string(), format!("{failure:#?}")];
    let [display, debug] = texts;
    [display, debug, format!("{:?}", Diagnostic::from(failure))]
}

/// Blows at every call of two rotations, and looks at each failure; returns their distinct texts.
async fn failures<R: Fake>(build: fn() -> World<R>) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for fault in [Fault::FailsBefore, Fault::LosesAnswer, Fault::NeverAnswers] {
        for at in 1.. {
            let world = build();
            world.rotation("v1").await;
            world.app(|secret| secret.begin("v2"));
            world.fuse.arm([at], fault);
            let stopped = world.attempt("v2", 1).await;
            if let Err(Stopped::Failed(failure)) = stopped {
                let canaries = canaries(&world);
                for text in texts(failure) {
                    assert_clean(&text, &canaries);
                    seen.insert(text);
                }
            }
            if world.fuse.blown() == 0 {
                break;
            }
        }
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn a_failed_call_of_any_kind_shows_no_secret() {
    let mut seen = BTreeSet::new();
    seen.extend(failures(World::single_user).await);
    seen.extend(failures(World::single_user_with_admin).await);
    seen.extend(failures(World::alternating_users).await);
    seen.extend(failures(World::dual_password).await);
    seen.extend(failures(World::two_keys).await);
    assert!(seen.len() >= 60, "{} texts: {seen:#?}", seen.len());
}

/// Fails one step in a world that somebody spoilt.
async fn spoilt(world: World<Database>, step: Step, class: &str) {
    let failure = world.step(step, "v1").await.unwrap_err().failure();
    assert_eq!(failure.class().name(), class, "{failure}");
    let canaries = canaries(&world);
    for text in texts(failure) {
        assert_clean(&text, &canaries);
    }
}

fn with_pending(text: &str) -> World<Database> {
    let world = World::single_user();
    world.app(|secret| secret.put("v1", Value::Text(text.to_owned())));
    world
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_any_kind_shows_no_secret() {
    for text in [
        "second-secret",
        "\"second-secret\"",
        "{\"password\":\"second-secret\"",
        "{\"password\":\"second-secret\"}",
        "{\"host\":\"db.internal\",\"username\":\"app\",\"password\":{\"a\":\"second-secret\"}}",
        "{\"host\":\"h\",\"username\":\"app\",\"password\":\"second-secret\",\"password\":\"x\"}",
    ] {
        for step in [Step::Set, Step::Test] {
            spoilt(with_pending(text), step, "malformed-secret").await;
        }
        let world = World::single_user();
        world.vault.insert(APP, Secret::new("v0", Value::Text(text.to_owned())));
        world.app(|secret| secret.begin("v1"));
        spoilt(world, Step::Create, "malformed-secret").await;
    }
    let other = OWN.replace("\"app\"", "\"other\"").replace("first-secret", "second-secret");
    spoilt(with_pending(&other), Step::Set, "refused").await;
    let policy = OWN.replacen('{', r#"{"rotation":{"password":{"length":"first-secret"}},"#, 1);
    let world = World::single_user();
    world.vault.insert(APP, Secret::new("v0", Value::Text(policy)));
    world.app(|secret| secret.begin("v1"));
    spoilt(world, Step::Create, "malformed-secret").await;
}

#[tokio::test(start_paused = true)]
async fn a_rejected_login_shows_no_secret() {
    let world = World::single_user();
    world.rotation("v0b").await;
    world.app(|secret| secret.begin("v1"));
    world.step(Step::Create, "v1").await.unwrap();
    world.rotator.users().get_mut("app").unwrap().primary = "nobody-knows".to_owned();
    spoilt(world, Step::Set, "auth-rejected").await;

    let world = World::alternating_users();
    world.app(|secret| secret.begin("v1"));
    world.step(Step::Create, "v1").await.unwrap();
    let wrong = crate::world::OF_ADMIN.replace("admins-secret", "second-secret");
    world.vault.insert(ADMIN_SECRET, Secret::new("a0", Value::Text(wrong)));
    spoilt(world, Step::Set, "auth-rejected").await;
}

fn clean(value: &impl Debug) {
    let canaries = ["first-secret".to_owned(), "token-secret".to_owned()];
    assert_clean(&format!("{value:?}"), &canaries);
    assert_clean(&format!("{value:#?}"), &canaries);
}

#[test]
fn no_type_that_holds_a_secret_prints_it() {
    let secret = document(OWN);
    let version = VersionId::new("v1");
    let mut event: RotationEvent = event(Step::Create, "v1");
    event.rotation_token = Some(Sensitive::new("token-secret"));
    clean(&event);
    clean(&secret);
    clean(&Edit::new().set("password", Sensitive::new("first-secret")));
    clean(&Edit::new().set_in("rotation", "token", Sensitive::new("first-secret")));
    clean(&Sensitive::new("first-secret"));
    clean(&SecretValue::Text(Sensitive::new("first-secret")));
    clean(&Login::read(&secret).unwrap());
    clean(&ApiKey::read(&document(KEY)).unwrap());
    clean(&PasswordPolicy::default());
    clean(&Write {
        secret: &event.secret_id,
        version: &version,
        rotation_token: event.rotation_token.as_ref(),
        document: &secret,
    });
}

#[tokio::test(start_paused = true)]
async fn what_a_rotator_is_given_prints_no_secret() {
    let given = |world: &World<Keys>| world.rotator.given.lock().unwrap().clone();
    let world = World::two_keys();
    world.rotation("v1").await;
    world.rotation("v2").await;
    let texts = given(&world);
    for kind in ["Create {", "Change {", "Authority {", "Accepted"] {
        assert!(texts.iter().any(|text| text.contains(kind)), "{kind}: {texts:?}");
    }
    for text in texts {
        assert_clean(&text, &canaries(&world));
    }
    assert!(world.works(Label::Current));
}
