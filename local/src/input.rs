//! A request whose members were checked against the API's model.

use std::slice;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::operation::Operation;
use crate::rules::RotationRules;
use crate::shape::{FILTER_KEYS, Member, Shape, members};
use crate::value::SecretValue;

pub(crate) struct Input(Map<String, Value>);

impl Input {
    /// Parses a body; every violated constraint is reported, as the service does.
    pub(crate) fn parse(operation: Operation, body: &[u8]) -> Result<Self, ApiError> {
        let body = if body.is_empty() { b"{}" } else { body };
        let Ok(Value::Object(mut given)) = serde_json::from_slice(body) else {
            return Err(serialization("The request isn't a JSON object."));
        };
        given.retain(|_, value| !value.is_null());
        let mut violations = Vec::new();
        for member in members(operation) {
            match given.get(member.name) {
                Some(value) => check(member.name, member.shape, value, &mut violations)?,
                None if member.required => violations.push(missing(member)),
                None => {}
            }
        }
        match violations.len() {
            0 => Ok(Self(given)),
            count => {
                let noun = if count == 1 { "error" } else { "errors" };
                let list = violations.join("; ");
                Err(ApiError::validation(format!("{count} validation {noun} detected: {list}")))
            }
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// A member that the model requires, so that it is there.
    pub(crate) fn required(&self, name: &str) -> &str {
        self.text(name).unwrap_or_default()
    }

    pub(crate) fn secret_id(&self) -> &str {
        self.required("SecretId")
    }

    pub(crate) fn flag(&self, name: &str) -> Option<bool> {
        self.0.get(name).and_then(Value::as_bool)
    }

    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(Value::as_i64)
    }

    pub(crate) fn texts(&self, name: &str) -> Option<Vec<String>> {
        let list = self.0.get(name)?.as_array()?;
        Some(list.iter().filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// SDKs add a token by themselves; who calls without one must give one.
    pub(crate) fn token(&self) -> Result<&str, ApiError> {
        self.text("ClientRequestToken").ok_or_else(|| {
            ApiError::invalid_request(
                "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
            )
        })
    }

    /// The value to store, from `SecretString` or `SecretBinary`.
    pub(crate) fn value(&self) -> Result<Option<SecretValue>, ApiError> {
        match (self.text("SecretString"), self.text("SecretBinary")) {
            (Some(_), Some(_)) => Err(ApiError::invalid_parameter(
                "You can't specify both a binary secret value and a string secret value in the same secret.",
            )),
            (Some(text), None) => Ok(Some(SecretValue::String(text.to_owned()))),
            (None, Some(base64)) => Ok(SecretValue::binary(base64)),
            (None, None) => Ok(None),
        }
    }

    pub(crate) fn tags(&self) -> Vec<(String, String)> {
        let Some(list) = self.0.get("Tags").and_then(Value::as_array) else { return Vec::new() };
        let text = |tag: &Value, name: &str| {
            tag.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        list.iter().map(|tag| (text(tag, "Key"), text(tag, "Value"))).collect()
    }

    /// Filters as keys and values.
    pub(crate) fn filters(&self) -> Option<Vec<(String, Vec<String>)>> {
        let list = self.0.get("Filters")?.as_array()?;
        let filter = |filter: &Value| {
            let key = filter.get("Key").and_then(Value::as_str).unwrap_or("all").to_owned();
            let values = filter.get("Values").and_then(Value::as_array).map(Vec::as_slice);
            let values = values.unwrap_or_default().iter().filter_map(Value::as_str);
            (key, values.map(str::to_owned).collect())
        };
        Some(list.iter().map(filter).collect())
    }

    pub(crate) fn rotation_rules(&self) -> Option<RotationRules> {
        let rules = self.0.get("RotationRules")?;
        let text = |name: &str| rules.get(name).and_then(Value::as_str).map(str::to_owned);
        let days = rules.get("AutomaticallyAfterDays").and_then(Value::as_i64);
        Some(RotationRules {
            automatically_after_days: days.and_then(|days| u32::try_from(days).ok()),
            duration: text("Duration"),
            schedule_expression: text("ScheduleExpression"),
        })
    }
}

fn serialization(message: &str) -> ApiError {
    ApiError::new("SerializationException", message)
}

/// `SecretId` as the service spells it in validation messages: `secretId`.
fn camel(name: &str) -> String {
    let mut characters = name.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

fn missing(member: &Member) -> String {
    format!(
        "Value null at '{}' failed to satisfy constraint: Member must not be null",
        camel(member.name)
    )
}

fn check(
    name: &str,
    shape: Shape,
    value: &Value,
    violations: &mut Vec<String>,
) -> Result<(), ApiError> {
    let wrong = || serialization(&format!("The member {name} has a value of the wrong type."));
    let at = camel(name);
    match shape {
        Shape::Text(least, most) => {
            let text = value.as_str().ok_or_else(wrong)?;
            let shown = format!("Value '{text}' at '{at}'");
            length(&shown, text.chars().count(), least, most, violations);
        }
        Shape::Sensitive(least, most) => {
            let text = value.as_str().ok_or_else(wrong)?;
            length(&format!("Value at '{at}'"), text.len(), least, most, violations);
            let token = name != "RotationToken"
                || text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            if !token {
                violations.push(pattern(&at, "^[a-zA-Z0-9\\-]+$"));
            }
        }
        Shape::Blob(least, most) => {
            let bytes = value.as_str().and_then(|text| STANDARD.decode(text).ok());
            let bytes = bytes.ok_or_else(wrong)?;
            length(&format!("Value at '{at}'"), bytes.len(), least, most, violations);
        }
        Shape::OneOf(allowed) => {
            one_of(&at, value.as_str().ok_or_else(wrong)?, allowed, violations)
        }
        Shape::Integer(least, most) => {
            let number = value.as_i64().ok_or_else(wrong)?;
            within(&at, number, least, most, violations);
        }
        Shape::Boolean => {
            value.as_bool().ok_or_else(wrong)?;
        }
        Shape::Texts(fewest, most, shortest, longest) => {
            let list = value.as_array().ok_or_else(wrong)?;
            length(&format!("Value at '{at}'"), list.len(), fewest, most, violations);
            for item in list {
                check(name, Shape::Text(shortest, longest), item, violations)?;
            }
        }
        Shape::Tags => check_structure(name, TAG, value, violations)?,
        Shape::Filters => check_structure(name, FILTER, value, violations)?,
        Shape::RotationRules => check_structure(name, RULES, value, violations)?,
        Shape::Ignored => {}
    }
    Ok(())
}

/// The members of structures.
const TAG: &[(&str, Shape)] = &[("Key", Shape::Text(1, 128)), ("Value", Shape::Text(0, 256))];
const FILTER: &[(&str, Shape)] =
    &[("Key", Shape::OneOf(FILTER_KEYS)), ("Values", Shape::Texts(1, 10, 0, 512))];
const RULES: &[(&str, Shape)] = &[
    ("AutomaticallyAfterDays", Shape::Integer(1, 1000)),
    ("Duration", Shape::Text(2, 3)),
    ("ScheduleExpression", Shape::Text(1, 256)),
];

/// Checks a structure, or each of a list of them.
fn check_structure(
    name: &str,
    members: &[(&str, Shape)],
    value: &Value,
    violations: &mut Vec<String>,
) -> Result<(), ApiError> {
    let structures = value.as_array().map_or_else(|| slice::from_ref(value), Vec::as_slice);
    for (index, structure) in structures.iter().enumerate() {
        let wrong = || serialization(&format!("The member {name} has a value of the wrong type."));
        let structure = structure.as_object().ok_or_else(wrong)?;
        for (member, shape) in members {
            let item =
                if value.is_array() { format!(".{}.member", index + 1) } else { String::new() };
            let path = format!("{name}{item}.{}", camel(member));
            if let Some(value) = structure.get(*member) {
                check(&path, *shape, value, violations)?;
            }
        }
    }
    Ok(())
}

fn pattern(at: &str, regex: &str) -> String {
    format!(
        "Value at '{at}' failed to satisfy constraint: Member must satisfy regular expression pattern: {regex}"
    )
}

fn length(shown: &str, length: usize, least: usize, most: usize, violations: &mut Vec<String>) {
    let failed = "failed to satisfy constraint: Member must have length";
    if length < least {
        violations.push(format!("{shown} {failed} greater than or equal to {least}"));
    }
    if length > most {
        violations.push(format!("{shown} {failed} less than or equal to {most}"));
    }
}

fn within(at: &str, number: i64, least: i64, most: i64, violations: &mut Vec<String>) {
    let failed = "failed to satisfy constraint: Member must have value";
    if number < least {
        violations
            .push(format!("Value '{number}' at '{at}' {failed} greater than or equal to {least}"));
    }
    if number > most {
        violations
            .push(format!("Value '{number}' at '{at}' {failed} less than or equal to {most}"));
    }
}

fn one_of(at: &str, text: &str, allowed: &[&str], violations: &mut Vec<String>) {
    if !allowed.contains(&text) {
        let set = allowed.join(", ");
        violations.push(format!(
            "Value '{text}' at '{at}' failed to satisfy constraint: Member must satisfy enum value set: [{set}]"
        ));
    }
}
