//! The rotation of a secret, from `RotateSecret` to the last event.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{
    LONG, call, function, quick, refused, rotate, secret, start, token, with_function,
};
use serde_json::json;
use turnlock_local::{Delivery, EventKind, Hook, Knobs, Local, Operation, RotationFailure};

/// The events' names, steps with what became of them.
fn story(local: &Local) -> Vec<String> {
    let tell = |kind: &EventKind| match kind {
        EventKind::StepFinished { step, attempt, error_type, .. } => {
            Some(format!("{step} {attempt} {}", error_type.as_deref().unwrap_or("ok")))
        }
        EventKind::StepStarted { .. } | EventKind::LabelsMoved { .. } => None,
        EventKind::RotationStarted
        | EventKind::RotationSucceeded
        | EventKind::RotationFailed { .. }
        | EventKind::RotationAbandoned
        | EventKind::RotationCancelled
        | EventKind::TestRotationStarted
        | EventKind::TestRotationSucceeded
        | EventKind::TestRotationFailed { .. } => {
            format!("{kind:?}").split(' ').next().map(str::to_owned)
        }
    };
    local.events().iter().filter_map(|event| tell(&event.kind)).collect()
}

#[tokio::test]
async fn four_steps_make_the_new_version_current() {
    let local = start("").await;
    let first = local.labels("app")["AWSCURRENT"].clone();
    let (token, outcome) = rotate(&local).await;
    outcome.expect("rotates");
    assert_eq!(local.value_of("app", "AWSCURRENT").as_deref(), Some("old+"));
    assert_eq!(local.value_of("app", "AWSPREVIOUS").as_deref(), Some("old"));
    let labels = local.labels("app");
    assert_eq!((&labels["AWSCURRENT"], &labels["AWSPREVIOUS"]), (&token, &first));
    assert!(!labels.contains_key("AWSPENDING"), "the service cleans up");
    assert_eq!(
        story(&local),
        [
            "RotationStarted",
            "createSecret 1 ok",
            "setSecret 1 ok",
            "testSecret 1 ok",
            "finishSecret 1 ok",
            "RotationSucceeded"
        ]
    );
    let described = call(&local, Operation::DescribeSecret, &secret("app"));
    assert_eq!(described["RotationEnabled"], json!(true));
    assert!(described["LastRotatedDate"].is_number());
}

#[tokio::test]
async fn the_pending_version_is_listed_but_has_no_value_before_create_secret() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let local = Arc::new(start("").await);
    let (looker, notes) = (Arc::downgrade(&local), seen.clone());
    let hook = Hook::new(move |step| {
        let (looker, notes) = (looker.clone(), notes.clone());
        async move {
            let Some(local) = looker.upgrade().filter(|_| step.step == "createSecret") else {
                return;
            };
            let described = call(&local, Operation::DescribeSecret, &secret("app"));
            let labels = described["VersionIdsToStages"][&step.version_id].clone();
            let by_id = json!({ "SecretId": "app", "VersionId": step.version_id });
            let by_label = json!({ "SecretId": "app", "VersionStage": "AWSPENDING" });
            let read = Operation::GetSecretValue;
            let errors = (refused(&local, read, &by_id), refused(&local, read, &by_label));
            notes.lock().expect("notes").push((labels, errors));
        }
    });
    local.set_knobs(|knobs| knobs.before_step = Some(hook));
    let (token, outcome) = rotate(&local).await;
    outcome.expect("rotates");
    let notes = seen.lock().expect("notes");
    let (labels, (by_id, by_label)) = notes.first().expect("one look");
    assert_eq!(*labels, json!(["AWSPENDING"]));
    let message = "Secrets Manager can't find the specified secret value for";
    assert_eq!(
        *by_id,
        ("ResourceNotFoundException".into(), format!("{message} VersionId: {token}"))
    );
    assert_eq!(
        *by_label,
        ("ResourceNotFoundException".into(), format!("{message} staging label: AWSPENDING"))
    );
}

