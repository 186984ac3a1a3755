//! Conditions: an operator, a key, and values of which one has to fit.

use super::arn::ArnPattern;
use super::{Action, PolicyError, Request, key, pattern};

/// One operator on one key.
#[derive(Debug, Clone)]
pub(super) struct Condition {
    /// In lower case.
    key: String,
    wanted: Wanted,
    /// Documented of `…IfExists`: it holds where the request has no such key.
    if_exists: bool,
}

#[derive(Debug, Clone)]
enum Wanted {
    Exactly(Vec<String>),
    Like(Vec<String>),
    /// Documented: `ArnEquals` and `ArnLike` behave identically.
    Arn(Vec<ArnPattern>),
}

impl Condition {
    pub(super) fn parse(
        operator: &str,
        key: &str,
        values: Vec<String>,
        actions: &[Action],
    ) -> Result<Self, PolicyError> {
        let (name, if_exists) = match operator.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (operator, false),
        };
        if values.is_empty() {
            return Err(PolicyError(format!("{operator} of {key} has no value")));
        }
        for value in &values {
            super::document::without_variable(value)?;
        }
        let wanted = match name {
            "StringEquals" => Wanted::Exactly(values),
            "StringLike" => Wanted::Like(values),
            "ArnEquals" | "ArnLike" => Wanted::Arn(
                values.iter().map(|value| ArnPattern::parse(value)).collect::<Result<_, _>>()?,
            ),
            _ => return Err(PolicyError(format!("the operator {operator} is not known here"))),
        };
        let lower = key.to_ascii_lowercase();
        if !key::is_known(&lower, actions) {
            return Err(PolicyError(format!(
                "the condition key {key} is not known here for these actions"
            )));
        }
        Ok(Self { key: lower, wanted, if_exists })
    }

    pub(super) fn holds(&self, request: &Request) -> bool {
        let Some(value) = request.value(&self.key) else { return self.if_exists };
        match &self.wanted {
            Wanted::Exactly(texts) => texts.iter().any(|text| text == value),
            Wanted::Like(patterns) => patterns.iter().any(|like| pattern::matches(like, value)),
            Wanted::Arn(arns) => arns.iter().any(|arn| arn.matches(value)),
        }
    }
}
