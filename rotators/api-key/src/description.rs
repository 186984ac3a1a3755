//! What a provider is: the requests that mint, try and retire its keys, as data.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::template::{Json, Template};

mod list;
mod validate;

pub(crate) use list::{List, Pages};

/// A provider of keys, told by the requests that it takes.
///
/// A text in which `{field}` stands is a template: see [`Template`].
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Description {
    /// The name for people.
    pub(crate) title: String,
    /// Where the provider documents these requests.
    #[serde(default)]
    pub(crate) documentation: Option<String>,
    /// How the new key follows the old one.
    pub(crate) strategy: Strategy,
    /// Where the requests go: `https://`, the host, perhaps a port and the beginning of every path.
    pub(crate) base_url: Template,
    /// The fields of the secret that `base_url` may take its host from; no other field can choose it.
    #[serde(default)]
    pub(crate) host_from_secret: Vec<String>,
    /// Whose keys they are, in the provider's terms; logged, so never a secret.
    pub(crate) principal: Template,
    /// How many keys the provider allows the principal at once.
    #[serde(default)]
    pub(crate) limit: Option<usize>,
    /// For how many minutes after a rotation consumers may still use the key before; 120 unless told.
    #[serde(default = "two_hours")]
    pub(crate) overlap_minutes: u32,
    /// How many seconds it takes at most until a new key is accepted everywhere.
    #[serde(default)]
    pub(crate) settle_seconds: u32,
    /// After how many days a new key shall expire, where `create` has a place for it; `rotation.lifetime_days`
    /// of the secret comes first.
    #[serde(default)]
    pub(crate) lifetime_days: Option<u32>,
    /// The field of the secret that tells one key of the principal from another, and is no secret.
    #[serde(default = "key_id")]
    pub(crate) id: String,
    /// The field of the secret that is drawn here, by the password policy, and sent to the provider by `update`.
    #[serde(default)]
    pub(crate) draw: Option<String>,
    /// How a request shows that it is sent with the key.
    #[serde(default)]
    pub(crate) key: Option<Authentication>,
    /// How a request shows that it is sent by the admin of `masterarn`.
    #[serde(default)]
    pub(crate) admin: Option<Authentication>,
    /// Asks whether a key works, and changes nothing.
    pub(crate) test: Request,
    /// Mints a key.
    #[serde(default)]
    pub(crate) create: Option<Request>,
    /// Makes the provider forget a key: one request after the other.
    #[serde(default)]
    pub(crate) retire: Vec<Request>,
    /// Lists the keys that the principal has.
    #[serde(default)]
    pub(crate) list: Option<List>,
    /// Gives the key another value, in place.
    #[serde(default)]
    pub(crate) update: Option<Request>,
}

fn two_hours() -> u32 {
    120
}

fn key_id() -> String {
    "key_id".into()
}

/// How the new key follows the old one.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Strategy {
    /// `create` mints a second key, and `retire` ends the old one a whole rotation later.
    OverlappingKeys,
    /// `update` answers with another value, and the old one is dead.
    Regenerate,
    /// `update` exchanges a refresh token for a new one, as OAuth 2.0 has it.
    RefreshToken,
    /// A value is drawn here, stored, and then sent by `update`; the old one is dead.
    SingleUser,
}

impl Strategy {
    /// The name in descriptions.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OverlappingKeys => "overlapping-keys",
            Self::Regenerate => "regenerate",
            Self::RefreshToken => "refresh-token",
            Self::SingleUser => "single-user",
        }
    }
}

/// How a request shows who sends it: exactly one of the schemes.
#[derive(Debug, Default, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Authentication {
    /// `Authorization: Bearer`, and this token.
    pub(crate) bearer: Option<Template>,
    /// A header of this name, and its value.
    pub(crate) header: Option<Named>,
    /// `Authorization: Basic`, of a user and a password.
    pub(crate) basic: Option<Basic>,
    /// A parameter of the query of this name, and its value. Servers and proxies log it: the last choice.
    pub(crate) query: Option<Named>,
    /// A signature by an AWS access key.
    pub sigv4: Option<Sigv4>,
    /// A request that comes before, such as for an access token: what its `fields` fill is `{login.…}`.
    pub(crate) login: Option<Box<Request>>,
    /// Asks whether the admin's key works, before it is used; of an admin only.
    pub(crate) test: Option<Box<Request>>,
}

/// A name and its value.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Named {
    /// The name.
    pub(crate) name: String,
    /// The value.
    pub(crate) value: Template,
}

/// A user and a password.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Basic {
    /// The user, which cannot have a colon.
    pub(crate) user: Template,
    /// The password.
    pub(crate) password: Template,
}

