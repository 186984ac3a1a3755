//! Secrets Manager over the AWS SDK.

use std::cmp::Reverse;
use std::time::SystemTime;

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::config::retry::{RetryPartition, TokenBucket};
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_secretsmanager::primitives::DateTime;

use super::patience::{Patience, is_throttled};
use super::{Description, Label, SecretValue, Stored, Vault, VaultError, Version, Write, Written};
use crate::aws::configuration;
use crate::aws::unanswered;
use crate::{Class, SecretId, Sensitive, VersionId};

/// More than the budget allows.
const ATTEMPTS: u32 = 12;
/// A service that cannot be reached is to be reported before the deadline. A budget of retries, of which each takes
/// its price; a success pays one back. Throttling is left to [`Patience`]: nobody can pay for it.
const BUDGET: usize = 60;
const PRICE_OF_THROTTLING: u32 = 1000;
const PRICE_OF_FAILURE: u32 = 10;

/// Secrets Manager over the AWS SDK: one client, and so one connection pool, for the environment's life.
#[derive(Clone, Debug)]
pub struct AwsVault(Client);

impl AwsVault {
    /// Takes region, credentials and endpoint from the environment, as every AWS SDK does.
    ///
    /// `SECRETS_MANAGER_ENDPOINT`, which AWS's own functions need, is honoured too.
    pub async fn from_env() -> Self {
        let shared = configuration(ATTEMPTS).load().await;
        let budget = TokenBucket::builder()
            .capacity(BUDGET)
            .throttling_retry_cost(PRICE_OF_THROTTLING)
            .timeout_retry_cost(PRICE_OF_FAILURE)
            .retry_cost(PRICE_OF_FAILURE)
            .success_reward(10.0)
            .refill_rate(1.0)
            .build();
        let mut config = aws_sdk_secretsmanager::config::Builder::from(&shared)
            .retry_partition(RetryPartition::custom("turnlock").token_bucket(budget).build());
        if let Ok(endpoint) = std::env::var("SECRETS_MANAGER_ENDPOINT") {
            config = config.endpoint_url(endpoint);
        }
        Self(Client::from_conf(config.build()))
    }
}

