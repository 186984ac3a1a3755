//! How a secret's credential gives way to the next one, and to whom.

use turnlock::{Class, TargetError};

use crate::login::{LONGEST_NAME, Login};

/// What AWS's functions add to a user's name for the second one.
const CLONE: &str = "_clone";

/// How a secret's credential gives way to the next one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Strategy {
    /// One user whose password changes.
    SingleUser,
    /// Two users that take turns.
    AlternatingUsers,
    /// One user with two passwords.
    DualPassword,
}

impl Strategy {
    /// Reads the name as it is in secrets and in `ROTATION_STRATEGY`.
    pub(crate) fn parse(name: &str) -> Result<Self, &'static str> {
        match name {
            "single-user" => Ok(Self::SingleUser),
            "alternating-users" => Ok(Self::AlternatingUsers),
            "dual-password" => Ok(Self::DualPassword),
            _ => Err("is none of single-user, alternating-users, dual-password"),
        }
    }
}

/// The user whose turn is next, where two take turns.
///
/// As AWS's functions choose it, unless the secret names it: `app` and `app_clone`.
pub(crate) fn alternate(login: &Login) -> Result<String, TargetError> {
    let user = login.username.as_str();
    let without = user.strip_suffix(CLONE);
    let named = login.alternate.as_deref();
    // AWS's function leaves the field as it is when it changes the name: it then names the user itself.
    let named = named.filter(|named| *named != user || without.is_none());
    let refused = |text: String| Err(TargetError::new(Class::Refused, text));
    match (named, without) {
        (Some(named), _) if named == user => refused(format!(
            "rotation.alternate_username is {user}, as username is: it has to be the other one of the two"
        )),
        (Some(named), _) => Ok(named.to_owned()),
        (None, Some("")) => refused(format!(
            "nothing is left of {user} without {CLONE}; name the second user in rotation.alternate_username"
        )),
        (None, Some(first)) => Ok(first.to_owned()),
        (None, None) if user.len() + CLONE.len() > LONGEST_NAME => refused(format!(
            "{user}{CLONE} is longer than the {LONGEST_NAME} bytes that PostgreSQL allows; name the second \
             user in rotation.alternate_username"
        )),
        (None, None) => Ok(format!("{user}{CLONE}")),
    }
}
