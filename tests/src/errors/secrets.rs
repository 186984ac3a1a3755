//! What can be wrong with secrets, events and the services of AWS.

use serde_json::{Value, json};
use turnlock_local::{Fault, Operation};

use crate::amazon::Amazon;
use crate::postgres::{Setup, Version};
use crate::rds;
use crate::world::{FUNCTION, StepError, World};

/// Many more than a step calls.
const ALL: u32 = 1000;

pub(super) async fn no_host() -> StepError {
    refused(|secret| drop(secret.as_object_mut().and_then(|fields| fields.remove("host")))).await
}

pub(super) async fn broken_template() -> StepError {
    let derived = json!({"url": "postgresql://{username|percent}:{pasword|percent}@{host}:{port}"});
    refused(|secret| secret["rotation"] = json!({"derived": derived})).await
}

pub(super) async fn short_passwords() -> StepError {
    refused(|secret| secret["rotation"] = json!({"password": {"length": 3}})).await
}

/// Rotates an edited secret, which fails before a version is written.
async fn refused(edit: impl FnOnce(&mut Value)) -> StepError {
    World::start_with(Setup::default(), edit).await.rotate_refused().await
}

pub(super) async fn no_step() -> StepError {
    let world = World::start(Setup::default()).await;
    let event = json!({"SecretId": world.secret, "ClientRequestToken": "0".repeat(32)});
    let result = world.local.invoke(FUNCTION, event).await;
    StepError {
        step: String::new(),
        class: result.error_type.unwrap_or_default(),
        message: result.error_message.unwrap_or_default(),
    }
}

pub(super) async fn reading_denied() -> StepError {
    let world = World::start(Setup::default()).await;
    world.local.fail_next(Operation::GetSecretValue, ALL, Fault::AccessDenied);
    world.rotate().await.expect_err("the secret may not be read")
}

pub(super) async fn key_denied() -> StepError {
    let world = World::start(Setup::default()).await;
    // Secrets Manager says so whatever is missing: the role's permission, or the key policy's.
    let message = "Access to KMS is not allowed".to_owned();
    let fault = Fault::Error { code: "AccessDeniedException".to_owned(), message };
    world.local.fail_next(Operation::GetSecretValue, ALL, fault);
    world.rotate().await.expect_err("the secret may not be decrypted")
}

pub(super) async fn throttled() -> StepError {
    let world = World::start(Setup::default()).await;
    world.local.fail_next(Operation::PutSecretValue, ALL, Fault::Throttled);
    world.rotate().await.expect_err("the service does not write")
}

pub(super) async fn rds_denied() -> StepError {
    let amazon = Amazon::start(Version::Distribution).await;
    amazon.rds.fail(rds::Fault::AccessDenied);
    amazon.world.rotate_failing().await
}
