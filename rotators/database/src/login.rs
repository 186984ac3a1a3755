//! What is read of a secret.

use rustls::pki_types::ServerName;
use turnlock::{Credential, Document, Malformed, SecretId, Sensitive, Target};

use crate::{Engine, Server, Strategy};

const PORTS: std::ops::Range<u32> = 1..65_536;

/// One login of one user, in the fields that AWS's functions use.
#[derive(Debug, Eq, PartialEq)]
pub struct Login<E> {
    /// Whose SQL the server speaks, and whose defaults the secret has.
    pub engine: E,
    /// `host`, `port`, `ssl` and `rotation.tls_server_name`
    pub server: Server,
    /// `username`
    pub username: String,
    /// `password`
    pub password: Sensitive,
    /// `dbname`, or else `database`, or else the engine's own.
    pub database: Option<String>,
    /// `rotation.alternate_username`
    pub alternate: Option<String>,
    /// `rotation.adopt`
    pub adopt: bool,
    admin: Option<String>,
    strategy: Option<Strategy>,
}

impl<E: Engine> Login<E> {
    /// The strategy that the secret names.
    pub fn strategy(&self) -> Option<Strategy> {
        self.strategy
    }

    /// The admin's login at the server of the user it is to change, which is of the same engine.
    ///
    /// # Errors
    ///
    /// The field that is missing or cannot be read.
    pub fn read_admin(secret: &Document, current: &Self) -> Result<Self, Malformed> {
        let engine = engine(secret)?.unwrap_or(current.engine);
        if !engine.agrees(current.engine) {
            let problem = "is of another database than that of the user";
            return Err(secret.problem("engine", problem));
        }
        Self::read_as(engine, secret)
    }

    /// The same login at another server.
    #[must_use]
    pub fn at(&self, server: &Server) -> Self {
        Self {
            engine: self.engine,
            server: server.clone(),
            username: self.username.clone(),
            password: Sensitive::new(self.password.expose()),
            database: self.database.clone(),
            alternate: self.alternate.clone(),
            adopt: self.adopt,
            admin: self.admin.clone(),
            strategy: self.strategy,
        }
    }

    fn read_as(engine: E, secret: &Document) -> Result<Self, Malformed> {
        let rotation = secret.section("rotation")?;
        let rotation = rotation.as_ref();
        let host = host(secret)?;
        let port = secret.number("port", PORTS)?.map(u16::try_from);
        let port = port.unwrap_or_else(|| Ok(engine.port()));
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
            database: database(secret)?.or_else(|| engine.database().map(str::to_owned)),
            admin: admin(secret)?,
            strategy: strategy(rotation)?,
            server: Server {
                port: port.map_err(|_| secret.problem("port", "is not a port"))?,
                host,
                tls_name,
            },
        })
    }
}

impl<E: Engine> Credential for Login<E> {
    fn read(secret: &Document) -> Result<Self, Malformed> {
        Self::read_as(engine(secret)?.unwrap_or(E::DEFAULT), secret)
    }

    fn reached_as(self, current: &Self) -> Self {
        Self {
            engine: current.engine,
            username: self.username,
            password: self.password,
            server: current.server.clone(),
            database: current.database.clone(),
            alternate: current.alternate.clone(),
            adopt: current.adopt,
            admin: current.admin.clone(),
            strategy: current.strategy,
        }
    }

    fn target(&self) -> Target {
        Target::new(self.server.to_string())
    }

    fn principal(&self) -> &str {
        &self.username
    }

    fn admin(&self) -> Option<SecretId> {
        self.admin.clone().map(SecretId::new)
    }
}

fn engine<E: Engine>(secret: &Document) -> Result<Option<E>, Malformed> {
    let Some(name) = secret.optional_string("engine")? else { return Ok(None) };
    E::named(&name).map(Some).ok_or_else(|| {
        let problem = format!("is of another database; this function rotates {}", E::NAMES);
        secret.problem("engine", problem)
    })
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

fn username<E: Engine>(
    engine: E,
    secret: &Document,
    field: &str,
    username: String,
) -> Result<String, Malformed> {
    if username.contains('\0') {
        return Err(secret.problem(field, "has a NUL character"));
    }
    if let Some(limit) = engine.limit_exceeded(&username) {
        return Err(secret.problem(field, format!("is longer than the {limit}")));
    }
    match engine.problem(&username) {
        Some(problem) => Err(secret.problem(field, problem)),
        None => Ok(username),
    }
}

fn alternate<E: Engine>(
    engine: E,
    rotation: Option<&Document>,
) -> Result<Option<String>, Malformed> {
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
