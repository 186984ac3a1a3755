//! One login, and what is asked and changed in it.

use std::future::Future;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use tokio::time::timeout;
use turnlock::{Class, Sensitive, TargetError, Verdict, VersionId};
use turnlock_database::fault::{LOG_IN, slow_login};
use turnlock_database::{Relay, Trust};

use crate::engine::{Engine, Login};
use crate::fault;
use crate::redshift;
use crate::rights::{self, Rights};
use crate::sql::{literal, quoted};
use crate::verifier::{self, Kind};

/// The longest wait for an answer, a little over the server's own `statement_timeout`.
const ANSWER: Duration = Duration::from_secs(6);
/// What every transaction starts with. A role's own settings must not change what statements mean here,
/// and with `LOCAL` none of it leaks through a connection pooler.
/// The time-out comes first, as the role's own can be too short for anything else.
const BOUND: &str = "SET LOCAL statement_timeout = '5s'; SET LOCAL search_path = pg_catalog;";
/// What goes on where it is not asked whom the session acts as.
const GUARD: &str = "SET LOCAL lock_timeout = '3s'; SET LOCAL ROLE NONE;";
/// For answers that are read by a program, and for as long as it takes to read them.
const READABLE: &str = "SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'; \
     SET LOCAL idle_in_transaction_session_timeout = '30s';";
/// PostgreSQL's default, and the only value before version 16.
const SCRAM_ITERATIONS: i32 = 4096;
/// A role can set it to anything for itself.
const MOST_ITERATIONS: u32 = 1_000_000;
/// A role's own setting must not let a crash of the server take back what was acknowledged.
const DURABLE: &str = "SELECT set_config('synchronous_commit', 'local', true) \
     WHERE current_setting('synchronous_commit') = 'off';";
/// "Turn", to tell our advisory locks from an application's.
const LOCK_SPACE: i32 = 0x5475_726e;

const COMMIT: &str = "; COMMIT";

/// What a look is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Access {
    /// Nothing will be changed.
    Look,
    /// What is found will be changed.
    Change,
}

/// An open connection that the server has accepted.
#[derive(Debug)]
pub struct Session {
    connection: PgConnection,
    /// Kept for as long as the connection: dropping it hangs up.
    relay: Relay,
    server: String,
    engine: Engine,
    facts: Facts,
}

/// What the server says of itself.
#[derive(Debug)]
struct Facts {
    read_only: bool,
    /// `password_encryption` is `md5`.
    md5: bool,
    iterations: u32,
}

