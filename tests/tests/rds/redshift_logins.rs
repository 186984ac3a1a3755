//! What only Redshift does at a login, against a server that does it by the documentation.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use std::time::Duration;

use serde_json::{Value, json};
use turnlock_local::{Fault, Function, Knobs, Local, Operation};
use turnlock_tests::binaries::turnlock_postgres;
use turnlock_tests::canary::{Canary, assert_absent};
use turnlock_tests::redshift::{CLEAR_TEXT, DIGEST, Redshift};
use turnlock_tests::world::{ADMIN, ADMIN_PASSWORD, FIRST_PASSWORD, USER};

struct Scene {
    redshift: Redshift,
    local: Local,
    secret: String,
}

impl Scene {
    async fn start(redshift: Redshift, with_admin: bool) -> Self {
        let local = Local::builder().function("f", Function::binary(turnlock_postgres()));
        let local = local.knobs(Knobs { attempts: 1, ..Knobs::default() });
        let local = local.start().await.expect("the stand-in");
        let mut text = secret_of(&redshift, USER, FIRST_PASSWORD);
        if with_admin {
            let admin = secret_of(&redshift, ADMIN, ADMIN_PASSWORD).to_string();
            text["masterarn"] = json!(local.create_secret("admin", &admin).expect("a secret"));
            text["rotation"] = json!({"strategy": "single-user"});
        }
        let secret = local.create_secret("app", &text.to_string()).expect("a secret");
        local.set_rotation(&secret, "f").expect("rotation");
        Self { redshift, local, secret }
    }

    /// Runs steps for a version by hand; the error is that of the step that failed, with its class.
    async fn steps(&self, version: &str, steps: &[&str]) -> Result<(), (String, String)> {
        for step in steps {
            let secret = &self.secret;
            let event = json!({"Step": step, "SecretId": secret, "ClientRequestToken": version});
            let result = self.local.invoke("f", event).await;
            if let Some(class) = result.error_type {
                return Err((class, result.error_message.unwrap_or_default()));
            }
        }
        Ok(())
    }

    async fn settle(&self) -> bool {
        self.local.wait_for_rotation(&self.secret, Duration::from_secs(60)).await.is_ok()
    }

    fn password(&self, label: &str) -> String {
        let text = self.local.value_of(&self.secret, label).expect("a value");
        let document: Value = serde_json::from_str(&text).expect("JSON");
        document["password"].as_str().expect("a password").to_owned()
    }
}

fn secret_of(redshift: &Redshift, user: &str, password: &str) -> Value {
    json!({
        "engine": "redshift", "host": "localhost", "port": redshift.port(), "ssl": false,
        "username": user, "password": password,
    })
}

fn clear_text() -> Redshift {
    Redshift::start(&[(USER, CLEAR_TEXT, FIRST_PASSWORD)])
}

#[tokio::test]
async fn a_user_that_is_asked_in_clear_text_gets_a_sha256_digest_that_it_logs_in_with() {
    let scene = Scene::start(clear_text(), false).await;
    for round in 1..=2 {
        let old = scene.password("AWSCURRENT");
        scene.local.rotate(&scene.secret).expect("the rotation begins");
        assert!(scene.settle().await, "{}", scene.local.output("f"));
        let new = scene.password("AWSCURRENT");
        assert_ne!(new, old);
        assert!(scene.redshift.stored(USER).starts_with("sha256|"));
        assert!(scene.redshift.accepts(USER, &new));
        assert!(!scene.redshift.accepts(USER, &old));
        let statements = scene.redshift.statements();
        assert_eq!(statements.len(), round);
        let canaries = [Canary::of("the new", new), Canary::of("the old", old)];
        let output = scene.local.output("f");
        let sent = statements.join("\n");
        assert_absent(&canaries, &[("the statements", &sent), ("the function", &output)]);
    }
}

