//! The evaluator against what IAM's documentation says and shows.

mod documents;
mod properties;

use serde_json::{Value, json};

use super::*;

const SECRET: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:app-AbCdEf";
const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:turnlock-postgres";
const READ: &str = "secretsmanager:GetSecretValue";
const KEY: &str = "secretsmanager:resource/AllowRotationLambdaArn";

fn policy(statements: Value) -> Policy {
    let document = json!({ "Version": "2012-10-17", "Statement": statements });
    Policy::from_value(&document).expect("a policy")
}

fn request(action: &str, resource: &str, conditions: &[(&str, &str)]) -> Request {
    let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
    Request {
        action: action.to_owned(),
        resource: resource.to_owned(),
        conditions: conditions.iter().map(owned).collect(),
    }
}

/// Whether one statement with this resource allows the secret to be read.
fn resource_matches(resource: &str) -> bool {
    policy(json!({ "Effect": "Allow", "Action": "*", "Resource": resource })).allows(&request(
        READ,
        SECRET,
        &[],
    ))
}

/// Whether one statement with these conditions allows a request with those keys.
fn condition_holds(condition: &Value, keys: &[(&str, &str)]) -> bool {
    let allow =
        json!({ "Effect": "Allow", "Action": READ, "Resource": "*", "Condition": condition });
    policy(allow).allows(&request(READ, SECRET, keys))
}

#[test]
fn what_no_statement_allows_is_not_allowed() {
    let nothing = request(READ, SECRET, &[]);
    assert_eq!(Policy::default().decide(&nothing), Decision::NotAllowed);
    let other = json!([{ "Effect": "Allow", "Action": "secretsmanager:Put*", "Resource": "*" }]);
    assert_eq!(policy(other).decide(&nothing), Decision::NotAllowed);
}

#[test]
fn a_statement_that_denies_wins_over_all_that_allow_wherever_it_stands() {
    let allow = json!({ "Effect": "Allow", "Action": "*", "Resource": "*" });
    let deny = json!({ "Effect": "Deny", "Action": READ, "Resource": SECRET });
    let reading = request(READ, SECRET, &[]);
    for statements in [json!([allow, deny, allow]), json!([deny, allow]), json!([allow, deny])] {
        assert_eq!(policy(statements).decide(&reading), Decision::Denied);
    }
    let documents = policy(allow.clone()).and(policy(deny));
    assert_eq!(documents.decide(&reading), Decision::Denied);
    assert_eq!(policy(allow).decide(&reading), Decision::Allowed);
}

#[test]
fn a_statement_applies_only_if_action_resource_and_all_conditions_do() {
    let condition = json!({ "ArnEquals": { KEY: FUNCTION } });
    let one = policy(json!({
        "Effect": "Allow", "Action": READ, "Resource": SECRET, "Condition": condition,
    }));
    let with_key = [(KEY, FUNCTION)];
    assert!(one.allows(&request(READ, SECRET, &with_key)));
    assert!(!one.allows(&request("secretsmanager:PutSecretValue", SECRET, &with_key)));
    assert!(!one.allows(&request(READ, "*", &with_key)));
    assert!(!one.allows(&request(READ, SECRET, &[])));
}

#[test]
fn actions_are_the_same_in_upper_and_lower_case() {
    for action in ["secretsmanager:getsecretvalue", "SecretsManager:GETSecretValue"] {
        let one = policy(json!({ "Effect": "Allow", "Action": action, "Resource": "*" }));
        assert!(one.allows(&request(READ, SECRET, &[])), "{action}");
        let other = policy(json!({ "Effect": "Allow", "Action": READ, "Resource": "*" }));
        assert!(other.allows(&request(action, SECRET, &[])), "{action}");
    }
}

#[test]
fn an_action_has_wildcards_within_its_service() {
    for (action, allowed) in [
        ("secretsmanager:*", true),
        ("secretsmanager:Get*", true),
        ("secretsmanager:*Value", true),
        ("secretsmanager:GetSecretValu?", true),
        ("secretsmanager:GetSecretValue?", false),
        ("secretsmanager:Get", false),
        ("ssm:*", false),
        ("*", true),
    ] {
        let one = policy(json!({ "Effect": "Allow", "Action": action, "Resource": "*" }));
        assert_eq!(one.allows(&request(READ, SECRET, &[])), allowed, "{action}");
    }
}

#[test]
fn a_resource_is_the_same_in_the_same_case_alone() {
    assert!(resource_matches(SECRET));
    assert!(!resource_matches(&SECRET.replace("app", "App")));
}

#[test]
fn a_resource_has_wildcards_in_its_parts() {
    // Documented of secrets: six question marks stand for the letters at the end.
    for (resource, matches) in [
        ("arn:aws:secretsmanager:us-east-1:123456789012:secret:app-??????", true),
        ("arn:aws:secretsmanager:us-east-1:123456789012:secret:app-?????", false),
        ("arn:aws:secretsmanager:us-east-1:123456789012:secret:app-*", true),
        ("arn:aws:secretsmanager:us-east-1:123456789012:secret:app", false),
        ("arn:aws:secretsmanager:us-east-1:123456789012:secret:shop/*", false),
        ("arn:aws:secretsmanager:us-east-1:123456789012:*", true),
        ("arn:aws:secretsmanager:*:*:secret:app-AbCdEf", true),
        ("arn:*:secretsmanager:us-*-1:1234567890??:secret:*", true),
        ("arn:aws:secretsmanager:eu-central-1:123456789012:secret:app-AbCdEf", false),
        ("arn:aws:secretsmanager:us-east-1:210987654321:secret:app-AbCdEf", false),
        ("arn:aws:ssm:us-east-1:123456789012:*", false),
        ("*", true),
    ] {
        assert_eq!(resource_matches(resource), matches, "{resource}");
    }
}

