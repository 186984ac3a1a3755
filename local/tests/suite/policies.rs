//! What functions may do, by the policies of their roles, as it is seen on the wire.

use serde_json::{Value, json};
use turnlock_local::{Decision, Function, Local, Operation, Policy};

use crate::support::{Wire, call, post, token};

const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/11112222-3333-4444-5555-666677778888";
const CURRENT: &str = "00000000000000000000000000000001";

fn allow(actions: &[&str], resource: &str, condition: Value) -> Value {
    let mut allow = json!({ "Effect": "Allow", "Action": actions, "Resource": resource });
    if !condition.is_null() {
        allow["Condition"] = condition;
    }
    allow
}

/// A function elsewhere whose role has these statements, each a document of its own; and the secret `app`, under a key.
async fn start(statements: &[Value]) -> (Local, String) {
    let mut function = Function::url("http://127.0.0.1:1").access_key("ELSEWHERE");
    for statement in statements {
        let document = json!({ "Version": "2012-10-17", "Statement": statement });
        function = function.policy(Policy::from_value(&document).expect("a policy"));
    }
    let local = Local::builder().function("f", function).start().await.expect("starts");
    let request = json!({
        "Name": "app", "SecretString": "old", "ClientRequestToken": CURRENT, "KmsKeyId": KEY,
        "Tags": [{ "Key": "team", "Value": "shop" }],
    });
    let created = call(&local, Operation::CreateSecret, &request);
    local.set_rotation("app", "f").expect("sets rotation");
    (local, created["ARN"].as_str().expect("an ARN").to_owned())
}

async fn send_as(local: &Local, key: &str, operation: Operation, request: &Value) -> Wire {
    let target = format!("X-Amz-Target: secretsmanager.{operation}");
    let signature = format!(
        "Authorization: AWS4-HMAC-SHA256 Credential={key}/20260131/us-east-1/secretsmanager/aws4_request, Signature=0"
    );
    post(local, "/", &[&target, &signature], &request.to_string()).await.expect("an answer")
}

async fn send(local: &Local, operation: Operation, request: &Value) -> Wire {
    send_as(local, "ELSEWHERE", operation, request).await
}

/// What is said of a call that is denied.
async fn denied(local: &Local, operation: Operation, request: &Value) -> String {
    let answer = send(local, operation, request).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(answer.json()["__type"], "AccessDeniedException", "{answer:?}");
    answer.json()["message"].as_str().expect("a message").to_owned()
}

fn not_allowed(action: &str, on: &str) -> String {
    format!(
        "User: arn:aws:sts::123456789012:assumed-role/f/f is not authorized to perform: {action}{on} because no identity-based policy allows the {action} action"
    )
}

#[tokio::test]
async fn every_operation_needs_its_action_and_says_which_is_missing() {
    let (local, arn) = start(&[allow(&["secretsmanager:Nothing"], "*", Value::Null)]).await;
    // Each takes the members that it knows.
    let request = json!({
        "SecretId": "app", "Name": "new", "SecretIdList": ["app"], "VersionStage": "a",
        "ResourcePolicy": "{}", "Tags": [], "TagKeys": [],
    });
    let of_all =
        [Operation::BatchGetSecretValue, Operation::GetRandomPassword, Operation::ListSecrets];
    for operation in Operation::ALL.iter().copied() {
        let said = denied(&local, operation, &request).await;
        let on = if of_all.contains(&operation) {
            String::new()
        } else if operation == Operation::CreateSecret {
            " on resource: arn:aws:secretsmanager:us-east-1:123456789012:secret:new-".to_owned()
        } else {
            format!(" on resource: {arn}")
        };
        let action = format!("secretsmanager:{operation}");
        assert!(said.contains(&format!("perform: {action}{on}")), "{said}");
        let reason = format!(" because no identity-based policy allows the {action} action");
        assert!(said.ends_with(&reason), "{said}");
    }
}

#[tokio::test]
async fn callers_without_a_policy_may_do_everything() {
    let (local, _) = start(&[allow(&["secretsmanager:Nothing"], "*", Value::Null)]).await;
    let request = json!({ "SecretId": "app" });
    let answer = send_as(&local, "SOMEBODY", Operation::GetSecretValue, &request).await;
    assert_eq!(answer.json()["SecretString"], "old");
    assert_eq!(local.calls().last().expect("a call").from_function, None);
}

