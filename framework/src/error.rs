//! Why a step failed: one class, one text that says what to do, nothing secret.

use std::borrow::Cow;
use std::fmt;

use lambda_runtime::Diagnostic;

use crate::event::MalformedEvent;
use crate::machine::Refusal;
use crate::{Malformed, SecretId, Step, VaultError};

/// The kinds of failure; the `errorType` of an invocation, and documented by that name.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Class {
    /// `dns`: the name of the target cannot be resolved.
    Dns,
    /// `tcp`: the target cannot be reached, or hung up.
    Tcp,
    /// `tls-untrusted`: there is no TLS, or a certificate that no known root vouches for.
    TlsUntrusted,
    /// `tls-name`: the certificate is for another name.
    TlsName,
    /// `auth-rejected`: the target knows that it does not accept the credential.
    AuthRejected,
    /// `permission`: accepted, but not allowed to do this; also for calls to Secrets Manager.
    Permission,
    /// `policy`: the password breaks a rule, of the target or of the policy that makes it.
    Policy,
    /// `too-many-connections`: the target, or the user, has no connection left.
    TooManyConnections,
    /// `database-missing`: the credential works, its database is not there.
    DatabaseMissing,
    /// `read-only`: the target is a replica, or takes no writes.
    ReadOnly,
    /// `timeout`: no answer within the bound.
    Timeout,
    /// `throttled`: Secrets Manager or the target asks to slow down.
    Throttled,
    /// `unavailable`: the target answers that it cannot answer now.
    Unavailable,
    /// `refused`: Turnlock will not go on, for the reason given.
    Refused,
    /// `malformed-secret`: a version of the secret is not what the rotator reads.
    MalformedSecret,
    /// `malformed-event`: what was sent is not a rotation event.
    MalformedEvent,
    /// `unexpected`: an answer that nobody thought of. It stays the last.
    Unexpected,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; Self::Unexpected as usize + 1] = [
        Self::Dns,
        Self::Tcp,
        Self::TlsUntrusted,
        Self::TlsName,
        Self::AuthRejected,
        Self::Permission,
        Self::Policy,
        Self::TooManyConnections,
        Self::DatabaseMissing,
        Self::ReadOnly,
        Self::Timeout,
        Self::Throttled,
        Self::Unavailable,
        Self::Refused,
        Self::MalformedSecret,
        Self::MalformedEvent,
        Self::Unexpected,
    ];

    /// The name in errors, logs and documentation.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Tcp => "tcp",
            Self::TlsUntrusted => "tls-untrusted",
            Self::TlsName => "tls-name",
            Self::AuthRejected => "auth-rejected",
            Self::Permission => "permission",
            Self::Policy => "policy",
            Self::TooManyConnections => "too-many-connections",
            Self::DatabaseMissing => "database-missing",
            Self::ReadOnly => "read-only",
            Self::Timeout => "timeout",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Refused => "refused",
            Self::MalformedSecret => "malformed-secret",
            Self::MalformedEvent => "malformed-event",
            Self::Unexpected => "unexpected",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A failure at the target: a class, a text and perhaps the target's code.
///
/// The text is the rotator's own. What a driver says can quote a statement, and a statement can hold a
/// password, so a driver's message never gets in.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{text}{}", code.as_ref().map(|c| format!(" [{c}]")).unwrap_or_default())]
pub struct TargetError {
    class: Class,
    text: Cow<'static, str>,
    code: Option<String>,
}

impl TargetError {
    /// A failure of a class, told in words that hold nothing secret.
    pub fn new(class: Class, text: impl Into<Cow<'static, str>>) -> Self {
        Self { class, text: text.into(), code: None }
    }

    /// Adds the target's own code, such as an SQLSTATE.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// The kind of failure.
    pub fn class(&self) -> Class {
        self.class
    }
}

impl From<Malformed> for TargetError {
    fn from(problem: Malformed) -> Self {
        Self::new(Class::MalformedSecret, problem.to_string())
    }
}

/// Why a step failed, with the step and the secret it was for. Its text is safe to log.
#[derive(Debug)]
pub struct Failure {
    at: Option<(Step, SecretId)>,
    cause: Cause,
}

impl Failure {
    pub(crate) fn new(step: Step, secret: SecretId, cause: Cause) -> Self {
        Self { at: Some((step, secret)), cause }
    }

    /// The kind of failure.
    pub fn class(&self) -> Class {
        self.cause.class()
    }
}

impl From<MalformedEvent> for Failure {
    fn from(error: MalformedEvent) -> Self {
        Self { at: None, cause: Cause::Event(error) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            Some((step, secret)) => write!(f, "Rotation failed in {step} of {secret}: ")?,
            None => f.write_str("Rotation failed: ")?,
        }
        write!(f, "{} ({})", self.cause, self.class())
    }
}

impl std::error::Error for Failure {}

impl From<Failure> for Diagnostic {
    fn from(failure: Failure) -> Self {
        Self { error_type: failure.class().name().into(), error_message: failure.to_string() }
    }
}

/// The kinds of cause, each with its own text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Cause {
    #[error(transparent)]
    Event(MalformedEvent),
    #[error("the {which} version: {problem}")]
    Malformed { which: &'static str, problem: Malformed },
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    State(#[from] Refusal),
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("no time was left while {0}; the step can be repeated safely")]
    Timeout(String),
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl Cause {
    pub(crate) fn class(&self) -> Class {
        match self {
            Self::Event(_) => Class::MalformedEvent,
            Self::Malformed { .. } => Class::MalformedSecret,
            Self::Refused(_) | Self::State(_) => Class::Refused,
            Self::Target(error) => error.class(),
            Self::Timeout(_) => Class::Timeout,
            Self::Vault(error) => error.class,
        }
    }
}

/// As a rotator sees it, who asked for something of Secrets Manager.
impl From<Cause> for TargetError {
    fn from(cause: Cause) -> Self {
        if let Cause::Target(error) = cause {
            return error;
        }
        Self::new(cause.class(), cause.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_has_every_class_once() {
        // As long as the enum by its type, so each in its place means that none is missing.
        for (place, class) in Class::ALL.into_iter().enumerate() {
            assert_eq!(class as usize, place, "{class}");
        }
    }
}
