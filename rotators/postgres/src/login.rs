//! What is read of a secret.

use std::fmt;

use rustls::pki_types::ServerName;
use turnlock::{Credential, Document, Malformed, SecretId, Sensitive, Target};

use crate::strategy::Strategy;

const ENGINES: [&str; 2] = ["postgres", "aurora-postgresql"];
const PORTS: std::ops::Range<u32> = 1..65_536;
const DEFAULT_PORT: u32 = 5432;
const DEFAULT_DATABASE: &str = "postgres";
/// `NAMEDATALEN` - 1: PostgreSQL cuts longer names off, and so would change somebody else.
pub(crate) const LONGEST_NAME: usize = 63;

/// One login of one PostgreSQL role, in the fields that AWS's functions use.
#[derive(Debug, Eq, PartialEq)]
pub struct Login {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) username: String,
    pub(crate) password: Sensitive,
    pub(crate) database: String,
    /// The name on the server's certificate; `None` where the secret says `"ssl": false`.
    pub(crate) tls_name: Option<String>,
    /// `rotation.alternate_username`
    pub(crate) alternate: Option<String>,
    /// `rotation.adopt`
    pub(crate) adopt: bool,
    admin: Option<String>,
    strategy: Option<Strategy>,
}

impl Login {
    /// The strategy that the secret names.
    pub(crate) fn strategy(&self) -> Option<Strategy> {
        self.strategy
    }

    /// The admin's login for the database of the user it is to change.
    pub(crate) fn into_database_of(self, current: &Self) -> Self {
        Self { database: current.database.clone(), ..self }
    }
}

impl Credential for Login {
    fn read(secret: &Document) -> Result<Self, Malformed> {
        check_engine(secret)?;
        let rotation = secret.section("rotation")?;
        let rotation = rotation.as_ref();
        let host = host(secret)?;
        let port = secret.number("port", PORTS)?.unwrap_or(DEFAULT_PORT);
        let tls_name = match secret.flag("ssl")? {
            Some(false) => None,
            Some(true) | None => Some(tls_name(secret, rotation, &host)?),
        };
        Ok(Self {
            username: username(secret, "username", secret.string("username")?)?,
            alternate: alternate(rotation)?,
            adopt: adopt(rotation)?,
            password: password(secret)?,
            database: database(secret)?,
            admin: admin(secret)?,
            strategy: strategy(rotation)?,
            port: u16::try_from(port).map_err(|_| secret.problem("port", "is not a port"))?,
            host,
            tls_name,
        })
    }

    fn reached_as(self, current: &Self) -> Self {
        Self {
            username: self.username,
            password: self.password,
            host: current.host.clone(),
            port: current.port,
            database: current.database.clone(),
            tls_name: current.tls_name.clone(),
            alternate: current.alternate.clone(),
            adopt: current.adopt,
            admin: current.admin.clone(),
            strategy: current.strategy,
        }
    }

    fn target(&self) -> Target {
        Target::new(self.to_string())
    }

    fn principal(&self) -> &str {
        &self.username
    }

    fn admin(&self) -> Option<SecretId> {
        self.admin.clone().map(SecretId::new)
    }
}

/// The server, as `host:port`.
impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.host.trim_end_matches('.').to_ascii_lowercase();
        if host.contains(':') {
            return write!(f, "[{host}]:{}", self.port);
        }
        write!(f, "{host}:{}", self.port)
    }
}

fn check_engine(secret: &Document) -> Result<(), Malformed> {
    match secret.optional_string("engine")? {
        Some(engine) if !ENGINES.contains(&engine.as_str()) => Err(secret.problem(
            "engine",
            "is of another database; this function rotates postgres and aurora-postgresql",
        )),
        _ => Ok(()),
    }
}

fn host(secret: &Document) -> Result<String, Malformed> {
    let Some(host) = secret.optional_string("host")? else {
        let problem =
            "is missing; AWS::SecretsManager::SecretTargetAttachment writes engine, host and port";
        return Err(secret.problem("host", problem));
    };
    let odd = |c: char| c.is_control() || c.is_whitespace() || c == '/';
    if host.is_empty() || host.contains(odd) {
        return Err(secret.problem("host", "is not a host name or an address"));
    }
    Ok(host)
}

