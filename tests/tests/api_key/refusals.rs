//! Secrets of API keys that cannot be rotated are refused by createSecret, with the field and the problem.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use serde_json::{Value, json};
use turnlock_tests::canary::{Canary, assert_absent};
use turnlock_tests::provider::{Authentication, Minting, Setup};
use turnlock_tests::world::keys::{ACCOUNT, Without, World, overlapping};

/// Rotates an edited secret, which has to be refused before anything is asked of the provider.
async fn malformed(edit: impl FnOnce(&mut Value), words: &[&str]) {
    let world = World::start_with(Setup::default(), Without::default(), edit).await;
    world.rotate_refused().await.assert_is("createSecret", "malformed-secret", words);
    assert_eq!(world.provider.connections(), 0, "{words:?}");
}

/// Rotates with an edited description, which has to be refused in the same way.
async fn invalid(from: &str, to: &str, words: &[&str]) {
    let description = overlapping(&Setup::default(), Without::default());
    assert_eq!(description.matches(from).count(), 1, "{from}");
    let description = description.replace(from, to);
    let world = World::described(Setup::default(), &description, |_| ()).await;
    let error = world.rotate_refused().await;
    error.assert_is(
        "createSecret",
        "malformed-secret",
        &["`rotation.provider` is described in", "harness.toml"],
    );
    error.assert_is("createSecret", "malformed-secret", words);
    assert_eq!(world.provider.connections(), 0, "{words:?}");
}

