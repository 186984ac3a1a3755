//! The condition keys whose values are known here for every request to which they belong.

use super::Action;

/// Keys of Secrets Manager's own that are understood, of those in its Service Authorization Reference
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html>).
const SECRETS_MANAGER: &[&str] = &[
    "secretsmanager:name",
    "secretsmanager:resource/allowrotationlambdaarn",
    "secretsmanager:secretid",
    "secretsmanager:versionid",
    "secretsmanager:versionstage",
];
/// Keys of KMS that are understood, of those in the reference of
/// `kms:Decrypt` (<https://docs.aws.amazon.com/kms/latest/developerguide/policy-conditions.html>).
const KMS: &[&str] = &[
    "kms:calleraccount",
    "kms:encryptioncontext:secretarn",
    "kms:encryptioncontext:secretversionid",
    "kms:viaservice",
];
/// Its values are tags of the secret.
const TAG_OF_SECRET: &str = "secretsmanager:resourcetag/";
const TAG: &str = "aws:resourcetag/";

/// Whether a key, in lower case, means here what it means to IAM, in a statement of these actions.
pub(super) fn is_known(key: &str, actions: &[Action]) -> bool {
    // A key of one service is in no other service's requests.
    if SECRETS_MANAGER.contains(&key) || KMS.contains(&key) || is_tag(key, TAG_OF_SECRET) {
        return true;
    }
    if key == "aws:requestedregion" {
        return true;
    }
    if key == "lambda:sourcefunctionarn" {
        // Not documented: whether what Secrets Manager asks of KMS for a function has it.
        return !actions.iter().any(|action| action.is_of("kms"));
    }
    // The tags of databases and KMS keys are not known here.
    let of_secrets = |action: &Action| action.is_of("secretsmanager") && *action != Action::Any;
    is_tag(key, TAG) && actions.iter().all(of_secrets)
}

fn is_tag(key: &str, prefix: &str) -> bool {
    key.strip_prefix(prefix).is_some_and(|tag| !tag.is_empty())
}
