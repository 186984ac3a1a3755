//! Descriptions that are built in, at the services themselves.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use std::time::Duration;

use serde_json::{Value, json};
use turnlock_local::{Fault, Function, Operation};
use turnlock_tests::binaries::turnlock_api_key;
use turnlock_tests::jupyterhub::{JupyterHub, Token};
use turnlock_tests::openid::{CLIENT, OpenId, SECRET};
use turnlock_tests::scene::Scene;
use turnlock_tests::world::keys::FUNCTION;

/// Short, since a key that an attempt has left is not touched before that attempt can be at work no more.
const TIMEOUT: Duration = Duration::from_secs(5);

fn text(document: &Value, field: &str) -> String {
    document[field].as_str().expect("a text").to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_of_a_certified_server_is_exchanged_twice() {
    let server = OpenId::start().await;
    let first = server.consent();
    let secret = json!({
        "token_url": format!("{}/token", server.url()),
        "introspection_url": format!("{}/token/introspection", server.url()),
        "client_id": CLIENT,
        "client_secret": SECRET,
        "refresh_token": first,
        "ssl": false,
        "rotation": {"provider": "oauth2-refresh-token", "accept_loss": true},
    });
    let function = Function::binary(turnlock_api_key()).env("RUST_LOG", "debug");
    let scene = Scene::start(FUNCTION, function, &secret.to_string()).await;
    scene.test_only().await.expect("a test uses nothing up");
    assert!(server.is_active(&first));
    let mut tokens = vec![first];
    for _ in 0..2 {
        scene.rotate().await.expect("a rotation");
        tokens.push(text(&scene.document("AWSCURRENT"), "refresh_token"));
        let active: Vec<bool> = tokens.iter().map(|token| server.is_active(token)).collect();
        assert_eq!(active.iter().position(|active| *active), Some(tokens.len() - 1));
    }
    // A token that somebody else has exchanged is told as such.
    server.post(
        "/token",
        &[("grant_type", "refresh_token"), ("refresh_token", &tokens[tokens.len() - 1])],
    );
    let error = scene.rotate().await.expect_err("the token was used");
    assert_eq!(error.class, "auth-rejected", "{error:?}");
    let output = scene.output();
    assert!(tokens.iter().all(|token| !output.contains(token) && !error.message.contains(token)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_a_killed_function_left_at_jupyterhub_is_found_and_deleted() {
    let hub = JupyterHub::start().await;
    hub.create_user("reports");
    let Token { id, value } = hub.create_token("reports", "made by a person", &Value::Null);
    let admin = json!({"url": hub.url(), "key": hub.admin_token(), "ssl": false});
    let secret = json!({
        "url": hub.url(),
        "user": "reports",
        "scopes": "self",
        "key": value,
        "key_id": id,
        "ssl": false,
        "rotation": {"provider": "jupyterhub", "overlap_minutes": 0},
    });
    let function = Function::binary(turnlock_api_key()).timeout(TIMEOUT);
    let scene = Scene::start_administered(FUNCTION, function, &admin, secret, |_| ()).await;
    scene.local.fail_next(Operation::PutSecretValue, 1, Fault::CrashBefore);
    scene.rotate().await.expect_err("the function is killed with a token in its hands");
    assert_eq!(hub.tokens("reports").len(), 2);
    scene.local.clear_faults();
    scene.local.set_knobs(|knobs| {
        knobs.attempts = 12;
        knobs.attempt_spacing = Duration::from_millis(700);
    });
    scene.retry().await.expect("another attempt");
    let mut ids: Vec<String> =
        hub.tokens("reports").iter().map(|token| text(token, "id")).collect();
    let mut known =
        ["AWSPREVIOUS", "AWSCURRENT"].map(|label| text(&scene.document(label), "key_id"));
    ids.sort();
    known.sort();
    assert_eq!(ids, known, "the token that nobody has is gone");
    let current = text(&scene.document("AWSCURRENT"), "key");
    assert!(hub.accepts(&current) && hub.accepts(&value));
    assert!(!hub.log().contains(&current) && !scene.output().contains(&current));
}
