//! Each operation's answers and refusals, in the service's words.

use std::time::Duration;

use serde_json::{Value, json};
use turnlock_local::{Local, Operation};

use crate::support::{call, refused, secret, start, token};

const DELETED: &str =
    "You can't perform this operation on the secret because it was marked for deletion.";

async fn local() -> Local {
    let local = Local::builder().start().await.expect("starts");
    local.create_secret("app", "value").expect("creates");
    local
}

#[tokio::test]
async fn an_unknown_secret_is_not_found_by_any_operation() {
    let local = local().await;
    for operation in Operation::ALL {
        let request = json!({
            "SecretId": "none", "SecretString": "v", "ClientRequestToken": token(1),
            "VersionStage": "L", "MoveToVersionId": token(1), "Tags": [], "TagKeys": [],
            "ResourcePolicy": r#"{"Statement":[{"Effect":"Deny"}]}"#,
        });
        let global = matches!(
            operation,
            Operation::CreateSecret
                | Operation::ListSecrets
                | Operation::GetRandomPassword
                | Operation::BatchGetSecretValue
        );
        if !global {
            let (code, message) = refused(&local, *operation, &request);
            assert_eq!(code, "ResourceNotFoundException", "{operation}");
            assert_eq!(message, "Secrets Manager can't find the specified secret.");
        }
    }
}

#[tokio::test]
async fn a_secret_is_found_by_name_arn_and_partial_arn() {
    let local = local().await;
    let arn = local.create_secret("path/to-it", "v").expect("creates");
    let partial = arn[..arn.len() - 7].to_owned();
    for id in ["path/to-it", &arn, &partial] {
        assert_eq!(call(&local, Operation::GetSecretValue, &secret(id))["ARN"], json!(arn), "{id}");
    }
    let trap = local.create_secret("ends-a1b2c3", "v").expect("creates");
    let partial = trap[..trap.len() - 7].to_owned();
    for id in [partial.as_str(), "path/to", &arn[..arn.len() - 1]] {
        assert_eq!(
            refused(&local, Operation::GetSecretValue, &secret(id)).0,
            "ResourceNotFoundException",
            "{id}"
        );
    }
}

#[tokio::test]
async fn creating_a_secret_twice_is_refused_unless_it_is_the_same_request() {
    let local = local().await;
    let create = |name: &str, value: &str| json!({ "Name": name, "SecretString": value, "ClientRequestToken": token(1) });
    let first = call(&local, Operation::CreateSecret, &create("new", "v"));
    assert_eq!(call(&local, Operation::CreateSecret, &create("new", "v")), first);
    let (code, message) = refused(&local, Operation::CreateSecret, &create("new", "w"));
    assert_eq!(code, "ResourceExistsException");
    assert_eq!(message, "The operation failed because the secret new already exists.");
    assert_eq!(
        refused(&local, Operation::CreateSecret, &create("bad name", "v")).0,
        "ValidationException"
    );
    let both = json!({
        "Name": "both", "SecretString": "v", "SecretBinary": "dg==", "ClientRequestToken": token(1),
    });
    assert_eq!(refused(&local, Operation::CreateSecret, &both).0, "InvalidParameterException");
}

#[tokio::test]
async fn a_write_without_a_token_is_refused() {
    let local = local().await;
    for (operation, code) in [
        (Operation::CreateSecret, "InvalidRequestException"),
        (Operation::PutSecretValue, "InvalidRequestException"),
        (Operation::UpdateSecret, "InvalidRequestException"),
        (Operation::RotateSecret, "InvalidParameterException"),
    ] {
        let request = json!({ "SecretId": "app", "Name": "new", "SecretString": "v" });
        let message =
            "You must provide a ClientRequestToken value. We recommend a UUID-type value.";
        assert_eq!(refused(&local, operation, &request), (code.to_owned(), message.to_owned()));
    }
}

#[tokio::test]
async fn bytes_come_back_as_they_were() {
    let local = local().await;
    let put =
        json!({ "SecretId": "app", "SecretBinary": "AAEC/w==", "ClientRequestToken": token(1) });
    call(&local, Operation::PutSecretValue, &put);
    let read = call(&local, Operation::GetSecretValue, &secret("app"));
    assert_eq!((&read["SecretBinary"], read.get("SecretString")), (&json!("AAEC/w=="), None));
}

