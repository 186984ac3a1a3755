//! Versions and their labels: what each write does to them.

use crate::support::{call, refused, secret, token};
use serde_json::{Value, json};
use turnlock_local::{Local, Operation};

async fn local() -> Local {
    let local = Local::builder().start().await.expect("starts");
    let create = json!({ "Name": "s", "SecretString": "v1", "ClientRequestToken": token(1) });
    call(&local, Operation::CreateSecret, &create);
    local
}

fn put(local: &Local, version: u32, value: &str, labels: Option<&[&str]>) -> Value {
    let mut request =
        json!({ "SecretId": "s", "SecretString": value, "ClientRequestToken": token(version) });
    if let Some(labels) = labels {
        request["VersionStages"] = json!(labels);
    }
    call(local, Operation::PutSecretValue, &request)
}

fn swap(label: &str, from: Option<u32>, to: Option<u32>) -> Value {
    let mut request = json!({ "SecretId": "s", "VersionStage": label });
    if let Some(from) = from {
        request["RemoveFromVersionId"] = json!(token(from));
    }
    if let Some(to) = to {
        request["MoveToVersionId"] = json!(token(to));
    }
    request
}

/// Labels as `LABEL=VERSION`, in order.
fn labels(local: &Local) -> Vec<String> {
    let digit = |id: &str| id.trim_start_matches('0').to_owned();
    local.labels("s").iter().map(|(label, id)| format!("{label}={}", digit(id))).collect()
}

#[tokio::test]
async fn a_new_value_is_current_and_the_one_before_is_previous() {
    let local = local().await;
    assert_eq!(labels(&local), ["AWSCURRENT=1"]);
    put(&local, 2, "v2", None);
    assert_eq!(labels(&local), ["AWSCURRENT=2", "AWSPREVIOUS=1"]);
    put(&local, 3, "v3", None);
    assert_eq!(labels(&local), ["AWSCURRENT=3", "AWSPREVIOUS=2"]);
}

#[tokio::test]
async fn a_label_is_on_one_version_at_most() {
    let local = local().await;
    put(&local, 2, "v2", Some(&["AWSPENDING", "MINE"]));
    put(&local, 3, "v3", Some(&["AWSPENDING"]));
    assert_eq!(labels(&local), ["AWSCURRENT=1", "AWSPENDING=3", "MINE=2"]);
}

#[tokio::test]
async fn a_new_current_value_takes_the_pending_label_away() {
    let local = local().await;
    put(&local, 2, "v2", Some(&["AWSPENDING", "MINE"]));
    put(&local, 3, "v3", None);
    assert_eq!(labels(&local), ["AWSCURRENT=3", "AWSPREVIOUS=1", "MINE=2"]);
    put(&local, 4, "v4", Some(&["AWSPENDING"]));
    call(&local, Operation::UpdateSecretVersionStage, &swap("AWSCURRENT", Some(3), Some(4)));
    put(&local, 5, "v5", Some(&["MINE"]));
    assert_eq!(labels(&local), ["AWSCURRENT=4", "AWSPENDING=4", "AWSPREVIOUS=3", "MINE=5"]);
    put(&local, 6, "v6", None);
    assert_eq!(labels(&local), ["AWSCURRENT=6", "AWSPREVIOUS=4", "MINE=5"]);
}

#[tokio::test]
async fn the_first_value_is_current_whatever_its_labels_say() {
    let local = Local::builder().start().await.expect("starts");
    let create = json!({ "Name": "s", "ClientRequestToken": token(9) });
    assert!(call(&local, Operation::CreateSecret, &create).get("VersionId").is_none());
    put(&local, 1, "v1", Some(&["MINE"]));
    assert_eq!(labels(&local), ["AWSCURRENT=1", "MINE=1"]);
}

#[tokio::test]
async fn moving_the_current_label_is_a_compare_and_swap_that_previous_follows() {
    let local = local().await;
    put(&local, 2, "v2", Some(&["AWSPENDING"]));
    let (code, message) =
        refused(&local, Operation::UpdateSecretVersionStage, &swap("AWSCURRENT", None, Some(2)));
    assert_eq!(code, "InvalidParameterException");
    assert_eq!(
        message,
        format!(
            "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version {}, so you must explicitly reference that version in RemoveFromVersionId.",
            token(1)
        )
    );
    let wrong = swap("AWSCURRENT", Some(2), Some(2));
    assert_eq!(
        refused(&local, Operation::UpdateSecretVersionStage, &wrong).0,
        "InvalidParameterException"
    );
    call(&local, Operation::UpdateSecretVersionStage, &swap("AWSCURRENT", Some(1), Some(2)));
    assert_eq!(labels(&local), ["AWSCURRENT=2", "AWSPENDING=2", "AWSPREVIOUS=1"]);
    let again = swap("AWSCURRENT", Some(1), Some(2));
    assert_eq!(
        refused(&local, Operation::UpdateSecretVersionStage, &again).0,
        "InvalidParameterException",
        "the second of two equal moves has lost"
    );
    let back = swap("AWSCURRENT", Some(2), Some(1));
    call(&local, Operation::UpdateSecretVersionStage, &back);
    assert_eq!(labels(&local), ["AWSCURRENT=1", "AWSPENDING=2", "AWSPREVIOUS=2"]);
}

