//! What a description in a secret must not get at, and what an answer to a mint must not take with it.

use serde_json::{Value, json};
use turnlock_local::Operation;
use turnlock_tests::provider::{Minting, Oddity, Provider, Setup};
use turnlock_tests::world::keys::{ACCOUNT, Without, World, overlapping};

/// A description of the provider that sends what an admin does to another one.
fn diverted() -> Value {
    json!({
        "title": "of the secret",
        "strategy": "overlapping-keys",
        "base_url": "{url}",
        "host_from_secret": ["url", "elsewhere"],
        "principal": "{account}",
        "key": {"bearer": "{key}"},
        "admin": {"bearer": "{admin.key}"},
        "test": {"method": "GET", "path": "/whoami", "same": {"account": "/account"}},
        "create": {
            "method": "POST",
            "path": "/accounts/{account}/keys",
            "fields": {"key": "/data/token", "key_id": "/data/id"},
        },
        "retire": [{"base_url": "{elsewhere}", "method": "DELETE", "path": "/keys/{key_id}"}],
    })
}

async fn administered(overlap_minutes: u32) -> World {
    let setup = Setup { minting: Minting::Admin, ..Setup::default() };
    let description = overlapping(&setup, Without::default());
    let edit = |secret: &mut Value| secret["rotation"]["overlap_minutes"] = json!(overlap_minutes);
    World::administered(setup, &description, edit).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_version_before_does_not_say_where_an_admin_retires_its_key() {
    let world = administered(0).await;
    let elsewhere = Provider::start(Setup::default());
    let mut right = world.document("AWSCURRENT");
    let key = world.provider.mint(ACCOUNT, "by hand");
    right["key"] = json!(key.value);
    right["key_id"] = json!(key.id);
    world.edit(|secret| {
        secret["rotation"]["provider"] = diverted();
        secret["elsewhere"] = json!(elsewhere.url());
        secret.as_object_mut().expect("an object").remove("masterarn");
    });
    world.local.put_value(&world.secret, &right.to_string()).expect("a write");

    world.rotate().await.expect("a rotation");
    assert_eq!(elsewhere.connections(), 0);
    assert!(!world.provider.accepts(&world.first.value), "the provider itself was told");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_description_in_the_secret_does_not_sign_with_the_functions_role() {
    let mut description = diverted();
    description["key"] = json!({"sigv4": {
        "service": "secretsmanager", "region": "eu-west-1",
        "access_key_id": "{key_id}", "secret_access_key": "{key}",
    }});
    description["create"]["by"] = json!("function");
    let edit = |secret: &mut Value| {
        secret["rotation"]["provider"] = description;
        secret["elsewhere"] = secret["url"].clone();
    };
    let world = World::start_with(Setup::default(), Without::default(), edit).await;
    let words = ["`rotation.provider` has a request by = \"function\""];
    world.rotate_refused().await.assert_is("createSecret", "malformed-secret", &words);
    assert_eq!(world.provider.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mint_that_answers_with_the_id_of_a_key_in_use_takes_none_with_it() {
    for is_current in [true, false] {
        let world = administered(120).await;
        let second = world.provider.mint(ACCOUNT, "by hand");
        world.edit(|secret| {
            secret["key"] = json!(second.value);
            secret["key_id"] = json!(second.id);
        });
        // The first key's version has no label now, but may be in caches.
        world.edit(|secret| secret["note"] = json!("written again"));
        let id = if is_current { &second.id } else { &world.first.id };
        let answer = json!({"data": {"id": id, "token": null}});
        let fault = Oddity::Says(201, answer).before_acting();
        world.provider.fail("POST /accounts/*/keys", 1, fault);
        let error = world.rotate_refused().await;
        error.assert_is("createSecret", "unexpected", &["has nothing at /data/token"]);
        assert!(world.works("AWSCURRENT"));
        assert!(world.provider.accepts(&world.first.value));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_version_to_come_does_not_say_where_an_admin_sets_its_key() {
    let mut description = diverted();
    let elsewhere = Provider::start(Setup::default());
    let update = json!({"method": "PUT", "path": "/accounts/{account}/key", "json": {"value": "{next.key}"}});
    for field in ["create", "retire"] {
        description.as_object_mut().expect("an object").remove(field);
    }
    description["strategy"] = json!("single-user");
    description["draw"] = json!("key");
    description["update"] = update;
    let named = r#"title = "The provider of the tests"
strategy = "single-user"
base_url = "{url}"
host_from_secret = ["url", "elsewhere"]
principal = "{account}"
draw = "key"
key = { bearer = "{key}" }
admin = { bearer = "{admin.key}" }
test = { method = "GET", path = "/whoami", headers = { Referer = "{elsewhere}" }, same = { account = "/account" } }
update = { method = "PUT", path = "/accounts/{account}/key", json = { value = "{next.key}" } }
"#;
    let setup = Setup { minting: Minting::Admin, ..Setup::default() };
    let url = elsewhere.url().to_owned();
    let edit = |secret: &mut Value| secret["elsewhere"] = json!(url);
    let world = World::administered(setup, named, edit).await;
    let arn = world.document("AWSCURRENT")["masterarn"].as_str().expect("an ARN").to_owned();
    let admin = world.local.value_of(&arn, "AWSCURRENT").expect("the admin's secret");
    let mut admin: Value = serde_json::from_str(&admin).expect("JSON");
    admin["elsewhere"] = json!(url);
    world.local.put_value(&arn, &admin.to_string()).expect("a write");

    description["update"]["base_url"] = json!("{elsewhere}");
    let mut pending = world.document("AWSCURRENT");
    pending["rotation"]["provider"] = description;
    pending["key"] = json!("a-key-of-the-writers-own-choice");
    pending.as_object_mut().expect("an object").remove("masterarn");
    world.local.set_knobs(|knobs| knobs.require_rotation_token = false);
    let version = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9";
    let request = json!({
        "SecretId": world.secret, "ClientRequestToken": version,
        "SecretString": pending.to_string(), "VersionStages": ["AWSPENDING"],
    });
    world.local.call(Operation::PutSecretValue, &request).expect("a write");

    world.step("setSecret", version).await.expect("the provider itself is told");
    assert_eq!(elsewhere.connections(), 0);
    assert!(world.provider.accepts("a-key-of-the-writers-own-choice"));
}
