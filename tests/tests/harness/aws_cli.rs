//! The AWS CLI against `turnlock-local serve`, the real function and a real server.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use turnlock_tests::binaries::turnlock_postgres;
use turnlock_tests::postgres::{Logins, Server, Setup};
use turnlock_tests::serve::Serve;
use turnlock_tests::tools::AwsCli;
use turnlock_tests::world::{FIRST_PASSWORD, FUNCTION, USER, secret_of};

const FUNCTION_ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:turnlock-postgres";
const PATIENCE: Duration = Duration::from_secs(60);

async fn server() -> Server {
    let server = Server::start(Setup::default()).await;
    server.sql(&format!("CREATE ROLE {USER} LOGIN PASSWORD '{FIRST_PASSWORD}'")).await;
    server
}

/// Starts to serve with the function for this server.
fn serve(server: &Server, more: &[&str]) -> Serve {
    let function = format!("{FUNCTION}={}", turnlock_postgres().display());
    let roots = format!("{FUNCTION}:TLS_CA_FILE={}", server.ca_file().display());
    let arguments = ["--function", &function, "--env", &roots];
    Serve::start(arguments.iter().chain(more))
}

fn create(aws: &AwsCli, server: &Server) {
    let text = secret_of(server, USER, &json!(FIRST_PASSWORD)).to_string();
    let name = ["--name", "app", "--secret-string", &text];
    aws.json(["secretsmanager", "create-secret"].iter().chain(&name));
}

fn rotate(aws: &AwsCli, more: &[&str]) -> Value {
    let which = ["--secret-id", "app", "--rotation-lambda-arn", FUNCTION_ARN];
    let rules = ["--rotation-rules", "AutomaticallyAfterDays=30"];
    aws.json(["secretsmanager", "rotate-secret"].iter().chain(&which).chain(&rules).chain(more))
}

fn describe(aws: &AwsCli) -> Value {
    aws.json(["secretsmanager", "describe-secret", "--secret-id", "app"])
}

/// The password of a label.
fn password(aws: &AwsCli, label: &str) -> String {
    let which = ["--secret-id", "app", "--version-stage", label];
    let answer = aws.json(["secretsmanager", "get-secret-value"].iter().chain(&which));
    let text = answer["SecretString"].as_str().expect("a text");
    let secret: Value = serde_json::from_str(text).expect("JSON");
    secret["password"].as_str().expect("a password").to_owned()
}

/// Describes the secret until no version is pending; returns the last description.
fn described_at_the_end(aws: &AwsCli) -> Value {
    let began = Instant::now();
    loop {
        let description = describe(aws);
        let labels = description["VersionIdsToStages"].to_string();
        if !labels.contains("AWSPENDING") {
            return description;
        }
        assert!(began.elapsed() < PATIENCE, "{description}");
    }
}

#[tokio::test]
async fn the_cli_rotates_a_secret() {
    let server = server().await;
    let serve = serve(&server, &[]);
    let aws = AwsCli::new(serve.endpoint());
    create(&aws, &server);
    let version = rotate(&aws, &[])["VersionId"].clone();
    let description = described_at_the_end(&aws);
    let version = version.as_str().expect("a version");
    assert_eq!(description["VersionIdsToStages"][version], json!(["AWSCURRENT"]));
    assert_eq!(description["RotationEnabled"], true);
    assert!(description["LastRotatedDate"].is_string() || description["LastRotatedDate"].is_f64());
    let new = password(&aws, "AWSCURRENT");
    assert_eq!(password(&aws, "AWSPREVIOUS"), FIRST_PASSWORD);
    assert_eq!(server.logins(USER).await, Logins { accepted: 2, failed: 0, plaintext: 0 });
    assert!(server.can_log_in(USER, &new, "postgres").await);
    assert!(!server.can_log_in(USER, FIRST_PASSWORD, "postgres").await);
}

