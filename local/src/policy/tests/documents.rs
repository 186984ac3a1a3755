//! What is read as a policy, and what is refused because it is not understood.

use serde_json::{Value, json};

use super::*;

/// What is said of a statement that is refused.
fn refusal(change: impl FnOnce(&mut Value)) -> String {
    let mut statement = json!({ "Effect": "Allow", "Action": READ, "Resource": "*" });
    assert!(Policy::from_value(&json!({ "Statement": [statement] })).is_ok());
    change(&mut statement);
    let document = json!({ "Version": "2012-10-17", "Statement": [statement] });
    Policy::from_value(&document).expect_err("it is refused").to_string()
}

fn condition(operator: &str, key: &str, value: &Value) -> String {
    refusal(|statement| statement["Condition"] = json!({ operator: { key: value } }))
}

#[test]
fn the_policy_that_aws_shows_for_a_rotation_function_is_read() {
    // By the table in "Permissions for the rotation function", with a key of one's own and in a VPC.
    let shown = policy(json!([
        {
            "Sid": "Secret", "Effect": "Allow", "Resource": SECRET,
            "Action": [
                "secretsmanager:DescribeSecret", "secretsmanager:GetSecretValue",
                "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage",
            ],
            "Condition": { "StringEquals": { KEY: FUNCTION } },
        },
        { "Effect": "Allow", "Action": ["secretsmanager:GetRandomPassword"], "Resource": "*" },
        {
            "Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": "arn:aws:kms:us-east-1:123456789012:key/mrk-1",
            "Condition": {
                "StringEquals": { "kms:ViaService": "secretsmanager.us-east-1.amazonaws.com" },
                "StringLike": { "kms:EncryptionContext:SecretARN": SECRET },
            },
        },
        {
            "Effect": "Allow", "Resource": "*",
            "Action": ["ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface"],
        },
        {
            "Effect": "Deny", "Action": "ec2:*", "Resource": "*",
            "Condition": { "ArnEquals": { "lambda:SourceFunctionArn": FUNCTION } },
        },
    ]));
    assert!(shown.allows(&request(READ, SECRET, &[(KEY, FUNCTION)])));
    assert!(!shown.allows(&request(READ, SECRET, &[(KEY, SECRET)])));
    let interface = "ec2:CreateNetworkInterface";
    let from_function = [("lambda:SourceFunctionArn", FUNCTION)];
    assert_eq!(shown.decide(&request(interface, "*", &[])), Decision::Allowed);
    assert_eq!(shown.decide(&request(interface, "*", &from_function)), Decision::Denied);
    let list = "secretsmanager:ListSecretVersionIds";
    assert_eq!(shown.decide(&request(list, SECRET, &[(KEY, FUNCTION)])), Decision::NotAllowed);
}

#[test]
fn one_and_a_list_of_one_are_the_same() {
    let one = json!({ "Statement": { "Effect": "Allow", "Action": READ, "Resource": SECRET } });
    let list =
        json!({ "Statement": [{ "Effect": "Allow", "Action": [READ], "Resource": [SECRET] }] });
    for document in [one, list] {
        let policy = Policy::from_value(&document).expect("a policy");
        assert!(policy.allows(&request(READ, SECRET, &[])));
    }
}

#[test]
fn elements_that_are_not_known_are_refused() {
    for element in ["NotAction", "NotResource", "Principal", "NotPrincipal", "Conditions", "effect"]
    {
        let said = refusal(|statement| statement[element] = json!("*"));
        assert!(said.contains(element), "{said}");
    }
    let document = json!({ "Statement": [], "Statements": [] });
    assert!(Policy::from_value(&document).is_err());
}

#[test]
fn elements_that_are_missing_or_empty_are_refused() {
    for element in ["Effect", "Action", "Resource"] {
        let said =
            refusal(|statement| drop(statement.as_object_mut().and_then(|s| s.remove(element))));
        assert!(said.contains(&element.to_lowercase()) || said.contains(element), "{said}");
    }
    for element in ["Action", "Resource"] {
        let said = refusal(|statement| statement[element] = json!([]));
        assert!(said.contains(element), "{said}");
    }
    assert!(Policy::parse("").is_err());
    assert!(Policy::parse("{}").is_err());
}

