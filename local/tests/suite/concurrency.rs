//! Reserved concurrency: what is over it is throttled, and who is throttled comes again.

use std::time::Duration;

use serde_json::{Value, json};
use turnlock_local::{Function, Local, RotationFailure};

use crate::support::{LONG, function, post, quick};

const INVOKE: &str = "/2015-03-31/functions/f/invocations";

async fn start(function: Function) -> Local {
    Local::builder().knobs(quick()).function("f", function).start().await.expect("starts")
}

/// A function whose `x` takes a while.
fn slow() -> Function {
    function("x=linger")
}

#[tokio::test]
async fn the_second_invocation_of_a_function_that_may_run_once_is_throttled_until_the_first_ends() {
    let local = start(slow().concurrency(1)).await;
    let event = json!({ "Step": "x" });
    let (one, other) = tokio::join!(local.invoke("f", event.clone()), local.invoke("f", event));
    assert_eq!((one.status, one.error_type), (200, None));
    assert_eq!((other.status, other.payload), (429, Value::Null));
    assert_eq!(other.error_type.as_deref(), Some("TooManyRequestsException"));
    assert_eq!(local.throttles("f"), 1);
    assert_eq!(local.invoke("f", json!({})).await.status, 200);
    assert_eq!(local.throttles("f"), 1);
}

#[tokio::test]
async fn as_many_as_may_run_at_once_do_and_without_a_limit_any_number_does() {
    for (function, throttled) in [(slow().concurrency(2), 1), (slow(), 0)] {
        let local = start(function).await;
        let event = || local.invoke("f", json!({ "Step": "x" }));
        let (one, two, three) = tokio::join!(event(), event(), event());
        let statuses = [one, two, three].map(|answer| answer.status);
        assert_eq!(statuses.iter().filter(|status| **status == 429).count(), throttled);
    }
}

#[tokio::test]
async fn invoke_answers_a_throttled_call_as_lambda_does() {
    let local = start(function("").concurrency(0)).await;
    let answer = post(&local, INVOKE, &[], "{}").await.expect("answers");
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header("x-amzn-errortype"), Some("TooManyRequestsException"));
    let expected = json!({
        "Type": "User",
        "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
        "message": "Rate Exceeded.",
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn a_throttled_event_that_nobody_waits_for_is_run_later() {
    let local = start(slow().concurrency(1)).await;
    let header = ["X-Amz-Invocation-Type: Event"];
    for number in [1, 2] {
        let body = json!({ "Step": "x", "number": number }).to_string();
        let answer = post(&local, INVOKE, &header, &body).await.expect("answers");
        assert_eq!(answer.status, 202);
    }
    let both = async {
        while local.output("f").lines().count() < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LONG, both).await.expect("both run");
    assert!(local.throttles("f") > 0);
}

#[tokio::test]
async fn a_function_behind_a_url_throttles_too() {
    let there = start(function("").concurrency(0)).await;
    let here = start(Function::url(there.endpoint())).await;
    assert_eq!(here.invoke("f", json!({})).await.status, 429);
    assert_eq!((here.throttles("f"), there.throttles("f")), (1, 1));
}

#[tokio::test]
async fn rotations_that_are_due_together_take_turns_in_one_environment() {
    let local = start(function("").concurrency(1)).await;
    let names = ["a", "b", "c", "d", "e"];
    for name in names {
        local.create_secret(name, "old").expect("creates");
        local.set_rotation(name, "f").expect("sets rotation");
        local.rotate(name).expect("starts");
    }
    for name in names {
        local.wait_for_rotation(name, LONG).await.expect("rotates");
        assert_eq!(local.value_of(name, "AWSCURRENT").as_deref(), Some("old+"));
    }
    assert!(local.throttles("f") >= 4, "all but one were throttled at first");
    let output = local.output("f");
    let mut processes: Vec<_> = output.lines().filter_map(|line| line.split(' ').nth(1)).collect();
    assert_eq!(processes.len(), 4 * names.len(), "no step ran twice: {output}");
    processes.dedup();
    assert_eq!(processes.len(), 1, "{output}");
}

#[tokio::test]
async fn a_step_that_is_throttled_for_too_long_fails_the_rotation() {
    let local = start(function("").concurrency(0)).await;
    local.set_knobs(|knobs| (knobs.attempts, knobs.patience) = (1, Duration::from_secs(1)));
    local.create_secret("app", "old").expect("creates");
    local.set_rotation("app", "f").expect("sets rotation");
    local.rotate("app").expect("starts");
    let outcome = local.wait_for_rotation("app", LONG).await;
    let Err(RotationFailure::Failed { step, error_type, attempts, .. }) = outcome else {
        panic!("{outcome:?}")
    };
    let expected = ("createSecret", "TooManyRequestsException", 1);
    assert_eq!((step.as_str(), error_type.as_str(), attempts), expected);
    assert!(local.throttles("f") > 1, "it was sent again");
}
