//! Two users that take turns, with AWS's multi-user function in any step of two rotations, and ours in a third.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection};
use turnlock_local::{Knobs, Local};
use turnlock_tests::postgres::{Server, Setup};
use turnlock_tests::world::{self, ADMIN, ADMIN_PASSWORD};

use crate::STEPS;
use crate::aws_function::AwsFunction;
use crate::handover::{Cast, OURS, PATIENCE, THEIRS, cast, cast_roles, check};

const FIRST_PASSWORD: &str = "first-password";
/// The first two rotations are shared, the third is ours.
const ROTATIONS: usize = 3;

/// Prints a line for each of the sixteen; whether all went well.
pub(crate) async fn run(single_user: &AwsFunction) -> bool {
    let theirs = single_user.clone().multi_user();
    println!("Two rotations of two users shared with AWS's function, and a third by ours alone:\n");
    let head = STEPS.map(|step| format!("{step:<13}")).concat();
    println!("{head}result  logins accepted, failed in each");
    let server = Server::start(Setup::default()).await;
    let admin = format!("CREATE ROLE {ADMIN} LOGIN CREATEROLE PASSWORD '{ADMIN_PASSWORD}'");
    server.sql(&admin).await;
    let knobs = Knobs { attempts: 2, ..Knobs::default() };
    let local = Local::builder().knobs(knobs).function(OURS, world::function(&server));
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
    server: &'a Server,
    local: &'a Arc<Local>,
    user: String,
    secret: String,
    logins: Vec<String>,
}

impl<'a> Pair<'a> {
    /// A user with a table, made by the admin, and a secret.
    async fn make(server: &'a Server, local: &'a Arc<Local>, user: String) -> Self {
        let statements = format!(
            "SET ROLE {ADMIN}; CREATE ROLE {user} LOGIN PASSWORD '{FIRST_PASSWORD}'; RESET ROLE; \
             CREATE SCHEMA {user} AUTHORIZATION {user}"
        );
        server.sql(&statements).await;
        let admin = world::secret_of(server, ADMIN, &json!(ADMIN_PASSWORD));
        let admin = local.create_secret(&format!("admin-{user}"), &admin.to_string());
        let mut secret = world::secret_of(server, &user, &json!(FIRST_PASSWORD));
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

    async fn log_in(&self, label: &str) -> Result<PgConnection, String> {
        let (user, password) = self.document(label)?;
        let session = self.server.log_in(&user, &password, "postgres").await;
        session.map_err(|error| format!("{user} cannot log in: {error}"))
    }

    /// Logs in with the current password, and makes a table and an entry.
    async fn consume(&self, table: &str) -> Result<(), String> {
        let mut session = self.log_in("AWSCURRENT").await?;
        let statements = format!(
            "CREATE TABLE {0}.{table} (n int); INSERT INTO {0}.{table} VALUES (1)",
            self.user
        );
        let done = sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(&mut session).await;
        done.map_err(|error| format!("{table}: {error}"))?;
        session.close().await.map_err(|error| error.to_string())
    }

    /// Alters every table, whoever made it.
    async fn alter_all(&self, label: &str) -> Result<(), String> {
        let mut session = self.log_in(label).await?;
        for number in 0..=ROTATIONS {
            let table = if number == 0 { "before".into() } else { format!("rotation_{number}") };
            let column = label.to_lowercase();
            let statements = format!(
                "ALTER TABLE {0}.{table} ADD {column} int; UPDATE {0}.{table} SET n = n + 1",
                self.user
            );
            let done = sqlx::raw_sql(sqlx::AssertSqlSafe(statements)).execute(&mut session).await;
            done.map_err(|error| format!("{table}: {error}"))?;
        }
        session.close().await.map_err(|error| error.to_string())
    }
}
