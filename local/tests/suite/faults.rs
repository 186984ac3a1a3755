//! Lag, throttling and faults on demand.

use std::time::{Duration, Instant};

use serde_json::json;
use turnlock_local::{Fault, Knobs, Local, Operation, serial_round_trips};

use crate::support::{call, rotate, send, start, token};

const READ: &str = r#"{"SecretId":"app"}"#;

#[tokio::test]
async fn reads_by_label_lag_and_reads_by_id_do_not() {
    let lag = Duration::from_secs(2);
    let knobs = Knobs { label_lag: lag, ..Knobs::default() };
    let local = Local::builder().knobs(knobs).start().await.expect("starts");
    local.create_secret("app", "old").expect("creates");
    tokio::time::sleep(lag).await;
    let version = local.put_value("app", "new").expect("writes");
    let read = |request| call(&local, Operation::GetSecretValue, &request)["SecretString"].clone();
    assert_eq!(read(json!({ "SecretId": "app" })), "old");
    assert_eq!(read(json!({ "SecretId": "app", "VersionStage": "AWSCURRENT" })), "old");
    assert_eq!(read(json!({ "SecretId": "app", "VersionId": version })), "new");
    tokio::time::sleep(lag).await;
    assert_eq!(read(json!({ "SecretId": "app" })), "new");
}

#[tokio::test]
async fn a_pending_value_read_by_label_lags_like_the_label() {
    let local = start("").await;
    local.set_knobs(|knobs| knobs.label_lag = Duration::from_secs(5));
    let outcome = rotate(&local).await.1;
    outcome.expect("the function reads its pending value by VersionId");
    assert_eq!(local.value_of("app", "AWSCURRENT").as_deref(), Some("old+"));
}

#[tokio::test]
async fn the_fifty_first_write_of_a_second_is_throttled() {
    let knobs = Knobs { throttle: true, ..Knobs::default() };
    let local = Local::builder().knobs(knobs).start().await.expect("starts");
    local.create_secret("app", "old").expect("creates");
    let (start, mut throttled) = (Instant::now(), 0);
    for number in 0..60 {
        let body = json!({
            "SecretId": "app", "SecretString": "v", "ClientRequestToken": token(number),
        });
        let answer = send(&local, "PutSecretValue", &body.to_string()).await.expect("answers");
        if answer.status == 400 {
            let expected = json!({ "__type": "ThrottlingException", "message": "Rate exceeded" });
            assert_eq!(answer.json(), expected);
            throttled += 1;
        }
    }
    let refilled = usize::try_from(start.elapsed().as_millis() / 20).expect("small") + 1;
    assert!(throttled + refilled >= 10, "{throttled} throttled, {refilled} refilled");
    assert_eq!(send(&local, "GetSecretValue", READ).await.expect("answers").status, 200);
}

#[tokio::test]
async fn the_next_calls_of_an_operation_fail_as_planned() {
    let local = start("").await;
    let other = Fault::Error { code: "DecryptionFailure".into(), message: "no key".into() };
    for (fault, status, code) in [
        (Fault::Throttled, 400, "ThrottlingException"),
        (Fault::AccessDenied, 400, "AccessDeniedException"),
        (Fault::InternalServiceError, 500, "InternalServiceError"),
        (other, 400, "DecryptionFailure"),
    ] {
        local.fail_next(Operation::GetSecretValue, 2, fault);
        assert_eq!(send(&local, "DescribeSecret", READ).await.expect("answers").status, 200);
        for _ in 0..2 {
            let answer = send(&local, "GetSecretValue", READ).await.expect("answers");
            assert_eq!((answer.status, &answer.json()["__type"]), (status, &json!(code)));
        }
        assert_eq!(send(&local, "GetSecretValue", READ).await.expect("answers").status, 200);
        assert_eq!(local.calls()[1].outcome, Err(code.to_owned()));
        local.clear_calls();
    }
}

#[tokio::test]
async fn a_call_can_be_dropped_before_or_after_it_was_done_or_never_answered() {
    let local = start("").await;
    let put = |digit| {
        json!({ "SecretId": "app", "SecretString": "new", "ClientRequestToken": token(digit) })
            .to_string()
    };
    local.fail_next(Operation::PutSecretValue, 1, Fault::Drop);
    assert!(send(&local, "PutSecretValue", &put(1)).await.is_none());
    assert_eq!(local.value_of("app", &token(1)), None);
    local.fail_next(Operation::PutSecretValue, 1, Fault::DropAnswer);
    assert!(send(&local, "PutSecretValue", &put(2)).await.is_none());
    assert_eq!(local.value_of("app", &token(2)).as_deref(), Some("new"));
    local.fail_next(Operation::GetSecretValue, 1, Fault::Hang);
    let hung = tokio::time::timeout(Duration::from_secs(1), send(&local, "GetSecretValue", READ));
    assert!(hung.await.is_err());
    let outcomes: Vec<_> =
        local.calls().into_iter().filter_map(|call| call.outcome.err()).collect();
    assert_eq!(outcomes, ["Drop", "DropAnswer", "Hang"]);
}

#[tokio::test]
async fn a_function_can_be_killed_at_each_of_its_calls() {
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        for calls in 0..7 {
            let local = start("").await;
            local.fail_after(calls, fault.clone());
            rotate(&local).await.1.unwrap_or_else(|error| panic!("{fault:?} {calls}: {error}"));
            assert_eq!(local.value_of("app", "AWSCURRENT").as_deref(), Some("old+"));
            let killed = |call: &turnlock_local::Call| call.outcome == Err(format!("{fault:?}"));
            assert_eq!(local.calls().iter().filter(|call| killed(call)).count(), 1);
        }
    }
}

#[tokio::test]
async fn latency_lets_calls_made_at_once_overlap() {
    let knobs = Knobs { latency: Duration::from_millis(500), ..Knobs::default() };
    let local = Local::builder().knobs(knobs).start().await.expect("starts");
    local.create_secret("app", "old").expect("creates");
    let _both =
        tokio::join!(send(&local, "GetSecretValue", READ), send(&local, "DescribeSecret", READ));
    send(&local, "GetSecretValue", READ).await;
    assert_eq!((local.calls().len(), serial_round_trips(&local.calls())), (3, 2));
}
