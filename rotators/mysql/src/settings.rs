//! How an account is set up, read from what the server prints, so that another can be set up alike.

mod attribute;
#[cfg(any(fuzzing, test))]
mod printed;
#[cfg(test)]
mod properties;
mod read;
pub(crate) mod statements;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use turnlock::Sensitive;

use crate::privileges::Role;

/// What `CREATE USER` says of one account; the default is one of which it says nothing.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// Each of them lets the account in.
    pub(crate) rules: Vec<Rule>,
    /// MySQL's; MariaDB prints them with the privileges.
    pub(crate) default_roles: BTreeSet<Role>,
    pub(crate) is_locked: bool,
    /// Somebody wants another password at the next login. That is nothing to copy.
    pub(crate) is_expired: bool,
    requirement: Requirement,
    /// The clauses that are not at their default. Of an account that is expired by hand, nobody can tell how
    /// long its passwords live.
    clauses: BTreeMap<&'static str, String>,
    attribute: attribute::Attribute,
}

/// A way to log in.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Rule {
    pub(crate) plugin: String,
    pub(crate) digest: Digest,
}

/// What a server keeps of a password.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Digest {
    /// There is no password, or the plug-in needs none.
    Nothing,
    /// The server does not show it to this session.
    Hidden,
    Text(Sensitive),
    /// The digits of a text in hexadecimal, as MySQL prints one that is not for the eye.
    Hex(Sensitive),
}

/// What `REQUIRE` says.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
enum Requirement {
    #[default]
    Nothing,
    Tls,
    Certificate,
    /// `ISSUER`, `SUBJECT`, `CIPHER` and the texts that they have to be.
    Details(BTreeMap<String, String>),
}

/// A number of uses that is limited; 0 is no limit.
const LIMITS: [&str; 5] = [
    "MAX_QUERIES_PER_HOUR",
    "MAX_UPDATES_PER_HOUR",
    "MAX_CONNECTIONS_PER_HOUR",
    "MAX_USER_CONNECTIONS",
    "MAX_STATEMENT_TIME",
];
const EXPIRY: &str = "PASSWORD EXPIRE";
/// The other clauses, and what each is where nobody said anything else.
const CLAUSES: [(&str, &str); 6] = [
    (EXPIRY, "DEFAULT"),
    ("PASSWORD HISTORY", "DEFAULT"),
    ("PASSWORD REUSE INTERVAL", "DEFAULT"),
    ("PASSWORD REQUIRE CURRENT", "DEFAULT"),
    ("FAILED_LOGIN_ATTEMPTS", "0"),
    ("PASSWORD_LOCK_TIME", "0"),
];

impl Settings {
    /// The JSON value that we left in the account's attribute, if there is one.
    pub(crate) fn mark(&self) -> Option<&str> {
        self.attribute.mark()
    }

    /// Whether a clause of both can be compared.
    fn knows(&self, clause: &str) -> bool {
        !(self.is_expired && clause == EXPIRY)
    }
}

/// Says in what `one` is set up in another way than `other`, without any value; nothing if they are alike. Locks and
/// digests are not looked at, nor is our mark.
pub(crate) fn compare(one: &Settings, other: &Settings) -> Vec<String> {
    let mut found = Vec::new();
    // A second password, by the same plug-in, is one user's own.
    let plugins = |settings: &Settings| -> BTreeSet<String> {
        settings.rules.iter().map(|rule| rule.plugin.clone()).collect()
    };
    if plugins(one) != plugins(other) {
        found.push("the authentication plugin".to_owned());
    }
    if one.default_roles != other.default_roles {
        found.push("DEFAULT ROLE".to_owned());
    }
    if one.requirement != other.requirement {
        found.push("REQUIRE".to_owned());
    }
    for name in LIMITS.into_iter().chain(CLAUSES.map(|(name, _)| name)) {
        let differs = one.clauses.get(name) != other.clauses.get(name);
        if differs && one.knows(name) && other.knows(name) {
            found.push(name.to_owned());
        }
    }
    if one.attribute.patch(&other.attribute, None).is_some() {
        found.push("ATTRIBUTE".to_owned());
    }
    found
}
