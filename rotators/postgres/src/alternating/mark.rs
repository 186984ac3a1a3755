//! The mark on a second user: a line of the role's comment, for people and for the next rotation.

use super::catalog::User;
use crate::sql::quoted;

/// How the line of the comment begins.
pub(crate) const BEGINNING: &str = "Turnlock: second login of ";

/// What the mark says, besides whose second login it is on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Mark {
    /// The digest of the first user's state when the two were last brought in step.
    pub(crate) first: String,
    /// The digest of the second user's state then.
    pub(crate) second: String,
    /// The version of the secret that it was done for.
    pub(crate) version: String,
    /// The role was somebody else's, and so is what it owned.
    pub(crate) is_adopted: bool,
}

/// The word for that.
const ADOPTED: &str = "adopted ";

impl Mark {
    /// Reads the mark of a second login of `first` from a comment.
    pub(crate) fn read(comment: Option<&str>, first: &str) -> Option<Self> {
        let line = line(comment?)?;
        let rest = line.strip_prefix(BEGINNING)?.strip_prefix(&quoted(first))?;
        let state = rest.rsplit_once('[')?.1.strip_suffix(']')?;
        let (is_adopted, state) = match state.strip_prefix(ADOPTED) {
            Some(state) => (true, state),
            None => (false, state),
        };
        let mut words = state.split(' ');
        let mark = Self {
            first: words.next()?.to_owned(),
            second: words.next()?.to_owned(),
            version: words.next()?.to_owned(),
            is_adopted,
        };
        words.next().is_none().then_some(mark)
    }

    /// The comment with this mark, and whatever else people have written there.
    pub(crate) fn written(&self, comment: Option<&str>, first: &str) -> String {
        let Self { first: state, second, version, is_adopted } = self;
        let adopted = if *is_adopted { ADOPTED } else { "" };
        let mark = format!(
            "{BEGINNING}{}; it acts as that role and takes turns with it, so change that one \
             [{adopted}{state} {second} {version}]",
            quoted(first)
        );
        let others =
            comment.unwrap_or_default().lines().filter(|line| !line.starts_with(BEGINNING));
        let lines: Vec<&str> = others.chain([mark.as_str()]).collect();
        lines.join("\n")
    }
}

impl User {
    /// Whether the last change of the pair was made for a version of the secret.
    pub(crate) fn is_marked_for(&self, version: &str) -> bool {
        let line = self.comment.as_deref().and_then(line);
        line.is_some_and(|line| line.ends_with(&format!(" {version}]")))
    }
}

/// The line of any mark, of whosever second login.
pub(crate) fn line(comment: &str) -> Option<&str> {
    comment.lines().find(|line| line.starts_with(BEGINNING))
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn mark() -> Mark {
        Mark {
            first: "0a1b2c3d".into(),
            second: "4e5f6071".into(),
            version: "v-1".into(),
            is_adopted: false,
        }
    }

    #[test]
    fn a_mark_is_read_as_it_was_written_whatever_the_name() {
        for name in ["app", "we\"ird", "a [b] c", "ünï", "x\"; it acts as"] {
            for is_adopted in [false, true] {
                let mark = Mark { is_adopted, ..mark() };
                let comment = mark.written(None, name);
                assert_eq!(Mark::read(Some(&comment), name), Some(mark), "{comment}");
            }
        }
    }

    #[test]
    fn a_mark_is_that_of_one_first_user_only() {
        let comment = mark().written(None, "app");
        for other in ["ap", "app_clone", "App", ""] {
            assert_eq!(Mark::read(Some(&comment), other), None);
        }
        assert!(line(&comment).is_some());
        assert_eq!(Mark::read(None, "app"), None);
        assert_eq!(Mark::read(Some("Turnlock: second login of \"app\""), "app"), None);
    }

    #[test]
    fn what_people_wrote_stays_and_an_older_mark_goes() {
        let first = mark().written(Some("for reports\nask Bob"), "app");
        let newer = Mark { version: "v-2".into(), ..mark() };
        let second = newer.written(Some(&first), "app");
        assert!(second.starts_with("for reports\nask Bob\nTurnlock: "), "{second}");
        assert_eq!(second.lines().count(), 3);
        assert_eq!(Mark::read(Some(&second), "app"), Some(newer));
    }
}
