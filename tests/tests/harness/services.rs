//! The real services that tests of API keys rely on do what descriptions say of them.

use serde_json::{Value, json};
use turnlock_tests::jupyterhub::JupyterHub;
use turnlock_tests::openid::OpenId;

#[tokio::test]
async fn jupyterhub_issues_lists_and_revokes_tokens() {
    let hub = JupyterHub::start().await;
    hub.create_user("alice");
    let first = hub.create_token("alice", "first", &Value::Null);
    let who = hub.who_is(&first.value);
    assert_eq!((&who["name"], &who["token_id"]), (&json!("alice"), &json!(first.id)));

    let label = json!({"note": "a \"second\" one"});
    let made = hub.send("POST", "/users/alice/tokens", &first.value, Some(&label));
    assert_eq!(made.status, 201);
    let made = made.json();
    let second = made["token"].as_str().expect("a token");
    let notes =
        |tokens: Vec<Value>| tokens.iter().map(|token| token["note"].clone()).collect::<Vec<_>>();
    assert_eq!(notes(hub.tokens("alice")), ["first", "a \"second\" one"]);

    let path = format!("/users/alice/tokens/{}", first.id);
    assert_eq!(hub.send("DELETE", &path, second, None).status, 204);
    assert_eq!(hub.send("DELETE", &path, second, None).status, 404);
    assert!(!hub.accepts(&first.value) && hub.accepts(second));
    assert!(!hub.log().contains(second));
}

#[tokio::test]
async fn a_token_of_jupyterhub_is_as_mighty_as_its_user_unless_scopes_are_named() {
    let hub = JupyterHub::start().await;
    hub.create_user("alice");
    let scopes = json!(["read:users:name!user=alice", "tokens!user=alice"]);
    let limited = hub.create_token("alice", "limited", &scopes);
    let of = |body: Value| {
        let made = hub.send("POST", "/users/alice/tokens", &limited.value, Some(&body)).json();
        let scopes = hub.who_is(made["token"].as_str().expect("a token"))["scopes"].clone();
        scopes.as_array().expect("a list").clone()
    };
    let own = hub.who_is(&limited.value)["scopes"].clone();
    assert_eq!(json!(of(json!({"scopes": own}))), own);
    assert!(of(json!({})).contains(&json!("servers!user=alice")));
}

#[tokio::test]
async fn a_refresh_token_that_is_used_twice_takes_its_successor_with_it() {
    let provider = OpenId::start().await;
    let first = provider.consent();
    let refresh = |token: &str| {
        provider.post("/token", &[("grant_type", "refresh_token"), ("refresh_token", token)])
    };
    let answer = refresh(&first);
    assert_eq!(answer.status, 200);
    let second = answer.json()["refresh_token"].as_str().expect("a successor").to_owned();
    assert!(!provider.is_active(&first) && provider.is_active(&second));
    let reused = refresh(&first);
    assert_eq!((reused.status, &reused.json()["error"]), (400, &json!("invalid_grant")));
    assert!(!provider.is_active(&second));
    assert_eq!(provider.post("/token", &[("grant_type", "client_credentials")]).status, 200);
}

#[tokio::test]
async fn services_end_with_the_test() {
    let (hub, provider) = (JupyterHub::start().await, OpenId::start().await);
    let ports = [hub.port(), provider.port()];
    drop((hub, provider));
    for port in ports {
        assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    }
}
