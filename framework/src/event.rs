//! What Lambda hands to a rotation function.

use std::fmt;

use serde_json::Value;

use crate::Sensitive;

/// The call of one step of one rotation, as Secrets Manager sends it.
#[derive(Debug)]
pub struct RotationEvent {
    /// The step to take.
    pub step: Step,
    /// The secret to rotate, by its ARN.
    pub secret_id: SecretId,
    /// `ClientRequestToken`: the version to make, and so the name of this rotation.
    pub version: VersionId,
    /// `RotationToken`: proves to Secrets Manager who writes the version. Newer, so it can be absent.
    pub rotation_token: Option<Sensitive>,
}

/// Why an event is not one of Secrets Manager.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("not a rotation event: {0}")]
pub struct MalformedEvent(String);

impl RotationEvent {
    /// Reads an event; fields that are not known are ignored.
    pub fn parse(event: Value) -> Result<Self, MalformedEvent> {
        let Value::Object(mut fields) = event else {
            return Err(MalformedEvent("it is not a JSON object".into()));
        };
        let mut take = |name: &str| match fields.remove(name) {
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text)),
            None | Some(Value::Null) => Ok(None),
            Some(_) => Err(MalformedEvent(format!("field `{name}` is not a string with text"))),
        };
        let missing = |name: &str| MalformedEvent(format!("field `{name}` is missing"));

        let step = take("Step")?.ok_or_else(|| missing("Step"))?;
        let secret_id = take("SecretId")?.ok_or_else(|| missing("SecretId"))?;
        let token = take("ClientRequestToken")?.ok_or_else(|| missing("ClientRequestToken"))?;
        let rotation_token = take("RotationToken")?.map(Sensitive::new);
        if !(32..=64).contains(&token.len()) {
            let problem = "field `ClientRequestToken` is not 32 to 64 characters long";
            return Err(MalformedEvent(problem.into()));
        }
        Ok(Self {
            step: Step::parse(&step)?,
            secret_id: SecretId::new(secret_id),
            version: VersionId::new(token),
            rotation_token,
        })
    }
}

/// The four calls that make one rotation, in their order.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Step {
    /// `createSecret`: store the next credential.
    Create,
    /// `setSecret`: make the target accept it.
    Set,
    /// `testSecret`: try it as a consumer would.
    Test,
    /// `finishSecret`: hand it to the consumers.
    Finish,
}

impl Step {
    /// All four, in their order.
    pub const ALL: [Self; 4] = [Self::Create, Self::Set, Self::Test, Self::Finish];

    fn parse(name: &str) -> Result<Self, MalformedEvent> {
        // AWS's pages spell the steps both ways.
        match name {
            "createSecret" | "create_secret" => Ok(Self::Create),
            "setSecret" | "set_secret" => Ok(Self::Set),
            "testSecret" | "test_secret" => Ok(Self::Test),
            "finishSecret" | "finish_secret" => Ok(Self::Finish),
            _ => Err(MalformedEvent(
                "field `Step` is none of createSecret, setSecret, testSecret, finishSecret".into(),
            )),
        }
    }

    /// The name as Secrets Manager writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "createSecret",
            Self::Set => "setSecret",
            Self::Test => "testSecret",
            Self::Finish => "finishSecret",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(String);

        impl $name {
            /// Wraps a name as it came.
            pub fn new(name: impl Into<String>) -> Self {
                Self(name.into())
            }

            /// The name as it came.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name! {
    /// The name or ARN of a secret.
    SecretId
}

name! {
    /// The id of one version of a secret; that of a pending one is the same in all retries of its rotation.
    VersionId
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn error(event: Value) -> String {
        RotationEvent::parse(event).unwrap_err().to_string()
    }

    #[test]
    fn both_spellings_of_a_step_are_read_and_unknown_fields_ignored() {
        for step in ["testSecret", "test_secret"] {
            let event = RotationEvent::parse(json!({
                "Step": step,
                "SecretId": "arn:x",
                "ClientRequestToken": "0123456789abcdef0123456789abcdef",
                "RotationToken": "hunter2",
                "Later": {"a": 1},
            }))
            .unwrap();
            assert_eq!(event.step, Step::Test);
            assert!(!format!("{event:?}").contains("hunter2"));
        }
    }

    #[test]
    fn what_is_wrong_with_an_event_is_named() {
        let token = "0123456789abcdef0123456789abcdef";
        assert!(error(json!([])).contains("not a JSON object"));
        assert!(error(json!({})).contains("`Step` is missing"));
        assert!(error(json!({"Step": "createSecret"})).contains("`SecretId` is missing"));
        let no_token = json!({"Step": "createSecret", "SecretId": "a"});
        assert!(error(no_token).contains("`ClientRequestToken` is missing"));
        let short = json!({"Step": "createSecret", "SecretId": "a", "ClientRequestToken": "b"});
        assert!(error(short).contains("32 to 64"));
        let number = json!({"Step": 1, "SecretId": "a", "ClientRequestToken": token});
        assert!(error(number).contains("`Step` is not a string"));
        let step = json!({"Step": "dropSecret", "SecretId": "a", "ClientRequestToken": token});
        assert!(error(step).contains("`Step` is none of"));
    }
}
