//! The strategies besides overlapping keys, and providers that are described in a folder or in the secret itself.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use std::process::Command;

use serde_json::{Value, json};
use turnlock_local::{Fault, Operation};
use turnlock_tests::binaries;
use turnlock_tests::descriptions::{
    CLIENT_SECRET, REFRESH_TOKEN, REGENERATE, SINGLE_USER, described, refresh_tokens,
};
use turnlock_tests::provider::{Minting, Oddity, Setup};
use turnlock_tests::world::keys::{ACCOUNT, Without, World, overlapping};

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_has_a_value_regenerated_and_again_where_the_answer_was_lost() {
    let setup = Setup { minting: Minting::Admin, ..Setup::default() };
    let world = World::administered(setup, &described(REGENERATE), |_| ()).await;
    world.rotate().await.expect("a rotation");
    assert!(world.works("AWSCURRENT") && !world.works("AWSPREVIOUS"));

    // The old value dies, and nobody hears of the new one.
    let lost = Oddity::Closes.after_acting();
    world.provider.fail("POST /accounts/*/regenerate", 1, lost);
    let error = world.rotate().await.expect_err("the answer is lost");
    assert_eq!((&*error.step, &*error.class), ("createSecret", "tcp"), "{error:?}");
    assert!(error.message.contains("the old value may be dead"), "{error:?}");
    assert!(!world.works("AWSCURRENT"));
    world.retry().await.expect("the admin heals it");
    assert!(world.works("AWSCURRENT"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_could_be_lost_is_rotated_by_itself_only_where_the_secret_accepts_that() {
    let world = World::described(Setup::default(), &described(REGENERATE), |_| ()).await;
    let error = world.rotate().await.expect_err("nobody has accepted a loss");
    assert_eq!(error.class, "malformed-secret");
    assert!(error.message.contains("`rotation.accept_loss`"), "{error:?}");
    assert!(world.works("AWSCURRENT"));

    world.edit(|secret| secret["rotation"]["accept_loss"] = json!(true));
    world.rotate().await.expect("a rotation");
    assert!(world.works("AWSCURRENT") && !world.works("AWSPREVIOUS"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_drawn_here_is_stored_before_it_is_sent() {
    let world = World::described(Setup::default(), &described(SINGLE_USER), |_| ()).await;
    world.rotate().await.expect("a rotation");
    assert!(world.works("AWSCURRENT") && !world.works("AWSPREVIOUS"));
    assert_eq!(world.key("AWSCURRENT").len(), 32);

    // It was set, and the answer lost: the retry sees that it is.
    world.provider.fail("PUT /accounts/*/key", 1, Oddity::Closes.after_acting());
    world.rotate().await.expect("the same value is sent again, or seen to be there");
    assert!(world.works("AWSCURRENT"));
    world.local.fail_next(Operation::UpdateSecretVersionStage, 1, Fault::AccessDenied);
    world.rotate().await.expect_err("finishSecret fails");
    assert!(!world.works("AWSCURRENT"));
    world.retry().await.expect("the retry finds the pending value in place");
    assert!(world.works("AWSCURRENT"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_token_is_exchanged_and_the_new_pair_stored_before_it_is_used() {
    let world = World::described(Setup::default(), REFRESH_TOKEN, refresh_tokens).await;
    let token = world.provider.authorize(ACCOUNT);
    world.edit(|secret| secret["refresh_token"] = json!(token));
    world.test_only().await.expect("a test uses nothing up");
    assert!(world.provider.accepts_refresh_token(&token));
    for _ in 0..2 {
        let before = world.document("AWSCURRENT")["refresh_token"].clone();
        world.rotate().await.expect("a rotation");
        let now = world.document("AWSCURRENT");
        assert_ne!(now["refresh_token"], before);
        let works = |field: &str| now[field].as_str().expect("a text").to_owned();
        assert!(world.provider.accepts_refresh_token(&works("refresh_token")));
        assert!(world.provider.accepts(&works("access_token")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_of_an_oauth_client_overlap_two_at_a_time() {
    let setup = Setup { minting: Minting::Admin, limit: Some(2), ..Setup::default() };
    let world = World::administered(setup, CLIENT_SECRET, |_| ()).await;
    for _ in 0..3 {
        world.rotate().await.expect("a rotation");
        assert!(world.works("AWSCURRENT") && world.works("AWSPREVIOUS"));
    }
    assert_eq!(world.provider.most_at_once(ACCOUNT), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_provider_is_a_file_or_a_description_in_the_secret_and_no_code() {
    let setup = Setup::default();
    let file = overlapping(&setup, Without::default());
    let inline: Value = toml(&file);
    let world = World::described(setup, "this file is not read", |secret| {
        secret["rotation"]["provider"] = inline;
    })
    .await;
    world.rotate().await.expect("by the description in the secret");
    world.describe(&file);
    world.edit(|secret| secret["rotation"]["provider"] = json!("harness"));
    world.rotate().await.expect("by the file in PROVIDERS_DIR");
    assert!(world.works("AWSCURRENT") && world.works("AWSPREVIOUS"));
    assert_eq!(world.document("AWSCURRENT")["note"], "kept as it is");
}

#[test]
fn check_tells_what_would_be_sent_or_what_is_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mine.toml");
    let check = |text: &str| {
        std::fs::write(&file, text).expect("a file can be written");
        let program = Command::new(binaries::turnlock_api_key()).arg("check").arg(&file).output();
        let output = program.expect("the program runs");
        let text = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(text).expect("text"))
    };
    let (well, text) = check(&overlapping(&Setup::default(), Without::default()));
    assert!(well, "{text}");
    for line in [
        "the secret needs: account, key, key_id, url",
        "  POST {url}/accounts/{account}/keys",
        "  Authorization: Bearer {admin.key} (where the secret has masterarn)",
        r#"  {"label": "{new.label}", "lifetime": "{new.expires_in?|number}"}"#,
    ] {
        assert!(text.contains(line), "{line} is not in {text}");
    }
    let (well, text) = check(&described(SINGLE_USER).replace("draw", "drawn"));
    assert!(!well && text.contains("drawn"), "{text}");
    let (well, text) = check("");
    assert!(!well && text.contains("title"), "{text}");

    let built_in = Command::new(binaries::turnlock_api_key()).args(["check", "grafana"]).output();
    let output = built_in.expect("the program runs").stdout;
    assert!(String::from_utf8_lossy(&output).contains("POST {url}/api/serviceaccounts/"));
}

/// A description as JSON, as it stands in a secret.
fn toml(text: &str) -> Value {
    toml::from_str(text).expect("a description is TOML")
}
