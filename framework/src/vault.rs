//! The calls that the framework makes to Secrets Manager, and the facts it takes from the answers.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::SystemTime;

use crate::{Class, Document, SecretId, Sensitive, VersionId};

mod aws;
mod patience;

pub use aws::AwsVault;

/// The calls to Secrets Manager.
pub trait Vault: Send + Sync {
    /// `DescribeSecret`: whether rotation is on, and which labels are on which version.
    fn describe(
        &self,
        secret: &SecretId,
    ) -> impl Future<Output = Result<Description, VaultError>> + Send;

    /// `GetSecretValue`: one version, or `None` where it has no value or does not exist.
    fn value(
        &self,
        secret: &SecretId,
        version: Version<'_>,
    ) -> impl Future<Output = Result<Option<Stored>, VaultError>> + Send;

    /// `ListSecretVersionIds` with the deprecated ones, the newest first, each with its `CreatedDate`.
    fn versions(
        &self,
        secret: &SecretId,
    ) -> impl Future<Output = Result<Vec<(VersionId, Option<SystemTime>)>, VaultError>> + Send;

    /// `PutSecretValue` with the label `AWSPENDING`.
    fn put(&self, write: Write<'_>) -> impl Future<Output = Result<Written, VaultError>> + Send;

    /// `UpdateSecretVersionStage` of `AWSCURRENT`, a compare-and-swap.
    fn promote(
        &self,
        secret: &SecretId,
        from: Option<&VersionId>,
        to: &VersionId,
    ) -> impl Future<Output = Result<(), VaultError>> + Send;
}

impl<V: Vault> Vault for Arc<V> {
    async fn describe(&self, secret: &SecretId) -> Result<Description, VaultError> {
        (**self).describe(secret).await
    }

    async fn value(
        &self,
        secret: &SecretId,
        version: Version<'_>,
    ) -> Result<Option<Stored>, VaultError> {
        (**self).value(secret, version).await
    }

    async fn versions(
        &self,
        secret: &SecretId,
    ) -> Result<Vec<(VersionId, Option<SystemTime>)>, VaultError> {
        (**self).versions(secret).await
    }

    async fn put(&self, write: Write<'_>) -> Result<Written, VaultError> {
        (**self).put(write).await
    }

    async fn promote(
        &self,
        secret: &SecretId,
        from: Option<&VersionId>,
        to: &VersionId,
    ) -> Result<(), VaultError> {
        (**self).promote(secret, from, to).await
    }
}

/// Which version to read.
///
/// There is no way to read by `AWSPENDING`: reads by label lag behind writes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Version<'a> {
    /// The version with the label `AWSCURRENT`.
    Current,
    /// The version with the label `AWSPREVIOUS`.
    Previous,
    /// A version by its id.
    Id(&'a VersionId),
}

/// One version as it is stored.
#[derive(Debug)]
pub struct Stored {
    /// Which one it is: a read by label can answer with the version that had the label a moment ago.
    pub version: VersionId,
    /// What it holds.
    pub value: SecretValue,
    /// `CreatedDate`.
    pub created: Option<SystemTime>,
}

/// A value as it is stored.
#[derive(Debug)]
pub enum SecretValue {
    /// `SecretString`.
    Text(Sensitive),
    /// `SecretBinary`, which no rotator reads.
    Binary,
}

/// One version to write.
#[derive(Debug)]
pub struct Write<'a> {
    /// The secret.
    pub secret: &'a SecretId,
    /// `ClientRequestToken`.
    pub version: &'a VersionId,
    /// `RotationToken` of the event, to be handed back.
    pub rotation_token: Option<&'a Sensitive>,
    /// The value.
    pub document: &'a Document,
}

/// What became of a write.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Written {
    /// The version now has this value.
    Stored,
    /// The version has another value, which another invocation wrote first.
    Conflict,
}

/// The labels that rotation is about.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Label {
    /// `AWSCURRENT`
    Current,
    /// `AWSPENDING`
    Pending,
    /// `AWSPREVIOUS`
    Previous,
}

impl Label {
    /// The name as Secrets Manager writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Current => "AWSCURRENT",
            Self::Pending => "AWSPENDING",
            Self::Previous => "AWSPREVIOUS",
        }
    }

    /// Reads a label; other labels are nobody's business here.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Current, Self::Pending, Self::Previous].into_iter().find(|l| l.name() == name)
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What `DescribeSecret` says of a secret.
#[derive(Clone, Debug, Default)]
pub struct Description {
    /// Rotation is on.
    pub rotation_enabled: bool,
    /// `LastRotatedDate`: when a rotation last came to its end.
    pub rotated: Option<SystemTime>,
    /// The labels of every version that has one, also those with none but labels of other names.
    pub labels: BTreeMap<VersionId, Vec<Label>>,
    /// Key and value of every tag.
    pub tags: Vec<(String, String)>,
}

impl Description {
    /// The version that has a label.
    pub fn holder(&self, label: Label) -> Option<&VersionId> {
        self.labels.iter().find(|(_, labels)| labels.contains(&label)).map(|(id, _)| id)
    }
}

/// Secrets Manager did not do what it was asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VaultError {
    /// The API operation.
    pub operation: &'static str,
    /// The kind of failure.
    pub class: Class,
    /// The service's error code, such as `AccessDeniedException`.
    pub code: Option<String>,
    /// It is the secret's KMS key that could not be used.
    pub kms: bool,
}

impl fmt::Display for VaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operation = self.operation;
        if self.class == Class::Permission && self.kms {
            // A write has KMS decrypt only where it is to be compared with what is stored.
            let actions = match operation {
                "PutSecretValue" => "kms:GenerateDataKey and kms:Decrypt",
                _ => "kms:Decrypt",
            };
            write!(
                f,
                "the function's role may not {actions} with the secret's KMS key for {operation}, or the key is disabled"
            )?;
        } else if self.class == Class::Permission {
            write!(f, "the function's role may not secretsmanager:{operation}")?;
        } else if self.class == Class::Throttled {
            write!(f, "Secrets Manager throttled {operation} to the end")?;
        } else if self.class == Class::Timeout {
            write!(f, "Secrets Manager did not answer {operation} in time")?;
        } else if self.class == Class::Tcp {
            write!(
                f,
                "cannot reach Secrets Manager for {operation}; in a VPC it needs an endpoint or a NAT gateway"
            )?;
        } else {
            write!(f, "Secrets Manager refused {operation}")?;
        }
        match &self.code {
            Some(code) => write!(f, " [{code}]"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for VaultError {}
