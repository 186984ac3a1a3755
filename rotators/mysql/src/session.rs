//! One login, and how it is spoken in.

use std::future::Future;
use std::time::Duration;

use futures_util::TryStreamExt;
use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Either, Row};
use tokio::time::timeout;
use turnlock::{Class, Sensitive, TargetError, Verdict};
use turnlock_database::fault::{LOG_IN, slow_login};
use turnlock_database::{Relay, Server, Trust};

use crate::account::Account;
use crate::digest::MOST_ROUNDS;
use crate::engine::Login;
use crate::fault::{self, Refusal};
use crate::plain::Plain;
use crate::policy::Rules;
use crate::sql::GUARD;
use crate::version::Version;

/// The longest wait for an answer.
const ANSWER: Duration = Duration::from_secs(6);
/// What `caching_sha2_password_digest_rounds` is where the server has no such setting.
const ROUNDS: u32 = 5000;

/// What is asked of the server after each login.
const QUESTION: &str = "SELECT VERSION(), CURRENT_USER(); SHOW GLOBAL VARIABLES WHERE Variable_name IN \
     ('read_only', 'super_read_only', 'innodb_read_only', 'caching_sha2_password_digest_rounds', \
     'general_log', 'strict_password_validation') OR Variable_name LIKE 'validate_password%' \
     OR Variable_name LIKE 'simple_password_check%'";

/// An open connection that the server has accepted.
#[derive(Debug)]
pub struct Session {
    connection: MySqlConnection,
    /// Kept for as long as the connection: dropping it hangs up.
    relay: Relay,
    server: String,
    facts: Facts,
}

/// What the server says of itself and of the login.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) version: Version,
    /// The account that the server took the login for.
    pub(crate) account: Account,
    /// `caching_sha2_password_digest_rounds`
    pub(crate) rounds: u32,
    pub(crate) general_log: bool,
    /// What it asks of passwords.
    pub(crate) rules: Rules,
    /// MariaDB's `strict_password_validation`: where passwords are checked, no digest is taken.
    pub(crate) strict: bool,
    read_only: bool,
}

/// The rows of one statement, of which each column is a text or NULL.
pub(crate) type Answer = Vec<Vec<Option<Sensitive>>>;

impl Session {
    /// Logs in; TLS unless the secret says otherwise, and never again without it.
    pub(crate) async fn open(login: &Login, trust: &Trust) -> Result<Verdict<Self>, TargetError> {
        let roots = trust.roots()?;
        let relay = relay(&login.server).await?;
        let options = options(login, &relay, roots);
        let mut connection = match timeout(LOG_IN, options.connect()).await {
            Ok(Ok(connection)) => connection,
            Ok(Err(_)) if relay.stopped() => {
                return Err(fault::needs_tls(&login.username, &login.server));
            }
            Ok(Err(error)) => return fault::of_login(&error, login, relay.answered()),
            Err(_) => return Err(slow_login(&login.server, relay.answered())),
        };
        let server = login.server.to_string();
        let facts = Facts::ask(&mut connection, &server).await?;
        Ok(Verdict::Accepted(Self { connection, relay, server, facts }))
    }

    /// Whether a login is accepted now.
    pub(crate) async fn accepts(login: &Login, trust: &Trust) -> Result<bool, TargetError> {
        match Self::open(login, trust).await? {
            Verdict::Accepted(session) => {
                session.close().await;
                Ok(true)
            }
            Verdict::Rejected(_) => Ok(false),
        }
    }

    /// The server, as `host:port`.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// What the server says of itself and of the login.
    pub(crate) fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Runs statements, the next one only after the one before has succeeded, and tells what each answers.
    pub(crate) async fn ask(
        &mut self,
        statements: &Sensitive,
        doing: &str,
    ) -> Result<Vec<Answer>, Refusal> {
        let doing = format!("{doing} at {}", self.server);
        answers(&mut self.connection, statements, &doing).await
    }

    /// Runs statements that change accounts, and fails also where the server only warns that it has not done one.
    ///
    /// With `IF EXISTS`, MariaDB makes a note of whatever keeps it from changing an account, and goes on.
    pub(crate) async fn change(
        &mut self,
        statements: &[Sensitive],
        doing: &str,
    ) -> Result<(), Refusal> {
        let statements = statements.iter().map(Sensitive::expose).collect::<Vec<_>>();
        // One text for all, made in one go: a string that grows leaves copies of itself behind.
        let all = format!("{}; SHOW WARNINGS", statements.join("; SHOW WARNINGS; "));
        let answers = self.ask(&Sensitive::new(all), doing).await?;
        let undone = |row: &Vec<Option<Sensitive>>| {
            let number = text(row, 1)?.parse().ok()?;
            (text(row, 0) == Some("Error") || fault::tells_of_nobody(number)).then_some(number)
        };
        match answers.iter().flatten().find_map(undone) {
            Some(number) => Err(Refusal::of(number, &format!("{doing} at {}", self.server))),
            None => Ok(()),
        }
    }

