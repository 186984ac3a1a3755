//! All that a rotation needs, made for this demo and gone with it.

pub(crate) mod mysql;
mod postgres;

use std::ops::Deref;
use std::time::Duration;

use rand::TryRng as _;
use rand::rngs::SysRng;
use serde_json::Value;
use turnlock_local::Function;
use turnlock_tests::scene::Scene;
use turnlock_tests::servers::{Logins, Mark};

use crate::Problem;
use crate::consumers::{Consumer, Consumers, Options};
use crate::film::Password;
use crate::picture::masked;
use crate::screen::{Ink, Line};
use crate::text::wrapped;

/// A server, and the stand-in with a function and a secret.
pub(crate) trait Place: Deref<Target = Scene> {
    /// By which consumers log in.
    type Options: Options;
    /// The function's name, which is its program's, too.
    const FUNCTION: &str;

    /// The server's port.
    fn port(&self) -> u16;

    /// The present end of the server's log.
    fn mark(&self) -> Mark;

    /// The function's logins after a mark.
    fn logins_since(&self, mark: Mark) -> impl Future<Output = Logins>;

    /// Ends all of it: the function first, so that it is gone when the server is.
    fn end(self) -> impl Future<Output = ()>;
}

/// What is set for a play.
pub(crate) trait Strike {
    /// Ends all of it.
    fn strike(self) -> impl Future<Output = ()>;
}

/// A place, and consumers.
pub(crate) struct Stage<P: Place> {
    pub(crate) consumers: Consumers<P::Options>,
    pub(crate) world: P,
    /// The secret's text at the start.
    pub(crate) text: String,
    database: String,
}

impl<P: Place> Stage<P> {
    /// A consumer with what a label's version holds now, and its name.
    pub(crate) fn consumer(&self, label: &str) -> (String, Consumer<P::Options>) {
        let document = self.world.document(label);
        let field = |name: &str| document[name].as_str().unwrap_or_default().to_owned();
        let user = field("username");
        let consumer = self.consumers.consumer(&user, &field("password"));
        (user, consumer)
    }

    /// All passwords of the user that the secret has had, in the order of their creation.
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
        let entry = |name: &str, text: &str| {
            Line::new().add(Ink::Faint, format!("  {name:<10} ")).add(Ink::Plain, text)
        };
        let program = P::FUNCTION;
        let mut lines = vec![
            entry("database", &format!("{}, on port {}", self.database, self.world.port())),
            entry("service", "turnlock-local, for Secrets Manager and Lambda; 20 ms a call"),
            entry(
                "function",
                &format!("the program {program}, run as by Lambda; built for development"),
            ),
            entry("consumer", consumer),
        ];
        let shown = self.shown_text();
        let mut name = "secret";
        for text in wrapped(&shown, ',', 64) {
            lines.push(entry(name, &text));
            name = "";
        }
        lines
    }

    fn shown_text(&self) -> String {
        const ARN: &str = "arn:aws:secretsmanager:us-east-1:123456789012:secret:";
        let passwords = self.passwords();
        let first = passwords.first().map_or("", |password| password.value.as_str());
        self.text.replacen(first, &masked(first), 1).replacen(ARN, "arn:aws:…:", 1)
    }

    /// What the function has printed.
    pub(crate) fn output(&self) -> String {
        self.world.local.output(P::FUNCTION)
    }

    /// Gives the admin's secret another password.
    fn set_admin(&self, secret: &Value) -> Result<(), Problem> {
        let document = self.world.document("AWSCURRENT");
        let arn = document["masterarn"].as_str().ok_or("the secret names no admin")?;
        self.world.local.put_value(arn, &secret.to_string())?;
        Ok(())
    }
}

impl<P: Place> Strike for Stage<P> {
    async fn strike(self) {
        let Self { consumers, world, .. } = self;
        drop(consumers);
        world.end().await;
    }
}

/// What the function leaves when it is killed goes with the server's folder.
pub(crate) fn bounded(function: Function, folder: &std::path::Path) -> Function {
    // Where the demo is killed, the function tries to go on until this time is over.
    function.env("TMPDIR", folder.display().to_string()).timeout(Duration::from_secs(10))
}

fn first_password() -> Result<String, Problem> {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyzACDEFHKMN";
    let mut bytes = [0; 24];
    SysRng.try_fill_bytes(&mut bytes)?;
    Ok(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect())
}
