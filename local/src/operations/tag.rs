//! `TagResource` and `UntagResource`.

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::input::Input;
use crate::service::Service;

/// Tags of AWS's own do not count.
const MOST_TAGS: usize = 50;

pub(super) fn check(tags: &[(String, String)]) -> Result<(), ApiError> {
    if tags.iter().any(|(key, _)| is_of_aws(key)) {
        return Err(ApiError::invalid_parameter(
            "Tag keys that begin with aws: are reserved for AWS use.",
        ));
    }
    check_number(tags)
}

fn check_number(tags: &[(String, String)]) -> Result<(), ApiError> {
    if tags.iter().filter(|(key, _)| !is_of_aws(key)).count() > MOST_TAGS {
        return Err(ApiError::invalid_parameter("You can't have more than 50 tags on a secret."));
    }
    Ok(())
}

fn is_of_aws(key: &str) -> bool {
    key.to_ascii_lowercase().starts_with("aws:")
}

pub(super) fn tag(service: &Service, input: &Input) -> Result<Value, ApiError> {
    let added = input.tags();
    check(&added)?;
    add(service, input.secret_id(), added)?;
    Ok(json!({}))
}

/// Adds tags, each instead of one with the same key; whose they are was checked before.
pub(crate) fn add(
    service: &Service,
    id: &str,
    added: Vec<(String, String)>,
) -> Result<(), ApiError> {
    service.change(id, |secret, now| {
        secret.alive()?;
        let tags = secret.tags.get_or_insert_default();
        for (key, value) in added {
            tags.retain(|(existing, _)| *existing != key);
            tags.push((key, value));
        }
        check_number(tags)?;
        secret.changed = now;
        Ok(())
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
