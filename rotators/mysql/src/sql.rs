//! Names and texts inside statements.

/// What every session starts with: texts and names mean the same then whatever the server's `sql_mode` and
/// character set are, no account is left out of an answer, no lock is waited for longer than an answer, and the locks
/// of a function that is no more are free after a minute: a server may not learn for hours that its client has
/// gone. Transactions that only read are a default of the server's, or a role's, and keep no session from writing.
pub(crate) const GUARD: &str = "SET NAMES utf8mb4, sql_mode = 'NO_BACKSLASH_ESCAPES', \
     sql_select_limit = 18446744073709551615, lock_wait_timeout = 3, wait_timeout = 60; \
     SET SESSION TRANSACTION READ WRITE";

/// A text literal, whatever is in it; it stands behind [`GUARD`].
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// An identifier, whatever is in it.
pub(crate) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_survive() {
        assert_eq!(quoted("we`ird"), "`we``ird`");
        assert_eq!(literal(r"o'ne\"), r"'o''ne\'");
    }
}
