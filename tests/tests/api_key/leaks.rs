//! No key leaves the way it has to go: not in any log, error or address, whatever the provider says.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use serde_json::{Value, json};
use tokio::task::JoinSet;
use turnlock_local::Function;
use turnlock_tests::binaries::turnlock_api_key;
use turnlock_tests::canary::{Canary, assert_absent};
use turnlock_tests::provider::{Authentication, Minting, Oddity, Paging, Provider, Setup};
use turnlock_tests::scene::Scene;
use turnlock_tests::world::keys::{ACCOUNT, FUNCTION, StepError, Without, World, overlapping};

/// A careless provider, whose errors quote the whole request, and keys that have to be escaped everywhere.
fn careless() -> Setup {
    Setup { echoes: true, odd_keys: true, ..Setup::default() }
}

/// Looks for all that the provider has ever issued in all that anybody has printed, answered or reported.
fn assert_silent(world: &World, errors: &[StepError]) {
    let canaries = world.provider.canaries();
    assert!(canaries.len() > 1, "nothing to look for");
    let (output, events) = (world.output(), format!("{:?}", world.local.events()));
    assert!(output.contains(" done") || output.contains("ERROR"), "{output}");
    let (errors, calls) = (format!("{errors:?}"), format!("{:?}", world.local.calls()));
    let texts = [
        ("the function's output", output.as_str()),
        ("events", &events),
        ("errors", &errors),
        ("the journal", &calls),
    ];
    assert_absent(&canaries, &texts);
    assert_absent(&canaries, &[("addresses", &addresses(&world.provider))]);
}

/// The addresses of all requests, but for the parameter that is the authentication itself.
fn addresses(provider: &Provider) -> String {
    let requests = provider.requests();
    assert!(!requests.is_empty());
    let address = |request: &turnlock_tests::provider::Request| {
        let query = request.query.split('&').filter(|pair| !pair.starts_with("api_key="));
        format!("{}?{}", request.path, query.collect::<Vec<_>>().join("&"))
    };
    requests.iter().map(address).collect::<Vec<_>>().join("\n")
}

/// Does something at the provider.
type Prepare = fn(&World);

const AUTHENTICATIONS: [Authentication; 4] = [
    Authentication::Bearer,
    Authentication::Header("X-Api-Key"),
    Authentication::Basic,
    Authentication::Query("api_key"),
];