impl Vault for AwsVault {
    async fn describe(&self, secret: &SecretId) -> Result<Description, VaultError> {
        let call = self.0.describe_secret().secret_id(secret.as_str());
        let answer = Patience::LONG.spend(|| call.clone().send()).await;
        let secret = answer.map_err(|error| failed("DescribeSecret", &error))?;
        let labels = secret.version_ids_to_stages.unwrap_or_default().into_iter();
        let tags = secret.tags.unwrap_or_default().into_iter();
        Ok(Description {
            rotation_enabled: secret.rotation_enabled == Some(true),
            rotated: secret.last_rotated_date.and_then(date),
            labels: labels
                .map(|(id, names)| {
                    let labels = names.iter().filter_map(|name| Label::parse(name)).collect();
                    (VersionId::new(id), labels)
                })
                .collect(),
            tags: tags
                .map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default()))
                .collect(),
        })
    }

    async fn value(
        &self,
        secret: &SecretId,
        version: Version<'_>,
    ) -> Result<Option<Stored>, VaultError> {
        let call = self.0.get_secret_value().secret_id(secret.as_str());
        let call = match version {
            Version::Current => call.version_stage(Label::Current.name()),
            Version::Previous => call.version_stage(Label::Previous.name()),
            Version::Id(id) => call.version_id(id.as_str()),
        };
        match Patience::LONG.spend(|| call.clone().send()).await {
            Ok(answer) => {
                let value = match answer.secret_string {
                    Some(text) => Some(SecretValue::Text(Sensitive::new(text))),
                    None => answer.secret_binary.map(|_| SecretValue::Binary),
                };
                let version = VersionId::new(answer.version_id.unwrap_or_default());
                let created = answer.created_date.and_then(date);
                Ok(value.map(|value| Stored { version, value, created }))
            }
            Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(failed("GetSecretValue", &error)),
        }
    }

    async fn versions(
        &self,
        secret: &SecretId,
    ) -> Result<Vec<(VersionId, Option<SystemTime>)>, VaultError> {
        let call = self.0.list_secret_version_ids().secret_id(secret.as_str());
        let call = call.include_deprecated(true);
        let (mut versions, mut next) = (Vec::new(), None);
        loop {
            let page = || call.clone().set_next_token(next.clone()).send();
            let page = Patience::LONG.spend(page).await;
            let page = page.map_err(|error| failed("ListSecretVersionIds", &error))?;
            versions.extend(page.versions.unwrap_or_default());
            let following = page.next_token.filter(|token| !token.is_empty());
            // A page that leads to itself would be read to the deadline.
            if following.is_none() || following == next {
                break;
            }
            next = following;
        }
        versions.sort_by_key(|version| Reverse(version.created_date));
        let dated = versions.into_iter().filter_map(|version| {
            Some((VersionId::new(version.version_id?), version.created_date.and_then(date)))
        });
        Ok(dated.collect())
    }

    async fn put(&self, write: Write<'_>) -> Result<Written, VaultError> {
        let call = self
            .0
            .put_secret_value()
            .secret_id(write.secret.as_str())
            .client_request_token(write.version.as_str())
            .set_rotation_token(write.rotation_token.map(|token| token.expose().to_owned()))
            .secret_string(write.document.text().expose())
            .version_stages(Label::Pending.name());
        match Patience::LONG.spend(|| call.clone().send()).await {
            Ok(_) => Ok(Written::Stored),
            Err(error) if error.code() == Some("ResourceExistsException") => Ok(Written::Conflict),
            Err(error) => Err(failed("PutSecretValue", &error)),
        }
    }

    async fn promote(
        &self,
        secret: &SecretId,
        from: Option<&VersionId>,
        to: &VersionId,
    ) -> Result<(), VaultError> {
        let call = self
            .0
            .update_secret_version_stage()
            .secret_id(secret.as_str())
            .version_stage(Label::Current.name())
            .move_to_version_id(to.as_str())
            .set_remove_from_version_id(from.map(|id| id.as_str().to_owned()));
        let answer = Patience::SHORT.spend(|| call.clone().send()).await;
        answer.map_err(|error| failed("UpdateSecretVersionStage", &error))?;
        Ok(())
    }
}

/// A date before 1970 or beyond what the clock can hold is none.
fn date(date: DateTime) -> Option<SystemTime> {
    SystemTime::try_from(date).ok()
}

fn failed<E, R>(operation: &'static str, error: &SdkError<E, R>) -> VaultError
where
    SdkError<E, R>: ProvideErrorMetadata,
{
    let code = error.code().map(str::to_owned);
    VaultError { operation, class: class(error, code.as_deref()), kms: is_of_kms(error), code }
}

/// Whether it was the secret's KMS key. The code of `Access to KMS is not allowed` is that of a missing
/// permission for Secrets Manager; only the message tells them apart.
fn is_of_kms<E, R>(error: &SdkError<E, R>) -> bool
where
    SdkError<E, R>: ProvideErrorMetadata,
{
    matches!(error.code(), Some("DecryptionFailure" | "EncryptionFailure"))
        || error.message().is_some_and(|message| message.starts_with("Access to KMS"))
}

fn class<E, R>(error: &SdkError<E, R>, code: Option<&str>) -> Class {
    if let Some(class) = unanswered(error) {
        return class;
    }
    match code {
        Some(
            "AccessDeniedException"
            | "DecryptionFailure"
            | "EncryptionFailure"
            | "ExpiredTokenException"
            | "InvalidSignatureException"
            | "UnrecognizedClientException",
        ) => Class::Permission,
        code if is_throttled(code) => Class::Throttled,
        Some(
            "InvalidParameterException" | "InvalidRequestException" | "ResourceNotFoundException",
        ) => Class::Refused,
        _ => Class::Unexpected,
    }
}
