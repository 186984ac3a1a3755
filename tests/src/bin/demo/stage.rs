//! All that a rotation needs, made for this demo and gone with it.

use std::time::Duration;

use rand::TryRng as _;
use rand::rngs::SysRng;
use serde_json::{Value, json};
use turnlock_local::Function;
use turnlock_tests::postgres::{Server, Setup};
use turnlock_tests::world::{self, ADMIN, FUNCTION, USER, World};

use crate::Problem;
use crate::consumers::{Consumer, Consumers};
use crate::film::Password;
use crate::picture::masked;
use crate::screen::{Ink, Line};

/// A server, the stand-in with the function and the secret, and consumers.
pub(crate) struct Stage {
    // Closed before the server goes.
    pub(crate) consumers: Consumers,
    pub(crate) world: World,
    /// The secret's text at the start.
    pub(crate) text: String,
    version: String,
}

impl Stage {
    /// One user with its own authority.
    pub(crate) async fn of_one_user() -> Result<Self, Problem> {
        let server = server().await;
        let password = first_password()?;
        server.sql(&format!("CREATE ROLE {USER} LOGIN PASSWORD '{password}'")).await;
        let text = secret(server.port(), &password);
        let consumers = Consumers::start(&server)?;
        let (version, function) = (version(&server).await, function(&server));
        let world = World::with_function(server, &text, function).await;
        Ok(Self { consumers, world, text, version })
    }

    /// A user and the admin that made it, after these statements of a superuser's about the user.
    pub(crate) async fn of_two_users(statements: &str) -> Result<Self, Problem> {
        let server = server().await;
        let (password, admin) = (first_password()?, first_password()?);
        let make = format!(
            "CREATE ROLE {ADMIN} LOGIN CREATEROLE PASSWORD '{admin}'; SET ROLE {ADMIN}; \
             CREATE ROLE {USER} LOGIN PASSWORD '{password}'; RESET ROLE; {statements}"
        );
        server.sql(&make).await;
        let consumers = Consumers::start(&server)?;
        let (version, function) = (version(&server).await, function(&server));
        let world = World::administered_with(server, function, |secret| {
            secret["password"] = json!(password);
        });
        let world = world.await;
        let arn = world.document("AWSCURRENT")["masterarn"].as_str().map(str::to_owned);
        let arn = arn.ok_or("the secret names no admin")?;
        let secret = world::secret_of(&world.server, ADMIN, &json!(admin));
        world.local.put_value(&arn, &secret.to_string())?;
        let text = world.local.value_of(&world.secret, "AWSCURRENT").unwrap_or_default();
        Ok(Self { consumers, world, text, version })
    }

    /// A consumer with what a label's version holds now.
    pub(crate) fn consumer(&self, label: &str) -> (String, Consumer) {
        let user = self.world.user(label);
        let consumer = self.consumers.consumer(&user, &self.world.password(label));
        (user, consumer)
    }

    /// All passwords of the role that the secret has had, in the order of their creation.
    pub(crate) fn passwords(&self) -> Vec<Password> {
        let (local, secret) = (&self.world.local, &self.world.secret);
        let of = |version: String| {
            let text = local.value_of(secret, &version)?;
            let document: Value = serde_json::from_str(&text).ok()?;
            let value = document.get("password")?.as_str()?.to_owned();
            Some(Password { version, value })
        };
        local.versions(secret).into_iter().filter_map(of).collect()
    }

    /// The text of the current version.
    pub(crate) fn current_text(&self) -> Option<String> {
        self.world.local.value_of(&self.world.secret, "AWSCURRENT")
    }

    /// Who is who.
    pub(crate) fn lines(&self, consumer: &str) -> Vec<Line> {
        let port = self.world.server.port();
        let entry = |name: &str, text: &str| {
            Line::new().add(Ink::Faint, format!("  {name:<10} ")).add(Ink::Plain, text)
        };
        let version = &self.version;
        let mut lines = vec![
            entry("database", &format!("PostgreSQL {version} with TLS and SCRAM, on port {port}")),
            entry(
                "service",
                "turnlock-local, in place of Secrets Manager and Lambda; 20 ms a call",
            ),
            entry(
                "function",
                "the program turnlock-postgres, run as by Lambda; built for development",
            ),
            entry("consumer", consumer),
        ];
        let shown = self.shown_text();
        let mut name = "secret";
        for text in wrapped(&shown, 64) {
            lines.push(entry(name, &text));
            name = "";
        }
        lines
    }

    fn shown_text(&self) -> String {
        let passwords = self.passwords();
        let first = passwords.first().map_or("", |password| password.value.as_str());
        self.text.replacen(first, &masked(first), 1)
    }

    /// Ends all of it: the function first, so that it is gone when the server is.
    pub(crate) async fn strike(self) {
        let Self { consumers, world: World { server, scene }, .. } = self;
        scene.local.stop().await;
        drop(consumers);
        drop(server);
    }

    /// What the function has printed.
    pub(crate) fn output(&self) -> String {
        self.world.local.output(FUNCTION)
    }
}

async fn server() -> Server {
    Server::start(Setup { max_connections: 100, ..Setup::default() }).await
}

async fn version(server: &Server) -> String {
    let version = server.query_one("SHOW server_version").await;
    version.split(' ').next().unwrap_or_default().to_owned()
}

fn function(server: &Server) -> Function {
    // What the function leaves when it is killed goes with the server's folder.
    let temporary = server.folder().display().to_string();
    // Where the demo is killed, the function tries to go on until this time is over.
    world::function(server).env("TMPDIR", temporary).timeout(Duration::from_secs(10))
}

/// A secret as people have them: their own spacing, order and numbers in it.
fn secret(port: u16, password: &str) -> String {
    let user = json!(USER);
    format!(
        r#"{{"username": {user}, "password": "{password}", "engine": "postgres", "host": "localhost", "port": {port}, "dbname": "postgres", "zone": {{"z": 1.50, "a": [null, true]}}, "account": 123456789012345678901234567890}}"#
    )
}

fn first_password() -> Result<String, Problem> {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyzACDEFHKMN";
    let mut bytes = [0; 24];
    SysRng.try_fill_bytes(&mut bytes)?;
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}

/// Breaks a text between fields.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for field in text.split_inclusive(',') {
        match lines.last_mut() {
            Some(line) if line.len() + field.len() <= width => line.push_str(field),
            _ => lines.push(field.trim_start().to_owned()),
        }
    }
    lines
}
