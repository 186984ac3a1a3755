//! `GetSecretValue`, `BatchGetSecretValue` and `PutSecretValue`.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};

use super::{list, page};
use crate::authorization::{self, kms};
use crate::caller::Caller;
use crate::clock::{epoch_seconds, midnight};
use crate::error::ApiError;
use crate::input::Input;
use crate::operation::Operation;
use crate::rotation;
use crate::secret::{CURRENT, Secret, Version};
use crate::service::Service;
use crate::value::SecretValue;

pub(super) fn get(service: &Service, caller: &Caller, input: &Input) -> Result<Value, ApiError> {
    let lag = service.knobs().label_lag;
    let (id, label) = (input.text("VersionId"), input.text("VersionStage"));
    service.read(input.secret_id(), |secret, now| read(caller, secret, now, (id, label), lag))
}

fn read(
    caller: &Caller,
    secret: &mut Secret,
    now: SystemTime,
    (id, label): (Option<&str>, Option<&str>),
    lag: Duration,
) -> Result<Value, ApiError> {
    secret.alive()?;
    let (id, filled) = match id {
        Some(id) => {
            let version = secret.version(id).ok_or_else(|| ApiError::version_not_found(id))?;
            if label.is_some_and(|label| !version.labels.contains(label)) {
                return Err(ApiError::invalid_request(
                    "You provided a VersionStage that is not associated to the provided VersionId.",
                ));
            }
            (id.to_owned(), version.value.is_some())
        }
        None => by_label(secret, label.unwrap_or(CURRENT), lag)?,
    };
    let missing = || match label {
        Some(label) => ApiError::label_not_found(label),
        None => ApiError::version_not_found(&id),
    };
    if filled {
        kms::check_decrypt(caller, secret, &id)?;
    }
    let (arn, name) = (secret.arn.clone(), secret.name.clone());
    secret.accessed = Some(midnight(now));
    let version = secret.version_mut(&id).filter(|_| filled).ok_or_else(missing)?;
    version.accessed = Some(midnight(now));
    entry(&arn, &name, version).ok_or_else(missing)
}

fn by_label(secret: &Secret, label: &str, lag: Duration) -> Result<(String, bool), ApiError> {
    let found = if lag.is_zero() {
        let version = secret.labelled(label);
        version.map(|version| (version.id.clone(), version.value.is_some()))
    } else {
        secret.labelled_ago(label, lag)
    };
    found.ok_or_else(|| ApiError::label_not_found(label))
}

fn entry(arn: &str, name: &str, version: &Version) -> Option<Value> {
    let (member, value) = match version.value.as_ref()? {
        SecretValue::String(text) => ("SecretString", text),
        SecretValue::Binary(base64) => ("SecretBinary", base64),
    };
    let mut answer = Map::new();
    answer.insert("ARN".to_owned(), json!(arn));
    answer.insert("Name".to_owned(), json!(name));
    answer.insert("VersionId".to_owned(), json!(version.id));
    answer.insert(member.to_owned(), json!(value));
    if !version.labels.is_empty() {
        answer.insert("VersionStages".to_owned(), json!(version.labels));
    }
    answer.insert("CreatedDate".to_owned(), json!(epoch_seconds(version.created)));
    Some(Value::Object(answer))
}

pub(super) fn batch(service: &Service, caller: &Caller, input: &Input) -> Result<Value, ApiError> {
    let (ids, filters) = (input.texts("SecretIdList"), input.filters());
    let (ids, next) = match (ids, filters) {
        (Some(_), Some(_)) | (None, None) => {
            return Err(ApiError::invalid_parameter(
                "Either 'SecretIdList' or 'Filters' must be provided, but not both.",
            ));
        }
        (Some(_), None) if input.integer("MaxResults").is_some() => {
            return Err(ApiError::invalid_parameter(
                "'Filters' not specified. 'Filters' must also be specified when 'MaxResults' is provided.",
            ));
        }
        (Some(ids), None) => (ids, None),
        (None, Some(filters)) => {
            let found = list::matching(service, &filters);
            page::cut(input, found, 20)?
        }
    };
    let lag = service.knobs().label_lag;
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    for id in ids {
        let get = Operation::GetSecretValue;
        let allowed = authorization::check_secret(service, caller, get, &id, input);
        let value = allowed.and_then(|()| {
            service.read(&id, |secret, now| read(caller, secret, now, (None, None), lag))
        });
        match value {
            Ok(value) => values.push(value),
            Err(error) => errors.push(json!({
                "SecretId": id, "ErrorCode": error.code, "Message": error.message,
            })),
        }
    }
    let mut answer = json!({ "SecretValues": values, "Errors": errors });
    page::add_next(&mut answer, next);
    Ok(answer)
}

pub(super) fn put(service: &Service, caller: &Caller, input: &Input) -> Result<Value, ApiError> {
    let token = input.token()?;
    let value = input.value()?.ok_or_else(|| {
        ApiError::invalid_request("You must provide either SecretString or SecretBinary.")
    })?;
    let labels = input.texts("VersionStages");
    let must_prove = caller.is_function() && service.knobs().require_rotation_token;
    let proof = input.text("RotationToken");
    let (answer, abandoned) = service.change(input.secret_id(), |secret, now| {
        secret.alive()?;
        rotation::check_token(secret, token, proof, must_prove)?;
        let filled = secret.version(token).is_some_and(|version| version.value.is_some());
        let check = if filled { kms::check_decrypt } else { kms::check_encrypt };
        check(caller, secret, token)?;
        let abandoned = store(secret, token, value, labels.as_deref(), now)?;
        let labels = secret.version(token).map(|version| &version.labels);
        let answer = json!({
            "ARN": secret.arn, "Name": secret.name, "VersionId": token, "VersionStages": labels,
        });
        Ok((answer, abandoned.map(|version| (secret.arn.clone(), version))))
    })?;
    if let Some((arn, version)) = abandoned {
        rotation::announce_abandoned(service, &arn, &version);
    }
    Ok(answer)
}

/// Stores a value under a token, once; says which rotation this write abandoned.
fn store(
    secret: &mut Secret,
    token: &str,
    value: SecretValue,
    labels: Option<&[String]>,
    now: SystemTime,
) -> Result<Option<String>, ApiError> {
    let arn = secret.arn.clone();
    match secret.version_mut(token) {
        Some(version) => match &version.value {
            Some(stored) if *stored == value => return Ok(None),
            Some(_) => return Err(already_exists(token, &arn)),
            None => version.value = Some(value),
        },
        None => secret.add(token, Some(value), now),
    }
    let abandoned = rotation::abandon(secret, token);
    let first = secret.labelled(CURRENT).is_none();
    let current = first || labels.is_none_or(|labels| labels.iter().any(|label| label == CURRENT));
    for label in labels.unwrap_or_default() {
        secret.attach(label, token)?;
    }
    if current {
        secret.make_current(token)?;
    }
    secret.changed = now;
    Ok(abandoned)
}

/// A value can't be changed, only followed by another version.
pub(super) fn already_exists(token: &str, arn: &str) -> ApiError {
    ApiError::exists(format!(
        "You can't use ClientRequestToken {token} because that value is already in use for a version of secret {arn}."
    ))
}
