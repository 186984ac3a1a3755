//! A current key that the provider does not know any more, or never did: how a rotation goes on without it.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use std::time::Duration;

use serde_json::json;
use turnlock_tests::key_ways::Way;
use turnlock_tests::provider::Setup;
use turnlock_tests::world::keys::{ACCOUNT, Without, World, overlapping};

/// Short, since a key that was just minted is not taken for one left over.
const TIMEOUT: Duration = Duration::from_secs(4);

/// An account whose key was rotated twice, so that a version before the current one works.
async fn rotated_twice(way: Way) -> World {
    let world = way.start(TIMEOUT).await;
    world.local.set_knobs(|knobs| {
        knobs.attempts = 12;
        knobs.attempt_spacing = Duration::from_millis(700);
    });
    for _ in 0..2 {
        world.rotate().await.expect("a rotation");
    }
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn a_current_key_that_was_revoked_by_hand_is_replaced_by_whoever_still_can() {
    for way in Way::ALL {
        let world = rotated_twice(way).await;
        let previous = world.key("AWSPREVIOUS");
        assert!(world.provider.revoke(ACCOUNT, &world.key_id("AWSCURRENT")));
        world.rotate().await.expect("it heals");
        assert_eq!(world.fault(way, 0), None, "{way:?}");
        assert!(world.provider.accepts(&previous), "{way:?}: it was all that consumers had");
        world.rotate().await.expect("it goes on");
        world.assert_rotated(way, "healed");
        assert!(!way.lists || world.ids().len() == 2, "{way:?}: {:?}", world.ids());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_heals_where_no_key_works_any_more() {
    let world = rotated_twice(Way::ADMIN).await;
    for id in world.ids() {
        assert!(world.provider.revoke(ACCOUNT, &id));
    }
    world.rotate().await.expect("it heals");
    assert!(world.works("AWSCURRENT"));
    world.rotate().await.expect("it goes on");
    world.assert_rotated(Way::ADMIN, "healed");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_key_works_and_no_admin_is_named_the_error_says_so_and_nothing_is_minted() {
    let world = rotated_twice(Way::OWN).await;
    world.local.set_knobs(|knobs| knobs.attempts = 1);
    for id in world.ids() {
        assert!(world.provider.revoke(ACCOUNT, &id));
    }
    let error = world.rotate().await.expect_err("nobody may have a key made");
    assert_eq!((error.step.as_str(), error.class.as_str()), ("createSecret", "auth-rejected"));
    assert!(error.message.contains("masterarn"), "{error:?}");
    assert!(world.ids().is_empty());
    // Somebody mints one on the provider's page and stores it.
    let key = world.provider.mint(ACCOUNT, "by hand");
    world.edit(|secret| {
        secret["key"] = json!(key.value);
        secret["key_id"] = json!(key.id);
    });
    world.rotate().await.expect("it goes on");
    world.assert_rotated(Way::OWN, "a key stored by hand");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_written_by_hand_costs_nobody_a_key_that_works() {
    for way in Way::ALL {
        let world = rotated_twice(way).await;
        let current = world.key("AWSCURRENT");
        world.edit(|secret| secret["key"] = json!("no-key-of-this-provider"));
        world.rotate().await.expect("it heals");
        assert!(world.works("AWSCURRENT"), "{way:?}");
        assert!(world.provider.accepts(&current), "{way:?}: consumers may have it");
    }
}

/// A provider whose answer to the test has the key's id, and a description that compares it.
async fn with_ids_compared() -> World {
    let setup = Setup::default();
    let same = r#"same = { account = "/account", key_id = "/key_id" }"#;
    let description = overlapping(&setup, Without::default());
    let described = description.replace(r#"same = { account = "/account" }"#, same);
    assert_ne!(description, described);
    World::described(setup, &described, |_| ()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_provider_tells_a_keys_id_a_wrong_one_is_refused_at_once() {
    let world = with_ids_compared().await;
    for _ in 0..2 {
        world.rotate().await.expect("a rotation");
    }
    let ids = world.ids();
    let right = world.key_id("AWSCURRENT");
    for wrong in ["k9999", &world.key_id("AWSPREVIOUS")] {
        world.edit(|secret| secret["key_id"] = json!(wrong));
        let error = world.rotate().await.expect_err("it is not the key's");
        assert!(error.message.contains("`key_id`") && error.class == "refused", "{error:?}");
        assert_eq!(world.ids(), ids, "nothing was retired");
    }
    world.edit(|secret| secret["key_id"] = json!(right));
    world.rotate().await.expect("it goes on");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_account_written_by_hand_is_refused_and_nothing_is_retired() {
    for way in Way::ALL {
        let world = rotated_twice(way).await;
        world.local.set_knobs(|knobs| knobs.attempts = 1);
        world.provider.open_account("svc-other");
        let ids = world.ids();
        world.edit(|secret| secret["account"] = json!("svc-other"));
        let error = world.rotate().await.expect_err("the key is not of that account");
        assert_eq!((error.step.as_str(), error.class.as_str()), ("createSecret", "refused"));
        assert!(error.message.contains("`account`"), "{way:?}: {error:?}");
        assert_eq!(world.ids(), ids, "{way:?}");
        assert_eq!(world.provider.keys("svc-other").len(), 1, "{way:?}: none was minted");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_secrets_of_one_account_leave_each_others_keys_alone() {
    let world = World::start(Setup::default()).await;
    let key = world.provider.mint(ACCOUNT, "for the other secret");
    let mut other = world.document("AWSCURRENT");
    other["key"] = json!(key.value);
    other["key_id"] = json!(key.id);
    let other = world.local.create_secret("other", &other.to_string()).expect("a secret");
    world.local.set_rotation(&other, turnlock_tests::world::keys::FUNCTION).expect("rotation");
    let value = |label: &str| {
        let text = world.local.value_of(&other, label).expect("a value");
        let secret: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        secret["key"].as_str().expect("a key").to_owned()
    };
    for _ in 0..3 {
        world.rotate().await.expect("a rotation of the one");
        assert!(world.provider.accepts(&value("AWSCURRENT")));
        world.local.rotate(&other).expect("it begins");
        let rotated = world.local.wait_for_rotation(&other, Duration::from_secs(60)).await;
        rotated.expect("a rotation of the other");
        assert!(world.works("AWSCURRENT") && world.works("AWSPREVIOUS"));
        assert!(world.provider.accepts(&value("AWSPREVIOUS")));
    }
    assert_eq!(world.ids().len(), 4);
}