#[tokio::test]
async fn the_cli_attaches_a_function_without_rotating() {
    let server = server().await;
    let serve = serve(&server, &[]);
    let aws = AwsCli::new(serve.endpoint());
    create(&aws, &server);
    let before = describe(&aws)["VersionIdsToStages"].clone();
    rotate(&aws, &["--no-rotate-immediately"]);
    let description = described_at_the_end(&aws);
    assert_eq!(description["RotationEnabled"], true);
    assert_eq!(description["VersionIdsToStages"], before);
    assert_eq!(password(&aws, "AWSCURRENT"), FIRST_PASSWORD);
    // testSecret alone has logged in once.
    assert_eq!(server.logins(USER).await, Logins { accepted: 1, failed: 0, plaintext: 0 });
    assert!(server.can_log_in(USER, FIRST_PASSWORD, "postgres").await);
}

#[tokio::test]
async fn the_cli_invokes_one_step() {
    let server = server().await;
    let serve = serve(&server, &[]);
    let aws = AwsCli::new(serve.endpoint());
    create(&aws, &server);
    rotate(&aws, &["--no-rotate-immediately"]);
    let description = described_at_the_end(&aws);
    let (arn, token) = (&description["ARN"], "0123456789abcdef0123456789abcdef");
    let versions = description["VersionIdsToStages"].as_object().expect("versions");
    let current = versions.keys().next().expect("a version");

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("answer.json");
    let invoke = |payload: &str| {
        let file = file.to_str().expect("a path in UTF-8");
        let what = ["--function-name", FUNCTION, "--payload", payload, file];
        aws.run(["lambda", "invoke"].iter().chain(&what))
    };
    let answer = || -> Value {
        serde_json::from_slice(&std::fs::read(&file).expect("an answer")).expect("JSON")
    };

    let event = json!({"Step": "testSecret", "SecretId": arn, "ClientRequestToken": current});
    let output = invoke(&event.to_string());
    assert!(output.status.success(), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("FunctionError"), "{output:?}");
    assert_eq!(answer(), json!({"step": "testSecret", "outcome": "unchanged"}));

    let event = json!({"Step": "createSecret", "SecretId": arn, "ClientRequestToken": token});
    let output = invoke(&event.to_string());
    assert!(String::from_utf8_lossy(&output.stdout).contains("FunctionError"), "{output:?}");
    assert_eq!(answer()["errorType"], "refused");

    let output = invoke("this is not JSON");
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("InvalidRequestContentException"), "{said}");
    assert!(server.can_log_in(USER, FIRST_PASSWORD, "postgres").await);
}

/// What the data file holds of the pending version.
fn pending_in(data: &Path) -> Option<String> {
    let state: Value = serde_json::from_slice(&std::fs::read(data).ok()?).expect("a whole state");
    let versions = state.pointer("/secrets/0/versions")?.as_array()?.clone();
    let pending = versions.iter().find(|version| version["labels"] == json!(["AWSPENDING"]))?;
    Some(pending.pointer("/value/String")?.as_str()?.to_owned())
}

#[tokio::test]
async fn a_rotation_survives_that_the_stand_in_is_killed_in_the_middle() {
    let server = server().await;
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("state.json");
    let file = data.to_str().expect("a path in UTF-8");

    // Long enough between the steps to be killed after the first one.
    let first = serve(&server, &["--data", file, "--step-spacing", "60000"]);
    let aws = AwsCli::new(first.endpoint());
    create(&aws, &server);
    rotate(&aws, &[]);
    let began = Instant::now();
    let stored = loop {
        if let Some(stored) = pending_in(&data) {
            break stored;
        }
        assert!(began.elapsed() < PATIENCE, "createSecret stores nothing");
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    first.kill();
    assert!(server.can_log_in(USER, FIRST_PASSWORD, "postgres").await);

    let second = serve(&server, &["--data", file]);
    let aws = AwsCli::new(second.endpoint());
    described_at_the_end(&aws);
    let new = password(&aws, "AWSCURRENT");
    assert!(stored.contains(&new), "the password that was stored first is the one that is set");
    assert!(server.can_log_in(USER, &new, "postgres").await);
    assert!(!server.can_log_in(USER, FIRST_PASSWORD, "postgres").await);
    let description = describe(&aws);
    second.kill();

    let third = serve(&server, &["--data", file]);
    let aws = AwsCli::new(third.endpoint());
    let after = describe(&aws);
    for field in ["ARN", "VersionIdsToStages", "RotationLambdaARN", "RotationRules"] {
        assert_eq!(after[field], description[field]);
    }
    assert_eq!(password(&aws, "AWSCURRENT"), new);
}
