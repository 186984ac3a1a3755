//! Two users that take turns, with AWS's multi-user function in any step of two rotations, and ours in a third.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use turnlock_local::{Knobs, Local};
use turnlock_tests::database::{Database, Kind};
use turnlock_tests::world::ADMIN;

use crate::STEPS;
use crate::aws_function::{AwsFunction, MULTI_USER, folder_of};
use crate::handover::{Cast, OURS, PATIENCE, THEIRS, cast, cast_roles, check};

const FIRST_PASSWORD: &str = "first-password";
/// The first two rotations are shared, the third is ours.
const ROTATIONS: usize = 3;

/// Prints a line for each of the sixteen; whether all went well.
pub(crate) async fn run(any: &AwsFunction, kind: Kind) -> bool {
    let server = Database::start(kind).await;
    let (name, theirs) = (server.name().await, folder_of(kind, MULTI_USER));
    println!("{name}: two rotations shared with {theirs}, and a third by ours alone:\n");
    let theirs = any.of(kind, MULTI_USER);
    let head = STEPS.map(|step| format!("{step:<13}")).concat();
    println!("{head}result  logins accepted, failed in each");
    let knobs = Knobs { attempts: 2, ..Knobs::default() };
    let local = Local::builder().knobs(knobs).function(OURS, server.function());
    let local = local.function(THEIRS, theirs.function(server.ca_file()));
    let local = Arc::new(local.start().await.expect("the stand-in starts"));
    let mut is_well = true;
    for number in 0..16_u8 {
        let cast = cast(number);
        let mut pair = Pair::make(&server, &local, format!("user_{number}")).await;
        let result = pair.rotations(cast).await;
        let cells = cast.map(|name| format!("{name:<13}")).concat();
        let verdict = result.as_ref().map_or("FAILED", |()| "ok");
        println!("{cells}{verdict:<8}{}", pair.logins.join("; "));
        if let Err(problem) = result {
            println!("    {problem}");
            is_well = false;
        }
    }
    println!();
    is_well
}

struct Pair<'a> {
    server: &'a Database,
    local: &'a Arc<Local>,
    user: String,
    secret: String,
    logins: Vec<String>,
}

impl<'a> Pair<'a> {
    /// A user with a table, made by the admin, and a secret.
    async fn make(server: &'a Database, local: &'a Arc<Local>, user: String) -> Self {
        server.make_user(&user, FIRST_PASSWORD).await;
        let admin = server.secret_of_admin().to_string();
        let admin = local.create_secret(&format!("admin-{user}"), &admin);
        let mut secret = server.secret_of(&user, FIRST_PASSWORD);
        secret["masterarn"] = json!(admin.expect("a secret"));
        let secret = local.create_secret(&user, &secret.to_string()).expect("a secret");
        local.set_rotation(&secret, OURS).expect("rotation");
        Self { server, local, user, secret, logins: Vec::new() }
    }

    async fn rotations(&mut self, cast: Cast) -> Result<(), String> {
        self.consume("before").await?;
        for number in 1..=ROTATIONS {
            let attempts =
                cast_roles(self.local, if number == ROTATIONS { [OURS; 4] } else { cast });
            let mark = self.server.mark();
            let version = self.local.rotate(&self.secret).map_err(|e| format!("{e:?}"))?;
            let ended = self.local.wait_for_rotation(&self.secret, PATIENCE).await;
            ended.map_err(|failure| format!("rotation {number}: {failure:?}"))?;
            let clone = format!("{}_clone", self.user);
            let logins = self.server.logins_of(mark, &[&self.user, &clone, ADMIN]).await;
            let again = if attempts.load(Ordering::Relaxed) > 1 { " (tried again)" } else { "" };
            self.logins.push(format!("{}, {}{again}", logins.accepted, logins.failed));
            let labels = self.local.labels(&self.secret);
            check(labels.get("AWSCURRENT") == Some(&version), "AWSCURRENT has not moved")?;
            let expected = if number % 2 == 0 { "" } else { "_clone" };
            let name = self.document("AWSCURRENT")?.0;
            check(name == format!("{}{expected}", self.user), "it is not the other's turn")?;
            self.consume(&format!("rotation_{number}")).await?;
        }
        for label in ["AWSCURRENT", "AWSPREVIOUS"] {
            self.alter_all(label).await.map_err(|problem| format!("{label}: {problem}"))?;
        }
        Ok(())
    }

    fn document(&self, label: &str) -> Result<(String, String), String> {
        let text = self.local.value_of(&self.secret, label).ok_or("no value")?;
        let secret: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let field = |name: &str| secret[name].as_str().unwrap_or_default().to_owned();
        Ok((field("username"), field("password")))
    }

    /// Logs in with the current password, and makes a table and an entry.
    async fn consume(&self, table: &str) -> Result<(), String> {
        let statements = format!(
            "CREATE TABLE {0}.{table} (n int); INSERT INTO {0}.{table} VALUES (1)",
            self.user
        );
        self.run_as("AWSCURRENT", &statements).await
    }

    /// Alters every table, whoever made it.
    async fn alter_all(&self, label: &str) -> Result<(), String> {
        let column = label.to_lowercase();
        let mut statements = Vec::new();
        for number in 0..=ROTATIONS {
            let table = if number == 0 { "before".into() } else { format!("rotation_{number}") };
            let table = format!("{}.{table}", self.user);
            statements.push(format!("ALTER TABLE {table} ADD {column} int"));
            statements.push(format!("UPDATE {table} SET n = n + 1"));
        }
        self.run_as(label, &statements.join("; ")).await
    }

    async fn run_as(&self, label: &str, statements: &str) -> Result<(), String> {
        let (user, password) = self.document(label)?;
        self.server.run_as(&user, &password, statements).await
    }
}
