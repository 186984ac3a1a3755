//! Events that are not those of a rotation are refused, and change nothing.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use serde_json::{Value, json};
use turnlock_tests::binaries::turnlock_postgres;
use turnlock_tests::canary::{Canary, assert_absent};
use turnlock_tests::postgres::Setup;
use turnlock_tests::runtime_api;
use turnlock_tests::world::{FIRST_PASSWORD, FUNCTION, World, secret_of};

/// A token that Secrets Manager could have made.
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn bytes_that_are_no_json_object_are_refused_and_not_quoted() {
    let canary = Canary::new("the event");
    let token = canary.value().as_bytes();
    let cut_off = [br#"{"Step":"createSecret","RotationToken":""#, token].concat();
    let not_json = [b"RotationToken=", token].concat();
    let not_text = [b"\xff\xfe\"", token].concat();
    let text = Value::from(canary.value()).to_string().into_bytes();
    let list = json!([canary.value()]).to_string().into_bytes();
    for event in [cut_off, not_json, not_text, text, list, b"null".to_vec(), b"".to_vec()] {
        let answered = runtime_api::answer(turnlock_postgres(), &event);
        assert!(answered.is_error);
        assert_eq!(answered.body["errorType"], "malformed-event");
        let message = answered.body["errorMessage"].as_str().expect("a message");
        assert!(message.contains("not a rotation event: it is not a JSON object"), "{message}");
        let texts = [("error", message), ("function", answered.output.as_str())];
        assert_absent(std::slice::from_ref(&canary), &texts);
        assert!(answered.output.contains(message), "{}", answered.output);
    }
}

/// Invokes the function with an event, which has to be refused before any call and login.
async fn refused(event: impl FnOnce(&World) -> Value, class: &str, words: &[&str]) {
    let world = World::start(Setup::default()).await;
    let (roles, labels, mark) = (world.roles().await, world.labels(), world.mark());
    let result = world.local.invoke(FUNCTION, event(&world)).await;
    assert_eq!(result.error_type.as_deref(), Some(class), "{result:?}");
    let message = result.error_message.expect("a message");
    for word in words {
        assert!(message.contains(word), "no `{word}` in: {message}");
    }
    assert_eq!(world.labels(), labels);
    assert_eq!(world.password("AWSCURRENT"), FIRST_PASSWORD);
    let calls = world.function_calls();
    let reads = ["DescribeSecret", "GetSecretValue"];
    assert!(calls.iter().all(|call| reads.contains(&call.operation.as_str())), "{calls:?}");
    assert!(!world.server.log_since(mark).contains("host=127.0.0.1"), "it connected");
    assert_eq!(world.roles().await, roles);
    world.assert_silent_on_passwords(&[("the error", &message)]);
}

#[tokio::test]
async fn an_unknown_step_is_refused_with_the_known_ones() {
    let event = |world: &World| json!({"Step": "dropSecret", "SecretId": world.secret, "ClientRequestToken": TOKEN});
    let words = ["`Step`", "createSecret, setSecret, testSecret, finishSecret"];
    refused(event, "malformed-event", &words).await;
}

#[tokio::test]
async fn an_event_without_a_step_is_refused() {
    let event = |world: &World| json!({"SecretId": world.secret, "ClientRequestToken": TOKEN});
    refused(event, "malformed-event", &["field `Step` is missing"]).await;
}

#[tokio::test]
async fn an_event_without_a_secret_is_refused() {
    let event = |_: &World| json!({"Step": "createSecret", "ClientRequestToken": TOKEN});
    refused(event, "malformed-event", &["field `SecretId` is missing"]).await;
}

#[tokio::test]
async fn an_event_without_a_token_is_refused() {
    let event = |world: &World| json!({"Step": "createSecret", "SecretId": world.secret});
    refused(event, "malformed-event", &["field `ClientRequestToken` is missing"]).await;
}

#[tokio::test]
async fn a_token_that_is_too_short_is_refused() {
    let event = |world: &World| json!({"Step": "createSecret", "SecretId": world.secret, "ClientRequestToken": "short"});
    refused(event, "malformed-event", &["`ClientRequestToken`", "32 to 64 characters"]).await;
}

#[tokio::test]
async fn a_field_of_another_type_is_refused() {
    let event = |world: &World| json!({"Step": ["createSecret"], "SecretId": world.secret, "ClientRequestToken": TOKEN});
    refused(event, "malformed-event", &["field `Step` is not a string"]).await;
}

#[tokio::test]
async fn a_token_that_is_no_version_of_the_secret_is_refused() {
    let event = |world: &World| json!({"Step": "createSecret", "SecretId": world.secret, "ClientRequestToken": TOKEN});
    refused(event, "refused", &["no version of that ClientRequestToken"]).await;
}

#[tokio::test]
async fn a_secret_that_does_not_rotate_is_refused() {
    let event = |world: &World| {
        let text = secret_of(&world.server, "app", &json!(FIRST_PASSWORD)).to_string();
        let other = world.local.create_secret("other", &text).expect("a secret");
        let version = world.local.versions(&other).pop().expect("a version");
        json!({"Step": "createSecret", "SecretId": other, "ClientRequestToken": version})
    };
    refused(event, "refused", &["rotation is not enabled"]).await;
}

#[tokio::test]
async fn a_secret_that_does_not_exist_is_refused_with_the_services_code() {
    let event = |world: &World| {
        let missing = format!("{}x", world.secret);
        json!({"Step": "createSecret", "SecretId": missing, "ClientRequestToken": TOKEN})
    };
    refused(event, "refused", &["DescribeSecret", "[ResourceNotFoundException]"]).await;
}

#[tokio::test]
async fn a_version_that_was_replaced_is_refused_in_every_step() {
    let world = World::start(Setup::default()).await;
    let old = world.labels()["AWSCURRENT"].clone();
    world.rotate().await.expect("the rotation succeeds");
    let (roles, labels) = (world.roles().await, world.labels());
    for step in ["createSecret", "setSecret", "testSecret", "finishSecret"] {
        let error = world.step(step, &old).await.expect_err("the version is AWSPREVIOUS");
        error.assert_is(step, "refused", &["not AWSPENDING", "late"]);
    }
    assert_eq!((world.roles().await, world.labels()), (roles, labels));
}
