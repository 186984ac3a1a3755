//! What is read of a secret: the fields that SQL rotators share, and what PostgreSQL and Redshift add to them.

use crate::redshift;

/// `NAMEDATALEN` - 1: PostgreSQL cuts longer names off, and so would change somebody else.
const LONGEST_NAME: usize = 63;

/// One login of one role of PostgreSQL, or user of Redshift.
pub type Login = turnlock_database::Login<Engine>;

/// Whose SQL the server speaks, and whose defaults a secret has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Engine {
    /// `postgres` and `aurora-postgresql`, also where the secret names none.
    Postgres,
    /// `redshift`
    Redshift,
}

impl turnlock_database::Engine for Engine {
    const DEFAULT: Self = Self::Postgres;
    const NAMES: &'static str = "postgres, aurora-postgresql and redshift";

    fn named(name: &str) -> Option<Self> {
        match name {
            "postgres" | "aurora-postgresql" => Some(Self::Postgres),
            "redshift" => Some(Self::Redshift),
            _ => None,
        }
    }

    fn port(self) -> u16 {
        match self {
            Self::Postgres => 5432,
            Self::Redshift => 5439,
        }
    }

    fn database(self) -> Option<&'static str> {
        Some(match self {
            Self::Postgres => "postgres",
            Self::Redshift => "dev",
        })
    }

    fn limit_exceeded(self, name: &str) -> Option<&'static str> {
        let (longest, limit) = match self {
            Self::Postgres => (LONGEST_NAME, "63 bytes that PostgreSQL allows"),
            Self::Redshift => (redshift::LONGEST_NAME, "127 bytes that Redshift allows"),
        };
        (name.len() > longest).then_some(limit)
    }

    fn problem(self, name: &str) -> Option<&'static str> {
        // The driver puts the name into the SCRAM exchange as it is, and prepares it together with `n=`.
        let odd = name.contains(',') || stringprep::saslprep(&format!("n={name}")).is_err();
        odd.then_some(
            "has a comma, a control character, letters from right to left or characters newer than Unicode \
             3.2, which the PostgreSQL driver cannot log in with",
        )
    }
}

#[cfg(test)]
mod tests {
    use turnlock::{Credential as _, Document, Malformed, SecretId, Sensitive, Target};
    use turnlock_database::Strategy;

    use super::*;

    fn read(text: &str) -> Result<Login, Malformed> {
        Login::read(&Document::parse(Sensitive::new(text)).unwrap())
    }

    fn error(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn what_is_absent_has_the_defaults_of_aws_functions() {
        let login = read(r#"{"host":"DB.internal.","username":"app","password":"p"}"#).unwrap();
        assert_eq!((login.server.port, login.database.as_deref()), (5432, Some("postgres")));
        assert_eq!(login.server.tls_name.as_deref(), Some("DB.internal."));
        assert_eq!(login.target(), Target::new("db.internal:5432"));
        assert_eq!(login.strategy(), None);
        assert_eq!(login.admin(), None);
    }

    #[test]
    fn a_secret_of_redshift_has_the_defaults_of_its_own() {
        let user = |name: &str| {
            format!(r#"{{"engine":"redshift","host":"h","username":"{name}","password":"p"}}"#)
        };
        let login = read(&user("app")).unwrap();
        assert_eq!((login.server.port, login.database.as_deref()), (5439, Some("dev")));
        assert_eq!(read(&user(&"n".repeat(127))).unwrap().username.len(), 127);
        assert!(error(&user(&"n".repeat(128))).contains("the 127 bytes that Redshift allows"));
    }

    #[test]
    fn an_admin_is_of_the_same_engine_as_its_user() {
        let secret = |fields: &str| {
            let text = format!(r#"{{{fields}"host":"h","username":"u","password":"p"}}"#);
            Document::parse(Sensitive::new(text)).unwrap()
        };
        let (redshift, none) = (secret(r#""engine":"redshift","#), secret(""));
        let user = Login::read(&redshift).unwrap();
        for admin in [&redshift, &none] {
            let admin = Login::read_admin(admin, &user).unwrap();
            assert_eq!((admin.engine, admin.server.port), (Engine::Redshift, 5439));
        }
        let postgres = secret(r#""engine":"postgres","#);
        let pairs = [(&postgres, &redshift), (&redshift, &postgres), (&redshift, &none)];
        for (admin, user) in pairs {
            let error = Login::read_admin(admin, &Login::read(user).unwrap()).unwrap_err();
            assert!(error.to_string().starts_with("field `engine` is of another database than"));
        }
    }

    #[test]
    fn the_spellings_that_people_have_are_read() {
        let text = r#"{"engine":"aurora-postgresql","host":"10.0.0.1","port":"6432","username":"app",
            "password":"p","database":"shop","ssl":"FALSE","masterarn":"arn:m",
            "rotation":{"strategy":"single-user"}}"#;
        let login = read(text).unwrap();
        assert_eq!((login.server.port, login.database.as_deref()), (6432, Some("shop")));
        assert_eq!(login.server.tls_name, None);
        assert_eq!(login.admin(), Some(SecretId::new("arn:m")));
        assert_eq!(login.strategy(), Some(Strategy::SingleUser));
    }

    #[test]
    fn an_alias_is_checked_against_the_name_on_the_certificate() {
        let alias = r#"{"host":"alias","username":"a","password":"p",
            "rotation":{"tls_server_name":"db.example.com"}}"#;
        assert_eq!(read(alias).unwrap().server.tls_name.as_deref(), Some("db.example.com"));
        let wrong = alias.replace("db.example.com", "not a name");
        assert_eq!(error(&wrong), "field `rotation.tls_server_name` is not a host name");
    }

    #[test]
    fn what_is_wrong_is_named_and_not_shown() {
        let with = |fields: &str| {
            error(&format!(r#"{{"host":"h","username":"u","password":"hunter2",{fields}}}"#))
        };
        assert!(with(r#""engine":"mysql""#).starts_with("field `engine` is of another database"));
        assert!(with(r#""port":"abc""#).starts_with("field `port` is not a whole number"));
        assert!(with(r#""port":70000"#).starts_with("field `port` is not a whole number"));
        assert!(with(r#""ssl":"maybe""#).starts_with("field `ssl` is not true or false"));
        assert!(with(r#""rotation":7"#).starts_with("field `rotation` is not an object"));
        assert!(with(r#""rotation":{"strategy":"x"}"#).starts_with("field `rotation.strategy` is"));
        assert!(error(r#"{"username":"u","password":"p"}"#).contains("SecretTargetAttachment"));
        assert!(
            error(r#"{"host":"/tmp","username":"u","password":"p"}"#).contains("`host` is not")
        );
        for (name, problem) in [
            ("", "is empty"),
            ("a\\u0000b", "has a NUL"),
            (&"n".repeat(64), "is longer than"),
            ("a,b", "has a comma"),
            ("\u{5d0}", "letters from right to left"),
        ] {
            let text = format!(r#"{{"host":"h","username":"{name}","password":"hunter2"}}"#);
            let error = error(&text);
            assert!(error.contains("`username`") && error.contains(problem), "{error}");
            assert!(!error.contains("hunter2"));
        }
        assert!(error(r#"{"host":"h","username":"u"}"#).contains("`password` is missing"));
    }
}
