//! The members of each request and their constraints, from the API's model (2017-10-17).

use crate::operation::Operation;

/// What a member may hold.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    /// Text of so many characters.
    Text(usize, usize),
    /// Text of so many bytes that must not appear in a message.
    Sensitive(usize, usize),
    /// Base64.
    Blob(usize, usize),
    /// Text of a closed set.
    OneOf(&'static [&'static str]),
    Integer(i64, i64),
    Boolean,
    /// A list of so many texts, each of so many characters.
    Texts(usize, usize, usize, usize),
    Tags,
    Filters,
    RotationRules,
    /// Accepted and not looked at.
    Ignored,
}

/// A member of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) required: bool,
}

const fn optional(name: &'static str, shape: Shape) -> Member {
    Member { name, shape, required: false }
}

const fn required(name: &'static str, shape: Shape) -> Member {
    Member { name, shape, required: true }
}

const SECRET_ID: Member = required("SecretId", Shape::Text(1, 2048));
const TOKEN: Member = optional("ClientRequestToken", Shape::Text(32, 64));
const STRING: Member = optional("SecretString", Shape::Sensitive(1, 65_536));
const BINARY: Member = optional("SecretBinary", Shape::Blob(1, 65_536));
const DESCRIPTION: Member = optional("Description", Shape::Text(0, 2048));
const KMS_KEY: Member = optional("KmsKeyId", Shape::Text(0, 2048));
const TYPE: Member = optional("Type", Shape::Text(0, 256));
const VERSION_ID: Member = optional("VersionId", Shape::Text(32, 64));
const NEXT_TOKEN: Member = optional("NextToken", Shape::Text(1, 4096));
const PAGE: Member = optional("MaxResults", Shape::Integer(1, 100));
const FILTERS: Member = optional("Filters", Shape::Filters);
const POLICY: Member = required("ResourcePolicy", Shape::Text(1, 20_480));

pub(crate) const FILTER_KEYS: &[&str] =
    &["description", "name", "tag-key", "tag-value", "primary-region", "owning-service", "all"];

/// The members that a request of an operation may have; others are ignored.
pub(crate) fn members(operation: Operation) -> &'static [Member] {
    match operation {
        Operation::BatchGetSecretValue => {
            const {
                &[
                    optional("SecretIdList", Shape::Texts(1, 20, 1, 2048)),
                    FILTERS,
                    optional("MaxResults", Shape::Integer(1, 20)),
                    NEXT_TOKEN,
                ]
            }
        }
        Operation::CreateSecret => {
            const {
                &[
                    required("Name", Shape::Text(1, 512)),
                    TOKEN,
                    DESCRIPTION,
                    KMS_KEY,
                    STRING,
                    BINARY,
                    optional("Tags", Shape::Tags),
                    optional("AddReplicaRegions", Shape::Ignored),
                    TYPE,
                ]
            }
        }
        Operation::DeleteSecret => {
            const {
                &[
                    SECRET_ID,
                    optional("RecoveryWindowInDays", Shape::Integer(i64::MIN, i64::MAX)),
                    optional("ForceDeleteWithoutRecovery", Shape::Boolean),
                ]
            }
        }
        Operation::CancelRotateSecret
        | Operation::DescribeSecret
        | Operation::RestoreSecret
        | Operation::GetResourcePolicy
        | Operation::DeleteResourcePolicy => const { &[SECRET_ID] },
        Operation::GetRandomPassword => PASSWORD,
        Operation::GetSecretValue => {
            const { &[SECRET_ID, VERSION_ID, optional("VersionStage", Shape::Text(1, 256))] }
        }
        Operation::ListSecretVersionIds => {
            const { &[SECRET_ID, PAGE, NEXT_TOKEN, optional("IncludeDeprecated", Shape::Boolean)] }
        }
        Operation::ListSecrets => LIST_SECRETS,
        Operation::PutResourcePolicy => {
            const { &[SECRET_ID, POLICY, optional("BlockPublicPolicy", Shape::Boolean)] }
        }
        Operation::PutSecretValue => PUT_VALUE,
        Operation::RotateSecret => ROTATE,
        Operation::TagResource => const { &[SECRET_ID, required("Tags", Shape::Tags)] },
        Operation::UntagResource => {
            const { &[SECRET_ID, required("TagKeys", Shape::Texts(0, usize::MAX, 1, 128))] }
        }
        Operation::UpdateSecret => {
            const { &[SECRET_ID, TOKEN, DESCRIPTION, KMS_KEY, STRING, BINARY, TYPE] }
        }
        Operation::UpdateSecretVersionStage => {
            const {
                &[
                    SECRET_ID,
                    required("VersionStage", Shape::Text(1, 256)),
                    optional("RemoveFromVersionId", Shape::Text(32, 64)),
                    optional("MoveToVersionId", Shape::Text(32, 64)),
                ]
            }
        }
        Operation::ValidateResourcePolicy => {
            const { &[optional("SecretId", Shape::Text(1, 2048)), POLICY] }
        }
    }
}

const PASSWORD: &[Member] = &[
    optional("PasswordLength", Shape::Integer(1, 4096)),
    optional("ExcludeCharacters", Shape::Text(0, 4096)),
    optional("ExcludeNumbers", Shape::Boolean),
    optional("ExcludePunctuation", Shape::Boolean),
    optional("ExcludeUppercase", Shape::Boolean),
    optional("ExcludeLowercase", Shape::Boolean),
    optional("IncludeSpace", Shape::Boolean),
    optional("RequireEachIncludedType", Shape::Boolean),
];

const LIST_SECRETS: &[Member] = &[
    optional("IncludePlannedDeletion", Shape::Boolean),
    PAGE,
    NEXT_TOKEN,
    FILTERS,
    optional("SortOrder", Shape::OneOf(&["asc", "desc"])),
    optional(
        "SortBy",
        Shape::OneOf(&["created-date", "last-accessed-date", "last-changed-date", "name"]),
    ),
];

const PUT_VALUE: &[Member] = &[
    SECRET_ID,
    TOKEN,
    STRING,
    BINARY,
    optional("VersionStages", Shape::Texts(1, 20, 1, 256)),
    optional("RotationToken", Shape::Sensitive(36, 256)),
];

const ROTATE: &[Member] = &[
    SECRET_ID,
    TOKEN,
    optional("RotationLambdaARN", Shape::Text(0, 2048)),
    optional("RotationRules", Shape::RotationRules),
    optional("RotateImmediately", Shape::Boolean),
    optional("ExternalSecretRotationMetadata", Shape::Ignored),
    optional("ExternalSecretRotationRoleArn", Shape::Text(20, 2048)),
];
