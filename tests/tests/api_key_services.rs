//! Descriptions that are built in, unchanged, against the services that run on this machine.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use serde_json::{Value, json};
use turnlock_local::Function;
use turnlock_tests::binaries;
use turnlock_tests::jupyterhub::JupyterHub;
use turnlock_tests::openid::{CLIENT, OpenId, SECRET};
use turnlock_tests::scene::Scene;
use turnlock_tests::world::keys::FUNCTION;

const USER: &str = "alice";

fn function() -> Function {
    Function::binary(binaries::turnlock_api_key())
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
}
