//! `RotateSecret` and `CancelRotateSecret`; the rotation itself is in [`crate::rotation`].

use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::event::EventKind;
use crate::input::Input;
use crate::operation::Operation;
use crate::rotation::{self, RotationFailure};
use crate::secret::{Rotation, Secret};
use crate::service::{Service, Shared};

pub(super) fn rotate(service: &Shared, input: &Input) -> Result<Value, ApiError> {
    // The service answers another code here than to the other operations.
    let token = input.token().map_err(|error| ApiError::invalid_parameter(error.message))?;
    let test_only = !input.flag("RotateImmediately").unwrap_or(true);
    // Stored first, and stored even where a stuck rotation is then taken up again. Documented is
    // only the order ("sets the values for the secret and then immediately starts a rotation");
    // that it also holds for a refused request is guessed, and lets a stuck rotation be handed
    // to another function.
    let (arn, name) = service.change(input.secret_id(), |secret, now| {
        configure(service, secret, input, now)?;
        Ok((secret.arn.clone(), secret.name.clone()))
    })?;
    rotation::start(service, &arn, token, test_only)?;
    Ok(json!({ "ARN": arn, "Name": name, "VersionId": token }))
}

/// Turns rotation on with a function and rules, `null` for those it has already, and no more.
pub(crate) fn set_function(
    service: &Service,
    id: &str,
    arn: &str,
    rules: &Value,
) -> Result<(), ApiError> {
    let mut request = json!({ "SecretId": id, "RotationLambdaARN": arn });
    if let Some(request) = request.as_object_mut().filter(|_| !rules.is_null()) {
        request.insert("RotationRules".to_owned(), rules.clone());
    }
    let input = Input::parse(Operation::RotateSecret, request.to_string().as_bytes())?;
    service.change(id, |secret, now| configure(service, secret, &input, now))
}

/// Turns rotation on, with what the request says and what the secret has already.
fn configure(
    service: &Service,
    secret: &mut Secret,
    input: &Input,
    now: std::time::SystemTime,
) -> Result<(), ApiError> {
    secret.alive()?;
    let before = secret.rotation.take();
    let given = input.text("RotationLambdaARN").filter(|arn| !arn.is_empty()).map(str::to_owned);
    let known = before.as_ref().map(|rotation| rotation.function_arn.clone());
    let function_arn = given.or(known).ok_or_else(|| {
        ApiError::invalid_request("No Lambda rotation function ARN is associated with this secret.")
    })?;
    if service.functions.find(&function_arn).is_none() {
        return Err(ApiError::access_denied(
            "Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal secretsmanager.amazonaws.com.",
        ));
    }
    let rules = input.rotation_rules();
    if let Some(rules) = &rules {
        rules.validate()?;
    }
    let rules = rules.or_else(|| before.and_then(|rotation| rotation.rules));
    let window = rules.as_ref().and_then(|rules| rules.window_after(now));
    secret.rotation = Some(Rotation { enabled: true, function_arn, rules, window });
    secret.changed = now;
    Ok(())
}

pub(super) fn cancel(service: &Service, input: &Input) -> Result<Value, ApiError> {
    let (answer, stopped) = service.change(input.secret_id(), |secret, now| {
        secret.alive()?;
        if let Some(rotation) = secret.rotation.as_mut() {
            rotation.enabled = false;
            rotation.window = None;
        }
        secret.changed = now;
        let mut answer = Map::new();
        answer.insert("ARN".to_owned(), json!(secret.arn));
        answer.insert("Name".to_owned(), json!(secret.name));
        // AWSPENDING stays where it is, for a human to judge.
        if let Some(id) = secret.unfinished() {
            answer.insert("VersionId".to_owned(), json!(id));
        }
        let stopped =
            secret.rotating.take().map(|rotating| (secret.arn.clone(), rotating.version_id));
        Ok((Value::Object(answer), stopped))
    })?;
    if let Some((arn, version)) = stopped {
        rotation::conclude(
            service,
            &arn,
            &version,
            EventKind::RotationCancelled,
            Err(RotationFailure::Cancelled),
        );
    }
    Ok(answer)
}
