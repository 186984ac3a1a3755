//! Descriptions that are built in, unchanged, against the services that run on this machine.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use std::time::Duration;

use serde_json::{Value, json};
use turnlock_local::{Fault, Function, Operation};
use turnlock_tests::binaries::turnlock_api_key;
use turnlock_tests::jupyterhub::{JupyterHub, Token};
use turnlock_tests::openid::{CLIENT, OpenId, SECRET};
use turnlock_tests::scene::Scene;
use turnlock_tests::world::keys::FUNCTION;

const USER: &str = "alice";

/// Short, since a key that an attempt has left is not touched before that attempt can be at work no more.
const TIMEOUT: Duration = Duration::from_secs(5);

fn text(document: &Value, field: &str) -> String {
    document[field].as_str().expect("a text").to_owned()
}

fn function() -> Function {
    Function::binary(turnlock_api_key())
}

/// The secret of a token that may do no more than tokens and names.
fn token_of(hub: &JupyterHub) -> Value {
    hub.create_user(USER);
    let scopes = json!(["read:users:name!user=alice", "tokens!user=alice"]);
    let first = hub.create_token(USER, "by hand", &scopes);
    json!({
        "url": hub.url(), "user": USER, "scopes": scopes, "key": first.value, "key_id": first.id, "ssl": false,
        "rotation": {"provider": "jupyterhub", "overlap_minutes": 0, "lifetime_days": 90},
    })
}

/// Rotates twice, and looks that two tokens are left, which may do what the first one could.
async fn rotates_twice(scene: &Scene, hub: &JupyterHub) {
    let key = |label: &str| scene.document(label)["key"].as_str().expect("a text").to_owned();
    let before = hub.who_is(&key("AWSCURRENT"))["scopes"].clone();
    for _ in 0..2 {
        scene.rotate().await.expect("a rotation");
        assert!(hub.accepts(&key("AWSCURRENT")) && hub.accepts(&key("AWSPREVIOUS")));
        assert_eq!(hub.who_is(&key("AWSCURRENT"))["scopes"], before);
    }
    let tokens = hub.tokens(USER);
    assert_eq!(tokens.len(), 2);
    assert!(tokens.iter().all(|token| token["expires_at"].is_string()), "{tokens:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_jupyterhub_rotates_itself_and_stays_as_mighty_as_it_was() {
    let hub = JupyterHub::start().await;
    let scene = Scene::start(FUNCTION, function(), &token_of(&hub).to_string()).await;
    rotates_twice(&scene, &hub).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_of_jupyterhub_rotates_tokens_of_its_users() {
    let hub = JupyterHub::start().await;
    let secret = token_of(&hub);
    let admin = json!({"key": hub.admin_token(), "url": hub.url(), "ssl": false});
    let scene = Scene::start_administered(FUNCTION, function(), &admin, secret, |_| ()).await;
    rotates_twice(&scene, &hub).await;

    // Not even a dead token keeps the admin from making the next.
    let id = scene.document("AWSCURRENT")["key_id"].as_str().expect("a text").to_owned();
    let path = format!("/users/{USER}/tokens/{id}");
    assert_eq!(hub.send("DELETE", &path, hub.admin_token(), None).status, 204);
    scene.rotate().await.expect("the admin heals it");
    assert!(hub.accepts(scene.document("AWSCURRENT")["key"].as_str().expect("a text")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_of_an_openid_provider_is_exchanged_again_and_again() {
    let provider = OpenId::start().await;
    let url = provider.url();
    let secret = json!({
        "token_url": format!("{url}/token"), "introspection_url": format!("{url}/token/introspection"),
        "client_id": CLIENT, "client_secret": SECRET, "refresh_token": provider.consent(), "ssl": false,
        "rotation": {"provider": "oauth2-refresh-token", "accept_loss": true},
    });
    let scene = Scene::start(FUNCTION, function(), &secret.to_string()).await;
    scene.test_only().await.expect("attaching uses nothing up");
    for _ in 0..3 {
        scene.rotate().await.expect("a rotation");
        let token = scene.document("AWSCURRENT")["refresh_token"].clone();
        assert!(provider.is_active(token.as_str().expect("a text")));
    }
    // A token that somebody else has exchanged is told as such, and not tried: that would end its successor.
    let token = text(&scene.document("AWSCURRENT"), "refresh_token");
    let taken =
        provider.post("/token", &[("grant_type", "refresh_token"), ("refresh_token", &token)]);
    let successor = taken.json()["refresh_token"].as_str().expect("a text").to_owned();
    let error = scene.rotate().await.expect_err("the token was used");
    assert_eq!(error.class, "auth-rejected", "{error:?}");
    assert!(provider.is_active(&successor));
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