#[tokio::test]
async fn a_failed_rotation_is_retried_whole_with_the_same_token() {
    let local = start("testSecret=once").await;
    let (token, outcome) = rotate(&local).await;
    outcome.expect("rotates");
    assert_eq!(
        story(&local),
        [
            "RotationStarted",
            "createSecret 1 ok",
            "setSecret 1 ok",
            "testSecret 1 Planned",
            "createSecret 2 ok",
            "setSecret 2 ok",
            "testSecret 2 ok",
            "finishSecret 2 ok",
            "RotationSucceeded"
        ]
    );
    assert!(
        local.events().iter().all(|event| event.version_id.as_ref().is_none_or(|id| *id == token))
    );
    assert_eq!(local.versions("app").len(), 2);
}

#[tokio::test]
async fn a_rotation_that_keeps_failing_ends_and_names_the_step_and_not_the_reason() {
    let local = start("setSecret=fail").await;
    let (token, outcome) = rotate(&local).await;
    let Err(RotationFailure::Failed { step, error_type, attempts, .. }) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!((step.as_str(), error_type.as_str(), attempts), ("setSecret", "Planned", 3));
    assert_eq!(local.labels("app")["AWSPENDING"], token, "it stays on the half-made version");
    let last = local.events().pop().expect("events");
    let detail = last.detail().expect("an event of the service");
    assert_eq!(detail["eventName"], "RotationFailed");
    assert_eq!(detail["eventType"], "AwsServiceEvent");
    assert_eq!(detail["errorMessage"], "Failed to execute step: setSecret");
}

#[tokio::test]
async fn a_stuck_rotation_refuses_the_next_and_is_taken_up_again_with_its_own_token() {
    let local = start("setSecret=fail").await;
    let (stuck, outcome) = rotate(&local).await;
    outcome.expect_err("fails");
    let request = json!({ "SecretId": "app", "ClientRequestToken": token(5) });
    let (code, message) = refused(&local, Operation::RotateSecret, &request);
    assert_eq!(code, "InvalidRequestException");
    assert_eq!(message, "A previous rotation isn't complete. That rotation will be reattempted.");
    local.wait_for_rotation("app", LONG).await.expect_err("fails again");
    assert_eq!(local.labels("app")["AWSPENDING"], stuck);
    assert_eq!(local.versions("app").len(), 2, "no version of the refused request's token");
}

#[tokio::test]
async fn a_token_that_comes_again_is_the_same_rotation() {
    let local = start("testSecret=once").await;
    local.set_knobs(|knobs| knobs.attempts = 1);
    let request = json!({ "SecretId": "app", "ClientRequestToken": token(5) });
    for expected in [false, true, true] {
        let answer = call(&local, Operation::RotateSecret, &request);
        assert_eq!(answer["VersionId"], json!(token(5)));
        let outcome = local.wait_for_rotation("app", LONG).await;
        assert_eq!(outcome.is_ok(), expected, "fails, is taken up again, is over: {outcome:?}");
    }
    assert_eq!(local.versions("app").len(), 2);
}

#[tokio::test]
async fn a_stuck_rotation_can_be_handed_to_another_function() {
    let builder = with_function("setSecret=fail").function("g", function(""));
    let local = builder.start().await.expect("starts");
    local.create_secret("app", "old").expect("creates");
    local.set_rotation("app", "f").expect("sets");
    let (stuck, outcome) = rotate(&local).await;
    outcome.expect_err("fails");
    let request = json!({
        "SecretId": "app", "ClientRequestToken": token(5),
        "RotationLambdaARN": local.function_arn("g"),
    });
    refused(&local, Operation::RotateSecret, &request);
    local.wait_for_rotation("app", LONG).await.expect("rotates");
    assert_eq!(local.labels("app")["AWSCURRENT"], stuck);
}

#[tokio::test]
async fn the_function_can_change_between_two_steps() {
    let builder = with_function("testSecret=fail").function("g", function("createSecret=fail"));
    let local = Arc::new(builder.start().await.expect("starts"));
    local.create_secret("app", "old").expect("creates");
    local.set_rotation("app", "f").expect("sets");
    let switcher = Arc::downgrade(&local);
    let hook = Hook::new(move |step| {
        let switcher = switcher.clone();
        async move {
            if let Some(local) = switcher.upgrade().filter(|_| step.step == "testSecret") {
                local.set_rotation("app", "g").expect("switches");
            }
        }
    });
    local.set_knobs(|knobs| knobs.before_step = Some(hook));
    rotate(&local).await.1.expect("each function rotates its half");
    assert!(local.output("f").contains("setSecret") && local.output("g").contains("finishSecret"));
}