#[test]
fn a_resource_that_is_no_arn_is_allowed_by_all_resources_alone() {
    let by_arn = policy(json!({
        "Effect": "Allow", "Action": "*",
        "Resource": "arn:aws:secretsmanager:*:*:*",
    }));
    assert!(!by_arn.allows(&request(READ, "app", &[])));
    let all = policy(json!({ "Effect": "Allow", "Action": "*", "Resource": "*" }));
    assert!(all.allows(&request(READ, "app", &[])));
}

#[test]
fn of_several_values_one_has_to_fit_and_of_several_keys_and_operators_all() {
    let (region, stage) = ("aws:RequestedRegion", "secretsmanager:VersionStage");
    let condition = json!({
        "StringEquals": { region: ["us-east-1", "us-west-2"], stage: "AWSCURRENT" },
        "ArnLike": { KEY: "arn:aws:lambda:*:*:function:turnlock-*" },
    });
    let holds = |one, other, third| {
        condition_holds(&condition, &[(region, one), (stage, other), (KEY, third)])
    };
    assert!(holds("us-east-1", "AWSCURRENT", FUNCTION));
    assert!(holds("us-west-2", "AWSCURRENT", FUNCTION));
    assert!(!holds("eu-west-1", "AWSCURRENT", FUNCTION));
    assert!(!holds("us-east-1", "AWSPENDING", FUNCTION));
    assert!(!holds("us-east-1", "AWSCURRENT", "arn:aws:lambda:us-east-1:1:function:other"));
}

#[test]
fn a_key_that_the_request_lacks_holds_for_if_exists_alone() {
    for operator in ["StringEquals", "StringLike", "ArnEquals", "ArnLike"] {
        let strict = json!({ operator: { KEY: FUNCTION } });
        let lenient = json!({ format!("{operator}IfExists"): { KEY: FUNCTION } });
        assert!(!condition_holds(&strict, &[]), "{operator}");
        assert!(condition_holds(&lenient, &[]), "{operator}");
        for condition in [&strict, &lenient] {
            assert!(condition_holds(condition, &[(KEY, FUNCTION)]), "{condition}");
            assert!(!condition_holds(condition, &[(KEY, SECRET)]), "{condition}");
        }
    }
}

#[test]
fn names_of_keys_are_the_same_in_upper_and_lower_case_and_their_values_are_not() {
    let condition = json!({ "StringEquals": { KEY.to_uppercase(): FUNCTION } });
    assert!(condition_holds(&condition, &[(&KEY.to_lowercase(), FUNCTION)]));
    assert!(!condition_holds(&condition, &[(KEY, &FUNCTION.to_uppercase())]));
}

#[test]
fn string_equals_has_no_wildcards_and_the_others_have() {
    let pattern = "arn:aws:lambda:us-east-1:123456789012:function:turnlock-*";
    for (operator, holds) in
        [("StringEquals", false), ("StringLike", true), ("ArnEquals", true), ("ArnLike", true)]
    {
        let condition = json!({ operator: { KEY: pattern } });
        assert_eq!(condition_holds(&condition, &[(KEY, FUNCTION)]), holds, "{operator}");
    }
}

#[test]
fn a_wildcard_of_an_arn_operator_stays_within_its_part_and_that_of_string_like_does_not() {
    let pattern = "arn:aws:lambda:us-east-1*:123456789012:function:f";
    let value = "arn:aws:lambda:us-east-1:210987654321:123456789012:function:f";
    assert!(condition_holds(&json!({ "StringLike": { KEY: pattern } }), &[(KEY, value)]));
    assert!(!condition_holds(&json!({ "ArnLike": { KEY: pattern } }), &[(KEY, value)]));
}

#[test]
fn a_refusal_names_user_action_resource_and_reason() {
    let user = "arn:aws:sts::123456789012:assumed-role/f/f";
    let reading = request(READ, SECRET, &[]);
    assert_eq!(
        reading.refusal(user, Decision::NotAllowed),
        format!(
            "User: {user} is not authorized to perform: {READ} on resource: {SECRET} because no identity-based policy allows the {READ} action"
        )
    );
    assert_eq!(
        reading.refusal(user, Decision::Denied),
        format!(
            "User: {user} is not authorized to perform: {READ} on resource: {SECRET} with an explicit deny in an identity-based policy"
        )
    );
    let list = "secretsmanager:ListSecrets";
    assert_eq!(
        request(list, "*", &[]).refusal(user, Decision::NotAllowed),
        format!(
            "User: {user} is not authorized to perform: {list} because no identity-based policy allows the {list} action"
        )
    );
}
