//! The resource policy of a secret: kept and checked for its form, never enforced.

use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::input::Input;
use crate::service::Service;

pub(super) fn put(service: &Service, input: &Input) -> Result<Value, ApiError> {
    let policy = input.required("ResourcePolicy");
    let parsed = well_formed(policy)?;
    if input.flag("BlockPublicPolicy").unwrap_or(false) && is_public(&parsed) {
        return Err(ApiError::new(
            "PublicPolicyException",
            "You can't attach a resource policy that allows broad access to the secret.",
        ));
    }
    service.change(input.secret_id(), |secret, now| {
        secret.alive()?;
        secret.policy = Some(policy.to_owned());
        secret.changed = now;
        Ok(json!({ "ARN": secret.arn, "Name": secret.name }))
    })
}

pub(super) fn read(service: &Service, input: &Input) -> Result<Value, ApiError> {
    service.read(input.secret_id(), |secret, _| {
        secret.alive()?;
        let mut answer = Map::new();
        answer.insert("ARN".to_owned(), json!(secret.arn));
        answer.insert("Name".to_owned(), json!(secret.name));
        if let Some(policy) = &secret.policy {
            answer.insert("ResourcePolicy".to_owned(), json!(policy));
        }
        Ok(Value::Object(answer))
    })
}

pub(super) fn delete(service: &Service, input: &Input) -> Result<Value, ApiError> {
    service.change(input.secret_id(), |secret, now| {
        secret.alive()?;
        secret.policy = None;
        secret.changed = now;
        Ok(json!({ "ARN": secret.arn, "Name": secret.name }))
    })
}

pub(super) fn validate(service: &Service, input: &Input) -> Result<Value, ApiError> {
    if let Some(id) = input.text("SecretId") {
        service.read(id, |secret, _| secret.alive())?;
    }
    let policy = well_formed(input.required("ResourcePolicy"))?;
    let errors = if is_public(&policy) {
        vec![json!({
            "CheckName": "BlockPublicPolicy",
            "ErrorMessage": "The resource policy allows broad access to the secret.",
        })]
    } else {
        Vec::new()
    };
    Ok(json!({ "PolicyValidationPassed": errors.is_empty(), "ValidationErrors": errors }))
}

fn well_formed(policy: &str) -> Result<Value, ApiError> {
    let parsed = serde_json::from_str::<Value>(policy).ok();
    parsed.filter(|policy| !statements(policy).is_empty()).ok_or_else(|| {
        ApiError::new(
            "MalformedPolicyDocumentException",
            "This resource policy contains invalid Json.",
        )
    })
}

fn statements(policy: &Value) -> Vec<&Value> {
    match policy.get("Statement") {
        Some(Value::Array(list)) => list.iter().collect(),
        Some(one @ Value::Object(_)) => vec![one],
        _ => Vec::new(),
    }
}

/// Whether a statement allows everyone, without a condition.
fn is_public(policy: &Value) -> bool {
    statements(policy).into_iter().any(|statement| {
        let everyone = match statement.get("Principal") {
            Some(Value::Object(principals)) => {
                principals.values().any(|principal| principal == "*" || *principal == json!(["*"]))
            }
            Some(principal) => principal == "*",
            None => false,
        };
        everyone
            && statement.get("Effect").is_some_and(|effect| effect == "Allow")
            && statement.get("Condition").is_none()
    })
}
