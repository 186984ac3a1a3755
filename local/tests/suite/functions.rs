//! Functions: environments that are reused, restarted, killed.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;
use turnlock_local::{Function, Local};

use crate::support::{function, with_function};

/// The processes that carried out steps, in order.
fn processes(local: &Local) -> Vec<String> {
    let output = local.output("f");
    let process = |line: &str| line.split(' ').nth(1).map(str::to_owned);
    output.lines().filter_map(process).filter(|process| !process.is_empty()).collect()
}

fn exists(process: &str) -> bool {
    let stat = std::fs::read_to_string(Path::new("/proc").join(process).join("stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

async fn gone(process: &str) -> bool {
    let start = Instant::now();
    while exists(process) && start.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    !exists(process)
}

#[tokio::test]
async fn an_environment_serves_one_invocation_after_the_other() {
    let local = with_function("").start().await.expect("starts");
    for number in 0..3 {
        let answer = local.invoke("f", json!({ "number": number })).await;
        assert_eq!(answer.payload, json!({ "number": number }));
    }
    let used = processes(&local);
    assert_eq!(used.len(), 3);
    assert!(used.windows(2).all(|pair| pair[0] == pair[1]), "{used:?}");
}

#[tokio::test]
async fn invocations_that_overlap_get_an_environment_each() {
    let local = with_function("x=linger").start().await.expect("starts");
    let event = json!({ "Step": "x" });
    let (one, other) = tokio::join!(local.invoke("f", event.clone()), local.invoke("f", event));
    assert_eq!((one.error_type, other.error_type), (None, None));
    let used = processes(&local);
    assert_ne!(used[0], used[1]);
}

#[tokio::test]
async fn an_invocation_that_takes_too_long_is_killed_and_the_next_has_a_new_process() {
    let slow = function("x=hang").timeout(Duration::from_secs(2));
    let local = Local::builder().function("f", slow).start().await.expect("starts");
    let answer = local.invoke("f", json!({ "Step": "x" })).await;
    assert_eq!(answer.error_type.as_deref(), Some("Sandbox.Timedout"));
    let message = answer.error_message.unwrap_or_default();
    assert!(message.ends_with("Task timed out after 2.00 seconds"), "{message}");
    let answer = local.invoke("f", json!({})).await;
    assert_eq!(answer.error_type, None);
    let used = processes(&local);
    assert!(gone(&used[0]).await, "the slow process lives");
    assert_ne!(used[0], used[1]);
}

#[tokio::test]
async fn a_crash_ends_the_invocation_and_the_next_has_a_new_process() {
    let local = with_function("x=crash").start().await.expect("starts");
    let answer = local.invoke("f", json!({ "Step": "x" })).await;
    assert_eq!(answer.error_type.as_deref(), Some("Runtime.ExitError"));
    let message = answer.error_message.unwrap_or_default();
    assert!(message.ends_with("Runtime exited with error: exit status: 7"), "{message}");
    assert_eq!(local.invoke("f", json!({})).await.error_type, None);
}

#[tokio::test]
async fn functions_that_were_killed_are_gone_and_the_next_invocation_has_a_new_process() {
    let local = with_function("").start().await.expect("starts");
    for _ in 0..2 {
        assert_eq!(local.invoke("f", json!({})).await.error_type, None);
        local.kill_functions().await;
    }
    let used = processes(&local);
    assert_eq!(used.len(), 2, "{}", local.output("f"));
    assert!(!used.iter().any(|process| exists(process)));
    assert_ne!(used[0], used[1]);
}

#[tokio::test]
async fn a_function_that_cannot_get_ready_says_why() {
    let local = with_function("init=fail").start().await.expect("starts");
    assert_eq!(local.invoke("f", json!({})).await.error_type.as_deref(), Some("InitFailed"));
}

#[tokio::test]
async fn a_program_that_exits_at_once_or_does_not_exist_fails_the_invocation() {
    let local = Local::builder()
        .function("exits", Function::binary("/bin/false"))
        .function("missing", Function::binary("/no/such/program"))
        .start()
        .await
        .expect("starts");
    let answer = local.invoke("exits", json!({})).await;
    assert_eq!(answer.error_type.as_deref(), Some("Runtime.ExitError"));
    let answer = local.invoke("missing", json!({})).await;
    assert_eq!(answer.error_type.as_deref(), Some("Runtime.InvalidEntrypoint"));
    let answer = local.invoke("unknown", json!({})).await;
    assert_eq!(
        (answer.status, answer.error_type.as_deref()),
        (404, Some("ResourceNotFoundException"))
    );
}

#[tokio::test]
async fn a_command_may_have_arguments_and_sees_lambda_s_variables_and_no_credentials() {
    let script = r#"env; echo "args: $1 $2" >&2"#;
    let shell = Function::binary("/bin/sh").arg("-c").arg(script).arg("sh").arg("one").arg("two");
    let shell = shell.env("MINE", "yes").memory_mb(256);
    let local = Local::builder().function("f", shell).start().await.expect("starts");
    local.invoke("f", json!({})).await;
    let output = local.output("f");
    let endpoint = local.endpoint();
    for line in [
        "args: one two".to_owned(),
        "MINE=yes".to_owned(),
        "AWS_LAMBDA_FUNCTION_NAME=f".to_owned(),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256".to_owned(),
        "AWS_REGION=us-east-1".to_owned(),
        format!("AWS_ENDPOINT_URL_SECRETS_MANAGER={endpoint}"),
        format!("SECRETS_MANAGER_ENDPOINT={endpoint}"),
        "AWS_SHARED_CREDENTIALS_FILE=/dev/null".to_owned(),
    ] {
        assert!(output.lines().any(|printed| printed == line), "{line} is not in:\n{output}");
    }
    assert!(output.contains("AWS_ACCESS_KEY_ID=ASIALOCAL"), "{output}");
    assert!(!output.contains("CARGO_"), "our own environment is not inherited");
}

#[tokio::test]
async fn processes_die_with_the_service() {
    let local = with_function("x=hang").start().await.expect("starts");
    local.invoke("f", json!({})).await;
    let idle = processes(&local).pop().expect("a process");
    assert!(exists(&idle));
    drop(local);
    assert!(gone(&idle).await, "an idle process lives on");

    let local = with_function("").start().await.expect("starts");
    local.invoke("f", json!({})).await;
    let idle = processes(&local).pop().expect("a process");
    local.stop().await;
    assert!(!exists(&idle), "stop() waits for the end");
}

#[tokio::test]
async fn all_that_was_printed_before_an_end_is_there_with_its_answer() {
    let shell = Function::binary("/bin/sh").arg("-c").arg("seq 10000; printf end >&2; exit 3");
    let local = Local::builder().function("f", shell).start().await.expect("starts");
    local.invoke("f", json!({})).await;
    let output = local.output("f");
    assert_eq!(output.replace("end", "").lines().count(), 10_000);
    assert_eq!(output.matches("end").count(), 1);
}
