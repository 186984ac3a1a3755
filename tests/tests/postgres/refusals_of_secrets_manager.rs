//! What Secrets Manager can refuse is told apart, with the action that was denied, before Lambda's end.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use std::time::{Duration, Instant};

use serde_json::json;
use turnlock_local::{Fault, Operation};
use turnlock_tests::postgres::{Server, Setup};
use turnlock_tests::world::{FIRST_PASSWORD, StepError, USER, World, function, secret_of};

/// Lambda's time-out here.
const LAMBDA: Duration = Duration::from_secs(6);
/// Many more than a step calls.
const ALL: u32 = 1000;

async fn world() -> World {
    let server = Server::start(Setup::default()).await;
    server.sql(&format!("CREATE ROLE {USER} LOGIN PASSWORD '{FIRST_PASSWORD}'")).await;
    let text = secret_of(&server, USER, &json!(FIRST_PASSWORD)).to_string();
    let function = function(&server).timeout(LAMBDA);
    World::with_function(server, &text, function).await
}

/// Rotates while every call of an operation ends in a fault; returns the failure, which came in time.
async fn fails(operation: Operation, fault: Fault) -> (World, StepError) {
    let world = world().await;
    world.local.fail_next(operation, ALL, fault);
    let began = Instant::now();
    let error = world.rotate().await.expect_err("the rotation fails");
    assert!(began.elapsed() < 2 * LAMBDA, "{:?}", began.elapsed());
    // Not Sandbox.Timedout: the function itself has told it.
    assert!(error.message.starts_with("Rotation failed in "), "{error:?}");
    assert_eq!(world.password("AWSCURRENT"), FIRST_PASSWORD);
    world.assert_silent_on_passwords(&[("the error", &error.message)]);
    (world, error)
}

/// Denies an operation: the rotation fails in this step, at once, and the action is named.
async fn denied(operation: Operation, step: &str) -> World {
    let (world, error) = fails(operation, Fault::AccessDenied).await;
    let action = format!("may not secretsmanager:{operation}");
    error.assert_is(step, "permission", &[&action, "[AccessDeniedException]"]);
    assert_eq!(world.calls_of(operation), 1, "what is denied is not asked for again");
    world
}

#[tokio::test]
async fn a_role_that_may_not_describe_secrets_is_told_the_action() {
    denied(Operation::DescribeSecret, "createSecret").await;
}

#[tokio::test]
async fn a_role_that_may_not_write_secrets_is_told_the_action() {
    let world = denied(Operation::PutSecretValue, "createSecret").await;
    assert!(world.accepts(FIRST_PASSWORD).await);
}

#[tokio::test]
async fn a_role_that_may_not_move_labels_is_told_the_action_and_can_go_on_later() {
    let world = denied(Operation::UpdateSecretVersionStage, "finishSecret").await;
    // The target has the new password by now: the rotation is finished once the role may do so.
    let new = world.password("AWSPENDING");
    assert!(world.accepts(&new).await);
    world.local.clear_faults();
    world.local.rotate(&world.secret).expect_err("a rotation is not complete");
    let ended = world.local.wait_for_rotation(&world.secret, 2 * LAMBDA).await;
    ended.expect("the rotation succeeds");
    assert_eq!(world.password("AWSCURRENT"), new);
}

#[tokio::test]
async fn a_role_that_may_not_read_secrets_is_told_the_action() {
    let (_world, error) = fails(Operation::GetSecretValue, Fault::AccessDenied).await;
    let words = ["may not secretsmanager:GetSecretValue [AccessDeniedException]"];
    error.assert_is("createSecret", "permission", &words);
}

#[tokio::test]
async fn a_key_that_may_not_be_used_is_told_as_a_permission() {
    let fault = Fault::Error { code: "DecryptionFailure".to_owned(), message: String::new() };
    let (_world, error) = fails(Operation::GetSecretValue, fault).await;
    error.assert_is(
        "createSecret",
        "permission",
        &["kms:Decrypt with the secret's KMS key", "[DecryptionFailure]"],
    );
}

#[tokio::test]
async fn a_call_that_is_throttled_twice_is_made_again() {
    for operation in [
        Operation::DescribeSecret,
        Operation::GetSecretValue,
        Operation::PutSecretValue,
        Operation::UpdateSecretVersionStage,
    ] {
        let world = world().await;
        world.local.fail_next(operation, 2, Fault::Throttled);
        world.rotate().await.expect("the rotation succeeds");
        let throttled = |call: &&turnlock_local::Call| {
            call.outcome.as_ref().is_err_and(|code| code == "ThrottlingException")
        };
        assert_eq!(world.function_calls().iter().filter(throttled).count(), 2);
        assert!(world.accepts(&world.password("AWSCURRENT")).await);
    }
}

#[tokio::test]
async fn a_call_that_is_throttled_for_ever_is_told_before_lambdas_end() {
    let (world, error) = fails(Operation::PutSecretValue, Fault::Throttled).await;
    error.assert_is("createSecret", "throttled", &["throttled PutSecretValue to the end"]);
    assert!(world.calls_of(Operation::PutSecretValue) >= 4, "it was tried again");
    assert!(world.accepts(FIRST_PASSWORD).await);
}

#[tokio::test]
async fn a_service_that_is_down_is_told_before_lambdas_end() {
    let (world, error) = fails(Operation::DescribeSecret, Fault::Drop).await;
    assert!(["tcp", "timeout"].contains(&error.class.as_str()), "{error:?}");
    assert_eq!(error.step, "createSecret");
    let words = ["Secrets Manager for DescribeSecret", "describing the secret"];
    assert!(words.iter().any(|words| error.message.contains(words)), "{error:?}");
    assert!(world.accepts(FIRST_PASSWORD).await);
}

#[tokio::test]
async fn a_service_that_never_answers_is_told_before_lambdas_end() {
    let (_world, error) = fails(Operation::DescribeSecret, Fault::Hang).await;
    error.assert_is("createSecret", "timeout", &["describing the secret"]);
}

#[tokio::test]
async fn an_answer_that_is_lost_on_the_way_costs_no_rotation() {
    for operation in [Operation::PutSecretValue, Operation::UpdateSecretVersionStage] {
        let world = world().await;
        world.local.fail_next(operation, 1, Fault::DropAnswer);
        world.rotate().await.expect("the rotation succeeds");
        assert!(world.accepts(&world.password("AWSCURRENT")).await);
        assert_eq!(world.password("AWSPREVIOUS"), FIRST_PASSWORD);
    }
}

#[tokio::test]
async fn an_error_inside_the_service_is_passed_over() {
    let world = world().await;
    world.local.fail_next(Operation::GetSecretValue, 2, Fault::InternalServiceError);
    world.rotate().await.expect("the rotation succeeds");
}