/// AWS Signature Version 4.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Sigv4 {
    /// The service's name in signatures, such as `iam`.
    pub(crate) service: Template,
    /// The region in signatures.
    pub(crate) region: Template,
    /// The access key's id.
    pub(crate) access_key_id: Template,
    /// The secret access key.
    pub(crate) secret_access_key: Template,
}

/// What a signature is for.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct SignedFor {
    /// The service's name in signatures, such as `sts`.
    pub(crate) service: Template,
    /// The region in signatures.
    pub(crate) region: Template,
}

/// One HTTP request, and what its answers mean.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Request {
    /// Who sends it; unless told, the admin where the secret names one, else the key. `test` is sent with the key.
    #[serde(default)]
    pub(crate) by: Option<By>,
    /// Where it goes, if that is not the description's `base_url`.
    #[serde(default)]
    pub(crate) base_url: Option<Template>,
    /// The method.
    pub(crate) method: Method,
    /// What comes after `base_url`, if anything; a value is percent-encoded, and never more than a part of one segment.
    pub(crate) path: Template,
    /// A user and a password to show, where it is sent by nobody in particular: a login's, such as of an OAuth client.
    #[serde(default)]
    pub(crate) basic: Option<Basic>,
    /// What it is signed for, if that is not what the authentication says.
    #[serde(default)]
    pub(crate) signed_for: Option<SignedFor>,
    /// Headers besides that of the authentication.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, Template>,
    /// The query; values are percent-encoded.
    #[serde(default)]
    pub(crate) query: BTreeMap<String, Template>,
    /// The body, as JSON whose texts are templates.
    #[serde(default)]
    pub(crate) json: Option<Json>,
    /// The body, as a form.
    #[serde(default)]
    pub(crate) form: Option<BTreeMap<String, Template>>,
    /// What the answer's body is.
    #[serde(default)]
    pub(crate) answer: Format,
    /// The statuses that mean success; every 2xx unless told.
    #[serde(default)]
    pub(crate) success: Vec<u16>,
    /// What other answers mean, the first that fits.
    #[serde(default)]
    pub(crate) when: Vec<Rule>,
    /// The fields that the answer fills, each with the JSON pointer (RFC 6901) of its value.
    #[serde(default)]
    pub(crate) fields: BTreeMap<String, String>,
    /// Fields of the secret that the answer has to repeat, each with the JSON pointer of its value: of a `test`, whose
    /// key it is.
    #[serde(default)]
    pub(crate) same: BTreeMap<String, String>,
    /// What the answer has to have at a JSON pointer: for what is made of several fields.
    #[serde(default)]
    pub(crate) equals: BTreeMap<String, Template>,
}

/// Who sends a request.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum By {
    /// The key that is rotated.
    Key,
    /// The admin of `masterarn`.
    Admin,
    /// The function itself, by its role: for requests that are signed.
    Function,
    /// Nobody in particular: what it takes is in the request.
    Anyone,
}

/// An HTTP method.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Method {
    /// The name as HTTP writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }

    /// Whether sending it twice does what sending it once does. A `PUT` can give another new value each time.
    pub(crate) fn repeatable(self) -> bool {
        matches!(self, Self::Get | Self::Delete)
    }
}

/// What the body of an answer is.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// JSON.
    #[default]
    Json,
    /// XML, read as JSON: an element with elements is an object, one whose elements are all called `member` an array.
    Xml,
    /// Whatever: nothing is read of it.
    Any,
}

/// What an answer means that is told by its status, and perhaps by a value in it.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    /// The status.
    pub(crate) status: u16,
    /// The JSON pointer of a value that decides.
    #[serde(default)]
    pub(crate) at: Option<String>,
    /// The value there.
    #[serde(default)]
    pub(crate) is: Option<Value>,
    /// A piece of the text there.
    #[serde(default)]
    pub(crate) contains: Option<String>,
    /// What the answer means.
    pub(crate) means: Meaning,
}

/// What an answer means.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Meaning {
    /// It was done.
    Success,
    /// The provider does not know the key. Unless told otherwise: 401.
    Rejected,
    /// The key works, but may not do this. Unless told otherwise: 403.
    Permission,
    /// Too many requests. Unless told otherwise: 429.
    Throttled,
    /// There are as many keys as there may be.
    Full,
    /// What the request is about does not exist. Unless told otherwise: 404 and 410. Of `retire`, it is success.
    Gone,
    /// The provider cannot now. Unless told otherwise: 408 and 5xx.
    Unavailable,
    /// Anything else: the request is wrong.
    Refused,
}

#[cfg(test)]
mod tests;
