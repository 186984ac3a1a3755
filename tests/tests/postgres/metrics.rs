//! What CloudWatch learns of rotations from the function's output.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use std::collections::BTreeSet;
use std::time::Instant;

use serde_json::Value;
use turnlock_local::{Fault, Function, Operation};
use turnlock_tests::binaries::turnlock_postgres;
use turnlock_tests::metrics::{data, lines};
use turnlock_tests::postgres::{Server, Setup};
use turnlock_tests::project;
use turnlock_tests::runtime_api;
use turnlock_tests::world::{ADMIN, FIRST_PASSWORD, FUNCTION, USER, World, function, secret_of};

/// The lines that a world's function has printed, by the steps that they are of.
fn told(world: &World) -> Vec<(String, Value)> {
    let lines = lines(&world.output());
    lines
        .into_iter()
        .map(|line| (line["Step"].as_str().unwrap_or_default().to_owned(), line))
        .collect()
}

async fn world_with(edit: impl FnOnce(Function) -> Function) -> World {
    let server = Server::start(Setup::default()).await;
    server.sql(&format!("CREATE ROLE {USER} LOGIN PASSWORD '{FIRST_PASSWORD}'")).await;
    let text = secret_of(&server, USER, &FIRST_PASSWORD.into()).to_string();
    let function = edit(function(&server));
    World::with_function(server, &text, function).await
}

const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

#[tokio::test]
async fn a_rotation_prints_one_line_a_step_whatever_the_format_and_the_level_of_the_log() {
    for (format, level, expected) in [
        ("Text", "INFO", "INFO"),
        ("JSON", "INFO", "INFO"),
        ("JSON", "WARN", "WARN"),
        ("JSON", "FATAL", "FATAL"),
    ] {
        let world = world_with(|function| {
            let function = function.env("AWS_LAMBDA_LOG_FORMAT", format);
            function.env("AWS_LAMBDA_LOG_LEVEL", level).env("RUST_LOG", level)
        })
        .await;
        let began = Instant::now();
        world.rotate().await.expect("the rotation succeeds");
        let took = began.elapsed().as_secs_f64() * 1000.0;
        let told = told(&world);
        assert_eq!(told.iter().map(|(step, _)| step.as_str()).collect::<Vec<_>>(), STEPS);
        for (step, line) in &told {
            assert_eq!(line["level"], expected);
            assert_eq!(line["FunctionName"], FUNCTION);
            assert_eq!(line["SecretId"], world.secret.as_str());
            assert_eq!(line["VersionId"], world.labels()["AWSCURRENT"].as_str());
            assert_eq!((&line["Failures"], line.get("ErrorClass")), (&0.into(), None));
            assert_eq!(line["Changes"], u64::from(step != "testSecret"));
            assert_eq!(line.get("CredentialAge").is_some(), step == "createSecret");
            assert_eq!(line.get("DeadPasswordTime").is_some(), step == "finishSecret");
        }
        let data = data(&told[3].1);
        let dead: Vec<_> = data.iter().filter(|datum| datum.name == "DeadPasswordTime").collect();
        assert_eq!(dead.len(), 2);
        assert!(dead.iter().all(|datum| datum.value > 0.0 && datum.value < took), "{dead:?}");
        assert!(data.iter().any(|datum| datum.name == "Rotations"
            && datum.namespace == "Turnlock"
            && datum.dimensions == [("FunctionName".to_owned(), FUNCTION.to_owned())].into()));
    }
}

/// The names of all members, and the name and unit of each metric.
fn shape(line: &Value) -> (BTreeSet<String>, BTreeSet<(String, String)>) {
    let members = line.as_object().expect("an object").keys().cloned().collect();
    (members, data(line).into_iter().map(|datum| (datum.name, datum.unit)).collect())
}

#[tokio::test]
async fn the_documentation_has_a_line_as_it_is_printed_and_all_metrics() {
    let page = std::fs::read_to_string(project::root().join("docs/metrics.md")).expect("a page");
    let documented = lines(&page);
    let world = World::start(Setup::default()).await;
    world.rotate().await.expect("the rotation succeeds");
    let told = told(&world);
    assert_eq!(documented.iter().map(shape).collect::<Vec<_>>(), [shape(&told[3].1)]);
    for (name, unit) in told.iter().flat_map(|(_, line)| shape(line).1) {
        assert!(page.contains(&format!("\n| `{name}` | {unit}")), "{name}");
    }
}

#[tokio::test]
async fn two_users_that_take_turns_are_never_told_of_as_dead() {
    let world = World::start_alternating(Setup::default()).await;
    for _ in 0..2 {
        world.rotate().await.expect("the rotation succeeds");
    }
    world.rotate_but_for_the_end().await;
    let told = told(&world);
    assert_eq!(told.len(), 12);
    assert!(told.iter().all(|(_, line)| line.get("DeadPasswordTime").is_none()));
}