impl Session {
    /// Logs in; TLS unless the secret says otherwise, and never again without it.
    pub(crate) async fn open(login: &Login, trust: &Trust) -> Result<Verdict<Self>, TargetError> {
        let roots = trust.roots()?;
        let relay = Relay::open(&login.server, &format!(".s.PGSQL.{}", login.server.port)).await?;
        let options = options(login, &relay, roots);
        let mut connection = match timeout(LOG_IN, options.connect()).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(error)) => {
                if login.engine == Engine::Redshift && matches!(error, sqlx::Error::Protocol(_)) {
                    redshift::check_method(login, trust).await?;
                }
                return fault::of_login(&error, login, relay.answered());
            }
            Err(_) => return Err(slow_login(&login.server, relay.answered())),
        };
        let facts = match login.engine {
            Engine::Postgres => Facts::ask(&mut connection).await?,
            Engine::Redshift => Facts::NONE,
        };
        let (server, engine) = (login.server.to_string(), login.engine);
        Ok(Verdict::Accepted(Self { connection, relay, server, engine, facts }))
    }

    /// Gives a role its password, as a verifier.
    pub(crate) async fn set_password(
        &mut self,
        login: &Login,
        version: &VersionId,
        kind: Kind,
    ) -> Result<(), TargetError> {
        self.check_settings()?;
        let user = &login.username;
        let verifier = self.verifier(login, version, kind)?;
        let statement = match self.engine {
            Engine::Postgres => format!(
                "BEGIN READ WRITE; {BOUND} {GUARD} {DURABLE} \
                 SELECT pg_advisory_xact_lock({LOCK_SPACE}, {}); ALTER ROLE {} PASSWORD '{}'; COMMIT",
                lock_key(user),
                quoted(user),
                verifier.expose(),
            ),
            Engine::Redshift => redshift::change(user, &verifier),
        };
        let statement = Sensitive::new(statement);
        let doing = format!("changing the password of {user} at {}", self.server);
        let run = sqlx::raw_sql(AssertSqlSafe(statement.expose())).execute(&mut self.connection);
        bounded(run, &doing).await.map(drop)
    }

    /// What the server is to store of a password.
    pub(crate) fn verifier(
        &self,
        login: &Login,
        version: &VersionId,
        kind: Kind,
    ) -> Result<Sensitive, TargetError> {
        let (user, password) = (&login.username, &login.password);
        Ok(match kind {
            Kind::Md5 => verifier::md5(user, password),
            Kind::Scram => verifier::scram(user, password, version, self.facts.iterations()?),
            Kind::Sha256 => redshift::sha256(user, password, version),
        })
    }

    /// Asks one question about two users, of which the answer is one text.
    ///
    /// With [`Access::Change`] it is the beginning of a transaction, which holds the locks of both until
    /// [`commit`](Self::commit), or until the session is dropped.
    pub(crate) async fn look(
        &mut self,
        question: &str,
        users: [&str; 2],
        access: Access,
    ) -> Result<Sensitive, TargetError> {
        let statement = match access {
            // Without SET ROLE: whom the session acts as is a part of the answer.
            Access::Look => format!("BEGIN; {BOUND} {READABLE} {question}; COMMIT"),
            Access::Change => {
                self.check_settings()?;
                let mut keys = users.map(lock_key);
                // In one order, so that two rotations never wait for each other.
                keys.sort_unstable();
                let [one, other] = keys;
                // What was committed while this waited for the locks has to be seen.
                format!(
                    "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; {BOUND} {GUARD} {DURABLE} {READABLE} \
                     SELECT pg_advisory_xact_lock({LOCK_SPACE}, {one}); \
                     SELECT pg_advisory_xact_lock({LOCK_SPACE}, {other}); {question}"
                )
            }
        };
        let doing = format!("looking at {} and {} at {}", users[0], users[1], self.server);
        let run = sqlx::raw_sql(AssertSqlSafe(statement)).fetch_all(&mut self.connection);
        let rows = bounded(run, &doing).await?;
        match rows.last() {
            Some(row) => field::<String>(row, 0).map(Sensitive::new),
            None => Err(TargetError::new(Class::Unexpected, format!("{doing}: no answer"))),
        }
    }

    /// Ends the transaction that [`look`](Self::look) began with these statements, of which none counts
    /// unless all do.
    pub(crate) async fn commit(
        &mut self,
        statements: &Sensitive,
        user: &str,
        demands: &[String],
        settings: &[String],
    ) -> Result<(), TargetError> {
        let mut text = String::with_capacity(statements.expose().len() + COMMIT.len());
        text.push_str(statements.expose());
        text.push_str(COMMIT);
        let text = Sensitive::new(text);
        let mut doing = format!("changing {user} at {}", self.server);
        if !demands.is_empty() {
            doing = format!("{doing} (which includes {})", demands.join(", "));
        }
        let run = sqlx::raw_sql(AssertSqlSafe(text.expose())).execute(&mut self.connection);
        let failed = |error: &sqlx::Error| fault::of_change(error, &doing, settings);
        bounded_or(run, &doing, failed).await.map(drop)
    }

    /// Asks for one row, in a transaction of its own.
    pub(crate) async fn ask(&mut self, question: &str, doing: &str) -> Result<PgRow, TargetError> {
        let guard = match self.engine {
            Engine::Postgres => format!("{BOUND} {GUARD}"),
            Engine::Redshift => redshift::GUARD.to_owned(),
        };
        let statement = format!("BEGIN; {guard} {question}; COMMIT");
        let doing = format!("{doing} at {}", self.server);
        let run = sqlx::raw_sql(AssertSqlSafe(statement)).fetch_one(&mut self.connection);
        bounded(run, &doing).await
    }

    /// The server, as `host:port`.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// Checks whether the role that is logged in could change its own password.
    pub(crate) async fn check_own_rights(&mut self) -> Result<(), TargetError> {
        if self.engine == Engine::Redshift {
            // Whoever logs in with a password there may change it.
            return Ok(());
        }
        self.check_settings()?;
        self.rights("session_user").await?.own(&self.server)
    }

    /// Checks whether the admin that is logged in could change the password of `login`'s role.
    pub(crate) async fn check_admin_rights(&mut self, login: &Login) -> Result<(), TargetError> {
        if self.engine == Engine::Redshift {
            return redshift::check_admin(self, &login.username).await;
        }
        self.check_settings()?;
        let rights = self.rights(&literal(&login.username)).await?;
        rights.admin(&self.server, &login.username)
    }

    /// Whose SQL the server speaks.
    pub(crate) fn engine(&self) -> Engine {
        self.engine
    }

    /// Whether the server stores passwords as md5.
    pub(crate) fn stores_md5(&self) -> bool {
        self.facts.md5
    }

    async fn rights(&mut self, user: &str) -> Result<Rights, TargetError> {
        Rights::of(&self.ask(&rights::question(user), "reading the rights").await?)
    }

    /// Refuses a server that takes no writes, or that makes logins take too long.
    pub(crate) fn check_settings(&self) -> Result<(), TargetError> {
        if !self.facts.read_only {
            return self.facts.iterations().map(drop);
        }
        let text = format!(
            "{} is a replica or takes no writes; `host` has to be the writer's endpoint",
            self.server
        );
        Err(TargetError::new(Class::ReadOnly, text))
    }

    /// Says goodbye, so that the server does not log a broken connection; that it fails decides nothing.
    pub(crate) async fn close(self) {
        let goodbye = bounded(self.connection.close(), "saying goodbye");
        if let Err(error) = goodbye.await {
            tracing::debug!("a session did not close in good order: {error}");
        }
        // The server takes its time to hang up, and consumers may be waiting for the next step meanwhile.
        drop(tokio::spawn(self.relay.drained()));
    }
}

