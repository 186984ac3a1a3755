//! `DescribeSecret`, and the entry of a secret in a list.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::clock::epoch_seconds;
use crate::error::ApiError;
use crate::input::Input;
use crate::rules::RotationRules;
use crate::secret::Secret;
use crate::service::Service;

pub(super) fn describe(service: &Service, input: &Input) -> Result<Value, ApiError> {
    service.read(input.secret_id(), |secret, _| {
        let mut answer = details(secret);
        if !secret.versions.is_empty() {
            answer.insert("VersionIdsToStages".to_owned(), labels(secret));
        }
        Ok(Value::Object(answer))
    })
}

/// The versions that have labels, and theirs.
pub(super) fn labels(secret: &Secret) -> Value {
    let labelled = secret.versions.iter().filter(|version| !version.labels.is_empty());
    json!(labelled.map(|version| (&version.id, &version.labels)).collect::<BTreeMap<_, _>>())
}

/// What `DescribeSecret` and `ListSecrets` have in common; what is not set is left out.
pub(super) fn details(secret: &Secret) -> Map<String, Value> {
    let mut details = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            details.insert(name.to_owned(), value);
        }
    };
    put("ARN", Some(json!(secret.arn)));
    put("Name", Some(json!(secret.name)));
    put("Type", secret.external_type.as_ref().map(|text| json!(text)));
    put("Description", secret.description.as_ref().map(|text| json!(text)));
    put("KmsKeyId", secret.kms_key_id.as_ref().map(|text| json!(text)));
    let rotation = secret.rotation.as_ref();
    put("RotationEnabled", rotation.map(|rotation| json!(rotation.enabled)));
    put("RotationLambdaARN", rotation.map(|rotation| json!(rotation.function_arn)));
    put("RotationRules", rotation.and_then(|rotation| rotation.rules.as_ref()).map(rules));
    let window = rotation.filter(|rotation| rotation.enabled).and_then(|rotation| rotation.window);
    put("NextRotationDate", window.map(|(_, end)| json!(epoch_seconds(end))));
    put("LastRotatedDate", secret.rotated.map(|date| json!(epoch_seconds(date))));
    put("LastChangedDate", Some(json!(epoch_seconds(secret.changed))));
    put("LastAccessedDate", secret.accessed.map(|date| json!(epoch_seconds(date))));
    put("DeletedDate", secret.deleted.map(|(date, _)| json!(epoch_seconds(date))));
    put("CreatedDate", Some(json!(epoch_seconds(secret.created))));
    let tag = |(key, value): &(String, String)| json!({ "Key": key, "Value": value });
    put("Tags", secret.tags.as_ref().map(|tags| tags.iter().map(tag).collect()));
    details
}

fn rules(rules: &RotationRules) -> Value {
    let mut answer = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            answer.insert(name.to_owned(), value);
        }
    };
    put("AutomaticallyAfterDays", rules.automatically_after_days.map(|days| json!(days)));
    put("Duration", rules.duration.as_ref().map(|text| json!(text)));
    put("ScheduleExpression", rules.schedule_expression.as_ref().map(|text| json!(text)));
    Value::Object(answer)
}
