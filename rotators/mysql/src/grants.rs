//! What `SHOW GRANTS` says of privileges on everything and on the server's own tables.

use turnlock::Sensitive;

use crate::account::Account;
use crate::session::{Answer, text};

/// What prints the grants of whoever is logged in, with those of its active roles.
pub(crate) const QUESTION: &str = "SET sql_quote_show_create = ON; SHOW GRANTS";

/// What prints the grants of one account.
pub(crate) fn question(account: &Account) -> Sensitive {
    Sensitive::new(format!("SET sql_quote_show_create = ON; SHOW GRANTS FOR {}", account.quoted()))
}

/// Privileges, and whether they are for everything or for the database `mysql`.
#[derive(Debug, Default)]
pub(crate) struct Grants {
    everywhere: Vec<String>,
    in_mysql: Vec<String>,
}

impl Grants {
    /// Reads the rows; those for other objects are passed over.
    pub(crate) fn read(answer: &Answer) -> Self {
        let mut grants = Self::default();
        for row in answer.iter().filter_map(|row| text(row, 0)) {
            let Some((list, object)) = parts(row) else { continue };
            let privileges = list.split(',').map(|name| name.trim().to_ascii_uppercase());
            if object.starts_with("*.* ") {
                grants.everywhere.extend(privileges);
            } else if database(object).is_some_and(is_mysql) {
                grants.in_mysql.extend(privileges);
            }
        }
        grants
    }

    /// Whether a privilege is held on everything.
    pub(crate) fn everywhere(&self, privilege: &str) -> bool {
        has(&self.everywhere, privilege)
    }

    /// Whether accounts may be changed: by the privilege for it, or by writing where they are stored.
    pub(crate) fn change_accounts(&self) -> bool {
        self.everywhere("CREATE USER") || self.everywhere("UPDATE") || has(&self.in_mysql, "UPDATE")
    }
}

fn has(privileges: &[String], privilege: &str) -> bool {
    privileges.iter().any(|held| held == privilege || held == "ALL PRIVILEGES")
}

/// The list of privileges, and the rest behind `ON`; nothing of a row with columns or a role, where a name could
/// pass for either.
fn parts(row: &str) -> Option<(&str, &str)> {
    let (list, object) = row.strip_prefix("GRANT ")?.split_once(" ON ")?;
    (!list.contains(['`', '(', '\''])).then_some((list, object))
}

/// The pattern of a grant on a database.
fn database(object: &str) -> Option<&str> {
    let (pattern, rest) = object.strip_prefix('`')?.split_once('`')?;
    rest.starts_with(".* ").then_some(pattern)
}

/// Whether a pattern may be for the database `mysql`: an escape or `_` in it is not looked at closely.
fn is_mysql(pattern: &str) -> bool {
    match pattern.split_once('%') {
        Some((start, _)) => "mysql".starts_with(start),
        None => pattern == "mysql",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(rows: &[&str]) -> Grants {
        Grants::read(&rows.iter().map(|row| vec![Some(Sensitive::new(*row))]).collect())
    }

    /// As MySQL 9.7 and MariaDB 10.11 print them.
    #[test]
    fn privileges_are_read_as_servers_print_them() {
        let mysql = read(&[
            "GRANT SELECT, CREATE USER ON *.* TO `ad`@`%` WITH GRANT OPTION",
            "GRANT APPLICATION_PASSWORD_ADMIN,SYSTEM_USER ON *.* TO `ad`@`%`",
            "GRANT SELECT ON `mysql`.`user` TO `ad`@`%`",
            "GRANT `boss`@`%` TO `ad`@`%`",
        ]);
        for privilege in ["SELECT", "CREATE USER", "APPLICATION_PASSWORD_ADMIN", "SYSTEM_USER"] {
            assert!(mysql.everywhere(privilege), "{privilege}");
        }
        assert!(mysql.change_accounts() && !mysql.everywhere("UPDATE"));
        let mariadb = read(&[
            "GRANT `boss` TO `ad`@`%`",
            "GRANT USAGE ON *.* TO `ad`@`%` IDENTIFIED BY PASSWORD '*A819'",
            "GRANT UPDATE ON `mysql`.* TO `boss2`",
        ]);
        assert!(mariadb.change_accounts() && !mariadb.everywhere("CREATE USER"));
        assert!(read(&["GRANT ALL PRIVILEGES ON *.* TO `root`@`%`"]).everywhere("CREATE USER"));
    }

    #[test]
    fn privileges_on_anything_else_do_not_count() {
        for row in [
            "GRANT UPDATE ON `shop`.* TO `ad`@`%`",
            "GRANT UPDATE ON `mysql`.`user` TO `ad`@`%`",
            "GRANT UPDATE (`x ON *.* `) ON `shop`.`t` TO `ad`@`%`",
            "GRANT `CREATE USER ON *.* TO`@`%` TO `ad`@`%`",
            "REVOKE UPDATE ON `mysql`.* FROM `ad`@`%`",
            "GRANT PROXY ON ``@`%` TO `ad`@`%`",
        ] {
            assert!(!read(&[row]).change_accounts(), "{row}");
        }
    }

    #[test]
    fn a_pattern_that_the_servers_database_may_match_counts() {
        for (pattern, counts) in [("%", true), ("my%", true), ("shop%", false), ("mysql", true)] {
            let row = format!("GRANT UPDATE ON `{pattern}`.* TO `ad`@`%`");
            assert_eq!(read(&[&row]).change_accounts(), counts, "{pattern}");
        }
    }
}