#[tokio::test(flavor = "multi_thread")]
async fn rotations_that_succeed_tell_no_key() {
    for authentication in AUTHENTICATIONS {
        for minting in [Minting::Itself, Minting::Admin] {
            let paging = Paging::Cursor(1);
            let setup = Setup { authentication, minting, paging, ..careless() };
            let description = overlapping(&setup, Without::default());
            let world = match minting {
                Minting::Itself => World::described(setup, &description, |_| ()).await,
                Minting::Admin => World::administered(setup, &description, |_| ()).await,
            };
            world.test_only().await.expect("the test passes");
            for _ in 0..3 {
                world.rotate().await.expect("a rotation");
            }
            assert_eq!(world.ids().len(), 2);
            assert_silent(&world, &[]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_a_provider_that_quotes_the_request_tell_no_key() {
    let revoke: Prepare = |world| assert!(world.provider.revoke(ACCOUNT, &world.first.id));
    let fill: Prepare = |world| drop(world.provider.mint(ACCOUNT, "of somebody else"));
    for authentication in AUTHENTICATIONS {
        let setup = Setup { authentication, limit: Some(2), ..careless() };
        let right = overlapping(&setup, Without::default()).replace("limit = 2\n", "");
        let other = |from: &str, to: &str| {
            assert_eq!(right.matches(from).count(), 1, "{from}");
            right.replace(from, to)
        };
        let cases: [(String, Prepare, &str, &str); 5] = [
            (right.clone(), revoke, "auth-rejected", "[401]"),
            (right.clone(), fill, "refused", "[409]"),
            (other("\"/whoami\"", "\"/whoareyou\""), |_| (), "unexpected", "[404]"),
            (other("\"{new.expires_in?|number}\"", "\"soon\""), |_| (), "unexpected", "[400]"),
            (other("means = \"full\"", "means = \"rejected\""), fill, "auth-rejected", "[409]"),
        ];
        for (description, prepare, class, code) in cases {
            let world = World::described(setup.clone(), &description, |_| ()).await;
            prepare(&world);
            let error = world.rotate().await.expect_err("the provider refuses");
            error.assert_is("createSecret", class, &[code]);
            assert_silent(&world, &[error]);
        }
        let setup = Setup { minting: Minting::Admin, ..setup };
        let world = World::described(setup, &right, |_| ()).await;
        let error = world.rotate().await.expect_err("only the admin may");
        error.assert_is("createSecret", "permission", &["[403]"]);
        assert_silent(&world, &[error]);
    }
}

/// What says of a key, at its test or its retirement, that it is gone, and it is not: the next rotation takes one that is
/// so new for one that is about to be stored.
const UNTRUE: [(usize, u16); 3] = [(1, 401), (2, 401), (3, 404)];

/// Has the provider quote the current key at a call of a rotation, in one answer after the other; how many failed.
async fn quoted_at(call: usize) -> usize {
    let world = World::start(careless()).await;
    world.rotate().await.expect("a rotation");
    let mut errors = Vec::new();
    for status in [200, 302, 400, 401, 403, 404, 409, 418, 429, 500, 503] {
        if UNTRUE.contains(&(call, status)) {
            continue;
        }
        let key = world.key("AWSCURRENT");
        let body = json!({"data": key, "account": key, key.clone(): [key], "next_cursor": key});
        world.provider.fail("*", call, Oddity::Says(status, body).before_acting());
        errors.extend(world.rotate_with_consumers().await.err());
        world.provider.recover();
        let next = world.rotate_with_consumers().await;
        assert_eq!(next, Ok(()), "after {status} at call {call}");
    }
    for oddity in [Oddity::CutJson, Oddity::Html, Oddity::CutConnection, Oddity::OtherShape] {
        world.provider.fail("*", call, oddity.after_acting());
        errors.extend(world.rotate_with_consumers().await.err());
        world.provider.recover();
        world.rotate_with_consumers().await.expect("the next rotation");
    }
    assert_silent(&world, &errors);
    errors.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_with_a_key_at_any_place_tell_none() {
    let mut worlds: JoinSet<usize> = (1..=8).map(quoted_at).collect();
    let mut errors = 0;
    while let Some(failed) = worlds.join_next().await {
        errors += failed.expect("the answers at one call");
    }
    assert!(errors > 40, "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_cannot_be_sent_are_not_told_either() {
    for (field, end) in
        [("key", "\r\nX-Admin: 1"), ("key", "\u{0}"), ("url", ""), ("key_id", "/..")]
    {
        for authentication in AUTHENTICATIONS {
            let setup = Setup { authentication, ..careless() };
            let world = World::start(setup).await;
            let key = format!("{}{end}", world.first.value);
            world.edit(|secret| secret[field] = json!(key));
            let error = world.rotate().await.err();
            let canary = Canary::of("the key as it is stored", key);
            let told = format!("{error:?}");
            let texts = [("the error", told.as_str()), ("the output", &world.output())];
            assert_absent(&[canary], &texts);
            assert_absent(&world.provider.canaries(), &texts);
        }
    }
}

/// A description of another strategy, in which everything else is the same.
fn described(strategy: &str, rest: &str) -> String {
    format!(
        "title = \"x\"\nstrategy = \"{strategy}\"\nbase_url = \"{{url}}\"\n\
         host_from_secret = [\"url\"]\nprincipal = \"{{account}}\"\n{rest}"
    )
}

const REGENERATE: &str = r#"
key = { bearer = "{key}" }
test = { method = "GET", path = "/whoami" }
[update]
method = "POST"
path = "/accounts/{account}/regenerate"
fields = { key = "/data/token" }
"#;

const SINGLE_USER: &str = r#"
draw = "key"
key = { bearer = "{key}" }
test = { method = "GET", path = "/whoami" }
[update]
method = "PUT"
path = "/accounts/{account}/key"
json = { value = "{next.key}" }
"#;

const REFRESH_TOKEN: &str = r#"
key = { basic = { user = "{account|percent}", password = "{key|percent}" } }
[test]
method = "POST"
path = "/oauth/introspect"
form = { token = "{refresh_token}" }
when = [{ status = 200, at = "/active", is = false, means = "rejected" }]
[update]
method = "POST"
path = "/oauth/token"
form = { grant_type = "refresh_token", refresh_token = "{refresh_token}" }
fields = { access_token = "/access_token", refresh_token = "/refresh_token" }
"#;

const CLIENT_SECRET: &str = r#"
test = { method = "GET", path = "/whoami" }
[key]
bearer = "{login.access_token}"
[key.login]
by = "anyone"
method = "POST"
path = "/oauth/token"
form = { grant_type = "client_credentials", client_id = "{account}", client_secret = "{key}" }
fields = { access_token = "/access_token" }
when = [{ status = 401, means = "rejected" }]
[create]
method = "POST"
path = "/accounts/{account}/keys"
form = { label = "{new.label}" }
fields = { key = "/data/token", key_id = "/data/id" }
[[retire]]
method = "DELETE"
path = "/accounts/{account}/keys/{key_id}"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn tokens_client_secrets_and_values_that_are_drawn_here_are_told_to_nobody() {
    for (strategy, rest, each) in [
        ("regenerate", REGENERATE, 1),
        ("single-user", SINGLE_USER, 1),
        ("refresh-token", REFRESH_TOKEN, 2),
        ("overlapping-keys", CLIENT_SECRET, 2),
    ] {
        let description = described(strategy, rest);
        let edit = |secret: &mut Value| {
            secret["rotation"]["accept_loss"] = json!(true);
            secret["refresh_token"] = json!("a-refresh-token-of-before");
        };
        let world = World::described(careless(), &description, edit).await;
        let token = world.provider.authorize(ACCOUNT);
        world.edit(|secret| secret["refresh_token"] = json!(token));
        let before = world.provider.canaries().len();
        for _ in 0..3 {
            world.rotate().await.expect("a rotation");
        }
        assert!(world.provider.canaries().len() >= before + 3 * each, "{strategy}");
        let mut errors = Vec::new();
        for call in 1..=4 {
            for status in [400, 401, 403, 500] {
                let quoted = json!({"error": world.local.value_of(&world.secret, "AWSCURRENT")});
                world.provider.fail("*", call, Oddity::Says(status, quoted).before_acting());
                errors.extend(world.retry().await.err());
                world.provider.recover();
                world.retry().await.expect("the next rotation");
            }
        }
        assert!(errors.len() > 4, "{strategy}: {errors:?}");
        assert_silent(&world, &errors);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_are_made_here_are_told_to_nobody() {
    const SECRET: [&str; 9] = [
        "token",
        "next_token",
        "previous_token",
        "key",
        "next_key",
        "previous_key",
        "private_key",
        "next_private_key",
        "symmetric_jwks",
    ];
    for rotation in [
        json!({"provider": "random-token"}),
        json!({"provider": "aes", "bits": 256}),
        json!({"provider": "signing-key", "algorithm": "EdDSA"}),
        json!({"provider": "signing-key", "algorithm": "ES256"}),
        json!({"provider": "signing-key", "algorithm": "RS256"}),
        json!({"provider": "signing-key", "algorithm": "HS256"}),
    ] {
        let function = Function::binary(turnlock_api_key())
            .env("RUST_LOG", "trace")
            .env("METRICS_NAMESPACE", "Turnlock");
        let mut secret = json!({"rotation": rotation});
        secret["rotation"]["overlap_minutes"] = json!(0);
        let scene = Scene::start(FUNCTION, function, &secret.to_string()).await;
        for _ in 0..3 {
            scene.rotate().await.expect("a rotation");
        }
        scene.test_only().await.expect("the test passes");
        // What is wrong with a key is told without it.
        scene.edit(|secret| {
            for field in SECRET {
                if let Some(value) = secret[field].as_str().map(|value| value.replace('A', "B")) {
                    secret[field] = json!(value);
                }
            }
        });
        let error = scene.rotate().await.err();
        let mut canaries = Vec::new();
        for version in scene.local.versions(&scene.secret) {
            let Some(text) = scene.local.value_of(&scene.secret, &version) else { continue };
            let secret: Value = serde_json::from_str(&text).expect("JSON");
            let values = SECRET.iter().filter_map(|field| Some((*field, secret[*field].as_str()?)));
            for (field, value) in values {
                // The lines of a PEM, too, of which the first and the last are no secret.
                let lines = value.lines().filter(|line| !line.starts_with("-----"));
                canaries.extend(lines.map(|line| Canary::of(field, line)));
            }
        }
        assert!(canaries.len() > 5, "{rotation}: nothing to look for");
        let (output, error) = (scene.output(), format!("{error:?}"));
        let events = format!("{:?}", scene.local.events());
        let texts = [("the output", output.as_str()), ("the error", &error), ("events", &events)];
        assert_absent(&canaries, &texts);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_would_show_a_key_that_is_in_it() {
    let authentication = Authentication::Query("token");
    let world = World::start(Setup { authentication, ..careless() }).await;
    world.rotate().await.expect("a rotation");
    let addresses = addresses(&world.provider);
    let key = Canary::of("the key", &world.first.value);
    assert!(!key.sightings("addresses", &addresses).is_empty());
}