fn remove(secret: &mut Value, field: &str) {
    secret.as_object_mut().and_then(|fields| fields.remove(field)).expect("a field");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_the_description_needs_is_named_where_it_is_missing() {
    for field in ["url", "account", "key", "key_id"] {
        malformed(|secret| remove(secret, field), &[&format!("`{field}` is missing")]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_is_none_is_named() {
    for (settings, words) in [
        (json!("harness"), ["`rotation`", "is not an object"]),
        (json!({}), ["`rotation.provider` is missing", "PROVIDER is not set"]),
        (json!({"provider": ""}), ["`rotation.provider`", "is no name of a provider"]),
        (json!({"provider": "../harness"}), ["`rotation.provider`", "letters, digits, - and _"]),
        (json!({"provider": "nobody"}), ["names no provider: nobody", "not in PROVIDERS_DIR"]),
        (json!({"provider": "nobody"}), ["not built in", "jupyterhub"]),
        (
            json!({"provider": "harness", "overlap_minutes": "soon"}),
            ["`rotation.overlap_minutes`", "is not a whole number from 0"],
        ),
        (
            json!({"provider": "harness", "overlap_minutes": -1}),
            ["`rotation.overlap_minutes`", "is not a whole number from 0"],
        ),
        (
            json!({"provider": "harness", "lifetime_days": 0.5}),
            ["`rotation.lifetime_days`", "is not a whole number from 0"],
        ),
    ] {
        malformed(|secret| secret["rotation"] = settings, &words).await;
    }
    malformed(|secret| secret["ssl"] = json!("no"), &["`ssl` is not true or false"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_none_is_told_without_it() {
    for (url, words) in [
        ("keys.example.com", "makes no address"),
        ("https://user:hunter2-hunter2@keys.example.com", "has a user or a password in it"),
        ("https://keys.example.com/?key=hunter2-hunter2", "has a query or a fragment"),
        ("file:///hunter2-hunter2", "has no host"),
        ("gopher://keys.example.com/hunter2-hunter2", "is not https"),
    ] {
        malformed(|secret| secret["url"] = json!(url), &[words, "`{url}`"]).await;
    }
    let words = ["`{url}`", "is not https; only \"ssl\": false allows http"];
    malformed(|secret| remove(secret, "ssl"), &words).await;
    malformed(|secret| secret["ssl"] = json!(true), &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_would_leave_its_place_is_refused() {
    for (field, value, words) in [
        ("key", "a-key\r\nX-Admin: 1", "`authorization` has characters that none can have"),
        ("key", "a-key\0", "`authorization` has characters that none can have"),
    ] {
        malformed(|secret| secret[field] = json!(value), &[words]).await;
    }
    for (account, words) in [
        ("..", "a value would leave its place in the path"),
        (".", "a value would leave its place in the path"),
        ("", "field `account` is empty"),
    ] {
        let description = overlapping(&Setup::default(), Without::default())
            .replace("path = \"/whoami\"\nsame", "path = \"/accounts/{account}/me\"\nsame");
        let edit = |secret: &mut Value| secret["account"] = json!(account);
        let world = World::described(Setup::default(), &description, edit).await;
        let error = world.rotate_refused().await;
        error.assert_is("createSecret", "malformed-secret", &[words, "/accounts/{account}/me"]);
        assert_eq!(world.provider.connections(), 0, "{account}");
    }
    let setup = Setup { authentication: Authentication::Basic, ..Setup::default() };
    let edit = |secret: &mut Value| secret["account"] = json!("svc:app");
    let world = World::start_with(setup, Without::default(), edit).await;
    let words = ["`{account}` has a colon", "for the authentication"];
    world.rotate_refused().await.assert_is("createSecret", "malformed-secret", &words);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_description_that_cannot_be_read_is_named() {
    for (bytes, words) in [
        (b"title = \"\xff\"".as_slice(), "cannot be read"),
        (b"title = ".as_slice(), "TOML parse error at line 1"),
        (b"title = \"x\"".as_slice(), "missing field `strategy`"),
        (b"title = \"x\"\ncolour = \"red\"".as_slice(), "unknown field `colour`"),
    ] {
        let world = World::start(Setup::default()).await;
        world.add("harness.toml", bytes);
        let error = world.rotate_refused().await;
        let words = ["`rotation.provider`", "harness.toml", words];
        error.assert_is("createSecret", "malformed-secret", &words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_description_that_does_not_hold_together_is_told_by_its_part() {
    let host = "host_from_secret = [\"url\"]";
    invalid(host, "", &["base_url `{url}`", "{url} chooses the host", "host_from_secret"]).await;
    let base = "base_url = \"{url}\"";
    let words = ["base_url `http://keys.example.com` does not begin with https://"];
    invalid(base, "base_url = \"http://keys.example.com\"", &words).await;
    let words = ["base_url", "{account} chooses the host"];
    invalid(base, "base_url = \"https://{account}.example.com\"", &words).await;
    invalid("bearer = \"{key}\"", "", &["key: has to have one of bearer, header"]).await;
    let two = "bearer = \"{key}\"\nquery = { name = \"k\", value = \"{key}\" }";
    invalid("bearer = \"{key}\"", two, &["key: has to have one of bearer, header"]).await;
    invalid("{key}\"", "{key\"", &["`{key` has a brace without its other"]).await;
    invalid(
        "path = \"/whoami\"",
        "path = \"/whoami/{key}\"",
        &["test: {key} would be in the path"],
    )
    .await;
    invalid("path = \"/whoami\"", "path = \"whoami\"", &["test: path `whoami`"]).await;
    invalid("principal = \"{account}\"", "principal = \"{key}\"", &["principal: {key}"]).await;
    invalid(
        "same = { account = \"/account\" }",
        "same = { account = \"account\" }",
        &["test: `account` is no JSON pointer"],
    )
    .await;
    let retire = "[[retire]]\nmethod = \"DELETE\"\npath = \"/accounts/{account}/keys/{key_id}\"";
    invalid(retire, "", &["retire is missing"]).await;
    invalid("{new.label}", "{new.lable|base65}", &["has a filter that is not base64"]).await;
    let words = ["number, list and raw are for a whole text of a JSON body"];
    invalid("{new.expires_in?|number}", "{new.expires_in?|number} s", &words).await;
}

/// Puts a text into a description.
type Edit = fn(&mut Value, &str);

/// A description in the secret itself, which is one that works.
fn inline() -> Value {
    json!({
        "title": "of the secret",
        "strategy": "overlapping-keys",
        "base_url": "{url}",
        "host_from_secret": ["url"],
        "principal": "{account}",
        "key": {"bearer": "{key}"},
        "test": {"method": "GET", "path": "/whoami", "same": {"account": "/account"}},
        "create": {
            "method": "POST",
            "path": "/accounts/{account}/keys",
            "json": {"label": "{new.label}"},
            "fields": {"key": "/data/token", "key_id": "/data/id"},
        },
        "retire": [{"method": "DELETE", "path": "/accounts/{account}/keys/{key_id}"}],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_description_in_the_secret_works_and_one_that_is_wrong_is_told_without_its_values() {
    let start = |edit: Edit, canary: &Canary| {
        let mut description = inline();
        edit(&mut description, canary.value());
        World::start_with(Setup::default(), Without::default(), |secret| {
            secret["rotation"]["provider"] = description;
        })
    };
    let canary = Canary::of("a value of the description", "s3cret-of-a-description");
    let world = start(|_, _| (), &canary).await;
    world.rotate().await.expect("a rotation");
    let wrong: [(Edit, &str); 9] = [
        (|d, s| d["strategy"] = json!(s), "is no description (line 1, column"),
        (|d, s| d[s] = json!(1), "is no description (line 1, column"),
        (|d, s| d["title"] = json!([s]), "is no description (line 1, column"),
        (|d, s| d["key"]["bearer"] = json!(format!("{s}{{")), "is no description (line 1, column"),
        (|d, s| d["base_url"] = json!(format!("http://{s}")), "does not begin with https://"),
        (|d, s| d["test"]["path"] = json!(s), "test: path …"),
        (|d, s| d["test"]["path"] = json!(format!("`{s}`{s}")), "test: path …"),
        (|d, s| d["test"]["same"] = json!({"account": s}), "test: … is no JSON pointer"),
        (
            |d, s| d["key"]["bearer"] = json!(format!("{s}{{key|number}}")),
            "key: … is typed outside a JSON body",
        ),
    ];
    for (edit, words) in wrong {
        let world = start(edit, &canary).await;
        let error = world.rotate_refused().await;
        let words = ["the current version: field `rotation.provider`", words];
        error.assert_is("createSecret", "malformed-secret", &words);
        let texts = [("the error", error.message.as_str()), ("the output", &world.output())];
        assert_absent(std::slice::from_ref(&canary), &texts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_description_in_the_secret_does_not_get_at_an_admins_key() {
    let setup = Setup { minting: Minting::Admin, ..Setup::default() };
    let description = overlapping(&setup, Without::default());
    let edit = |secret: &mut Value| secret["rotation"]["provider"] = inline();
    let world = World::administered(setup, &description, edit).await;
    let words = ["`rotation.provider`", "must not decide what an admin's key is used for"];
    world.rotate_refused().await.assert_is("createSecret", "malformed-secret", &words);
    assert_eq!(world.provider.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admins_key_is_sent_where_its_own_secret_says_and_nowhere_else() {
    for (url, words) in [
        (None, ["`url` is missing", "where the admin's key may be sent"]),
        (
            Some("https://elsewhere.example.com"),
            ["`url` is not that of the secret", "nowhere else"],
        ),
    ] {
        let setup = Setup { minting: Minting::Admin, ..Setup::default() };
        let description = overlapping(&setup, Without::default());
        let world = World::administered(setup, &description, |_| ()).await;
        let mut admin = json!({"key": world.provider.admin_key(), "ssl": false});
        if let Some(url) = url {
            admin["url"] = json!(url);
        }
        let arn = world.document("AWSCURRENT")["masterarn"].as_str().expect("an ARN").to_owned();
        world.local.put_value(&arn, &admin.to_string()).expect("a write");
        world.rotate_refused().await.assert_is("createSecret", "malformed-secret", &words);
        assert!(world.provider.requests().iter().all(|r| !r.text().contains("admin_")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admins_secret_without_a_key_and_a_secret_without_an_admin_are_refused() {
    let setup = Setup { minting: Minting::Admin, ..Setup::default() };
    let description = overlapping(&setup, Without::default());
    let world = World::administered(setup.clone(), &description, |_| ()).await;
    let admin = json!({"url": world.provider.url(), "ssl": false});
    let arn = world.document("AWSCURRENT")["masterarn"].as_str().expect("an ARN").to_owned();
    world.local.put_value(&arn, &admin.to_string()).expect("a write");
    let words = ["the admin's current version: field `key` is missing"];
    world.rotate_refused().await.assert_is("createSecret", "malformed-secret", &words);

    let world = World::described(setup, &description, |_| ()).await;
    let words = ["`masterarn` is missing", "this provider needs an admin"];
    world.rotate_refused().await.assert_is("createSecret", "malformed-secret", &words);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_loss_that_nobody_has_accepted_is_refused() {
    for strategy in ["regenerate", "refresh-token"] {
        let description = format!(
            r#"title = "x"
strategy = "{strategy}"
base_url = "{{url}}"
host_from_secret = ["url"]
principal = "{{account}}"
key = {{ bearer = "{{key}}" }}
test = {{ method = "GET", path = "/whoami" }}
[update]
method = "POST"
path = "/accounts/{{account}}/regenerate"
fields = {{ key = "/data/token" }}
"#
        );
        for accepted in [None, Some(json!(false)), Some(json!("false"))] {
            let edit = |secret: &mut Value| {
                if let Some(accepted) = accepted {
                    secret["rotation"]["accept_loss"] = accepted;
                }
            };
            let world = World::described(Setup::default(), &description, edit).await;
            let words = ["`rotation.accept_loss` is not true", "a key that nobody has"];
            world.rotate_refused().await.assert_is("createSecret", "malformed-secret", &words);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_too_early_is_told_when_it_may_go_on() {
    let edit = |secret: &mut Value| secret["rotation"]["overlap_minutes"] = json!(90);
    let world = World::start_with(Setup::default(), Without::default(), edit).await;
    world.rotate().await.expect("there is no key before the first");
    let error = world.rotate_refused().await;
    let words =
        ["for 90 minutes, until 20", "consumers may still have", "rotation.overlap_minutes"];
    error.assert_is("createSecret", "refused", &words);
    assert!(world.works("AWSCURRENT") && world.works("AWSPREVIOUS"));
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_other_people_fill_the_limit_and_stay() {
    let setup = Setup { limit: Some(2), ..Setup::default() };
    let described = overlapping(&setup, Without::default());
    for (description, words) in [
        (described.clone(), "svc-app has 2 keys at http://localhost:"),
        (described.replace("limit = 2", ""), "the provider has as many keys as it allows [409]"),
    ] {
        let world = World::described(setup.clone(), &description, |_| ()).await;
        world.provider.mint(ACCOUNT, "my laptop");
        world.rotate_refused().await.assert_is("createSecret", "refused", &[words]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_account_is_refused() {
    let world = World::start(Setup::default()).await;
    let other = world.provider.open_account("svc-other");
    world.edit(|secret| {
        secret["key"] = json!(other.value);
        secret["key_id"] = json!(other.id);
    });
    let words = ["GET /whoami at localhost:", "the key is not of the secret's `account`"];
    world.rotate_refused().await.assert_is("createSecret", "refused", &words);
}
