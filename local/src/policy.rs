//! Identity policies of IAM: what a caller may do.
//!
//! A policy is to prove something, so whatever of it is not understood here – an element, an operator, a condition
//! key, a variable – is refused when it is read, and never passed over.

mod arn;
mod condition;
mod document;
mod key;
mod pattern;
#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::Value;

use arn::ArnPattern;
use condition::Condition;

/// What the identity policies of one role say, all its documents together.
///
/// Evaluated as IAM does within one account and without other kinds of policies: a statement that denies wins over all
/// that allow, and what no statement allows is not allowed
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>).
#[derive(Debug, Clone, Default)]
pub struct Policy {
    statements: Vec<Statement>,
}

/// A policy that is none, or has something in it that is not understood here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a policy that can be enforced: {0}")]
pub struct PolicyError(pub(crate) String);

/// What a caller asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// For example `secretsmanager:GetSecretValue`; upper and lower case are the same.
    pub action: String,
    /// The ARN, or `*` where an action is on no resource.
    pub resource: String,
    /// The condition keys that the request has, and their values. Upper and lower case of a key are the same.
    pub conditions: Vec<(String, String)>,
}

/// What the policies say of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// A statement allows it and none denies it.
    Allowed,
    /// No statement allows it.
    NotAllowed,
    /// A statement denies it.
    Denied,
}

#[derive(Debug, Clone)]
struct Statement {
    effect: Effect,
    actions: Vec<Action>,
    resources: Vec<Resource>,
    conditions: Vec<Condition>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
enum Effect {
    Allow,
    Deny,
}

/// Actions of a service, in lower case, or all there are.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Action {
    Any,
    Of { service: String, name: String },
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Resource {
    Any,
    Arn(ArnPattern),
}

impl Policy {
    /// Reads one document.
    ///
    /// # Errors
    ///
    /// It is no policy document of an identity, or something in it is not understood here.
    pub fn parse(document: &str) -> Result<Self, PolicyError> {
        Ok(Self { statements: document::read(document)? })
    }

    /// Reads one document that is parsed as JSON already.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn from_value(document: &Value) -> Result<Self, PolicyError> {
        Self::parse(&document.to_string())
    }

    /// Adds the statements of another, as if both were attached to the role.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.statements.extend(other.statements);
        self
    }

    /// Whether a request is allowed.
    pub fn allows(&self, request: &Request) -> bool {
        self.decide(request) == Decision::Allowed
    }

    /// Whether a request is allowed, and if not, for want of what.
    pub fn decide(&self, request: &Request) -> Decision {
        let applies = |effect| {
            let mut statements = self.statements.iter();
            statements.any(|statement| statement.effect == effect && statement.matches(request))
        };
        if applies(Effect::Deny) {
            Decision::Denied
        } else if applies(Effect::Allow) {
            Decision::Allowed
        } else {
            Decision::NotAllowed
        }
    }
}

impl Statement {
    fn matches(&self, request: &Request) -> bool {
        self.actions.iter().any(|action| action.matches(&request.action))
            && self.resources.iter().any(|resource| resource.matches(&request.resource))
            && self.conditions.iter().all(|condition| condition.holds(request))
    }
}

impl Action {
    fn matches(&self, action: &str) -> bool {
        let Self::Of { service, name } = self else { return true };
        let action = action.to_ascii_lowercase();
        let of_service = action.split_once(':').filter(|(prefix, _)| prefix == service);
        of_service.is_some_and(|(_, action)| pattern::matches(name, action))
    }

    /// Whether it may be an action of this service.
    fn is_of(&self, wanted: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Of { service, .. } => service == wanted,
        }
    }
}

impl Resource {
    fn matches(&self, resource: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Arn(pattern) => pattern.matches(resource),
        }
    }
}

impl Request {
    /// The value of a condition key.
    fn value(&self, key: &str) -> Option<&str> {
        let found = self.conditions.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
        found.map(|(_, value)| value.as_str())
    }

    /// What AWS says to a user, of this ARN, who may not do it: as it was seen in answers of Secrets Manager and of RDS.
    pub fn refusal(&self, user: &str, decision: Decision) -> String {
        let action = &self.action;
        let on = match self.resource.as_str() {
            "*" => String::new(),
            resource => format!(" on resource: {resource}"),
        };
        let reason = match decision {
            Decision::Denied => "with an explicit deny in an identity-based policy".to_owned(),
            Decision::Allowed | Decision::NotAllowed => {
                format!("because no identity-based policy allows the {action} action")
            }
        };
        format!("User: {user} is not authorized to perform: {action}{on} {reason}")
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Allowed => "allowed",
            Self::NotAllowed => "not allowed",
            Self::Denied => "denied",
        })
    }
}
