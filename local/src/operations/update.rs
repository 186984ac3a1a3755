//! `UpdateSecret`.

use serde_json::{Map, Value, json};

use super::value::already_exists;
use crate::authorization::kms;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::input::Input;
use crate::rotation;
use crate::service::Service;

pub(super) fn update(service: &Service, caller: &Caller, input: &Input) -> Result<Value, ApiError> {
    let value = input.value()?;
    let token = if value.is_some() { Some(input.token()?) } else { None };
    let (answer, abandoned) = service.change(input.secret_id(), |secret, now| {
        secret.alive()?;
        for (member, field) in [
            ("Description", &mut secret.description),
            ("KmsKeyId", &mut secret.kms_key_id),
            ("Type", &mut secret.external_type),
        ] {
            if let Some(text) = input.text(member) {
                *field = (!text.is_empty()).then(|| text.to_owned());
            }
        }
        if input.text("KmsKeyId").is_some() {
            kms::check_new_key(caller, secret)?;
        }
        let mut abandoned = None;
        if let (Some(token), Some(value)) = (token, value) {
            // Documented: a token that is in use is an error, so also that of an empty pending
            // version. Guessed: not for the same value, or an SDK's retry would fail.
            if secret.version(token).is_some_and(|version| version.value.is_some()) {
                kms::check_decrypt(caller, secret, token)?;
            }
            match secret.version(token).map(|version| version.value.as_ref() == Some(&value)) {
                Some(true) => {}
                Some(false) => return Err(already_exists(token, &secret.arn)),
                None => {
                    kms::check_encrypt(caller, secret, token)?;
                    secret.add(token, Some(value), now);
                    abandoned = rotation::abandon(secret, token);
                    secret.make_current(token)?;
                }
            }
        }
        secret.changed = now;
        let mut answer = Map::new();
        answer.insert("ARN".to_owned(), json!(secret.arn));
        answer.insert("Name".to_owned(), json!(secret.name));
        if let Some(token) = token {
            answer.insert("VersionId".to_owned(), json!(token));
        }
        Ok((Value::Object(answer), abandoned.map(|version| (secret.arn.clone(), version))))
    })?;
    if let Some((arn, version)) = abandoned {
        rotation::announce_abandoned(service, &arn, &version);
    }
    Ok(answer)
}
