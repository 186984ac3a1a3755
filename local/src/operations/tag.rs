//! `TagResource` and `UntagResource`.

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::input::Input;
use crate::service::Service;

const MOST_TAGS: usize = 50;

pub(super) fn check(tags: &[(String, String)]) -> Result<(), ApiError> {
    if tags.len() > MOST_TAGS {
        return Err(ApiError::invalid_parameter("You can't have more than 50 tags on a secret."));
    }
    if tags.iter().any(|(key, _)| key.to_ascii_lowercase().starts_with("aws:")) {
        return Err(ApiError::invalid_parameter(
            "Tag keys that begin with aws: are reserved for AWS use.",
        ));
    }
    Ok(())
}

pub(super) fn tag(service: &Service, input: &Input) -> Result<Value, ApiError> {
    let added = input.tags();
    service.change(input.secret_id(), |secret, now| {
        secret.alive()?;
        let tags = secret.tags.get_or_insert_default();
        for (key, value) in added {
            tags.retain(|(existing, _)| *existing != key);
            tags.push((key, value));
        }
        check(tags)?;
        secret.changed = now;
        Ok(json!({}))
    })
}

pub(super) fn untag(service: &Service, input: &Input) -> Result<Value, ApiError> {
    let keys = input.texts("TagKeys").unwrap_or_default();
    service.change(input.secret_id(), |secret, now| {
        secret.alive()?;
        if let Some(tags) = &mut secret.tags {
            tags.retain(|(key, _)| !keys.contains(key));
        }
        secret.changed = now;
        Ok(json!({}))
    })
}