#[tokio::test]
async fn values_are_read_by_version_label_or_both() {
    let local = local().await;
    let id = local.labels("app")["AWSCURRENT"].clone();
    let read = |members: Value| {
        let mut request = members;
        request["SecretId"] = json!("app");
        local.call(Operation::GetSecretValue, &request).map_err(|error| error.to_string())
    };
    let found = read(json!({ "VersionId": id, "VersionStage": "AWSCURRENT" })).expect("both fit");
    assert_eq!(found["VersionStages"], json!(["AWSCURRENT"]));
    for (members, error) in [
        (
            json!({ "VersionId": id, "VersionStage": "AWSPENDING" }),
            "InvalidRequestException: You provided a VersionStage that is not associated to the provided VersionId.".to_owned(),
        ),
        (
            json!({ "VersionStage": "AWSPENDING" }),
            "ResourceNotFoundException: Secrets Manager can't find the specified secret value for staging label: AWSPENDING".to_owned(),
        ),
        (
            json!({ "VersionId": token(7) }),
            format!("ResourceNotFoundException: Secrets Manager can't find the specified secret value for VersionId: {}", token(7)),
        ),
    ] {
        assert_eq!(read(members).expect_err("refused"), error);
    }
}

#[tokio::test]
async fn a_batch_reports_errors_secret_by_secret() {
    let local = local().await;
    local.create_secret("other", "2").expect("creates");
    let batch = Operation::BatchGetSecretValue;
    let answer = call(&local, batch, &json!({ "SecretIdList": ["app", "none", "other"] }));
    assert_eq!(answer["SecretValues"].as_array().map(Vec::len), Some(2));
    assert_eq!(answer["Errors"][0]["SecretId"], "none");
    assert_eq!(answer["Errors"][0]["ErrorCode"], "ResourceNotFoundException");
    let filters = json!([{ "Key": "name", "Values": ["o"] }]);
    let answer = call(&local, batch, &json!({ "Filters": filters, "MaxResults": 1 }));
    assert_eq!(answer["SecretValues"][0]["SecretString"], "2");
    for request in [
        json!({}),
        json!({ "SecretIdList": ["app"], "Filters": filters }),
        json!({ "SecretIdList": ["app"], "MaxResults": 2 }),
    ] {
        assert_eq!(refused(&local, batch, &request).0, "InvalidParameterException");
    }
}

#[tokio::test]
async fn secrets_are_listed_in_pages_filtered_and_sorted() {
    let local = Local::builder().start().await.expect("starts");
    for (name, description) in [("b/1", "A secret"), ("a/2", "another"), ("c/3", "third")] {
        let request = json!({
            "Name": name, "Description": description, "ClientRequestToken": token(1),
            "SecretString": "v", "Tags": [{ "Key": "team", "Value": name }],
        });
        call(&local, Operation::CreateSecret, &request);
    }
    let names = |request: Value| -> (Vec<String>, Value) {
        let answer = call(&local, Operation::ListSecrets, &request);
        let list = answer["SecretList"].as_array().expect("a list").iter();
        let name = |entry: &Value| entry["Name"].as_str().unwrap_or_default().to_owned();
        (list.map(name).collect(), answer["NextToken"].clone())
    };
    let (first, next) = names(json!({ "MaxResults": 2 }));
    assert_eq!(first, ["b/1", "a/2"]);
    assert_eq!(names(json!({ "MaxResults": 2, "NextToken": next })).0, ["c/3"]);
    assert_eq!(names(json!({ "SortBy": "name", "SortOrder": "desc" })).0, ["c/3", "b/1", "a/2"]);
    let bad = json!({ "NextToken": "nonsense" });
    assert_eq!(refused(&local, Operation::ListSecrets, &bad).0, "InvalidNextTokenException");
    for (key, value, found) in [
        ("name", "a", vec!["a/2"]),
        ("name", "A", vec![]),
        ("name", "!a", vec!["b/1", "c/3"]),
        ("description", "a", vec!["b/1", "a/2"]),
        ("tag-key", "te", vec!["b/1", "a/2", "c/3"]),
        ("tag-value", "c", vec!["c/3"]),
        ("all", "THIRD", vec!["c/3"]),
        ("owning-service", "rds", vec![]),
    ] {
        let filter = json!({ "Filters": [{ "Key": key, "Values": [value] }] });
        assert_eq!(names(filter).0, found, "{key} {value}");
    }
}

#[tokio::test]
async fn versions_are_listed_in_pages() {
    let local = local().await;
    for _ in 0..4 {
        local.put_value("app", "v").expect("writes");
    }
    let (mut seen, mut next) = (Vec::new(), Value::Null);
    loop {
        let request = json!({
            "SecretId": "app", "IncludeDeprecated": true, "MaxResults": 2, "NextToken": next,
        });
        let answer = call(&local, Operation::ListSecretVersionIds, &request);
        seen.extend(answer["Versions"].as_array().expect("a list").clone());
        next = answer["NextToken"].clone();
        if next.is_null() {
            break;
        }
    }
    let ids: Vec<_> = seen.iter().filter_map(|version| version["VersionId"].as_str()).collect();
    assert_eq!(ids, local.versions("app"));
}

