//! What holds for all policies.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const ACTIONS: &[&str] =
    &["*", "secretsmanager:*", READ, "secretsmanager:?etSecretValue", "kms:Decrypt", "kms:*"];
const RESOURCES: &[&str] = &[
    "*",
    SECRET,
    "arn:aws:secretsmanager:*:*:secret:app-??????",
    "arn:aws:secretsmanager:us-east-1:123456789012:*",
    "arn:aws:kms:us-east-1:123456789012:key/one",
];
const VALUES: &[&str] = &["us-east-1", "us-*", "eu-west-1"];

fn chosen(from: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::sample::subsequence(from, 1..=2)
}

fn statement(effect: impl Strategy<Value = &'static str>) -> impl Strategy<Value = Value> {
    let operator = prop::sample::select(vec!["StringEquals", "StringLike", "StringLikeIfExists"]);
    let condition = prop::option::of((operator, chosen(VALUES)));
    (effect, chosen(ACTIONS), chosen(RESOURCES), condition).prop_map(
        |(effect, actions, resources, condition)| {
            let mut statement =
                json!({ "Effect": effect, "Action": actions, "Resource": resources });
            if let Some((operator, values)) = condition {
                statement["Condition"] = json!({ operator: { "aws:RequestedRegion": values } });
            }
            statement
        },
    )
}

fn any_statement() -> impl Strategy<Value = Value> {
    statement(prop::sample::select(vec!["Allow", "Deny"]))
}

fn any_request() -> impl Strategy<Value = Request> {
    let action = prop::sample::select(vec![READ, "secretsmanager:PutSecretValue", "kms:Decrypt"]);
    let resource =
        prop::sample::select(vec![SECRET, "arn:aws:kms:us-east-1:123456789012:key/one", "*"]);
    let region = prop::option::of(prop::sample::select(vec!["us-east-1", "eu-west-1"]));
    (action, resource, region).prop_map(|(action, resource, region)| {
        let region = region.map(|region| ("aws:RequestedRegion", region));
        request(action, resource, &region.into_iter().collect::<Vec<_>>())
    })
}

fn of(statements: &[Value]) -> Policy {
    policy(Value::Array(statements.to_vec()))
}

proptest! {
    #[test]
    fn a_deny_more_never_allows_more(
        statements in prop::collection::vec(any_statement(), 0..5),
        deny in statement(Just("Deny")),
        at in any::<prop::sample::Index>(),
        request in any_request(),
    ) {
        let mut more = statements.clone();
        more.insert(at.index(statements.len() + 1), deny);
        prop_assert!(of(&statements).allows(&request) || !of(&more).allows(&request));
    }

    #[test]
    fn an_allow_less_never_allows_more(
        statements in prop::collection::vec(any_statement(), 0..5),
        allow in statement(Just("Allow")),
        request in any_request(),
    ) {
        let mut more = statements.clone();
        more.push(allow);
        prop_assert!(of(&more).allows(&request) || !of(&statements).allows(&request));
    }

    #[test]
    fn the_order_of_statements_and_their_spread_over_documents_make_no_difference(
        statements in prop::collection::vec(any_statement(), 0..5),
        request in any_request(),
    ) {
        let mut reversed = statements.clone();
        reversed.reverse();
        let one = of(&statements).decide(&request);
        prop_assert_eq!(of(&reversed).decide(&request), one);
        let documents = statements.iter().cloned().map(policy);
        prop_assert_eq!(documents.fold(Policy::default(), Policy::and).decide(&request), one);
    }
}
