use std::fmt;

use crate::{Document, Malformed, SecretId};

/// What a rotator reads of one version of a secret.
///
/// Two versions with equal credentials are the same login: compare what matters for logging in, and
/// leave out what does not. A field that holds a secret is a [`Sensitive`](crate::Sensitive), so that
/// `Debug` is safe to derive.
pub trait Credential: Sized + PartialEq + fmt::Debug + Send + Sync {
    /// What messages call that by which it logs in.
    const PROOF: &'static str = "password";

    /// What somebody can do by hand where no version of the secret logs in as this principal any more.
    fn remedy(principal: &str) -> String {
        format!("give {principal} the password of AWSCURRENT by hand")
    }

    /// Reads the fields; an error names the field and never shows its value.
    fn read(secret: &Document) -> Result<Self, Malformed>;

    /// The place that this credential opens.
    fn target(&self) -> Target;

    /// Whom it opens it for: a user's name, an account. Logged, so never a secret.
    fn principal(&self) -> &str;

    /// The same login, reached the way that `current` says.
    ///
    /// An old version may name a database that has another name by now, or other TLS settings; what counts
    /// of it is the secret that it holds. It is asked for only where target and principal are the same.
    #[must_use]
    fn reached_as(self, current: &Self) -> Self {
        let _ = current;
        self
    }

    /// The secret that holds the credential allowed to change this one, if it is not this one.
    fn admin(&self) -> Option<SecretId> {
        None
    }
}

/// The resource that a credential opens, such as `db.internal:5432`; comparable and printable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Target(String);

impl Target {
    /// Names a target; two credentials with equal names open the same resource.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