#[tokio::test]
async fn a_deleted_secret_waits_for_its_window_and_can_be_restored() {
    let local = local().await;
    let delete = |members: Value| {
        let mut request = members;
        request["SecretId"] = json!("app");
        request
    };
    for members in [
        json!({ "RecoveryWindowInDays": 6 }),
        json!({ "RecoveryWindowInDays": 31 }),
        json!({ "RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": true }),
    ] {
        let (code, _) = refused(&local, Operation::DeleteSecret, &delete(members));
        assert_eq!(code, "InvalidParameterException");
    }
    call(&local, Operation::DeleteSecret, &delete(json!({ "RecoveryWindowInDays": 7 })));
    for operation in
        [Operation::GetSecretValue, Operation::DeleteSecret, Operation::CancelRotateSecret]
    {
        let expected = ("InvalidRequestException".to_owned(), DELETED.to_owned());
        assert_eq!(refused(&local, operation, &secret("app")), expected, "{operation}");
    }
    let create = json!({ "Name": "app", "ClientRequestToken": token(1) });
    let (code, message) = refused(&local, Operation::CreateSecret, &create);
    assert_eq!(code, "InvalidRequestException");
    assert!(message.contains("already scheduled for deletion"), "{message}");
    let described = call(&local, Operation::DescribeSecret, &secret("app"));
    assert!(described["DeletedDate"].is_number());
    assert_eq!(call(&local, Operation::ListSecrets, &json!({}))["SecretList"], json!([]));
    call(&local, Operation::RestoreSecret, &secret("app"));
    assert_eq!(call(&local, Operation::GetSecretValue, &secret("app"))["SecretString"], "value");

    call(&local, Operation::DeleteSecret, &delete(json!({ "RecoveryWindowInDays": 7 })));
    local.advance(Duration::from_secs(8 * 86_400));
    let gone = refused(&local, Operation::RestoreSecret, &secret("app"));
    assert_eq!(gone.0, "ResourceNotFoundException");
    call(&local, Operation::CreateSecret, &create);
    call(&local, Operation::DeleteSecret, &delete(json!({ "ForceDeleteWithoutRecovery": true })));
    assert_eq!(refused(&local, Operation::DescribeSecret, &secret("app")).0, gone.0);
    let again = call(
        &local,
        Operation::DeleteSecret,
        &delete(json!({ "ForceDeleteWithoutRecovery": true })),
    );
    assert_eq!(again["Name"], json!("app"), "to force what is gone already is no error");
}

#[tokio::test]
async fn rotation_needs_a_function_that_exists_and_rules_that_make_sense() {
    let local = start("").await;
    local.create_secret("bare", "v").expect("creates");
    let request = |members: Value| {
        let mut request = members;
        request["SecretId"] = json!("bare");
        request["ClientRequestToken"] = json!(token(1));
        request
    };
    let (code, message) = refused(&local, Operation::RotateSecret, &request(json!({})));
    assert_eq!(code, "InvalidRequestException");
    assert_eq!(message, "No Lambda rotation function ARN is associated with this secret.");
    let unknown = json!({ "RotationLambdaARN": local.function_arn("none") });
    let (code, message) = refused(&local, Operation::RotateSecret, &request(unknown));
    assert_eq!(code, "AccessDeniedException");
    assert!(message.starts_with("Secrets Manager cannot invoke the specified Lambda function."));
    for rules in [
        json!({ "ScheduleExpression": "rate(1 hours)" }),
        json!({ "ScheduleExpression": "rate(1 day)", "AutomaticallyAfterDays": 1 }),
        json!({ "AutomaticallyAfterDays": 1, "Duration": "30h" }),
    ] {
        let members =
            json!({ "RotationLambdaARN": local.function_arn("f"), "RotationRules": rules });
        let (code, _) = refused(&local, Operation::RotateSecret, &request(members));
        assert_eq!(code, "InvalidParameterException");
    }
    let described = call(&local, Operation::DescribeSecret, &secret("bare"));
    assert_eq!(described.get("RotationEnabled"), None, "a refused request changes nothing");
}

