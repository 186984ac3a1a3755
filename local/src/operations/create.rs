//! `CreateSecret`.

use std::collections::VecDeque;

use serde_json::{Map, Value, json};

use crate::ACCOUNT;
use crate::authorization::kms;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::input::Input;
use crate::random;
use crate::secret::{CURRENT, Secret};
use crate::service::Service;
use crate::store::Store;
use crate::value::SecretValue;

pub(super) fn create(service: &Service, caller: &Caller, input: &Input) -> Result<Value, ApiError> {
    let name = input.required("Name");
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-/_+=.@!".contains(c);
    if !name.chars().all(allowed) {
        return Err(ApiError::validation(
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        ));
    }
    let token = input.token()?;
    let value = input.value()?;
    super::tag::check(&input.tags())?;
    let secret = service.change_all(|store, now| {
        if let Some(existing) = existing(store, name, token, value.as_ref())? {
            return Ok(existing);
        }
        let suffix = random::arn_suffix();
        let mut secret = Secret {
            arn: format!(
                "arn:aws:secretsmanager:{}:{ACCOUNT}:secret:{name}-{suffix}",
                caller.region
            ),
            name: name.to_owned(),
            region: caller.region.clone(),
            description: input
                .text("Description")
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
            kms_key_id: input.text("KmsKeyId").filter(|text| !text.is_empty()).map(str::to_owned),
            external_type: input.text("Type").map(str::to_owned),
            created: now,
            changed: now,
            accessed: None,
            rotated: None,
            deleted: None,
            tags: Some(input.tags()).filter(|tags| !tags.is_empty()),
            policy: None,
            rotation: None,
            rotating: None,
            versions: Vec::new(),
            label_history: VecDeque::new(),
        };
        kms::check_new_key(caller, &secret)?;
        if value.is_some() {
            kms::check_encrypt(caller, &secret, token)?;
            secret.add(token, value.clone(), now);
            secret.attach(CURRENT, token)?;
        }
        store.secrets.push(secret.clone());
        Ok(secret)
    })?;
    let mut answer = Map::new();
    answer.insert("ARN".to_owned(), json!(secret.arn));
    answer.insert("Name".to_owned(), json!(secret.name));
    if value.is_some() {
        answer.insert("VersionId".to_owned(), json!(token));
    }
    Ok(Value::Object(answer))
}

/// The secret of that name: the answer to a repeated request, an obstacle to any other.
fn existing(
    store: &Store,
    name: &str,
    token: &str,
    value: Option<&SecretValue>,
) -> Result<Option<Secret>, ApiError> {
    let Some(secret) = store.secrets.iter().find(|secret| secret.name == name) else {
        return Ok(None);
    };
    if secret.deleted.is_some() {
        return Err(ApiError::invalid_request(
            "You can't create this secret because a secret with this name is already scheduled for deletion.",
        ));
    }
    let same = value.is_some()
        && secret.version(token).is_some_and(|version| version.value.as_ref() == value);
    if same {
        return Ok(Some(secret.clone()));
    }
    Err(ApiError::exists(format!("The operation failed because the secret {name} already exists.")))
}
