//! `DeleteSecret` and `RestoreSecret`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::clock::epoch_seconds;
use crate::error::ApiError;
use crate::input::Input;
use crate::service::Service;

const DAY: Duration = Duration::from_secs(86_400);
const WINDOW_BY_DEFAULT: i64 = 30;

pub(super) fn delete(service: &Service, input: &Input) -> Result<Value, ApiError> {
    let force = input.flag("ForceDeleteWithoutRecovery").unwrap_or(false);
    let days = input.integer("RecoveryWindowInDays");
    if force && days.is_some() {
        return Err(ApiError::invalid_parameter(
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        ));
    }
    let days = days.unwrap_or(WINDOW_BY_DEFAULT);
    if !(7..=30).contains(&days) {
        return Err(ApiError::invalid_parameter(
            "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
        ));
    }
    let days = u32::try_from(days).unwrap_or_default();
    service.change_all(|store, now| {
        let secret = store.find_mut(input.secret_id())?;
        let (arn, name) = (secret.arn.clone(), secret.name.clone());
        let end = if force { now } else { now + DAY * days };
        if force {
            store.remove(&arn);
        } else {
            secret.alive()?;
            secret.deleted = Some((now, end));
            secret.changed = now;
            secret.rotating = None;
        }
        Ok(json!({ "ARN": arn, "Name": name, "DeletionDate": epoch_seconds(end) }))
    })
}

pub(super) fn restore(service: &Service, input: &Input) -> Result<Value, ApiError> {
    service.change(input.secret_id(), |secret, now| {
        secret.deleted = None;
        secret.changed = now;
        Ok(json!({ "ARN": secret.arn, "Name": secret.name }))
    })
}