#[tokio::test]
async fn a_random_password_has_what_was_asked_for() {
    let local = local().await;
    let draw = |request: Value| {
        let answer = call(&local, Operation::GetRandomPassword, &request);
        answer["RandomPassword"].as_str().unwrap_or_default().to_owned()
    };
    for _ in 0..50 {
        let password = draw(json!({ "PasswordLength": 4, "ExcludeCharacters": "aA0!" }));
        assert_eq!(password.len(), 4);
        assert!(password.chars().any(|c| c.is_ascii_lowercase()), "{password}");
        assert!(password.chars().any(|c| c.is_ascii_uppercase()), "{password}");
        assert!(password.chars().any(|c| c.is_ascii_digit()), "{password}");
        assert!(password.chars().any(|c| c.is_ascii_punctuation()), "{password}");
        assert!(!password.contains(['a', 'A', '0', '!']), "{password}");
    }
    assert_eq!(draw(json!({})).len(), 32);
    let digits = draw(json!({
        "ExcludeLowercase": true, "ExcludeUppercase": true, "ExcludePunctuation": true,
    }));
    assert!(digits.chars().all(|c| c.is_ascii_digit()));
    let spaced = draw(json!({ "PasswordLength": 4000, "IncludeSpace": true }));
    assert!(spaced.contains(' '));
    for request in [
        json!({ "PasswordLength": 3 }),
        json!({ "ExcludeLowercase": true, "ExcludeUppercase": true, "ExcludePunctuation": true, "ExcludeNumbers": true }),
    ] {
        let (code, _) = refused(&local, Operation::GetRandomPassword, &request);
        assert_eq!(code, "InvalidParameterException");
    }
    let (code, message) =
        refused(&local, Operation::GetRandomPassword, &json!({ "PasswordLength": 4097 }));
    assert_eq!(code, "ValidationException");
    assert!(message.starts_with("1 validation error detected: Value '4097' at 'passwordLength'"));
}

#[tokio::test]
async fn tags_are_added_replaced_and_removed() {
    let local = local().await;
    let tags = || call(&local, Operation::DescribeSecret, &secret("app"))["Tags"].clone();
    let tag = |key: &str, value: &str| json!({ "SecretId": "app", "Tags": [{ "Key": key, "Value": value }] });
    assert_eq!(tags(), Value::Null);
    call(&local, Operation::TagResource, &tag("a", "1"));
    call(&local, Operation::TagResource, &tag("a", "2"));
    assert_eq!(tags(), json!([{ "Key": "a", "Value": "2" }]));
    call(&local, Operation::UntagResource, &json!({ "SecretId": "app", "TagKeys": ["a"] }));
    assert_eq!(tags(), json!([]));
    assert_eq!(
        refused(&local, Operation::TagResource, &tag("aws:x", "1")).0,
        "InvalidParameterException"
    );
}

#[tokio::test]
async fn tags_of_aws_are_told_like_any_other_and_do_not_stand_in_their_way() {
    let local = local().await;
    local.tag_as_aws("app", "aws:rds:primaryDBInstanceArn", "arn:1").expect("a tag");
    local.tag_as_aws("app", "aws:rds:primaryDBInstanceArn", "arn:2").expect("a tag");
    let own = json!({ "SecretId": "app", "Tags": [{ "Key": "a", "Value": "1" }] });
    call(&local, Operation::TagResource, &own);
    let tags = json!([
        { "Key": "aws:rds:primaryDBInstanceArn", "Value": "arn:2" },
        { "Key": "a", "Value": "1" },
    ]);
    assert_eq!(call(&local, Operation::DescribeSecret, &secret("app"))["Tags"], tags);
}

#[tokio::test]
async fn a_resource_policy_is_kept_and_checked_for_its_form() {
    let local = local().await;
    let public = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"secretsmanager:GetSecretValue","Resource":"*"}]}"#;
    let policy = |text: &str, block: bool| json!({ "SecretId": "app", "ResourcePolicy": text, "BlockPublicPolicy": block });
    let put = Operation::PutResourcePolicy;
    assert_eq!(refused(&local, put, &policy("{", false)).0, "MalformedPolicyDocumentException");
    assert_eq!(refused(&local, put, &policy(public, true)).0, "PublicPolicyException");
    call(&local, put, &policy(public, false));
    let read = || call(&local, Operation::GetResourcePolicy, &secret("app"));
    assert_eq!(read()["ResourcePolicy"], json!(public));
    let checked = call(&local, Operation::ValidateResourcePolicy, &policy(public, false));
    assert_eq!(checked["PolicyValidationPassed"], json!(false));
    call(&local, Operation::DeleteResourcePolicy, &secret("app"));
    assert_eq!(read().get("ResourcePolicy"), None);
}
