//! What can be wrong with secrets, events and the services of AWS.

use std::time::Duration;

use serde_json::{Value, json};
use turnlock_local::{Fault, Operation};

use crate::pair::server_with_user;
use crate::postgres::{Server, Setup};
use crate::rds::{self, AmazonRds, REGION};
use crate::world::{FIRST_PASSWORD, FUNCTION, StepError, USER, World, function, secret_of};

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

pub(super) async fn throttled() -> StepError {
    let server = Server::start(Setup::default()).await;
    let text = secret_of(&server, USER, &json!(FIRST_PASSWORD)).to_string();
    // Long enough for the last attempt to come before the end of the time.
    let function = function(&server).timeout(Duration::from_secs(50));
    let world = World::with_function(server, &text, function).await;
    world.local.fail_next(Operation::PutSecretValue, ALL, Fault::Throttled);
    world.rotate().await.expect_err("the service does not write")
}

pub(super) async fn rds_denied() -> StepError {
    let amazon = AmazonRds::start();
    amazon.fail(rds::Fault::AccessDenied);
    let server = server_with_user(Setup::default(), "").await;
    let function = function(&server).env("AWS_ENDPOINT_URL_RDS", amazon.endpoint());
    let world = World::administered_with(server, function, |secret| {
        secret["host"] = json!(rds::host("copy", "", REGION));
    });
    let world = world.await;
    let admin = world.document("AWSCURRENT")["masterarn"].as_str().expect("an ARN").to_owned();
    let text = world.local.value_of(&admin, "AWSCURRENT").expect("a value");
    let primary = rds::host("shop", "", REGION);
    world.local.put_value(&admin, &text.replace("localhost", &primary)).expect("a write");
    world.rotate_failing().await
}
