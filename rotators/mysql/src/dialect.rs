//! Which server speaks: what its statements may say, and how it prints them.

use turnlock::{Class, TargetError};

/// What of a server's product and version decides over statements.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Dialect {
    pub(crate) is_mariadb: bool,
    /// Major, minor, patch.
    pub(crate) version: (u16, u16, u16),
}

impl Dialect {
    /// Reads `VERSION()`: `8.0.42`, `9.7.4-2`, `10.11.19-MariaDB-log`; MariaDB has a `5.5.5-` before it for old
    /// replicas.
    ///
    /// # Errors
    ///
    /// Class `refused`.
    pub(crate) fn read(text: &str) -> Result<Self, TargetError> {
        let is_mariadb = text.to_ascii_lowercase().contains("mariadb");
        let number = if is_mariadb { text.strip_prefix("5.5.5-").unwrap_or(text) } else { text };
        let mut parts =
            number.split(|c: char| !c.is_ascii_digit()).map_while(|part| part.parse::<u16>().ok());
        match (parts.next(), parts.next()) {
            (Some(major), Some(minor)) => {
                Ok(Self { is_mariadb, version: (major, minor, parts.next().unwrap_or(0)) })
            }
            _ => Err(TargetError::new(Class::Refused, "the server's version cannot be read")),
        }
    }

    /// MySQL from 8.0 on: dynamic privileges, roles that are accounts, no account made by `GRANT`.
    pub(crate) fn is_modern_mysql(self) -> bool {
        !self.is_mariadb && self.version.0 >= 8
    }

    /// Whether roles can be made active, or none.
    pub(crate) fn has_roles(self) -> bool {
        self.is_mariadb || self.is_modern_mysql()
    }

    /// Whether users have attributes, and `information_schema.USER_ATTRIBUTES` shows them.
    pub(crate) fn has_attributes(self) -> bool {
        !self.is_mariadb && self.version >= (8, 0, 21)
    }

    /// What a session has to set, behind the guard, before it lets the server print grants and users.
    pub(crate) fn printing(self) -> &'static str {
        // Without the second, a salt with a quote in it ends the text that it stands in.
        if !self.is_mariadb && self.version >= (8, 0, 17) {
            "SET sql_quote_show_create = ON, print_identified_with_as_hex = ON"
        } else {
            "SET sql_quote_show_create = ON"
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const MYSQL_5_7: Dialect = Dialect { is_mariadb: false, version: (5, 7, 44) };
    pub(crate) const MYSQL: Dialect = Dialect { is_mariadb: false, version: (9, 7, 4) };
    pub(crate) const MARIADB: Dialect = Dialect { is_mariadb: true, version: (10, 11, 19) };
    pub(crate) const MARIADB_11: Dialect = Dialect { is_mariadb: true, version: (11, 8, 9) };

    #[test]
    fn versions_are_read_as_servers_print_them() {
        let read = |text| Dialect::read(text).expect(text);
        assert_eq!(read("9.7.4-2"), MYSQL);
        assert_eq!(read("5.7.44-log"), MYSQL_5_7);
        assert_eq!(read("10.11.19-MariaDB-0+deb12u1"), MARIADB);
        assert_eq!(read("5.5.5-10.11.19-MariaDB-log"), MARIADB);
        assert_eq!(read("11.8.9-MariaDB-4 from Debian"), MARIADB_11);
        assert_eq!(read("8.0.mysql_aurora.3.08.0").version, (8, 0, 0));
        assert!(Dialect::read("MariaDB").is_err());
    }

    #[test]
    fn digests_are_printed_as_hex_where_the_server_can() {
        let old = Dialect { is_mariadb: false, version: (8, 0, 16) };
        assert!(MYSQL.printing().contains("print_identified_with_as_hex"));
        assert!(!old.printing().contains("print_identified_with_as_hex"));
        assert!(!MARIADB.printing().contains("print_identified_with_as_hex"));
    }

    #[test]
    fn users_have_attributes_from_8_0_21_on() {
        let mysql = |patch| Dialect { is_mariadb: false, version: (8, 0, patch) };
        assert!(MYSQL.has_attributes() && mysql(21).has_attributes());
        assert!(!mysql(20).has_attributes() && !MARIADB_11.has_attributes());
    }
}
