//! A framework for AWS Secrets Manager rotation functions.
//!
//! The framework owns Secrets Manager and the order of the steps; a [`Rotator`] owns its target. Write a
//! [`Credential`] and a [`Rotator`], and make [`run`] the whole of `main`.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}

pub mod aws;
mod credential;
mod derived;
mod document;
mod error;
mod event;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
mod history;
mod lambda;
mod logs;
mod machine;
mod metrics;
mod password;
mod rotation;
mod rotator;
mod sensitive;
#[cfg(feature = "testing")]
pub mod testing;
pub mod vault;

pub use credential::{Credential, Target};
pub use derived::percent_encoded;
pub use document::{Document, Edit, Malformed};
pub use error::{Class, Failure, TargetError};
pub use event::{MalformedEvent, RotationEvent, SecretId, Step, VersionId};
pub use history::{AdminSecret, History};
pub use lambda::run;
pub use password::{PasswordPolicy, Passwords};
pub use rotation::{deadline, rotate};
pub use rotator::{
    Authority, Change, Create, FirstTry, Holder, Outcome, Preflight, Retire, Rotator, Verdict,
};
pub use sensitive::Sensitive;
pub use vault::{Vault, VaultError};