impl Facts {
    /// What Redshift has no setting for.
    const NONE: Self =
        Self { read_only: false, md5: false, iterations: SCRAM_ITERATIONS.unsigned_abs() };

    async fn ask(connection: &mut PgConnection) -> Result<Self, TargetError> {
        // A role may be read-only by its own setting; only the server's own says that it takes no writes.
        let statement = format!(
            "BEGIN; {BOUND} SELECT \
             pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on' \
               AND EXISTS (SELECT FROM pg_settings \
               WHERE name = 'default_transaction_read_only' AND reset_val = 'on' \
               AND source NOT IN ('user', 'database', 'database user', 'client', 'session')), \
             current_setting('password_encryption'), \
             current_setting('scram_iterations', true)::int; COMMIT"
        );
        let doing = "asking the server how it stores passwords";
        let row =
            bounded(sqlx::raw_sql(AssertSqlSafe(statement)).fetch_one(connection), doing).await?;
        let encryption: String = field(&row, 1)?;
        let iterations: Option<i32> = field(&row, 2)?;
        Ok(Self {
            read_only: field(&row, 0)?,
            md5: encryption == "md5",
            iterations: iterations.unwrap_or(SCRAM_ITERATIONS).unsigned_abs(),
        })
    }

    /// How many rounds of hashing a verifier takes here, unless that is no longer a matter of seconds.
    fn iterations(&self) -> Result<u32, TargetError> {
        if self.iterations <= MOST_ITERATIONS {
            return Ok(self.iterations);
        }
        let text = format!(
            "scram_iterations is {}; with more than {MOST_ITERATIONS} a login takes too long",
            self.iterations
        );
        Err(TargetError::new(Class::Refused, text))
    }
}

fn options(login: &Login, relay: &Relay, roots: Vec<u8>) -> PgConnectOptions {
    let options = PgConnectOptions::new_without_pgpass()
        .socket(relay.directory())
        .port(login.server.port)
        .username(&login.username)
        .password(login.password.expose())
        .database(login.database.as_deref().unwrap_or_default())
        .application_name("turnlock")
        .statement_cache_capacity(0)
        // Poolers know few start-up parameters.
        .extra_float_digits(None)
        .disable_statement_logging();
    match &login.server.tls_name {
        Some(name) => {
            options.host(name).ssl_mode(PgSslMode::VerifyFull).ssl_root_cert_from_pem(roots)
        }
        None => options.ssl_mode(PgSslMode::Disable),
    }
}

async fn bounded<T>(
    run: impl Future<Output = Result<T, sqlx::Error>>,
    doing: &str,
) -> Result<T, TargetError> {
    bounded_or(run, doing, |error| fault::of_statement(error, doing)).await
}

async fn bounded_or<T>(
    run: impl Future<Output = Result<T, sqlx::Error>>,
    doing: &str,
    failed: impl FnOnce(&sqlx::Error) -> TargetError,
) -> Result<T, TargetError> {
    match timeout(ANSWER, run).await {
        Ok(done) => done.map_err(|error| failed(&error)),
        Err(_) => {
            Err(TargetError::new(Class::Timeout, format!("no answer for {ANSWER:?} while {doing}")))
        }
    }
}

pub(crate) fn field<'r, T>(row: &'r PgRow, index: usize) -> Result<T, TargetError>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    let unexpected =
        |_| TargetError::new(Class::Unexpected, "an answer of the server has another shape");
    row.try_get(index).map_err(unexpected)
}

/// The same number for the same role, so that two changes of it wait for each other.
fn lock_key(user: &str) -> i32 {
    use sha2::Digest;
    let digest = sha2::Sha256::digest(user);
    i32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}
