//! Two users of MySQL or MariaDB that take turns: what is true of them, and what each can do.

use std::ops::Deref;

use serde_json::{Value, json};
use sqlx::mysql::{MySqlConnection, MySqlDatabaseError};
use sqlx::{AssertSqlSafe, Connection as _};

use crate::mysql::{Mark, Product, Server, Setup};
use crate::scene::StepError;
use crate::servers::Logins;
use crate::world::mysql::{ADMIN, FIRST_PASSWORD, USER, World, server_with_admin};

/// The name of the second user, unless a test says otherwise.
pub const CLONE: &str = "app_clone";
/// The second user's password in a state that AWS's function has left.
pub const CLONE_PASSWORD: &str = "first-password-of-the-clone";

/// A world whose secret is one of two users.
#[derive(Debug)]
pub struct Turns {
    /// The server, the stand-in and the secret.
    pub world: World,
}

impl Turns {
    /// The user `app` for any host, of which there is no second one yet.
    pub async fn start(product: Product) -> Self {
        Self::start_on(Setup::of(product)).await
    }

    /// The same on a server that is set up by the test.
    pub async fn start_on(setup: Setup) -> Self {
        Self { world: World::start_alternating(setup).await }
    }

    /// The same after these statements, which root runs.
    pub async fn after(product: Product, statements: &str) -> Self {
        let turns = Self::start(product).await;
        turns.server.sql(statements).await;
        turns
    }

    /// A secret that the test edits before it is stored, after these statements, which root runs.
    pub async fn edited(product: Product, statements: &str, edit: impl FnOnce(&mut Value)) -> Self {
        let server = server_with_admin(Setup::of(product)).await;
        server.sql(statements).await;
        Self { world: World::administered(server, edit).await }
    }

    /// What AWS's function leaves: two users, and their versions, of which `current` is the current one.
    pub async fn left_by_aws(product: Product, current: &str) -> Self {
        let make = format!("CREATE USER {CLONE}@'%' IDENTIFIED BY '{CLONE_PASSWORD}'");
        let users = [(USER, FIRST_PASSWORD), (CLONE, CLONE_PASSWORD)];
        let (now, before) =
            if current == USER { (users[0], users[1]) } else { (users[1], users[0]) };
        let put = |secret: &mut Value, (user, password): (&str, &str)| {
            secret["username"] = json!(user);
            secret["password"] = json!(password);
        };
        let turns = Self::edited(product, &make, |secret| put(secret, before)).await;
        turns.edit(|secret| put(secret, now));
        turns
    }

    /// Whether the version that has a label or an id logs in.
    pub async fn logs_in(&self, version: &str) -> bool {
        self.server.can_log_in(&self.user(version), &self.password(version)).await
    }

    /// A session of the version that has a label or an id.
    ///
    /// # Panics
    ///
    /// If it is not let in.
    pub async fn log_in(&self, version: &str) -> MySqlConnection {
        let (user, password) = (self.user(version), self.password(version));
        let session = self.server.log_in(&user, &password).await;
        session.unwrap_or_else(|error| panic!("{version}, {user}: {error}"))
    }

    /// Rotates, which has to succeed calmly: four logins, of which none fails.
    ///
    /// # Panics
    ///
    /// If it fails, or logs in more often or in vain.
    pub async fn rotate_calmly(&self) {
        let mark = self.mark();
        self.rotate().await.unwrap_or_else(|error| panic!("{error:?}"));
        let logins = self.logins_of_all(mark).await;
        assert_eq!(logins, Logins { accepted: 4, failed: 0, plaintext: 0 });
        assert!(self.logs_in("AWSCURRENT").await && self.logs_in("AWSPREVIOUS").await);
    }

    /// The logins of the two and of the admin since a mark.
    pub async fn logins_of_all(&self, mark: Mark) -> Logins {
        self.server.logins_of(mark, &[USER, CLONE, ADMIN]).await
    }

    /// Rotates, which has to fail with all accounts as they were and the current one in use; how it failed.
    ///
    /// # Panics
    ///
    /// If it does not.
    pub async fn rotate_failing(&self) -> StepError {
        let (before, current) = (accounts(&self.server).await, self.labels()["AWSCURRENT"].clone());
        let error = self.retry().await.expect_err("the rotation fails");
        assert!(accounts(&self.server).await == before, "the server was changed: {error:?}");
        assert_eq!(self.labels()["AWSCURRENT"], current, "{error:?}");
        error
    }

    /// Runs testSecret alone, which has to leave all accounts as they are.
    ///
    /// # Errors
    ///
    /// Whatever the test names.
    ///
    /// # Panics
    ///
    /// If an account is changed.
    pub async fn tested(&self) -> Result<(), StepError> {
        let before = accounts(&self.server).await;
        let result = self.test_only().await;
        assert!(accounts(&self.server).await == before, "the server was changed");
        result
    }

    /// Fails unless both users have the same, on each of these hosts.
    ///
    /// # Panics
    ///
    /// If they differ.
    pub async fn assert_equal_on(&self, hosts: &[&str]) {
        let (one, other) = (self.user("AWSCURRENT"), self.user("AWSPREVIOUS"));
        for host in hosts {
            let (its, others) =
                (state(&self.server, &one, host).await, state(&self.server, &other, host).await);
            assert_eq!(its, others, "{one} and {other} on {host}");
        }
    }

