//! How a secret's credential gives way to the next one, and to whom.

use turnlock::{Class, Credential, Edit, Sensitive, TargetError};

use crate::{Engine, Login};

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

impl Strategy {
    /// The strategy of a secret: the one that it names, else the environment's, else the one that AWS's
    /// functions have, by `masterarn`.
    ///
    /// # Errors
    ///
    /// Class `refused` where `environment`, the value of `ROTATION_STRATEGY`, is no strategy, or two users
    /// are to take turns without an admin.
    pub fn of<E: Engine>(login: &Login<E>, environment: Option<&str>) -> Result<Self, TargetError> {
        let refused = |text: String| Err(TargetError::new(Class::Refused, text));
        let default = match login.admin() {
            Some(_) => Self::AlternatingUsers,
            None => Self::SingleUser,
        };
        let strategy = match (login.strategy(), environment.map(Self::parse)) {
            (Some(named), _) | (None, Some(Ok(named))) => named,
            (None, Some(Err(problem))) => {
                return refused(format!("the variable ROTATION_STRATEGY {problem}"));
            }
            (None, None) => default,
        };
        if strategy == Self::AlternatingUsers && login.admin().is_none() {
            return refused(
                "the strategy alternating-users needs an admin that makes and changes the two users: name \
                 its secret in masterarn"
                    .into(),
            );
        }
        Ok(strategy)
    }
}

/// The user that the next version is for, by a secret's strategy.
pub fn successor<E: Engine>(current: &Login<E>, strategy: Result<Strategy, TargetError>) -> String {
    let next = match strategy {
        Ok(Strategy::AlternatingUsers) => alternate(current).ok(),
        Ok(Strategy::SingleUser | Strategy::DualPassword) | Err(_) => None,
    };
    // What there is to say against it, createSecret has said.
    next.unwrap_or_else(|| current.username.clone())
}

/// Adds to the edit of the next version whose turn it is, where two users take turns.
///
/// # Errors
///
/// Class `refused` where the other one has no name, as of [`alternate`].
pub fn hand_over<E: Engine>(edit: Edit, current: &Login<E>) -> Result<Edit, TargetError> {
    let edit = edit.set("username", Sensitive::new(alternate(current)?));
    Ok(match &current.alternate {
        // The two change places, so that the one after the next is the current one again.
        Some(_) => {
            edit.set_in("rotation", "alternate_username", Sensitive::new(current.username.as_str()))
        }
        None => edit,
    })
}

/// The user whose turn is next, where two take turns.
///
/// As AWS's functions choose it, unless the secret names it: `app` and `app_clone`.
///
/// # Errors
///
/// Class `refused` where there is no such name.
pub fn alternate<E: Engine>(login: &Login<E>) -> Result<String, TargetError> {
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
        (None, None) => {
            let second = format!("{user}{CLONE}");
            match login.engine.limit_exceeded(&second) {
                Some(limit) => refused(format!(
                    "{second} is longer than the {limit}; name the second user in rotation.alternate_username"
                )),
                None => Ok(second),
            }
        }
    }
}
