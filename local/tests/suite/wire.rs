//! What travels: AWS JSON 1.1 and Invoke.

use serde_json::{Value, json};
use turnlock_local::{Function, Local};

use crate::support::{function, post, send, start, token};

async fn empty() -> Local {
    Local::builder().start().await.expect("starts")
}

#[tokio::test]
async fn an_error_has_its_code_in_body_and_header() {
    let local = empty().await;
    let answer = send(&local, "GetSecretValue", r#"{"SecretId":"none"}"#).await.expect("answers");
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json(),
        json!({
            "__type": "ResourceNotFoundException",
            "Message": "Secrets Manager can't find the specified secret.",
        })
    );
    assert_eq!(answer.header("x-amzn-errortype"), Some("ResourceNotFoundException"));
    assert_eq!(answer.header("content-type"), Some("application/x-amz-json-1.1"));
    assert_eq!(answer.header("x-amzn-requestid").map(str::len), Some(36));
}

#[tokio::test]
async fn requests_that_do_not_fit_the_model_are_refused() {
    let local = empty().await;
    let long = "x".repeat(65_537);
    let too_long = json!({ "SecretId": "s", "ClientRequestToken": token(1), "SecretString": long });
    for (operation, body, code, message) in [
        ("NoSuchOperation", "{}", "UnknownOperationException", ""),
        ("GetSecretValue", "{", "SerializationException", ""),
        ("GetSecretValue", "[]", "SerializationException", ""),
        ("GetSecretValue", r#"{"SecretId":7}"#, "SerializationException", "SecretId"),
        ("GetSecretValue", "{}", "ValidationException", "Value null at 'secretId'"),
        (
            "GetSecretValue",
            r#"{"SecretId":""}"#,
            "ValidationException",
            "greater than or equal to 1",
        ),
        ("PutSecretValue", &too_long.to_string(), "ValidationException", "Value at 'secretString'"),
        (
            "ListSecrets",
            r#"{"MaxResults":101}"#,
            "ValidationException",
            "less than or equal to 100",
        ),
        (
            "ListSecrets",
            r#"{"SortOrder":"up"}"#,
            "ValidationException",
            "enum value set: [asc, desc]",
        ),
        (
            "RotateSecret",
            r#"{"SecretId":"s","RotationRules":{"AutomaticallyAfterDays":0},"ClientRequestToken":"short"}"#,
            "ValidationException",
            "2 validation errors detected",
        ),
    ] {
        let answer = send(&local, operation, body).await.expect("answers");
        let json = answer.json();
        assert_eq!((answer.status, &json["__type"]), (400, &json!(code)), "{operation} {body:.60}");
        let text = json["message"].as_str().unwrap_or_default();
        assert!(text.contains(message) && !text.contains("xxx"), "{text}");
    }
}

#[tokio::test]
async fn a_secret_is_in_the_region_that_the_request_was_signed_for() {
    let local = empty().await;
    let body = json!({ "Name": "s", "SecretString": "v", "ClientRequestToken": token(1) });
    let scope = "Authorization: AWS4-HMAC-SHA256 Credential=K/20260101/eu-west-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=00";
    let target = "X-Amz-Target: secretsmanager.CreateSecret";
    let answer = post(&local, "/", &[target, scope], &body.to_string()).await.expect("answers");
    let arn = answer.json()["ARN"].as_str().unwrap_or_default().to_owned();
    assert!(arn.starts_with("arn:aws:secretsmanager:eu-west-1:123456789012:secret:s-"), "{arn}");
    let call = local.calls().pop().expect("a call");
    assert_eq!((call.from_function, call.step), (None, None));
}

#[tokio::test]
async fn the_journal_knows_the_function_and_its_step() {
    let local = start("").await;
    local.rotate("app").expect("starts");
    local.wait_for_rotation("app", crate::support::LONG).await.expect("rotates");
    let told: Vec<_> = local
        .calls()
        .into_iter()
        .map(|call| {
            assert!(call.started <= call.finished);
            (
                call.from_function.unwrap_or_default(),
                call.step.unwrap_or_default(),
                call.operation.to_string(),
            )
        })
        .collect();
    let expected = [
        ("createSecret", "GetSecretValue"),
        ("createSecret", "GetSecretValue"),
        ("createSecret", "PutSecretValue"),
        ("setSecret", "GetSecretValue"),
        ("testSecret", "GetSecretValue"),
        ("finishSecret", "DescribeSecret"),
        ("finishSecret", "UpdateSecretVersionStage"),
    ]
    .map(|(step, operation)| ("f".to_owned(), step.to_owned(), operation.to_owned()));
    assert_eq!(told, expected);
}

#[tokio::test]
async fn a_function_is_invoked_by_its_name_or_its_arn() {
    let local = Local::builder().function("f", function("")).start().await.expect("starts");
    for name in [
        "f".to_owned(),
        "f:live".to_owned(),
        local.function_arn("f"),
        local.function_arn("f").replace(':', "%3A"),
    ] {
        let path = format!("/2015-03-31/functions/{name}/invocations");
        let answer = post(&local, &path, &["X-Amz-Log-Type: Tail"], r#"{"a":1}"#).await;
        let answer = answer.expect("answers");
        assert_eq!((answer.status, answer.json()), (200, json!({ "a": 1 })));
        assert_eq!(answer.header("x-amz-function-error"), None);
        assert!(answer.header("x-amz-log-result").is_some_and(|log| !log.is_empty()));
    }
    let gone =
        post(&local, "/2015-03-31/functions/g/invocations", &[], "{}").await.expect("answers");
    assert_eq!(gone.status, 404);
    assert_eq!(gone.header("x-amzn-errortype"), Some("ResourceNotFoundException"));
    let broken =
        post(&local, "/2015-03-31/functions/f/invocations", &[], "{").await.expect("answers");
    assert_eq!(broken.status, 400);
}

#[tokio::test]
async fn a_failed_invocation_is_a_200_with_a_header() {
    let misbehave = function("setSecret=fail");
    let local = Local::builder().function("f", misbehave).start().await.expect("starts");
    let body = r#"{"Step":"setSecret"}"#;
    let path = "/2015-03-31/functions/f/invocations";
    let answer = post(&local, path, &[], body).await.expect("answers");
    assert_eq!((answer.status, answer.header("x-amz-function-error")), (200, Some("Unhandled")));
    assert_eq!(answer.json()["errorType"], "Planned");
    for (kind, status) in [("Event", 202), ("DryRun", 204)] {
        let header = format!("X-Amz-Invocation-Type: {kind}");
        let answer = post(&local, path, &[&header], body).await.expect("answers");
        assert_eq!(answer.status, status);
    }
}

#[tokio::test]
async fn a_function_may_be_a_url_that_speaks_invoke() {
    let there = Local::builder().function("f", function("testSecret=fail")).start().await;
    let there = there.expect("starts");
    let here = Local::builder().function("f", Function::url(there.endpoint())).start().await;
    let here = here.expect("starts");
    let answer = here.invoke("f", json!({ "b": 2 })).await;
    assert_eq!((answer.error_type, answer.payload), (None, json!({ "b": 2 })));
    let answer = here.invoke("f", json!({ "Step": "testSecret" })).await;
    assert_eq!(answer.error_type.as_deref(), Some("Planned"));
    drop(there);
    let answer = here.invoke("f", Value::Null).await;
    assert_eq!(answer.error_type.as_deref(), Some("Runtime.Unreachable"));
}
