//! Secret material: a value of a secret, a token of a rotation; neither can be printed.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// The value of one version, as text or as bytes (kept in base64, as they travel).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum SecretValue {
    String(String),
    Binary(String),
}

impl SecretValue {
    /// Takes bytes as they travel; `None` when they are not base64.
    pub(crate) fn binary(base64: &str) -> Option<Self> {
        STANDARD.decode(base64).ok().map(|bytes| Self::Binary(STANDARD.encode(bytes)))
    }

    /// The text, or the base64 of the bytes.
    pub(crate) fn expose(&self) -> &str {
        match self {
            Self::String(text) | Self::Binary(text) => text,
        }
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretValue(..)")
    }
}

/// What a rotation proves its writes with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RotationToken(String);

impl RotationToken {
    pub(crate) fn random() -> Self {
        let parts = [crate::random::uuid(), crate::random::uuid()];
        Self(parts.join("-"))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RotationToken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RotationToken(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_neither_values_nor_tokens() {
        let token = RotationToken::random();
        let value = SecretValue::String("canary".to_owned());
        assert_eq!(format!("{value:?} {token:?}"), "SecretValue(..) RotationToken(..)");
    }

    #[test]
    fn a_rotation_token_fits_its_constraint() {
        let token = RotationToken::random();
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '-';
        assert!((36..=256).contains(&token.expose().len()) && token.expose().chars().all(fits));
    }
}
