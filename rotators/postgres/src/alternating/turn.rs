//! Whose turn it is: which of the two is the first user, whom the other acts as, and whether the account
//! of the pending name is ours at all.

use turnlock::{Class, TargetError};

use super::catalog::{Scene, User};
use super::mark::{self, Mark};
use crate::sql::quoted;

/// The part that the pending user has.
#[derive(Debug)]
pub(crate) enum Turn<'a> {
    /// It is yet to be made, as a second login of the current one.
    New { first: &'a User },
    /// It is the second login of the current one, by its mark.
    Second { first: &'a User, second: &'a User, mark: Mark },
    /// It is the first user, and the current one its second login, by that one's mark.
    First { first: &'a User, second: &'a User, mark: Mark },
    /// There is no mark.
    Unmarked { current: &'a User, pending: &'a User },
}

impl<'a> Turn<'a> {
    /// Reads it off the marks; refuses an account that is marked as somebody else's.
    pub(crate) fn read(
        scene: &'a Scene,
        server: &str,
        current: &str,
        pending: &str,
    ) -> Result<Self, TargetError> {
        let refused = |text: String| Err(TargetError::new(Class::Refused, text));
        let Some(user) = scene.user(current) else {
            return refused(format!("{server} has no role {current}"));
        };
        let mark = Mark::read(user.comment.as_deref(), pending);
        let other = scene.user(pending);
        if mark.is_some() && other.is_none() {
            return refused(format!("{current} acts as {pending}, which {server} does not have"));
        }
        if let (Some(mark), Some(first)) = (mark, other) {
            return Ok(Self::First { first, second: user, mark });
        }
        if user.comment.as_deref().and_then(mark::line).is_some() {
            return refused(format!(
                "{current} is marked as the second login of another role than {pending}; where its comment \
                 is wrong, correct it (COMMENT ON ROLE)"
            ));
        }
        let Some(other) = other else { return Ok(Self::New { first: user }) };
        if let Some(mark) = Mark::read(other.comment.as_deref(), current) {
            return Ok(Self::Second { first: user, second: other, mark });
        }
        if other.comment.as_deref().and_then(mark::line).is_some() {
            return refused(format!(
                "{pending} is marked as the second login of another role than {current}, and is not touched; \
                 where its comment is wrong, correct it (COMMENT ON ROLE)"
            ));
        }
        Ok(Self::Unmarked { current: user, pending: other })
    }
}

/// Whether AWS's function may have made one of the two: it makes the second user a member of the first.
pub(crate) fn related(current: &User, pending: &User) -> bool {
    current.is_member_of(&pending.name) || pending.is_member_of(&current.name)
}

/// Why an account without a mark is left alone.
pub(crate) fn foreign(current: &User, pending: &str, adopt: bool) -> TargetError {
    let why = format!(
        "{pending} exists and was not made for this secret: it has no mark of ours, and no version of the \
         secret logs in as it. It is not touched."
    );
    let current = &current.name;
    let other = "Name another second user in rotation.alternate_username";
    let text = if adopt {
        format!("{why} {other}: {current} is a member of it, so that it cannot act as {current}")
    } else {
        format!(
            "{why} {other}, or say \"rotation\": {{\"adopt\": true}} to have {pending} taken over as a second \
             login of {current}"
        )
    };
    TargetError::new(Class::Refused, text)
}

/// Why a role that only a mark names is left alone.
pub(crate) fn replaced(current: &str, pending: &str) -> TargetError {
    let (first, second) = (quoted(pending), quoted(current));
    let text = format!(
        "{current} is marked as the second login of {pending} but is no member of it, and no version of the \
         secret logs in as {pending}: it may be another role of that name, and is not touched. If it is the \
         right one, run GRANT {first} TO {second}"
    );
    TargetError::new(Class::Refused, text)
}
