//! Roles that are enough for every strategy and have nothing more; and that others are told from them.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use serde_json::{Value, json};
use turnlock_local::Request;
use turnlock_tests::permissions::{Outcome, Role, Way, prove};
use turnlock_tests::project;
use turnlock_tests::world::{FUNCTION, keys, mysql};

/// The policy of a role of `template.yaml`, as its evaluation wrote it down; `make validate` compares them.
fn document(function: &str) -> Value {
    let name = function.strip_prefix("turnlock-").expect("one of ours");
    let path = project::root().join("tests/policies").join(name).with_extension("json");
    let text = std::fs::read_to_string(path).expect("policies");
    let policies: [Value; 1] = serde_json::from_str(&text).expect("one policy");
    let [policy] = policies;
    policy
}

fn role(function: &'static str, document: Value) -> Role {
    let arn = format!("arn:aws:lambda:eu-central-1:123456789012:function:{function}");
    Role::new(function, &arn, &[document])
}

fn of_keys(document: Value) -> Role {
    role(keys::FUNCTION, document)
}

/// The way of a key that is rotated by itself, which needs no server.
fn key() -> Vec<Way> {
    Way::all().filter(|way| way.name == "API key, overlapping").collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_roles_are_enough_and_every_action_is_needed() {
    let roles = [FUNCTION, keys::FUNCTION].map(|function| role(function, document(function)));
    // What two users need, they need with the admin of an instance, too.
    let left_out =
        |way: &Way| way.function == mysql::FUNCTION || way.name == "PostgreSQL, two users";
    let ways: Vec<_> = Way::all().filter(|way| !left_out(way)).collect();
    let table = prove(&roles, &ways).await;
    assert_eq!(table.objections(), Vec::<String>::new(), "{table}");
    assert_eq!(table.whole.len(), ways.len());
    for row in &table.rows {
        let Outcome::Needed(failures) = &row.outcome else {
            let service = row.grant.action.split(':').next();
            assert!(matches!(service, Some("ec2" | "logs")), "{row:?}");
            continue;
        };
        // Old versions are looked for where something else has failed already, which is what is told then.
        let is_told = row.grant.action != "secretsmanager:ListSecretVersionIds";
        for (way, failure) in failures.iter().filter(|_| is_told) {
            assert_eq!(failure.class, "permission", "{way:?}: {failure}");
            assert!(failure.text.contains(&row.grant.action), "{way:?}: {failure}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_action_that_nobody_needs_is_told() {
    let mut more = document(keys::FUNCTION);
    more["Statement"] = json!([
        more["Statement"][0],
        { "Sid": "More", "Effect": "Allow", "Action": "secretsmanager:GetRandomPassword", "Resource": "*" },
        { "Effect": "Allow", "Action": ["secretsmanager:Put*"], "Resource": "*" },
    ]);
    let table = prove(&[of_keys(more)], &key()).await;
    let objections = table.objections();
    for (action, statement) in [
        ("secretsmanager:GetRandomPassword", "More"),
        // Either of the two would do.
        ("secretsmanager:PutSecretValue", "RotateSecrets"),
        ("secretsmanager:Put*", "0.2"),
        // This one way asks for no list.
        ("secretsmanager:ListSecretVersionIds", "RotateSecrets"),
    ] {
        let objection = format!("turnlock-api-key needs no {action} of {statement}");
        assert!(objections.contains(&objection), "{objections:?}");
    }
    assert_eq!(objections.len(), 4, "{objections:?}");
    assert!(
        table.to_string().contains("| More | `secretsmanager:GetRandomPassword` | **nothing** |")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_not_enough_is_told_and_proves_no_action_needed() {
    let mut less = document(keys::FUNCTION);
    less["Statement"][0]["Action"] = json!(["secretsmanager:DescribeSecret"]);
    let table = prove(&[of_keys(less)], &key()).await;
    let objections = table.objections();
    let first = "API key, overlapping fails under the whole policy: createSecret, `permission`: the function's role may \
                 not secretsmanager:GetSecretValue [AccessDeniedException]";
    assert_eq!(objections[0], first);
    assert!(!table.rows.iter().any(|row| matches!(row.outcome, Outcome::Needed(_))), "{table}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_of_another_account_region_and_name_is_the_same() {
    let text = document(keys::FUNCTION).to_string();
    let text =
        text.replace("turnlock-api-key", "shop-api-key").replace("eu-central-1", "ap-south-1");
    let there = serde_json::from_str(&text.replace("123456789012", "000000000000")).expect("JSON");
    let arn = "arn:aws:lambda:ap-south-1:000000000000:function:shop-api-key";
    let role = Role::new(keys::FUNCTION, arn, &[there]);
    let table = prove(&[role], &key()).await;
    assert!(table.whole.iter().all(|(_, outcome)| outcome.is_ok()), "{table}");
}

#[test]
fn a_role_reaches_only_secrets_that_are_attached_to_its_function() {
    let secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:app-AbCdEf";
    let functions = [FUNCTION, mysql::FUNCTION, keys::FUNCTION];
    for function in functions {
        let policy = role(function, document(function)).policy();
        let may = |action: &str, resource: &str, attached_to: Option<&str>| {
            let arn = |name| format!("arn:aws:lambda:us-east-1:123456789012:function:{name}");
            let key = "secretsmanager:resource/AllowRotationLambdaArn".to_owned();
            let conditions = attached_to.map(|name| (key, arn(name))).into_iter().collect();
            let (action, resource) = (action.to_owned(), resource.to_owned());
            policy.allows(&Request { action, resource, conditions })
        };
        for action in ["GetSecretValue", "PutSecretValue", "UpdateSecretVersionStage"] {
            let action = format!("secretsmanager:{action}");
            for attached_to in functions {
                assert_eq!(may(&action, secret, Some(attached_to)), attached_to == function);
            }
            assert!(!may(&action, secret, None), "{function}: {action}");
        }
        let admin = "arn:aws:secretsmanager:us-east-1:123456789012:secret:admin-AbCdEf";
        assert!(may("secretsmanager:GetSecretValue", admin, None), "{function}");
        assert!(!may("secretsmanager:PutSecretValue", admin, None), "{function}");
    }
}
