//! What a caller needs of KMS, where a secret has a key of the customer's.
//!
//! Secrets Manager uses the key on the caller's behalf: `kms:GenerateDataKey` for a new value, `kms:Decrypt` to read one
//! or to compare a repeated write with it, both to see whether a key that is new to the secret may be used
//! (<https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html>). The key's own policy is
//! taken to leave it to IAM. Here all versions are under the key that the secret has now.

use crate::ACCOUNT;
use crate::caller::Caller;
use crate::error::ApiError;
use crate::policy::Request;
use crate::secret::Secret;

/// The key that every account has, whose policy lets everybody in it use it through Secrets Manager.
const OWN_KEY: &str = "alias/aws/secretsmanager";
/// What the documentation shows in place of a version's id, where a key is only tried.
const TRIAL: &str = "RequestToValidateKeyAccess";

/// Refuses to read a value whose key the caller may not use.
pub(crate) fn check_decrypt(
    caller: &Caller,
    secret: &Secret,
    version: &str,
) -> Result<(), ApiError> {
    check(caller, secret, version, "kms:Decrypt")
}

/// Refuses to store a value under a key that the caller may not use.
pub(crate) fn check_encrypt(
    caller: &Caller,
    secret: &Secret,
    version: &str,
) -> Result<(), ApiError> {
    check(caller, secret, version, "kms:GenerateDataKey")
}

/// Refuses to give the secret a key that the caller may not use.
pub(crate) fn check_new_key(caller: &Caller, secret: &Secret) -> Result<(), ApiError> {
    check_encrypt(caller, secret, TRIAL)?;
    check_decrypt(caller, secret, TRIAL)
}

fn check(caller: &Caller, secret: &Secret, version: &str, action: &str) -> Result<(), ApiError> {
    let Some(resource) = secret.kms_key_id.as_deref().and_then(|id| key_arn(id, &secret.region))
    else {
        return Ok(());
    };
    let conditions = [
        ("aws:RequestedRegion", caller.region.clone()),
        ("kms:CallerAccount", ACCOUNT.to_owned()),
        ("kms:EncryptionContext:SecretARN", secret.arn.clone()),
        ("kms:EncryptionContext:SecretVersionId", version.to_owned()),
        ("kms:ViaService", format!("secretsmanager.{}.amazonaws.com", secret.region)),
    ];
    let conditions = conditions.map(|(key, value)| (key.to_owned(), value)).to_vec();
    caller.may_in_kms(&Request { action: action.to_owned(), resource, conditions })
}

/// The ARN that a policy has to name; `None` for the account's own key.
///
/// A policy has to name the key and not its alias. Which key an alias leads to is not known here, so that only
/// a policy about all keys allows its use.
fn key_arn(id: &str, region: &str) -> Option<String> {
    let alias = id.rsplit_once(':').map_or(id, |(_, alias)| alias);
    if alias == OWN_KEY {
        return None;
    }
    Some(match (id.starts_with("arn:"), alias.starts_with("alias/")) {
        (_, true) => format!("arn:aws:kms:{region}:{ACCOUNT}:key/of-{}", alias.replace('/', "-")),
        (true, false) => id.to_owned(),
        (false, false) => format!("arn:aws:kms:{region}:{ACCOUNT}:key/{id}"),
    })
}
