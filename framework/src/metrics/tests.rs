use std::time::UNIX_EPOCH;

use serde_json::{Value, json};

use super::*;
use crate::error::Cause;
use crate::{Class, SecretId, Step, TargetError, VersionId};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

fn metrics() -> Metrics {
    Metrics::new("Turnlock".to_owned(), "rotator".to_owned())
}

fn event(step: Step) -> RotationEvent {
    RotationEvent {
        step,
        secret_id: SecretId::new("arn:secret"),
        version: VersionId::new(TOKEN),
        rotation_token: None,
    }
}

fn line(
    metrics: &Metrics,
    event: Option<&RotationEvent>,
    done: Result<Outcome, &Failure>,
) -> Value {
    let invocation = Invocation {
        event,
        done,
        seen: &Seen::default(),
        took: Duration::from_micros(12_900),
        ended: UNIX_EPOCH + Duration::from_millis(1_769_860_800_250),
        request: "request-1",
    };
    let line = metrics.line(&invocation);
    assert_eq!(line.matches('\n').count(), 1);
    assert!(line.ends_with("}\n"));
    serde_json::from_str(&line).unwrap()
}

#[test]
fn a_step_is_one_line_of_the_embedded_metric_format() {
    let expected = json!({
        "_aws": {
            "Timestamp": 1_769_860_800_250_u64,
            "CloudWatchMetrics": [{
                "Namespace": "Turnlock",
                "Dimensions": [["FunctionName"], ["FunctionName", "Step"]],
                "Metrics": [
                    {"Name": "Duration", "Unit": "Milliseconds"},
                    {"Name": "Failures", "Unit": "Count"},
                    {"Name": "Changes", "Unit": "Count"},
                    {"Name": "Rotations", "Unit": "Count"},
                ],
            }],
        },
        "level": "INFO",
        "timestamp": "2026-01-31T12:00:00.25Z",
        "FunctionName": "rotator",
        "Step": "finishSecret",
        "SecretId": "arn:secret",
        "VersionId": TOKEN,
        "RequestId": "request-1",
        "Outcome": "changed",
        "Duration": 12,
        "Failures": 0,
        "Changes": 1,
        "Rotations": 1,
    });
    let done = Ok(Outcome::Changed);
    assert_eq!(line(&metrics(), Some(&event(Step::Finish)), done), expected);
}

#[test]
fn a_failure_counts_by_its_class_too() {
    let cause = Cause::Target(TargetError::new(Class::Permission, "the admin may not"));
    let failure = Failure::new(Step::Set, SecretId::new("arn:secret"), cause);
    let found = line(&metrics(), Some(&event(Step::Set)), Err(&failure));
    let directives = json!([
        {
            "Namespace": "Turnlock",
            "Dimensions": [["FunctionName"], ["FunctionName", "Step"]],
            "Metrics": [
                {"Name": "Duration", "Unit": "Milliseconds"},
                {"Name": "Failures", "Unit": "Count"},
                {"Name": "Changes", "Unit": "Count"},
            ],
        },
        {
            "Namespace": "Turnlock",
            "Dimensions": [["FunctionName", "ErrorClass"]],
            "Metrics": [{"Name": "Failures", "Unit": "Count"}],
        },
    ]);
    assert_eq!(found["_aws"]["CloudWatchMetrics"], directives);
    let values = ["Outcome", "ErrorClass", "Failures", "Changes"].map(|name| found[name].clone());
    assert_eq!(values, [json!("failed"), json!("permission"), json!(1), json!(0)]);
}

#[test]
fn what_is_no_event_is_a_failure_of_no_step() {
    let malformed = RotationEvent::parse(json!({"Step": "setSecret"})).unwrap_err();
    let found = line(&metrics(), None, Err(&Failure::from(malformed)));
    let directives = json!([
        {
            "Namespace": "Turnlock",
            "Dimensions": [["FunctionName"]],
            "Metrics": [
                {"Name": "Duration", "Unit": "Milliseconds"},
                {"Name": "Failures", "Unit": "Count"},
            ],
        },
        {
            "Namespace": "Turnlock",
            "Dimensions": [["FunctionName", "ErrorClass"]],
            "Metrics": [{"Name": "Failures", "Unit": "Count"}],
        },
    ]);
    assert_eq!(found["_aws"]["CloudWatchMetrics"], directives);
    assert_eq!(found["ErrorClass"], "malformed-event");
    for absent in ["Step", "SecretId", "VersionId"] {
        assert!(found.get(absent).is_none(), "{absent}");
    }
}

#[test]
fn without_a_namespace_there_are_no_metrics() {
    for namespace in [None, Some(""), Some(" ")] {
        let variable = |name: &str| match name {
            "METRICS_NAMESPACE" => namespace.map(str::to_owned),
            _ => Some("set".to_owned()),
        };
        assert!(Metrics::from_variables(variable).is_none(), "{namespace:?}");
    }
}

#[test]
fn a_line_has_the_level_that_lambda_sends_on() {
    for (of_function, expected) in [
        (None, "INFO"),
        (Some("TRACE"), "INFO"),
        (Some("INFO"), "INFO"),
        (Some("WARN"), "WARN"),
        (Some("error"), "ERROR"),
        (Some("FATAL"), "FATAL"),
    ] {
        let variable = |name: &str| match name {
            "METRICS_NAMESPACE" => Some("Own".to_owned()),
            "AWS_LAMBDA_FUNCTION_NAME" => Some("by-name".to_owned()),
            "AWS_LAMBDA_LOG_LEVEL" => of_function.map(str::to_owned),
            _ => None,
        };
        let metrics = Metrics::from_variables(variable).unwrap();
        let found = line(&metrics, Some(&event(Step::Test)), Ok(Outcome::Unchanged));
        assert_eq!(found["level"], expected);
        assert_eq!(found["FunctionName"], "by-name");
        assert_eq!(found["_aws"]["CloudWatchMetrics"][0]["Namespace"], "Own");
    }
}