#[tokio::test]
async fn a_secret_is_narrowed_by_the_function_that_rotates_it() {
    let key = "secretsmanager:resource/AllowRotationLambdaArn";
    let arn_of = |name: &str| format!("arn:aws:lambda:us-east-1:123456789012:function:{name}");
    let condition = json!({ "ArnEquals": { key: arn_of("f") } });
    let (local, arn) = start(&[allow(&["secretsmanager:Describe*"], "*", condition)]).await;
    let other = local.create_secret("other", "x").expect("creates");
    for id in ["app", &arn] {
        let answer = send(&local, Operation::DescribeSecret, &json!({ "SecretId": id })).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let said = denied(&local, Operation::DescribeSecret, &json!({ "SecretId": "other" })).await;
    let on = format!(" on resource: {other}");
    assert_eq!(said, not_allowed("secretsmanager:DescribeSecret", &on));
}

#[tokio::test]
async fn a_secret_that_is_not_there_is_named_as_it_was_given_unless_all_are_allowed() {
    let read = ["secretsmanager:GetSecretValue"];
    let one = "arn:aws:secretsmanager:us-east-1:123456789012:secret:app-*";
    let request = json!({ "SecretId": "gone" });
    let (local, _) = start(&[allow(&read, one, Value::Null)]).await;
    let said = denied(&local, Operation::GetSecretValue, &request).await;
    assert_eq!(said, not_allowed(read[0], " on resource: gone"));
    let (local, _) = start(&[allow(&read, "*", Value::Null)]).await;
    let answer = send(&local, Operation::GetSecretValue, &request).await;
    assert_eq!(answer.json()["__type"], "ResourceNotFoundException");
}

#[tokio::test]
async fn conditions_see_the_request_and_the_tags() {
    let condition = json!({
        "StringEquals": {
            "secretsmanager:VersionStage": "AWSCURRENT",
            "aws:ResourceTag/team": "shop",
            "secretsmanager:ResourceTag/team": "shop",
            "aws:RequestedRegion": "us-east-1",
            "secretsmanager:SecretId": "app",
        },
        "ArnEquals": {
            "lambda:SourceFunctionArn": "arn:aws:lambda:us-east-1:123456789012:function:f",
        },
    });
    let kms = allow(&["kms:*"], "*", Value::Null);
    let read = allow(&["secretsmanager:GetSecretValue"], "*", condition);
    let (local, arn) = start(&[read, kms]).await;
    let right = json!({ "SecretId": "app", "VersionStage": "AWSCURRENT" });
    assert_eq!(send(&local, Operation::GetSecretValue, &right).await.status, 200);
    for wrong in [
        json!({ "SecretId": "app" }),
        json!({ "SecretId": arn, "VersionStage": "AWSCURRENT" }),
        json!({ "SecretId": "app", "VersionStage": "AWSPREVIOUS" }),
    ] {
        denied(&local, Operation::GetSecretValue, &wrong).await;
    }
}

#[tokio::test]
async fn a_statement_that_denies_is_said_to() {
    let all = allow(&["*"], "*", Value::Null);
    let deny = json!({ "Effect": "Deny", "Action": "secretsmanager:Get*", "Resource": "*" });
    let (local, arn) = start(&[all, deny]).await;
    let said = denied(&local, Operation::GetSecretValue, &json!({ "SecretId": "app" })).await;
    let reason = "with an explicit deny in an identity-based policy";
    assert!(said.ends_with(&format!("on resource: {arn} {reason}")), "{said}");
}

/// A role that may do everything to secrets, and this with a key.
async fn with_key(actions: &[&str], condition: Value) -> Local {
    let secrets = allow(&["secretsmanager:*"], "*", Value::Null);
    start(&[secrets, allow(actions, KEY, condition)]).await.0
}

fn write(digit: u32, value: &str) -> Value {
    json!({ "SecretId": "app", "ClientRequestToken": token(digit), "SecretString": value })
}

const NO_KMS: &str = "Access to KMS is not allowed";

#[tokio::test]
async fn a_value_under_a_key_of_ones_own_is_read_with_decrypt_and_stored_with_generate_data_key() {
    let (read, new, again) = (json!({ "SecretId": "app" }), write(2, "new"), write(1, "old"));
    let context = json!({
        "StringEquals": {
            "kms:ViaService": "secretsmanager.us-east-1.amazonaws.com",
            "kms:CallerAccount": "123456789012",
        },
        "StringLike": {
            "kms:EncryptionContext:SecretARN": "arn:aws:secretsmanager:*:*:secret:app-??????",
            "kms:EncryptionContext:SecretVersionId": "0000*",
        },
    });
    for condition in [Value::Null, context] {
        let local = with_key(&["kms:Decrypt"], condition.clone()).await;
        assert_eq!(send(&local, Operation::GetSecretValue, &read).await.status, 200);
        // A repeated write is compared with what is stored.
        assert_eq!(send(&local, Operation::PutSecretValue, &again).await.status, 200);
        assert_eq!(denied(&local, Operation::PutSecretValue, &new).await, NO_KMS);
        assert_eq!(denied(&local, Operation::UpdateSecret, &new).await, NO_KMS);
        let local = with_key(&["kms:GenerateDataKey"], condition).await;
        assert_eq!(denied(&local, Operation::GetSecretValue, &read).await, NO_KMS);
        assert_eq!(denied(&local, Operation::PutSecretValue, &again).await, NO_KMS);
        assert_eq!(send(&local, Operation::PutSecretValue, &new).await.status, 200);
        let answer = send(&local, Operation::UpdateSecret, &write(3, "newer")).await;
        assert_eq!(answer.status, 200);
    }
}

#[tokio::test]
async fn a_version_without_a_value_is_missing_and_not_denied() {
    let local = with_key(&["kms:GenerateDataKey"], Value::Null).await;
    let request = json!({ "SecretId": "app", "VersionId": token(9) });
    let answer = send(&local, Operation::GetSecretValue, &request).await;
    assert_eq!(answer.json()["__type"], "ResourceNotFoundException");
}

#[tokio::test]
async fn another_service_or_another_secret_may_not_use_the_key() {
    for condition in [
        json!({ "StringEquals": { "kms:ViaService": "s3.us-east-1.amazonaws.com" } }),
        json!({ "StringLike": { "kms:EncryptionContext:SecretARN": "*:secret:other-*" } }),
    ] {
        let local = with_key(&["kms:*"], condition).await;
        let read = json!({ "SecretId": "app" });
        assert_eq!(denied(&local, Operation::GetSecretValue, &read).await, NO_KMS);
    }
}

#[tokio::test]
async fn a_key_that_is_new_to_a_secret_is_tried_in_both_ways() {
    let (create, update) = (
        json!({ "Name": "new", "KmsKeyId": KEY, "ClientRequestToken": token(1) }),
        json!({ "SecretId": "app", "KmsKeyId": KEY, "ClientRequestToken": token(1) }),
    );
    for actions in [&["kms:Decrypt"], &["kms:GenerateDataKey"]] {
        let local = with_key(actions, Value::Null).await;
        assert_eq!(denied(&local, Operation::CreateSecret, &create).await, NO_KMS);
        assert_eq!(denied(&local, Operation::UpdateSecret, &update).await, NO_KMS);
    }
    let local = with_key(&["kms:Decrypt", "kms:GenerateDataKey"], Value::Null).await;
    assert_eq!(send(&local, Operation::CreateSecret, &create).await.status, 200);
    assert_eq!(send(&local, Operation::UpdateSecret, &update).await.status, 200);
}

#[tokio::test]
async fn the_accounts_own_key_needs_no_permission_and_an_alias_that_of_all_keys() {
    let secrets = allow(&["secretsmanager:*"], "*", Value::Null);
    let read = json!({ "SecretId": "other" });
    let account = "arn:aws:kms:us-east-1:123456789012:";
    for (id, by_name, by_all) in [
        ("alias/aws/secretsmanager".to_owned(), true, true),
        (format!("{account}alias/aws/secretsmanager"), true, true),
        ("alias/ours".to_owned(), false, true),
        (format!("{account}alias/ours"), false, true),
        ("11112222-3333-4444-5555-666677778888".to_owned(), true, true),
    ] {
        for (resource, allowed) in [(KEY, by_name), ("*", by_all)] {
            let kms = allow(&["kms:Decrypt"], resource, Value::Null);
            let (local, _) = start(&[secrets.clone(), kms]).await;
            let create = json!({
                "Name": "other", "KmsKeyId": id, "SecretString": "x", "ClientRequestToken": token(1),
            });
            call(&local, Operation::CreateSecret, &create);
            let answer = send(&local, Operation::GetSecretValue, &read).await;
            assert_eq!(answer.status == 200, allowed, "{id} {resource}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn many_secrets_read_at_once_are_allowed_one_by_one() {
    let one = "arn:aws:secretsmanager:us-east-1:123456789012:secret:other-*";
    let batch = allow(&["secretsmanager:BatchGetSecretValue"], "*", Value::Null);
    let (local, _) =
        start(&[batch, allow(&["secretsmanager:GetSecretValue"], one, Value::Null)]).await;
    local.create_secret("other", "x").expect("creates");
    let request = json!({ "SecretIdList": ["app", "other"] });
    let answer = send(&local, Operation::BatchGetSecretValue, &request).await.json();
    assert_eq!(answer["SecretValues"][0]["SecretString"], "x");
    assert_eq!(answer["Errors"][0]["ErrorCode"], "AccessDeniedException");
    let filters = json!({ "Filters": [{ "Key": "name", "Values": ["other"] }] });
    let said = denied(&local, Operation::BatchGetSecretValue, &filters).await;
    assert_eq!(said, not_allowed("secretsmanager:ListSecrets", ""));
}

#[tokio::test]
async fn the_journal_tells_what_iam_was_asked_and_what_it_said() {
    let local = with_key(&["kms:GenerateDataKey"], Value::Null).await;
    denied(&local, Operation::GetSecretValue, &json!({ "SecretId": "app" })).await;
    let calls = local.calls();
    let call = calls.last().expect("a call");
    assert_eq!(call.from_function.as_deref(), Some("f"));
    let accesses: Vec<_> =
        call.accesses.iter().map(|access| (access.action.as_str(), access.decision)).collect();
    let expected = [
        ("secretsmanager:GetSecretValue", Decision::Allowed),
        ("kms:Decrypt", Decision::NotAllowed),
    ];
    assert_eq!(accesses, expected);
    assert_eq!(call.accesses[1].resource, KEY);
}