    /// Refuses a server that takes no writes, that is too old, or whose digests take too long.
    pub(crate) fn check_server(&self) -> Result<(), TargetError> {
        let Facts { version, read_only, rounds, .. } = self.facts;
        let (class, problem) = if read_only {
            let problem = "is a replica or takes no writes; `host` has to be the writer's endpoint";
            (Class::ReadOnly, problem.to_owned())
        } else if !version.is_supported() {
            let problem =
                "is too old: this function is for MySQL from 5.7.8 and MariaDB from 10.4.3 on";
            (Class::Refused, problem.to_owned())
        } else if rounds > MOST_ROUNDS {
            let problem = format!(
                "has caching_sha2_password_digest_rounds at {rounds}; with more than {MOST_ROUNDS} a login \
                 takes too long"
            );
            (Class::Refused, problem)
        } else {
            return Ok(());
        };
        Err(TargetError::new(class, format!("{} {problem}", self.server)))
    }

    /// Says goodbye, so that the server does not count a broken connection; that it fails decides nothing.
    pub(crate) async fn close(self) {
        let goodbye = timeout(ANSWER, self.connection.close());
        if !matches!(goodbye.await, Ok(Ok(()))) {
            tracing::debug!("a session did not close in good order");
        }
        // The server takes its time to hang up, and consumers may be waiting for the next step meanwhile.
        drop(tokio::spawn(self.relay.drained()));
    }
}

impl Facts {
    async fn ask(connection: &mut MySqlConnection, server: &str) -> Result<Self, TargetError> {
        let statements = Sensitive::new(format!("{GUARD}; {QUESTION}"));
        let doing = format!("asking {server} what it is");
        let answers = answers(connection, &statements, &doing).await?;
        Self::read(&answers).ok_or_else(|| unexpected(&doing))
    }

    fn read(answers: &[Answer]) -> Option<Self> {
        let [.., selected, shown] = answers else { return None };
        let [version, account] = selected.first()?.as_slice() else { return None };
        let variable = |name: &str| {
            let row = shown.iter().find(|row| text(row, 0).is_some_and(|shown| shown == name));
            row.and_then(|row| text(row, 1))
        };
        let on = |name| variable(name) == Some("ON");
        let (user, host) = account.as_ref()?.expose().rsplit_once('@')?;
        let version = version.as_ref()?.expose();
        Some(Self {
            version: Version::parse(version)?,
            account: Account::new(user, host),
            rounds: match variable("caching_sha2_password_digest_rounds") {
                Some(rounds) => rounds.parse().ok()?,
                None => ROUNDS,
            },
            general_log: on("general_log"),
            rules: Rules::read(variable)?,
            strict: on("strict_password_validation"),
            read_only: on("read_only") || on("super_read_only") || on("innodb_read_only"),
        })
    }
}

/// One column of a row, unless it is NULL.
pub(crate) fn text(row: &[Option<Sensitive>], column: usize) -> Option<&str> {
    row.get(column)?.as_ref().map(Sensitive::expose)
}

/// An answer that no server of a version that we know gives.
pub(crate) fn unexpected(doing: &str) -> TargetError {
    TargetError::new(Class::Unexpected, format!("{doing}: an answer has another shape"))
}

async fn answers(
    connection: &mut MySqlConnection,
    statements: &Sensitive,
    doing: &str,
) -> Result<Vec<Answer>, Refusal> {
    let mut stream = sqlx::raw_sql(AssertSqlSafe(statements.expose())).fetch_many(connection);
    let mut answers = Vec::new();
    let mut rows = Vec::new();
    // Each for itself: thousands of statements may take longer together, and Lambda's deadline bounds them all.
    while let Some(next) = bounded(stream.try_next(), doing).await? {
        match next {
            Either::Left(_) => answers.push(std::mem::take(&mut rows)),
            Either::Right(row) => {
                let row = columns(&row).map_err(|error| fault::of_statement(&error, doing))?;
                rows.push(row);
            }
        }
    }
    Ok(answers)
}

/// All columns of a row, which come as text whatever their type is.
fn columns(row: &MySqlRow) -> Result<Vec<Option<Sensitive>>, sqlx::Error> {
    let column = |index| Ok(row.try_get_unchecked::<Option<String>, _>(index)?.map(Sensitive::new));
    (0..row.len()).map(column).collect()
}

async fn bounded<T>(
    run: impl Future<Output = Result<T, sqlx::Error>>,
    doing: &str,
) -> Result<T, Refusal> {
    match timeout(ANSWER, run).await {
        Ok(done) => done.map_err(|error| fault::of_statement(&error, doing)),
        Err(_) => {
            let text = format!("no answer for {ANSWER:?} while {doing}");
            Err(Refusal { number: None, error: TargetError::new(Class::Timeout, text) })
        }
    }
}

async fn relay(server: &Server) -> Result<Relay, TargetError> {
    const SOCKET: &str = "mysql.sock";
    if server.tls_name.is_some() {
        return Relay::open(server, SOCKET).await;
    }
    let mut login = Plain::default();
    Relay::watched(server, SOCKET, move |bytes| login.passes(bytes)).await
}

fn options(login: &Login, relay: &Relay, roots: Vec<u8>) -> MySqlConnectOptions {
    let options = MySqlConnectOptions::new()
        .socket(relay.socket())
        .username(&login.username)
        .password(login.password.expose())
        .statement_cache_capacity(0)
        // The driver's own settings would be a round trip; ours come with the first question.
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None::<String>)
        .set_names(false)
        .disable_statement_logging();
    let options = match &login.database {
        Some(database) => options.database(database),
        None => options,
    };
    match &login.server.tls_name {
        Some(name) => {
            options.host(name).ssl_mode(MySqlSslMode::VerifyIdentity).ssl_ca_from_pem(roots)
        }
        None => options.ssl_mode(MySqlSslMode::Disabled),
    }
}
