//! `DeleteSecret` and `RestoreSecret`.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::clock::epoch_seconds;
use crate::error::ApiError;
use crate::input::Input;
use crate::random::arn_suffix;
use crate::service::Service;
use crate::store::Store;
use crate::{ACCOUNT, REGION};

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
    if force {
        return service.change_all(|store, now| Ok(remove(store, input.secret_id(), now)));
    }
    service.change(input.secret_id(), |secret, now| {
        secret.alive()?;
        let end = now + DAY * days;
        secret.deleted = Some((now, end));
        secret.changed = now;
        secret.rotating = None;
        Ok(answer(&secret.arn, &secret.name, end))
    })
}

/// Removes a secret at once. Documented: that one does not exist is no error then.
fn remove(store: &mut Store, id: &str, now: SystemTime) -> Value {
    let found = store.find(id).map(|secret| (secret.arn.clone(), secret.name.clone()));
    let (arn, name) = found.unwrap_or_else(|_| {
        let arn = format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{id}-{}", arn_suffix());
        if id.starts_with("arn:") { (id.to_owned(), id.to_owned()) } else { (arn, id.to_owned()) }
    });
    store.remove(&arn);
    answer(&arn, &name, now)
}

fn answer(arn: &str, name: &str, end: SystemTime) -> Value {
    json!({ "ARN": arn, "Name": name, "DeletionDate": epoch_seconds(end) })
}

pub(super) fn restore(service: &Service, input: &Input) -> Result<Value, ApiError> {
    service.change(input.secret_id(), |secret, now| {
        secret.deleted = None;
        secret.changed = now;
        Ok(json!({ "ARN": secret.arn, "Name": secret.name }))
    })
}