#[tokio::test]
async fn an_admins_change_of_a_single_user_is_told_of_as_its_own() {
    let world = World::start_with_admin(Setup::default()).await;
    world.rotate().await.expect("the rotation succeeds");
    let told = told(&world);
    assert!(told[3].1["DeadPasswordTime"].as_u64().is_some_and(|millis| millis > 0));
}

#[tokio::test]
async fn a_step_that_fails_counts_by_its_class() {
    let world = World::start_with_admin(Setup::default()).await;
    world.server.sql(&format!("ALTER ROLE {ADMIN} NOCREATEROLE")).await;
    world.rotate().await.expect_err("the admin may not");
    let (step, line) = told(&world).pop().expect("a line");
    assert_eq!((step.as_str(), &line["Outcome"]), ("setSecret", &"failed".into()));
    assert_eq!(line["ErrorClass"], "permission");
    let data = data(&line);
    let failures = data.iter().filter(|datum| datum.name == "Failures" && datum.value == 1.0);
    let by: Vec<_> = failures
        .map(|datum| datum.dimensions.keys().cloned().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(by, ["FunctionName", "FunctionName Step", "ErrorClass FunctionName"]);
    assert!(line.get("DeadPasswordTime").is_none());
}

#[tokio::test]
async fn an_outage_is_told_of_while_it_lasts_and_at_its_end() {
    let world = World::start(Setup::default()).await;
    let pending = world.rotate_but_for_the_end().await;
    let so_far = told(&world).pop().expect("a line").1;
    world.retry_by_hand(&pending).await.expect("the retry succeeds");
    let at_last = told(&world).pop().expect("a line").1;
    assert_eq!((&so_far["ErrorClass"], &so_far["Step"]), (&"permission".into(), &at_last["Step"]));
    let [so_far, at_last] = [so_far, at_last].map(|line| line["DeadPasswordTime"].as_u64());
    assert!(so_far > Some(0) && at_last >= so_far, "{so_far:?} {at_last:?}");
}

#[tokio::test]
async fn an_outage_that_another_environment_has_begun_is_told_of_by_the_end_that_fails() {
    for (world, is_out) in [
        (World::start(Setup::default()).await, true),
        (World::start_alternating(Setup::default()).await, false),
    ] {
        let pending = world.rotate_but_for_the_end().await;
        world.local.kill_functions().await;
        world.local.fail_next(Operation::UpdateSecretVersionStage, 1, Fault::AccessDenied);
        world.step("finishSecret", &pending).await.expect_err("the label is not to be moved");
        let line = told(&world).pop().expect("a line").1;
        assert_eq!((&line["Step"], &line["Failures"]), (&"finishSecret".into(), &1.into()));
        assert_eq!(line.get("Outages").is_some(), is_out, "{line}");
        assert_eq!(line.get("DeadPasswordTime").is_some(), is_out, "{line}");
    }
}

#[tokio::test]
async fn a_policy_that_cannot_be_read_is_a_failure_of_the_step() {
    let world = world_with(|function| function.env("PASSWORD_LENGTH", "long")).await;
    let error = world.rotate().await.expect_err("the length is no number");
    let told = told(&world);
    assert_eq!(told.len(), 1);
    assert_eq!(
        (told[0].0.as_str(), &told[0].1["ErrorClass"]),
        ("createSecret", &error.class.into())
    );
}

#[test]
fn what_is_no_event_is_a_failure_of_no_step() {
    let answered = runtime_api::answer(turnlock_postgres(), b"null");
    let told = lines(&answered.output);
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["Failures"], told[0].get("Step")), (&1.into(), None));
    assert_eq!(
        (&told[0]["ErrorClass"], &told[0]["RequestId"]),
        (&"malformed-event".into(), &"one".into())
    );
}

#[tokio::test]
async fn without_a_namespace_nothing_is_told() {
    let world = world_with(|function| function.env("METRICS_NAMESPACE", "")).await;
    world.rotate().await.expect("the rotation succeeds");
    assert!(world.output().contains("finishSecret done"));
    assert!(!world.output().contains("_aws"));
}

#[tokio::test]
async fn a_stdout_that_takes_nothing_fails_no_step() {
    let server = Server::start(Setup::default()).await;
    server.sql(&format!("CREATE ROLE {USER} LOGIN PASSWORD '{FIRST_PASSWORD}'")).await;
    let text = secret_of(&server, USER, &FIRST_PASSWORD.into()).to_string();
    let program = turnlock_postgres().display().to_string();
    let function = Function::binary("/bin/sh")
        .arg("-c")
        .arg("exec \"$0\" >/dev/full")
        .arg(program)
        .env("TLS_CA_FILE", server.ca_file().display().to_string())
        .env("METRICS_NAMESPACE", "Turnlock");
    let world = World::with_function(server, &text, function).await;
    world.rotate().await.expect("the rotation succeeds");
    assert!(lines(&world.output()).is_empty());
    assert!(world.accepts(&world.password("AWSCURRENT")).await);
}
