//! What a role has to allow, and what becomes of a rotation where it does not.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use serde_json::{Value, json};
use turnlock_local::{Operation, Policy};
use turnlock_tests::amazon::Amazon;
use turnlock_tests::binaries::turnlock_postgres;
use turnlock_tests::postgres::{Server, Setup, Version};
use turnlock_tests::serve::Serve;
use turnlock_tests::tools::AwsCli;
use turnlock_tests::world::{FIRST_PASSWORD, FUNCTION, USER, World, secret_of};

const KEY: &str = "arn:aws:kms:us-east-1:123456789012:key/11112222-3333-4444-5555-666677778888";

/// The least that one user's own rotation needs.
const LEAST: [&str; 4] = [
    "secretsmanager:DescribeSecret",
    "secretsmanager:GetSecretValue",
    "secretsmanager:PutSecretValue",
    "secretsmanager:UpdateSecretVersionStage",
];

fn document(actions: &[&str]) -> Value {
    let function = "arn:aws:lambda:us-east-1:123456789012:function:turnlock-postgres";
    json!({ "Version": "2012-10-17", "Statement": [
        {
            "Effect": "Allow", "Action": actions,
            "Resource": "arn:aws:secretsmanager:us-east-1:123456789012:secret:*",
            "Condition": { "ArnEquals": {
                "secretsmanager:resource/AllowRotationLambdaArn": function,
            } },
        },
    ] })
}

fn policy(actions: &[&str]) -> Policy {
    Policy::from_value(&document(actions)).expect("a policy")
}

#[tokio::test]
async fn four_actions_are_enough_and_each_is_needed_in_a_step_that_says_so() {
    let world = World::start(Setup::default()).await;
    world.local.set_policy(FUNCTION, Some(policy(&LEAST)));
    world.rotate().await.expect("four are enough");
    for (taken, step) in [
        ("DescribeSecret", "createSecret"),
        ("GetSecretValue", "createSecret"),
        ("PutSecretValue", "createSecret"),
        ("UpdateSecretVersionStage", "finishSecret"),
    ] {
        let taken = format!("secretsmanager:{taken}");
        let left: Vec<_> = LEAST.into_iter().filter(|action| *action != taken).collect();
        world.local.set_policy(FUNCTION, Some(policy(&left)));
        let error = world.rotate().await.expect_err("an action is missing");
        let words = format!("may not {taken} [AccessDeniedException]");
        error.assert_is(step, "permission", &[&words]);
        world.local.set_policy(FUNCTION, Some(policy(&LEAST)));
        world.retry().await.expect("it goes on once it may");
        assert!(world.accepts(&world.password("AWSCURRENT")).await);
    }
}

#[tokio::test]
async fn a_key_of_ones_own_needs_two_actions_more_and_is_not_taken_for_a_missing_one_of_secrets() {
    let world = World::start(Setup::default()).await;
    let request = json!({ "SecretId": world.secret, "KmsKeyId": KEY });
    world.local.call(Operation::UpdateSecret, &request).expect("a key");
    let with = |actions: &[&str]| {
        let kms = json!({ "Statement": {
            "Effect": "Allow", "Action": actions, "Resource": KEY,
            "Condition": { "StringEquals": {
                "kms:ViaService": "secretsmanager.us-east-1.amazonaws.com",
                "kms:EncryptionContext:SecretARN": world.secret,
            } },
        } });
        let kms = Policy::from_value(&kms).expect("a policy");
        world.local.set_policy(FUNCTION, Some(policy(&LEAST).and(kms)));
    };
    for (left, words) in [
        ("kms:GenerateDataKey", "may not kms:Decrypt with the secret's KMS key for GetSecretValue"),
        ("kms:Decrypt", "may not kms:GenerateDataKey and kms:Decrypt with the secret's KMS key"),
    ] {
        with(&[left]);
        let error = world.rotate().await.expect_err("an action is missing");
        error.assert_is("createSecret", "permission", &[words, "[AccessDeniedException]"]);
        assert!(!error.message.contains("secretsmanager:GetSecretValue"), "{error:?}");
        with(&["kms:Decrypt", "kms:GenerateDataKey"]);
        world.retry().await.expect("it goes on once it may");
    }
}

#[tokio::test]
async fn a_role_is_bound_to_the_databases_that_its_policy_names() {
    let amazon = Amazon::start(Version::Distribution).await;
    let function = amazon.world.local.function_arn(FUNCTION);
    for (resource, allowed) in [
        ("arn:aws:rds:us-east-1:123456789012:db:other-*", false),
        ("arn:aws:rds:us-east-1:123456789012:cluster:*", false),
        ("arn:aws:rds:us-east-1:123456789012:db:shop", true),
    ] {
        let allow = json!({ "Statement": {
            "Effect": "Allow", "Action": "rds:DescribeDBInstances", "Resource": resource,
            "Condition": { "ArnEquals": { "lambda:SourceFunctionArn": function } },
        } });
        let policy = Policy::from_value(&allow).expect("a policy");
        amazon.rds.enforce(Some(policy), &function);
        match amazon.world.test_only().await {
            Ok(()) => assert!(allowed, "{resource}"),
            Err(error) => {
                assert!(!allowed, "{error:?}");
                let words = ["may not rds:DescribeDBInstances in us-east-1 [AccessDenied]"];
                error.assert_is("testSecret", "permission", &words);
            }
        }
    }
    let accesses = amazon.rds.take_accesses();
    let shop = "arn:aws:rds:us-east-1:123456789012:db:shop";
    assert!(accesses.iter().all(|access| access.resource == shop), "{accesses:?}");
}

#[tokio::test]
async fn the_cli_hears_what_iam_says_and_the_program_enforces_the_policy_of_a_file() {
    let server = Server::start(Setup::default()).await;
    server.sql(&format!("CREATE ROLE {USER} LOGIN PASSWORD '{FIRST_PASSWORD}'")).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("policy.json");
    std::fs::write(&file, document(&LEAST[..2]).to_string()).expect("a file");
    let function = format!("{FUNCTION}={}", turnlock_postgres().display());
    let roots = format!("{FUNCTION}:TLS_CA_FILE={}", server.ca_file().display());
    let policy = format!("{FUNCTION}={}", file.display());
    // The function is taken to run elsewhere, with the access key id that the CLI signs with.
    let key = format!("{FUNCTION}=test");
    let serve = Serve::start([
        "--function",
        &function,
        "--env",
        &roots,
        "--policy",
        &policy,
        "--access-key",
        &key,
        "--attempts",
        "1",
    ]);
    let aws = AwsCli::new(serve.endpoint());
    let secret = secret_of(&server, USER, &json!(FIRST_PASSWORD)).to_string();
    let create = ["create-secret", "--name", "app", "--secret-string", &secret];
    let output = aws.run(["secretsmanager"].iter().chain(&create));
    let said = String::from_utf8_lossy(&output.stderr);
    let user = "arn:aws:sts::123456789012:assumed-role/turnlock-postgres/turnlock-postgres";
    assert!(said.contains("(AccessDeniedException)"), "{said}");
    assert!(said.contains(&format!("User: {user} is not authorized to perform")), "{said}");
    assert!(said.contains("secretsmanager:CreateSecret on resource: arn:aws:"), "{said}");
}
