//! `ListSecrets` and `ListSecretVersionIds`.

use serde_json::{Map, Value, json};

use super::{describe, page};
use crate::clock::epoch_seconds;
use crate::error::ApiError;
use crate::input::Input;
use crate::secret::{Secret, Version};
use crate::service::Service;

const PAGE: usize = 100;

pub(super) fn secrets(service: &Service, input: &Input) -> Result<Value, ApiError> {
    let filters = input.filters().unwrap_or_default();
    let deleted_too = input.flag("IncludePlannedDeletion").unwrap_or(false);
    let mut found: Vec<Secret> = service.look(|store| {
        let alive = |secret: &&Secret| deleted_too || secret.deleted.is_none();
        store
            .secrets
            .iter()
            .filter(alive)
            .filter(|secret| matches(secret, &filters))
            .cloned()
            .collect()
    });
    match input.text("SortBy") {
        Some("name") => found.sort_by(|one, other| one.name.cmp(&other.name)),
        Some("last-changed-date") => found.sort_by_key(|secret| secret.changed),
        Some("last-accessed-date") => found.sort_by_key(|secret| secret.accessed),
        _ => found.sort_by_key(|secret| secret.created),
    }
    if input.text("SortOrder").is_some_and(|order| order == "desc") {
        found.reverse();
    }
    let (found, next) = page::cut(input, found, PAGE)?;
    let entries: Vec<_> = found.iter().map(entry).collect();
    let mut answer = json!({ "SecretList": entries });
    page::add_next(&mut answer, next);
    Ok(answer)
}

fn entry(secret: &Secret) -> Value {
    let mut entry = describe::details(secret);
    if !secret.versions.is_empty() {
        entry.insert("SecretVersionsToStages".to_owned(), describe::labels(secret));
    }
    Value::Object(entry)
}

/// The ARNs of the secrets that filters let through, the newest last.
pub(super) fn matching(service: &Service, filters: &[(String, Vec<String>)]) -> Vec<String> {
    service.look(|store| {
        let alive = store.secrets.iter().filter(|secret| secret.deleted.is_none());
        alive.filter(|secret| matches(secret, filters)).map(|secret| secret.arn.clone()).collect()
    })
}

/// Whether every filter lets a secret through, by any of its values.
fn matches(secret: &Secret, filters: &[(String, Vec<String>)]) -> bool {
    filters.iter().all(|(key, values)| {
        values.iter().any(|value| match value.strip_prefix('!') {
            Some(unwanted) => !has(secret, key, unwanted),
            None => has(secret, key, value),
        })
    })
}

/// Prefixes, of which only a description's ignores case; `all` looks for words anywhere.
fn has(secret: &Secret, key: &str, value: &str) -> bool {
    let description = secret.description.as_deref().unwrap_or_default().to_lowercase();
    let mut tags = secret.tags.iter().flatten();
    match key {
        "name" => secret.name.starts_with(value),
        "description" => {
            let value = value.to_lowercase();
            description.starts_with(&value)
                || description.split_whitespace().any(|word| word.starts_with(&value))
        }
        "tag-key" => tags.any(|(key, _)| key.starts_with(value)),
        "tag-value" => tags.any(|(_, tag)| tag.starts_with(value)),
        "primary-region" => secret.region.starts_with(value),
        "owning-service" => false,
        _ => {
            let mut attributes = format!("{} {description}", secret.name).to_lowercase();
            for (key, value) in tags {
                attributes.push_str(&format!(" {key} {value}").to_lowercase());
            }
            value.to_lowercase().split_whitespace().any(|word| attributes.contains(word))
        }
    }
}

pub(super) fn versions(service: &Service, input: &Input) -> Result<Value, ApiError> {
    let deprecated_too = input.flag("IncludeDeprecated").unwrap_or(false);
    service.read(input.secret_id(), |secret, _| {
        let wanted = |version: &&Version| deprecated_too || !version.labels.is_empty();
        let found: Vec<_> = secret.versions.iter().filter(wanted).collect();
        let (found, next) = page::cut(input, found, PAGE)?;
        let entries: Vec<_> =
            found.into_iter().map(|version| version_entry(secret, version)).collect();
        let mut answer = json!({ "Versions": entries, "ARN": secret.arn, "Name": secret.name });
        page::add_next(&mut answer, next);
        Ok(answer)
    })
}

fn version_entry(secret: &Secret, version: &Version) -> Value {
    let mut entry = Map::new();
    entry.insert("VersionId".to_owned(), json!(version.id));
    if !version.labels.is_empty() {
        entry.insert("VersionStages".to_owned(), json!(version.labels));
    }
    if let Some(accessed) = version.accessed {
        entry.insert("LastAccessedDate".to_owned(), json!(epoch_seconds(accessed)));
    }
    entry.insert("CreatedDate".to_owned(), json!(epoch_seconds(version.created)));
    let key = secret.kms_key_id.as_deref().unwrap_or("DefaultEncryptionKey");
    entry.insert("KmsKeyIds".to_owned(), json!([key]));
    Value::Object(entry)
}
