//! `UpdateSecretVersionStage`.

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::input::Input;
use crate::secret::CURRENT;
use crate::service::Service;

pub(super) fn update(service: &Service, input: &Input) -> Result<Value, ApiError> {
    let (from, to) = (input.text("RemoveFromVersionId"), input.text("MoveToVersionId"));
    if from.is_none() && to.is_none() {
        return Err(ApiError::invalid_parameter(
            "You must provide MoveToVersionId, RemoveFromVersionId or both.",
        ));
    }
    let label = input.required("VersionStage");
    service.change(input.secret_id(), |secret, now| {
        secret.alive()?;
        // Guessed: what would be read as the secret must be something.
        let empty = to.and_then(|id| secret.version(id)).is_some_and(|to| to.value.is_none());
        if label == CURRENT && empty {
            return Err(ApiError::invalid_request(
                "You can't move the staging label AWSCURRENT to a version that has no value.",
            ));
        }
        secret.swap(label, from, to)?;
        secret.changed = now;
        Ok(json!({ "ARN": secret.arn, "Name": secret.name }))
    })
}