    /// Fails unless both users have the same, for any host.
    ///
    /// # Panics
    ///
    /// If they differ.
    pub async fn assert_equal(&self) {
        self.assert_equal_on(&["%"]).await;
    }

    /// What each statement answers to the current user, after both users got the same answers.
    ///
    /// # Panics
    ///
    /// If they do not.
    pub async fn assert_equal_abilities(&self, statements: &[&str]) -> Vec<String> {
        let mut all = Vec::new();
        for label in ["AWSCURRENT", "AWSPREVIOUS"] {
            let mut session = self.log_in(label).await;
            let mut answers = Vec::new();
            for statement in statements {
                answers.push(answer(&mut session, statement).await);
            }
            session.close().await.expect("a session can be ended");
            all.push(answers);
        }
        let others = all.pop().expect("two");
        let its = all.pop().expect("two");
        for ((statement, one), other) in statements.iter().zip(&its).zip(&others) {
            assert_eq!(one, other, "{statement}");
        }
        its
    }
}

impl Deref for Turns {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

/// Runs statements in a session: `done`, or the server's number.
///
/// # Panics
///
/// If there is no answer.
pub async fn answer(session: &mut MySqlConnection, statements: &str) -> String {
    match sqlx::raw_sql(AssertSqlSafe(statements)).fetch_all(session).await {
        Ok(_) => "done".to_owned(),
        Err(sqlx::Error::Database(error)) => {
            error.downcast_ref::<MySqlDatabaseError>().number().to_string()
        }
        Err(error) => panic!("{statements}: {error}"),
    }
}

/// What has to be alike of two accounts: privileges and settings, without the name, the password and our mark.
pub async fn state(server: &Server, user: &str, host: &str) -> Vec<String> {
    let account = format!("`{}`@`{host}`", user.replace('`', "``"));
    // As MariaDB prints those who may act as another.
    let proxy = format!("'{user}'@'{host}'");
    let grants = server.query_all(&format!("SHOW GRANTS FOR {account}")).await;
    let mut lines: Vec<String> =
        grants.iter().map(|line| plain(&line.replace(&proxy, "A"), &account)).collect();
    lines.sort();
    let (hex, attribute) = match server.product() {
        Product::MySql => (
            "SET print_identified_with_as_hex = ON; ",
            format!(
                "SELECT json_remove(coalesce(attribute, '{{}}'), '$.turnlock') \
                 FROM information_schema.user_attributes WHERE user = '{}' AND host = '{host}'",
                user.replace('\\', "\\\\").replace('\'', "''")
            ),
        ),
        Product::MariaDb => ("", "SELECT ''".to_owned()),
    };
    let created = server.query_one(&format!("{hex}SHOW CREATE USER {account}")).await;
    let created = created.split(" ATTRIBUTE '").next().expect("a first part");
    // A limit that was set to none says as much as one that never was.
    let limits =
        ["MAX_USER_CONNECTIONS", "MAX_QUERIES_PER_HOUR"].map(|limit| format!(" {limit} 0"));
    let created = limits.iter().fold(plain(created, &account), |text, no| text.replace(no, ""));
    lines.push(created.replace(" WITH PASSWORD", " PASSWORD"));
    lines.push(server.query_one(&attribute).await);
    lines
}

/// A line without the name of its account and without a digest.
fn plain(line: &str, account: &str) -> String {
    let mut line = line.replace(account, "A");
    for (begin, end) in
        [(" BY PASSWORD '", "'"), (" USING '", "'"), (" AS 0x", " "), (" AS '", "'")]
    {
        while let Some(at) = line.find(begin) {
            let digest = at + begin.len();
            let rest = &line[digest..];
            let quote = usize::from(end == "'");
            let length = if quote == 1 { quoted(rest) } else { rest.find(end) };
            let length = length.expect("a digest has an end");
            line.replace_range(at..digest + length + quote, " D");
        }
    }
    let lists: Vec<String> = line.split("(`").map(sorted).collect();
    lists.join("(`")
}

/// How long a quoted text is: a salt can have quotes and backslashes, after a backslash each.
fn quoted(text: &str) -> Option<usize> {
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\'' => return Some(at),
            '\\' => {
                characters.next();
            }
            _ => {}
        }
    }
    None
}

/// What begins with columns, with these in their order: servers print them in any.
fn sorted(text: &str) -> String {
    let Some((columns, rest)) = text.split_once("`)") else { return text.to_owned() };
    let mut columns: Vec<&str> = columns.split("`, `").collect();
    columns.sort_unstable();
    format!("{}`){rest}", columns.join("`, `"))
}

/// All that a server has of all accounts, as text.
pub async fn accounts(server: &Server) -> String {
    let tables: &[&str] = match server.product() {
        Product::MySql => &["user", "global_grants", "role_edges", "default_roles"],
        Product::MariaDb => &["global_priv", "roles_mapping"],
    };
    let mut all = String::new();
    for table in
        tables.iter().chain(&["db", "tables_priv", "columns_priv", "procs_priv", "proxies_priv"])
    {
        // The time of a change is none of what it does.
        let columns = server
            .query_one(&format!(
                "SELECT group_concat('`', column_name, '`') FROM information_schema.columns \
                 WHERE table_schema = 'mysql' AND table_name = '{table}' \
                 AND column_name <> 'Timestamp'"
            ))
            .await;
        let mut rows = server.query_all(&format!("SELECT {columns} FROM mysql.{table}")).await;
        rows.sort();
        all = format!("{all}\n{table}\n{}", rows.join("\n"));
    }
    all
}