/// Leaves a rotation after its change, before its end.
async fn interrupted(redshift: Redshift, with_admin: bool) -> (Scene, String) {
    let scene = Scene::start(redshift, with_admin).await;
    scene.local.fail_next(Operation::UpdateSecretVersionStage, 1, Fault::AccessDenied);
    let version = scene.local.rotate(&scene.secret).expect("the rotation begins");
    assert!(!scene.settle().await, "finishSecret is denied");
    assert!(scene.redshift.accepts(USER, &scene.password(&version)));
    assert!(!scene.redshift.accepts(USER, &scene.password("AWSCURRENT")));
    (scene, version)
}

#[tokio::test]
async fn a_code_for_every_refusal_does_not_end_the_way_back() {
    let (scene, version) = interrupted(clear_text(), false).await;
    let steps = ["createSecret", "setSecret", "testSecret", "finishSecret"];
    scene.steps(&version, &steps).await.expect("the pending password is found to work");
    assert_eq!(scene.redshift.statements().len(), 1);
    assert_eq!(scene.local.labels(&scene.secret)["AWSCURRENT"], version);
}

#[tokio::test]
async fn a_password_left_on_an_unlabelled_version_is_found_and_replaced() {
    let (scene, lost) = interrupted(clear_text(), false).await;
    let request = json!({
        "SecretId": scene.secret, "VersionStage": "AWSPENDING", "RemoveFromVersionId": lost,
    });
    let cleared = scene.local.call(Operation::UpdateSecretVersionStage, &request);
    cleared.expect("the label can be cleared, as people do to get unstuck");
    scene.local.rotate(&scene.secret).expect("the rotation begins");
    assert!(scene.settle().await, "{}", scene.local.output("f"));
    assert!(scene.redshift.accepts(USER, &scene.password("AWSCURRENT")));
}

#[tokio::test]
async fn a_step_that_is_repeated_sends_the_same_digest() {
    let users = [(USER, CLEAR_TEXT, FIRST_PASSWORD), (ADMIN, CLEAR_TEXT, ADMIN_PASSWORD)];
    let (scene, version) = interrupted(Redshift::start(&users), true).await;
    scene.steps(&version, &["createSecret", "setSecret"]).await.expect("the steps succeed");
    let statements = scene.redshift.statements();
    assert_eq!(statements.len(), 2);
    assert_eq!(statements.first(), statements.last());
}

#[tokio::test]
async fn a_password_that_no_version_has_is_told_as_rejected() {
    let other = Redshift::start(&[(USER, CLEAR_TEXT, "another-password")]);
    let scene = Scene::start(other, false).await;
    let version = scene.local.rotate(&scene.secret).expect("the rotation begins");
    assert!(!scene.settle().await);
    let error = scene.steps(&version, &["setSecret"]).await.expect_err("nothing logs in");
    assert_is(&error, "auth-rejected", &["rejects the password of app, or", "[28000]"]);
}

#[tokio::test]
async fn a_user_that_is_asked_for_amazons_digest_is_told_what_to_do() {
    let scene = Scene::start(Redshift::start(&[(USER, DIGEST, FIRST_PASSWORD)]), false).await;
    let version = scene.local.rotate(&scene.secret).expect("the rotation begins");
    assert!(!scene.settle().await);
    let error = scene.steps(&version, &["setSecret"]).await.expect_err("the driver cannot log in");
    assert_is(&error, "refused", &["method 13", "only Amazon's own drivers", "ALTER USER"]);
}

#[tokio::test]
async fn an_admin_does_not_change_a_user_that_could_not_be_tested_afterwards() {
    let users = [(USER, DIGEST, FIRST_PASSWORD), (ADMIN, CLEAR_TEXT, ADMIN_PASSWORD)];
    let scene = Scene::start(Redshift::start(&users), true).await;
    let version = scene.local.rotate(&scene.secret).expect("the rotation begins");
    assert!(!scene.settle().await);
    let error = scene.steps(&version, &["setSecret"]).await.expect_err("it could not be tested");
    assert_is(&error, "refused", &["asks app for a digest"]);
    assert!(scene.redshift.statements().is_empty());
    assert!(scene.redshift.accepts(USER, FIRST_PASSWORD));
}

fn assert_is((class, text): &(String, String), expected: &str, words: &[&str]) {
    assert_eq!(class, expected, "{text}");
    for word in words {
        assert!(text.contains(word), "no `{word}` in: {text}");
    }
}