fn tls_name(
    secret: &Document,
    rotation: Option<&Document>,
    host: &str,
) -> Result<String, Malformed> {
    let alias = match rotation {
        Some(rotation) => rotation.optional_string("tls_server_name")?,
        None => None,
    };
    let valid = |name: &str| ServerName::try_from(name.to_owned()).is_ok();
    match (alias, rotation) {
        (Some(name), _) if valid(&name) => Ok(name),
        (Some(_), Some(rotation)) => Err(rotation.problem("tls_server_name", "is not a host name")),
        _ if valid(host) => Ok(host.to_owned()),
        _ => Err(secret.problem("host", "is not a name that a certificate can have")),
    }
}

fn username(secret: &Document, field: &str, username: String) -> Result<String, Malformed> {
    if username.contains('\0') {
        return Err(secret.problem(field, "has a NUL character"));
    }
    if username.len() > LONGEST_NAME {
        return Err(secret.problem(field, "is longer than the 63 bytes that PostgreSQL allows"));
    }
    // The driver puts the name into the SCRAM exchange as it is, and prepares it together with `n=`.
    if username.contains(',') || stringprep::saslprep(&format!("n={username}")).is_err() {
        let problem = "has a comma, a control character, letters from right to left or characters newer \
             than Unicode 3.2, which the PostgreSQL driver cannot log in with";
        return Err(secret.problem(field, problem));
    }
    Ok(username)
}

fn alternate(rotation: Option<&Document>) -> Result<Option<String>, Malformed> {
    let Some(rotation) = rotation else { return Ok(None) };
    let field = "alternate_username";
    match rotation.optional_string(field)?.filter(|name| !name.is_empty()) {
        Some(name) => username(rotation, field, name).map(Some),
        None => Ok(None),
    }
}

fn adopt(rotation: Option<&Document>) -> Result<bool, Malformed> {
    let Some(rotation) = rotation else { return Ok(false) };
    Ok(rotation.flag("adopt")? == Some(true))
}

fn password(secret: &Document) -> Result<Sensitive, Malformed> {
    let password = secret.sensitive("password")?;
    if password.expose().contains('\0') {
        return Err(secret.problem("password", "has a NUL character"));
    }
    Ok(password)
}

fn database(secret: &Document) -> Result<String, Malformed> {
    let (field, database) = match secret.optional_string("dbname")? {
        Some(name) => ("dbname", Some(name)),
        None => ("database", secret.optional_string("database")?),
    };
    match database.filter(|name| !name.is_empty()) {
        // Printed in errors: a line break could pass for a line of the log.
        Some(name) if name.contains(char::is_control) => {
            Err(secret.problem(field, "has a control character"))
        }
        Some(name) => Ok(name),
        None => Ok(DEFAULT_DATABASE.into()),
    }
}

fn admin(secret: &Document) -> Result<Option<String>, Malformed> {
    match secret.optional_string("masterarn")? {
        Some(arn) if arn.contains(char::is_control) => {
            Err(secret.problem("masterarn", "has a control character"))
        }
        arn => Ok(arn.filter(|arn| !arn.is_empty())),
    }
}

fn strategy(rotation: Option<&Document>) -> Result<Option<Strategy>, Malformed> {
    let Some(rotation) = rotation else { return Ok(None) };
    let Some(name) = rotation.optional_string("strategy")? else { return Ok(None) };
    Strategy::parse(&name).map(Some).map_err(|problem| rotation.problem("strategy", problem))
}

#[cfg(test)]
mod tests {
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
        assert_eq!((login.port, login.database.as_str()), (5432, "postgres"));
        assert_eq!(login.tls_name.as_deref(), Some("DB.internal."));
        assert_eq!(login.target(), Target::new("db.internal:5432"));
        assert_eq!(login.strategy(), None);
        assert_eq!(login.admin(), None);
    }

    #[test]
    fn the_spellings_that_people_have_are_read() {
        let text = r#"{"engine":"aurora-postgresql","host":"10.0.0.1","port":"6432","username":"app",
            "password":"p","database":"shop","ssl":"FALSE","masterarn":"arn:m",
            "rotation":{"strategy":"single-user"}}"#;
        let login = read(text).unwrap();
        assert_eq!((login.port, login.database.as_str()), (6432, "shop"));
        assert_eq!(login.tls_name, None);
        assert_eq!(login.admin(), Some(SecretId::new("arn:m")));
        assert_eq!(login.strategy(), Some(Strategy::SingleUser));
    }

    #[test]
    fn an_alias_is_checked_against_the_name_on_the_certificate() {
        let alias = r#"{"host":"alias","username":"a","password":"p",
            "rotation":{"tls_server_name":"db.example.com"}}"#;
        assert_eq!(read(alias).unwrap().tls_name.as_deref(), Some("db.example.com"));
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
