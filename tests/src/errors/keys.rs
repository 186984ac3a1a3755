//! What can be wrong with the keys of a provider.

use serde_json::{Value, json};

use crate::provider::{Certificate, Fault, Minting, Oddity, Provider, Setup, Wait};
use crate::world::StepError;
use crate::world::keys::{ACCOUNT, Without, World, overlapping};

/// Rotates an edited secret, which fails before a version is written.
async fn refused(edit: impl FnOnce(&mut Value)) -> StepError {
    World::start_with(Setup::default(), Without::default(), edit).await.rotate_refused().await
}

/// Rotates at a provider of which all calls like these go wrong.
async fn failing(calls: &str, fault: Fault) -> StepError {
    let world = World::start(Setup::default()).await;
    world.provider.fail_all(calls, fault);
    world.rotate_refused().await
}

pub(super) async fn unknown_name() -> StepError {
    refused(|secret| secret["url"] = json!("https://hub.turnlock.invalid")).await
}

pub(super) async fn hangs_up() -> StepError {
    failing("GET /whoami", Oddity::Closes.before_acting()).await
}

pub(super) async fn unknown_authority() -> StepError {
    let other = Provider::start(Setup { tls: true, ..Setup::default() });
    refused(|secret| secret["url"] = json!(other.url())).await
}

pub(super) async fn other_name() -> StepError {
    let certificate = Certificate::OtherName;
    let world = World::start(Setup { tls: true, certificate, ..Setup::default() }).await;
    world.rotate_refused().await
}

pub(super) async fn revoked() -> StepError {
    let world = World::start(Setup::default()).await;
    world.rotate().await.expect("a rotation");
    for id in world.ids() {
        assert!(world.provider.revoke(ACCOUNT, &id));
    }
    world.rotate_refused().await
}

pub(super) async fn may_not_mint() -> StepError {
    let setup = Setup { minting: Minting::Admin, ..Setup::default() };
    let description = overlapping(&Setup::default(), Without::default());
    World::described(setup, &description, |_| ()).await.rotate_refused().await
}

pub(super) async fn silent() -> StepError {
    failing("GET /whoami", Oddity::Hangs.before_acting()).await
}

pub(super) async fn slow_down() -> StepError {
    let fault = Oddity::RetryAfter(429, Wait::Seconds(600)).before_acting();
    failing("POST /accounts/*/keys", fault).await
}

pub(super) async fn out_of_order() -> StepError {
    failing("GET /whoami", Oddity::RetryAfter(503, Wait::Seconds(600)).before_acting()).await
}

pub(super) async fn lost_without_a_list() -> StepError {
    let world = World::start_with(Setup::default(), Without { list: true }, |_| ()).await;
    world.provider.fail("POST /accounts/*/keys", 1, Oddity::Status(502).after_acting());
    world.rotate().await.expect_err("the answer is lost")
}

pub(super) async fn too_early() -> StepError {
    let edit = |secret: &mut Value| secret["rotation"]["overlap_minutes"] = json!(120);
    let world = World::start_with(Setup::default(), Without::default(), edit).await;
    world.rotate().await.expect("the first rotation");
    world.rotate_refused().await
}

pub(super) async fn full() -> StepError {
    let world = World::start(Setup { limit: Some(2), ..Setup::default() }).await;
    world.provider.mint(ACCOUNT, "of a person");
    world.rotate_refused().await
}

pub(super) async fn of_another_account() -> StepError {
    refused(|secret| secret["account"] = json!("svc-other")).await
}

pub(super) async fn no_key() -> StepError {
    refused(|secret| drop(secret.as_object_mut().and_then(|fields| fields.remove("key")))).await
}

pub(super) async fn plain_http() -> StepError {
    refused(|secret| secret["ssl"] = json!(true)).await
}

pub(super) async fn redirected() -> StepError {
    let other = "https://login.example.com".to_owned();
    failing("GET /whoami", Oddity::Redirects(302, other).before_acting()).await
}

pub(super) async fn page_of_html() -> StepError {
    failing("GET /whoami", Oddity::Html.after_acting()).await
}
