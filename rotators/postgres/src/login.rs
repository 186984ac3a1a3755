//! What is read of a secret.

use std::fmt;

use rustls::pki_types::ServerName;
use turnlock::{Credential, Document, Malformed, SecretId, Sensitive, Target};

use crate::redshift;
use crate::strategy::Strategy;

const PORTS: std::ops::Range<u32> = 1..65_536;
/// `NAMEDATALEN` - 1: PostgreSQL cuts longer names off, and so would change somebody else.
pub(crate) const LONGEST_NAME: usize = 63;

/// Whose SQL the server speaks, and whose defaults a secret has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Engine {
    /// `postgres` and `aurora-postgresql`, also where the secret names none.
    Postgres,
    /// `redshift`
    Redshift,
}

impl Engine {
    /// What the secret names.
    fn read(secret: &Document) -> Result<Option<Self>, Malformed> {
        match secret.optional_string("engine")?.as_deref() {
            None => Ok(None),
            Some("postgres" | "aurora-postgresql") => Ok(Some(Self::Postgres)),
            Some("redshift") => Ok(Some(Self::Redshift)),
            Some(_) => Err(secret.problem(
                "engine",
                "is of another database; this function rotates postgres, aurora-postgresql and redshift",
            )),
        }
    }

    /// The port and the database that AWS's functions take where the secret names none.
    fn defaults(self) -> (u32, &'static str) {
        match self {
            Self::Postgres => (5432, "postgres"),
            Self::Redshift => (5439, "dev"),
        }
    }
}

/// One login of one role of PostgreSQL, or user of Redshift, in the fields that AWS's functions use.
#[derive(Debug, Eq, PartialEq)]
pub struct Login {
    pub(crate) engine: Engine,
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

    /// The admin's login for the database of the user it is to change, which is of the same engine.
    pub(crate) fn read_admin(secret: &Document, current: &Self) -> Result<Self, Malformed> {
        let engine = Engine::read(secret)?.unwrap_or(current.engine);
        if engine != current.engine {
            let problem =
                "is of another database than that of the user; a secret without it is of postgres";
            return Err(secret.problem("engine", problem));
        }
        Ok(Self { database: current.database.clone(), ..Self::read_as(engine, secret)? })
    }

    fn read_as(engine: Engine, secret: &Document) -> Result<Self, Malformed> {
        let rotation = secret.section("rotation")?;
        let rotation = rotation.as_ref();
        let host = host(secret)?;
        let (default_port, default_database) = engine.defaults();
        let port = secret.number("port", PORTS)?.unwrap_or(default_port);
        let tls_name = match secret.flag("ssl")? {
            Some(false) => None,
            Some(true) | None => Some(tls_name(secret, rotation, &host)?),
        };
        Ok(Self {
            engine,
            username: username(engine, secret, "username", secret.string("username")?)?,
            alternate: alternate(engine, rotation)?,
            adopt: adopt(rotation)?,
            password: password(secret)?,
            database: database(secret)?.unwrap_or_else(|| default_database.into()),
            admin: admin(secret)?,
            strategy: strategy(rotation)?,
            port: u16::try_from(port).map_err(|_| secret.problem("port", "is not a port"))?,
            host,
            tls_name,
        })
    }
}

impl Credential for Login {
    fn read(secret: &Document) -> Result<Self, Malformed> {
        Self::read_as(Engine::read(secret)?.unwrap_or(Engine::Postgres), secret)
    }

    fn reached_as(self, current: &Self) -> Self {
        Self {
            engine: current.engine,
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

fn username(
    engine: Engine,
    secret: &Document,
    field: &str,
    username: String,
) -> Result<String, Malformed> {
    if username.contains('\0') {
        return Err(secret.problem(field, "has a NUL character"));
    }
    let (longest, problem) = match engine {
        Engine::Postgres => (LONGEST_NAME, "is longer than the 63 bytes that PostgreSQL allows"),
        Engine::Redshift => {
            (redshift::LONGEST_NAME, "is longer than the 127 bytes that Redshift allows")
        }
    };
    if username.len() > longest {
        return Err(secret.problem(field, problem));
    }
    // The driver puts the name into the SCRAM exchange as it is, and prepares it together with `n=`.
    if username.contains(',') || stringprep::saslprep(&format!("n={username}")).is_err() {
        let problem = "has a comma, a control character, letters from right to left or characters newer \
             than Unicode 3.2, which the PostgreSQL driver cannot log in with";
        return Err(secret.problem(field, problem));
    }
    Ok(username)
}

fn alternate(engine: Engine, rotation: Option<&Document>) -> Result<Option<String>, Malformed> {
    let Some(rotation) = rotation else { return Ok(None) };
    let field = "alternate_username";
    match rotation.optional_string(field)?.filter(|name| !name.is_empty()) {
        Some(name) => username(engine, rotation, field, name).map(Some),
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

fn database(secret: &Document) -> Result<Option<String>, Malformed> {
    let (field, database) = match secret.optional_string("dbname")? {
        Some(name) => ("dbname", Some(name)),
        None => ("database", secret.optional_string("database")?),
    };
    match database.filter(|name| !name.is_empty()) {
        // Printed in errors: a line break could pass for a line of the log.
        Some(name) if name.contains(char::is_control) => {
            Err(secret.problem(field, "has a control character"))
        }
        name => Ok(name),
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
    fn a_secret_of_redshift_has_the_defaults_of_its_own() {
        let user = |name: &str| {
            format!(r#"{{"engine":"redshift","host":"h","username":"{name}","password":"p"}}"#)
        };
        let login = read(&user("app")).unwrap();
        assert_eq!((login.port, login.database.as_str()), (5439, "dev"));
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
            assert_eq!((admin.engine, admin.port), (Engine::Redshift, 5439));
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