#[test]
fn a_member_that_is_there_twice_is_refused_and_not_taken_for_the_last() {
    let statement = |more: &str| {
        format!(
            r#"{{"Statement": {{"Effect": "Allow", "Action": "{READ}", "Resource": "*"{more}}}}}"#
        )
    };
    assert!(Policy::parse(&statement("")).is_ok());
    for more in [
        r#", "Resource": "*""#,
        r#", "Effect": "Deny""#,
        r#", "Condition": {"StringLike": {"aws:RequestedRegion": "a"}, "StringLike": {}}"#,
        r#", "Condition": {"StringLike": {"aws:RequestedRegion": "a", "aws:RequestedRegion": "b"}}"#,
    ] {
        assert!(Policy::parse(&statement(more)).is_err(), "{more}");
    }
}

#[test]
fn effects_versions_and_actions_that_are_none_are_refused() {
    refusal(|statement| statement["Effect"] = json!("allow"));
    for action in ["GetSecretValue", "", ":", "secretsmanager:", "secrets*:Get*", "a:b:c", "a b:c"]
    {
        let said = refusal(|statement| statement["Action"] = json!(action));
        assert!(said.contains("is no action"), "{said}");
    }
    let future = json!({
        "Version": "2030-01-01",
        "Statement": { "Effect": "Allow", "Action": "*", "Resource": "*" },
    });
    assert!(Policy::from_value(&future).is_err());
}

#[test]
fn resources_whose_wildcards_could_mean_more_or_less_are_refused() {
    for resource in [
        "app",
        "arn:aws:secretsmanager:*",
        "arn:aws:secretsmanager:us-east-1:*",
        "arn:aws:secretsmanager:*:secret:app",
        "arn:aws:secrets*:us-east-1:123456789012:secret:app",
        "arn:aws:secretsmanager:us-east-1:123456789012:",
        "**",
    ] {
        refusal(|statement| statement["Resource"] = json!(resource));
    }
}

#[test]
fn variables_are_refused_in_resources_and_conditions() {
    let name = "arn:aws:secretsmanager:us-east-1:123456789012:secret:${aws:username}";
    let said = refusal(|statement| statement["Resource"] = json!(name));
    assert!(said.contains("has a variable"), "{said}");
    let said = condition("StringLike", "secretsmanager:SecretId", &json!(name));
    assert!(said.contains("has a variable"), "{said}");
}

#[test]
fn operators_that_are_not_known_are_refused() {
    for operator in [
        "StringNotEquals",
        "ArnNotLike",
        "StringEqualsIgnoreCase",
        "Null",
        "Bool",
        "IpAddress",
        "ForAnyValue:StringEquals",
        "ForAllValues:StringLike",
        "stringequals",
        "IfExists",
        "",
    ] {
        let said = condition(operator, "aws:RequestedRegion", &json!("us-east-1"));
        assert!(said.contains("the operator"), "{said}");
    }
}

#[test]
fn condition_keys_that_are_not_known_are_refused() {
    for key in [
        "aws:SourceIp",
        "aws:PrincipalTag/team",
        "aws:ResourceTag/",
        "secretsmanager:Description",
        "secretsmanager:resource/Type",
        "kms:EncryptionContext:Other",
        "rds:db-tag/a",
        "",
    ] {
        let said = condition("StringEquals", key, &json!("a"));
        assert!(said.contains("the condition key"), "{key}: {said}");
    }
}

#[test]
fn condition_keys_whose_value_is_not_known_for_all_actions_are_refused() {
    let with = |action: &str, key: &str| {
        let condition = json!({ "StringEquals": { key: "a" } });
        let allow =
            json!({ "Effect": "Allow", "Action": action, "Resource": "*", "Condition": condition });
        Policy::from_value(&json!({ "Statement": allow })).is_ok()
    };
    assert!(with("secretsmanager:*", "aws:ResourceTag/team"));
    for action in ["*", "kms:Decrypt", "rds:DescribeDBInstances"] {
        assert!(!with(action, "aws:ResourceTag/team"), "{action}");
    }
    assert!(with("rds:*", "lambda:SourceFunctionArn"));
    for action in ["*", "kms:Decrypt"] {
        assert!(!with(action, "lambda:SourceFunctionArn"), "{action}");
    }
}

#[test]
fn conditions_without_a_value_or_with_one_that_is_no_text_are_refused() {
    for value in [json!([]), json!(true), json!(null), json!({}), json!(["a", 1])] {
        condition("StringEquals", "aws:RequestedRegion", &value);
    }
    condition("ArnEquals", KEY, &json!("turnlock-*"));
}
