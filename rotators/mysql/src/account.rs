//! An account, as the server names it: a user and the hosts that it may come from.

use std::fmt;

use crate::sql::quoted;

/// `'user'@'host'`; equal names with other hosts are other accounts, with passwords and privileges of their own.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Account {
    pub(crate) user: String,
    pub(crate) host: String,
}

impl Account {
    pub(crate) fn new(user: impl Into<String>, host: impl Into<String>) -> Self {
        Self { user: user.into(), host: host.into() }
    }

    /// As it stands in statements.
    pub(crate) fn quoted(&self) -> String {
        format!("{}@{}", quoted(&self.user), quoted(&self.host))
    }
}

/// As people write it, in one line: it stands in logs and errors, and the server lets a name have line breaks.
impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&plain(&format!("{}@{}", self.user, self.host)))
    }
}

/// A text that cannot pass for a line of a log.
pub(crate) fn plain(text: &str) -> String {
    text.replace(char::is_control, "?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_shown_in_one_line() {
        let account = Account::new("app", "10.%\nERROR: all is lost\u{1b}");
        assert_eq!(account.to_string(), "app@10.%?ERROR: all is lost?");
        assert_eq!(account.quoted(), "`app`@`10.%\nERROR: all is lost\u{1b}`");
    }
}
