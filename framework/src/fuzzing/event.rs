use serde_json::Value;

use super::text;
use crate::{RotationEvent, Step};

/// An event that is read is one of the four steps with the fields as they came; else the error is ours.
pub fn event(data: &[u8]) {
    let Some(value) = text(data).and_then(|text| serde_json::from_str::<Value>(text).ok()) else {
        return;
    };
    let field = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    let (secret, version) = (field("SecretId"), field("ClientRequestToken"));
    let (step, token) = (field("Step"), field("RotationToken"));
    match RotationEvent::parse(value) {
        Ok(event) => {
            assert_eq!(Some(event.secret_id.as_str()), secret.as_deref());
            assert_eq!(Some(event.version.as_str()), version.as_deref());
            assert!((32..=64).contains(&event.version.as_str().len()));
            assert_eq!(event.rotation_token.as_ref().map(|token| token.expose()), token.as_deref());
            let step = step.expect("a step").replace("_s", "S");
            assert!(Step::ALL.contains(&event.step) && event.step.name() == step);
        }
        Err(error) => {
            let shown = error.to_string();
            assert!(
                token.is_none_or(|token| token.len() < 12 || !shown.contains(&token)),
                "{shown}"
            );
        }
    }
}