#[tokio::test]
async fn without_immediate_rotation_only_test_secret_runs_on_the_current_value() {
    let local = start("").await;
    let before = local.labels("app");
    let token = local.test_rotation("app").expect("starts");
    local.wait_for_rotation("app", LONG).await.expect("passes");
    assert_eq!(story(&local), ["TestRotationStarted", "testSecret 1 ok", "TestRotationSucceeded"]);
    assert_eq!(local.labels("app"), before);
    assert!(!local.versions("app").contains(&token), "the temporary version is removed");
    let read: Vec<_> =
        local.calls().into_iter().map(|call| (call.version_id, call.outcome)).collect();
    assert_eq!(read, [(Some(token), Ok(()))]);
}

#[tokio::test]
async fn a_failed_test_is_not_retried_and_leaves_nothing() {
    let local = start("testSecret=fail").await;
    let before = local.labels("app");
    local.test_rotation("app").expect("starts");
    local.wait_for_rotation("app", LONG).await.expect_err("fails");
    assert_eq!(
        story(&local),
        ["TestRotationStarted", "testSecret 1 Planned", "TestRotationFailed"]
    );
    assert_eq!((local.labels("app"), local.versions("app").len()), (before, 1));
}

#[tokio::test]
async fn a_manual_write_abandons_the_rotation() {
    for operation in [Operation::PutSecretValue, Operation::UpdateSecret] {
        let local = start("setSecret=linger").await;
        let mut events = local.subscribe();
        let pending = local.rotate("app").expect("starts");
        while !matches!(&events.recv().await.expect("events").kind, EventKind::StepStarted { step, .. } if step == "setSecret")
        {
        }
        let write =
            json!({ "SecretId": "app", "SecretString": "manual", "ClientRequestToken": token(3) });
        call(&local, operation, &write);
        let outcome = local.wait_for_rotation("app", LONG).await;
        assert_eq!(outcome, Err(RotationFailure::Abandoned));
        assert_eq!(local.value_of("app", "AWSCURRENT").as_deref(), Some("manual"));
        assert!(!local.labels("app").contains_key("AWSPENDING"));
        assert_eq!(local.value_of("app", &pending).as_deref(), Some("old+"), "still readable");
        let story = story(&local);
        assert!(story.contains(&"RotationAbandoned".to_owned()), "{story:?}");
        assert!(!story.iter().any(|line| line.starts_with("testSecret")), "{story:?}");
        let (_, outcome) = rotate(&local).await;
        outcome.expect("the next rotation is free to start");
    }
}

#[tokio::test]
async fn a_manual_write_frees_a_rotation_that_is_stuck() {
    let local = start("setSecret=once").await;
    local.set_knobs(|knobs| knobs.attempts = 1);
    rotate(&local).await.1.expect_err("fails and is stuck");
    local.put_value("app", "manual").expect("writes");
    rotate(&local).await.1.expect("rotates");
    assert_eq!(local.value_of("app", "AWSCURRENT").as_deref(), Some("manual+"));
}

#[tokio::test]
async fn cancelling_turns_rotation_off_and_leaves_the_pending_label() {
    let local = start("setSecret=linger").await;
    let mut events = local.subscribe();
    let pending = local.rotate("app").expect("starts");
    while !matches!(&events.recv().await.expect("events").kind, EventKind::StepStarted { step, .. } if step == "setSecret")
    {
    }
    let answer = call(&local, Operation::CancelRotateSecret, &secret("app"));
    assert_eq!(answer["VersionId"], json!(pending));
    assert_eq!(local.wait_for_rotation("app", LONG).await, Err(RotationFailure::Cancelled));
    assert_eq!(local.labels("app")["AWSPENDING"], pending);
    let described = call(&local, Operation::DescribeSecret, &secret("app"));
    assert_eq!(described["RotationEnabled"], json!(false));
    assert!(described["RotationLambdaARN"].is_string(), "what it was is still shown");
}

