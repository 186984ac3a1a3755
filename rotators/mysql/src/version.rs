//! Which server it is, and what that can do.

/// Who made the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Product {
    /// MySQL, and what is made of it: Amazon RDS, Aurora, Percona Server.
    MySql,
    MariaDb,
}

/// A server's version, as `VERSION()` tells it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Version {
    pub(crate) product: Product,
    /// Major, minor and patch.
    pub(crate) number: (u16, u16, u16),
}

impl Version {
    /// Reads such as `8.0.36`, `8.4.0-commercial`, `10.11.6-MariaDB-log` and `5.5.5-10.6.8-MariaDB`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let product = if text.to_ascii_lowercase().contains("mariadb") {
            Product::MariaDb
        } else {
            Product::MySql
        };
        // What old replicas were told for them to take it for MySQL.
        let text =
            text.strip_prefix("5.5.5-").filter(|_| product == Product::MariaDb).unwrap_or(text);
        let mut parts = text.split(|c: char| !c.is_ascii_digit());
        let mut next = || parts.next()?.parse().ok();
        Some(Self { product, number: (next()?, next()?, next().unwrap_or(0)) })
    }

    /// The longest name of a user, in characters.
    pub(crate) fn longest_name(self) -> usize {
        match self.product {
            Product::MariaDb => 80,
            Product::MySql if self.number >= (5, 7, 8) => 32,
            Product::MySql => 16,
        }
    }

    /// `REPLACE 'current password'`: the change fails unless that is the first password now.
    pub(crate) fn has_replace(self) -> bool {
        self.is_mysql_from(8, 0, 13)
    }

    /// `RETAIN CURRENT PASSWORD`
    pub(crate) fn has_retain(self) -> bool {
        self.is_mysql_from(8, 0, 14)
    }

    /// Accounts with `SYSTEM_USER`, which others may not change.
    pub(crate) fn has_system_users(self) -> bool {
        self.is_mysql_from(8, 0, 16)
    }

    /// More than one authentication rule, joined with `OR`.
    pub(crate) fn has_rules(self) -> bool {
        self.product == Product::MariaDb && self.number >= (10, 4, 3)
    }

    /// Whether it is one that this function is for.
    pub(crate) fn is_supported(self) -> bool {
        match self.product {
            Product::MySql => self.number >= (5, 7, 8),
            Product::MariaDb => self.has_rules(),
        }
    }

    /// Whether it is MariaDB.
    pub(crate) fn is_mariadb(self) -> bool {
        self.product == Product::MariaDb
    }

    /// MySQL from 8.0 on: dynamic privileges, roles that are accounts, no account made by `GRANT`.
    pub(crate) fn is_modern_mysql(self) -> bool {
        self.is_mysql_from(8, 0, 0)
    }

    /// Whether roles can be made active, or none.
    pub(crate) fn has_roles(self) -> bool {
        self.is_mariadb() || self.is_modern_mysql()
    }

    /// Whether users have attributes, and `information_schema.USER_ATTRIBUTES` shows them.
    pub(crate) fn has_attributes(self) -> bool {
        self.is_mysql_from(8, 0, 21)
    }

    /// What a session has to set, behind the guard, before it lets the server print grants and users.
    pub(crate) fn printing(self) -> &'static str {
        // Without the second, a salt with a quote in it ends the text that it stands in.
        if self.is_mysql_from(8, 0, 17) {
            "SET sql_quote_show_create = ON, print_identified_with_as_hex = ON"
        } else {
            "SET sql_quote_show_create = ON"
        }
    }

    fn is_mysql_from(self, major: u16, minor: u16, patch: u16) -> bool {
        self.product == Product::MySql && self.number >= (major, minor, patch)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const MYSQL_5_7: Version = Version { product: Product::MySql, number: (5, 7, 44) };
    pub(crate) const MYSQL: Version = Version { product: Product::MySql, number: (9, 7, 4) };
    pub(crate) const MARIADB: Version = Version { product: Product::MariaDb, number: (10, 11, 19) };
    pub(crate) const MARIADB_11: Version =
        Version { product: Product::MariaDb, number: (11, 8, 9) };

    #[test]
    fn digests_are_printed_as_hex_where_the_server_can() {
        let old = Version { product: Product::MySql, number: (8, 0, 16) };
        assert!(MYSQL.printing().contains("print_identified_with_as_hex"));
        assert!(!old.printing().contains("print_identified_with_as_hex"));
        assert!(!MARIADB.printing().contains("print_identified_with_as_hex"));
    }

    #[test]
    fn a_version_is_read_as_servers_tell_it() {
        use Product::{MariaDb, MySql};
        for (text, product, number) in [
            ("5.7.44-log", MySql, (5, 7, 44)),
            ("8.0.36", MySql, (8, 0, 36)),
            ("8.0.mysql_aurora.3.05.2", MySql, (8, 0, 0)),
            ("8.4.0-commercial", MySql, (8, 4, 0)),
            ("9.7.4-2", MySql, (9, 7, 4)),
            ("10.11.6-MariaDB-log", MariaDb, (10, 11, 6)),
            ("5.5.5-10.6.8-MariaDB-1:10.6.8+maria~bionic", MariaDb, (10, 6, 8)),
            ("12.0.2-MariaDB", MariaDb, (12, 0, 2)),
        ] {
            assert_eq!(Version::parse(text), Some(Version { product, number }), "{text}");
        }
        assert_eq!(Version::parse("yes"), None);
    }

    #[test]
    fn what_accounts_have_goes_by_the_version() {
        let version = |text| Version::parse(text).unwrap();
        for (text, modern, roles, system_users, attributes) in [
            ("5.7.44", false, false, false, false),
            ("8.0.11", true, true, false, false),
            ("8.0.15", true, true, false, false),
            ("8.0.16", true, true, true, false),
            ("8.0.20", true, true, true, false),
            ("8.0.21", true, true, true, true),
            ("9.7.4", true, true, true, true),
            ("10.4.3-MariaDB", false, true, false, false),
            ("12.0.2-MariaDB", false, true, false, false),
        ] {
            let version = version(text);
            assert_eq!(version.is_modern_mysql(), modern, "{text}");
            assert_eq!(version.has_roles(), roles, "{text}");
            assert_eq!(version.has_system_users(), system_users, "{text}");
            assert_eq!(version.has_attributes(), attributes, "{text}");
        }
    }

    #[test]
    fn what_a_server_can_do_goes_by_its_version() {
        let version = |text| Version::parse(text).unwrap();
        for (text, replace, retain, rules, name, supported) in [
            ("5.6.51", false, false, false, 16, false),
            ("5.7.44", false, false, false, 32, true),
            ("8.0.12", false, false, false, 32, true),
            ("8.0.13", true, false, false, 32, true),
            ("8.0.14", true, true, false, 32, true),
            ("9.7.4", true, true, false, 32, true),
            ("10.3.39-MariaDB", false, false, false, 80, false),
            ("10.4.3-MariaDB", false, false, true, 80, true),
        ] {
            let version = version(text);
            assert_eq!(version.has_replace(), replace, "{text}");
            assert_eq!(version.has_retain(), retain, "{text}");
            assert_eq!(version.has_rules(), rules, "{text}");
            assert_eq!(version.longest_name(), name, "{text}");
            assert_eq!(version.is_supported(), supported, "{text}");
        }
    }
}