#[tokio::test]
async fn labels_are_added_and_removed_one_by_one_but_current_stays_somewhere() {
    let local = local().await;
    let update = Operation::UpdateSecretVersionStage;
    call(&local, update, &swap("MINE", None, Some(1)));
    assert_eq!(labels(&local), ["AWSCURRENT=1", "MINE=1"]);
    call(&local, update, &swap("MINE", Some(1), None));
    assert_eq!(labels(&local), ["AWSCURRENT=1"]);
    for request in
        [swap("AWSCURRENT", Some(1), None), swap("MINE", None, None), swap("MINE", Some(1), None)]
    {
        assert_eq!(refused(&local, update, &request).0, "InvalidParameterException");
    }
    assert_eq!(
        refused(&local, update, &swap("MINE", None, Some(7))).0,
        "ResourceNotFoundException"
    );
}

#[tokio::test]
async fn a_token_stores_one_value_ever() {
    let local = local().await;
    put(&local, 2, "v2", Some(&["AWSPENDING"]));
    let again = put(&local, 2, "v2", Some(&["AWSPENDING"]));
    assert_eq!(again["VersionStages"], json!(["AWSPENDING"]));
    let other = json!({ "SecretId": "s", "SecretString": "other", "ClientRequestToken": token(2) });
    for operation in [Operation::PutSecretValue, Operation::UpdateSecret] {
        let (code, message) = refused(&local, operation, &other);
        assert_eq!(code, "ResourceExistsException");
        assert!(message.contains(&token(2)) && !message.contains("other"), "{message}");
    }
    assert_eq!(local.value_of("s", &token(2)).as_deref(), Some("v2"));
}

#[tokio::test]
async fn a_deprecated_version_is_read_by_its_id_and_listed_on_demand() {
    let local = local().await;
    put(&local, 2, "v2", None);
    put(&local, 3, "v3", None);
    let read = json!({ "SecretId": "s", "VersionId": token(1) });
    let answer = call(&local, Operation::GetSecretValue, &read);
    assert_eq!((&answer["SecretString"], answer.get("VersionStages")), (&json!("v1"), None));
    let listed = call(&local, Operation::ListSecretVersionIds, &secret("s"));
    assert_eq!(listed["Versions"].as_array().map(Vec::len), Some(2));
    let all = json!({ "SecretId": "s", "IncludeDeprecated": true });
    let listed = call(&local, Operation::ListSecretVersionIds, &all);
    let ids: Vec<_> = listed["Versions"].as_array().expect("a list").iter().collect();
    assert_eq!(ids.len(), 3);
    assert!(ids[0].get("VersionStages").is_none());
    let described = call(&local, Operation::DescribeSecret, &secret("s"));
    assert_eq!(described["VersionIdsToStages"].as_object().map(serde_json::Map::len), Some(2));
}

#[tokio::test]
async fn more_than_a_hundred_versions_are_pruned_but_not_within_a_day() {
    let local = local().await;
    for version in 2..=120 {
        put(&local, version, "v", None);
    }
    assert_eq!(local.versions("s").len(), 120);
    local.advance(std::time::Duration::from_secs(25 * 3600));
    put(&local, 121, "v", None);
    assert_eq!(local.versions("s").len(), 100);
    assert_eq!(labels(&local), ["AWSCURRENT=121", "AWSPREVIOUS=120"]);
}

#[tokio::test]
async fn a_version_holds_twenty_labels_at_most() {
    let local = local().await;
    for label in 1..20 {
        let request = swap(&format!("L{label}"), None, Some(1));
        call(&local, Operation::UpdateSecretVersionStage, &request);
    }
    let one_more = swap("ONE-MORE", None, Some(1));
    assert_eq!(
        refused(&local, Operation::UpdateSecretVersionStage, &one_more).0,
        "LimitExceededException"
    );
}