#[tokio::test]
async fn doubled_and_overlapping_deliveries_end_like_single_ones() {
    for (delivery, processes) in [(Delivery::Twice, 1), (Delivery::Overlapping, 2)] {
        let knobs = Knobs { delivery, ..quick() };
        let misbehave = "setSecret=linger";
        let local = with_function(misbehave).knobs(knobs).start().await.expect("starts");
        local.create_secret("app", "old").expect("creates");
        local.set_rotation("app", "f").expect("sets");
        rotate(&local).await.1.expect("rotates");
        let output = local.output("f");
        assert_eq!(output.lines().filter(|line| line.starts_with("setSecret")).count(), 2);
        let mut used: Vec<_> = output
            .lines()
            .filter(|line| line.starts_with("setSecret"))
            .filter_map(|line| line.split_once(' '))
            .map(|(_, process)| process)
            .collect();
        used.dedup();
        assert_eq!(used.len(), processes, "{delivery:?}");
        assert_eq!(local.value_of("app", "AWSCURRENT").as_deref(), Some("old+"));
    }
}

#[tokio::test]
async fn only_the_rotation_in_progress_has_the_right_token() {
    let local = start("").await;
    let knobs = |knobs: &mut Knobs| {
        knobs.require_rotation_token = true;
        knobs.attempts = 1;
    };
    local.set_knobs(knobs);
    rotate(&local).await.1.expect("the event's token is accepted");
    local.set_knobs(|knobs| knobs.rotation_token = false);
    let outcome = rotate(&local).await.1.expect_err("no token, no write");
    assert!(outcome.to_string().contains("AccessDeniedException"), "{outcome}");
    let forged = json!({
        "SecretId": "app", "SecretString": "x", "ClientRequestToken": local.labels("app")["AWSPENDING"],
        "RotationToken": "0".repeat(36), "VersionStages": ["AWSPENDING"],
    });
    assert_eq!(refused(&local, Operation::PutSecretValue, &forged).0, "InvalidParameterException");
}

#[tokio::test]
async fn scheduled_rotations_start_when_they_are_due() {
    let local = start("").await;
    let request = json!({
        "SecretId": "app", "ClientRequestToken": token(1), "RotateImmediately": false,
        "RotationRules": { "ScheduleExpression": "rate(4 hours)" },
    });
    call(&local, Operation::RotateSecret, &request);
    local.wait_for_rotation("app", LONG).await.expect("tests");
    assert_eq!(local.value_of("app", "AWSCURRENT").as_deref(), Some("old"));
    assert!(local.rotate_due().is_empty(), "not before its window opens");
    for expected in ["old+", "old++"] {
        assert_eq!(local.advance(Duration::from_secs(4 * 3600)).len(), 1);
        local.wait_for_rotation("app", LONG).await.expect("rotates");
        assert_eq!(local.value_of("app", "AWSCURRENT").as_deref(), Some(expected));
    }
    assert!(local.rotate_due().is_empty(), "the next window is later");
}

#[tokio::test]
async fn what_has_happened_can_be_moved_into_the_past_while_the_clock_stays() {
    let local = start("").await;
    let request = json!({
        "SecretId": "app", "ClientRequestToken": token(1), "RotateImmediately": false,
        "RotationRules": { "ScheduleExpression": "rate(4 hours)" },
    });
    call(&local, Operation::RotateSecret, &request);
    local.wait_for_rotation("app", LONG).await.expect("tests");
    let created = || {
        let request = json!({ "SecretId": "app", "VersionStage": "AWSCURRENT" });
        let answer = call(&local, Operation::GetSecretValue, &request);
        answer["CreatedDate"].as_f64().expect("a date")
    };
    let before = created();
    assert_eq!(local.age(Duration::from_hours(4)).len(), 1, "its window has opened");
    local.wait_for_rotation("app", LONG).await.expect("rotates");
    let now = created();
    assert!(now >= before, "what happens now has the date of now");
    local.age(Duration::from_hours(4));
    assert!((now - created() - 14_400.0).abs() < 0.01);
}
