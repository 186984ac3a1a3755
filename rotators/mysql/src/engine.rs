//! What is read of a secret: the fields that SQL rotators share, and what MySQL and MariaDB add to them.

/// One login of one account of MySQL or MariaDB.
pub type Login = turnlock_database::Login<Engine>;

/// Which product the secret names; the server says itself what it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Engine {
    /// `mysql` and `aurora-mysql`
    MySql,
    /// `mariadb`
    MariaDb,
    /// A secret that names none.
    Unnamed,
}

impl turnlock_database::Engine for Engine {
    const DEFAULT: Self = Self::Unnamed;
    const NAMES: &'static str = "mysql, aurora-mysql and mariadb";

    fn named(name: &str) -> Option<Self> {
        match name {
            "mysql" | "aurora-mysql" => Some(Self::MySql),
            "mariadb" => Some(Self::MariaDb),
            _ => None,
        }
    }

    fn agrees(self, other: Self) -> bool {
        self == other || self == Self::Unnamed || other == Self::Unnamed
    }

    fn port(self) -> u16 {
        3306
    }

    fn database(self) -> Option<&'static str> {
        None
    }

    fn limit_exceeded(self, name: &str) -> Option<&'static str> {
        // Of an older server than MySQL 5.7.8 it is 16; that is seen when it is asked.
        let (longest, limit) = match self {
            Self::MySql => (32, "32 characters that MySQL allows"),
            Self::MariaDb | Self::Unnamed => (80, "80 characters that MariaDB allows"),
        };
        (name.chars().count() > longest).then_some(limit)
    }

    fn problem(self, name: &str) -> Option<&'static str> {
        // Printed in errors, where a line break could pass for a line of the log.
        name.contains(char::is_control).then_some("has a control character")
    }
}

#[cfg(test)]
mod tests {
    use turnlock::{Credential as _, Document, Malformed, Sensitive};

    use super::*;

    fn read(fields: &str) -> Result<Login, Malformed> {
        let text = format!(r#"{{"host":"h","password":"p",{fields}}}"#);
        Login::read(&Document::parse(Sensitive::new(text)).unwrap())
    }

    #[test]
    fn what_is_absent_has_the_defaults_of_aws_functions() {
        let login = read(r#""username":"app""#).unwrap();
        assert_eq!((login.server.port, login.database), (3306, None));
        assert_eq!(login.server.tls_name.as_deref(), Some("h"));
    }

    #[test]
    fn each_engine_of_the_family_is_read_and_no_other() {
        for engine in ["mysql", "aurora-mysql", "mariadb"] {
            let fields = format!(r#""username":"app","engine":"{engine}""#);
            assert!(read(&fields).is_ok(), "{engine}");
        }
        let error = read(r#""username":"app","engine":"postgres""#).unwrap_err().to_string();
        assert!(error.contains("mysql, aurora-mysql and mariadb"), "{error}");
    }

    #[test]
    fn a_name_is_as_long_as_the_product_allows() {
        for (engine, longest) in [("mysql", 32), ("mariadb", 80)] {
            let fields = |length| {
                let name = "ä".repeat(length);
                format!(r#""username":"{name}","engine":"{engine}""#)
            };
            assert!(read(&fields(longest)).is_ok());
            let error = read(&fields(longest + 1)).unwrap_err().to_string();
            assert!(error.contains(&format!("{longest} characters")), "{error}");
        }
    }
}
