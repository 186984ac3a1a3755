use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlRow, MySqlSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};

use super::server::Server;
use super::setup::Product;
use crate::servers::Tls;

/// What a server says to a login that it does not let in, beside SQLSTATE 28000: a locked account, on MySQL and
/// on MariaDB, one locked by failed logins, on each, and an expired password.
const REJECTIONS: [u16; 5] = [3118, 4151, 3955, 4150, 1862];

impl Server {
    /// Runs statements as root, outside any count of logins.
    ///
    /// # Panics
    ///
    /// If the server refuses one of them.
    pub async fn sql(&self, statements: &str) {
        let mut root = self.root().await;
        sqlx::raw_sql(AssertSqlSafe(statements))
            .execute(&mut root)
            .await
            .unwrap_or_else(|error| panic!("{statements}: {error}{}", self.last_words(&error)));
        root.close().await.expect("a session can be ended");
    }

    /// The same where the server may refuse one of them: whether it did not.
    pub async fn attempt(&self, statements: &str) -> bool {
        let mut root = self.root().await;
        let done = sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut root).await;
        root.close().await.expect("a session can be ended");
        done.is_ok()
    }

    /// The first column of the first row of root's query, as the server prints it; NULL is empty.
    ///
    /// # Panics
    ///
    /// If the server refuses the query or it has no row.
    pub async fn query_one(&self, query: &str) -> String {
        let rows = self.rows(query).await;
        column(rows.first().unwrap_or_else(|| panic!("{query}: no row")), 0)
    }

    /// All rows of root's query, as the server prints them, with tabs between the columns; NULL is empty.
    ///
    /// # Panics
    ///
    /// If the server refuses the query.
    pub async fn query_all(&self, query: &str) -> Vec<String> {
        let print = |row: &MySqlRow| {
            (0..row.len()).map(|index| column(row, index)).collect::<Vec<_>>().join("\t")
        };
        self.rows(query).await.iter().map(print).collect()
    }

    /// What the server stores of how an account proves who it is: plugins and digests.
    ///
    /// # Panics
    ///
    /// If there is no such account.
    pub async fn stored_password(&self, user: &str, host: &str) -> String {
        let query = match self.product() {
            // The second password is among the attributes.
            Product::MySql => {
                "SELECT concat_ws(' ', plugin, authentication_string, \
                 json_extract(user_attributes, '$.additional_password')) FROM mysql.user"
            }
            Product::MariaDb => {
                "SELECT concat_ws(' ', json_value(priv, '$.plugin'), \
                 json_value(priv, '$.authentication_string'), json_extract(priv, '$.auth_or')) \
                 FROM mysql.global_priv"
            }
        };
        self.query_one(&format!("{query} WHERE user = '{user}' AND host = '{host}'")).await
    }

    async fn rows(&self, query: &str) -> Vec<MySqlRow> {
        let mut root = self.root().await;
        let rows = sqlx::raw_sql(AssertSqlSafe(query))
            .fetch_all(&mut root)
            .await
            .unwrap_or_else(|error| panic!("{query}: {error}{}", self.last_words(&error)));
        root.close().await.expect("a session can be ended");
        rows
    }

    /// The end of the log, where it was not the server that answered with an error: it may be gone.
    fn last_words(&self, error: &sqlx::Error) -> String {
        const LINES: usize = 80;
        if matches!(error, sqlx::Error::Database(_)) {
            return String::new();
        }
        let log = self.log();
        let lines: Vec<&str> = log.lines().collect();
        format!("\n{}", lines[lines.len().saturating_sub(LINES)..].join("\n"))
    }

    /// Whether a consumer with this password is let in; one attempt in the server's log.
    ///
    /// # Panics
    ///
    /// If the server neither lets it in nor rejects it: not knowing is not an answer.
    pub async fn can_log_in(&self, user: &str, password: &str) -> bool {
        match self.log_in(user, password).await {
            Ok(connection) => {
                connection.close().await.expect("a session can be ended");
                true
            }
            Err(sqlx::Error::Database(error)) if is_rejection(error.as_ref()) => false,
            Err(error) => panic!("neither let in nor rejected: {error}"),
        }
    }

    /// Logs in as a consumer would: over TCP, and with TLS where the server has it.
    ///
    /// Without TLS, MySQL wants the password encrypted for a key of its own, which this client does not do: there,
    /// only users of MariaDB and users without a password can log in.
    ///
    /// # Errors
    ///
    /// Whatever the server or the network answers instead of a session.
    pub async fn log_in(&self, user: &str, password: &str) -> Result<MySqlConnection, sqlx::Error> {
        let mut options = options().host(self.host()).port(self.port()).username(user);
        if !password.is_empty() {
            options = options.password(password);
        }
        let options = match self.setup().tls {
            Tls::Off => options.ssl_mode(MySqlSslMode::Disabled),
            Tls::Untrusted => options.ssl_mode(MySqlSslMode::Required),
            Tls::WrongName => options.ssl_mode(MySqlSslMode::VerifyCa).ssl_ca(self.ca_file()),
            Tls::Trusted | Tls::TrustedFor(_) => {
                options.ssl_mode(MySqlSslMode::VerifyIdentity).ssl_ca(self.ca_file())
            }
        };
        options.connect().await
    }

    /// A connection that the server is still refusing has root's place for a moment, where all others are taken.
    async fn root(&self) -> MySqlConnection {
        const TRIES: usize = 100;
        const PAUSE: Duration = Duration::from_millis(20);
        let options = options().socket(self.socket()).ssl_mode(MySqlSslMode::Disabled);
        let options = options.username("root");
        for _ in 1..TRIES {
            match options.connect().await {
                Err(sqlx::Error::Database(error)) if error.message() == "Too many connections" => {
                    tokio::time::sleep(PAUSE).await;
                }
                done => return done.expect("root is let in"),
            }
        }
        options.connect().await.expect("root is let in")
    }
}

/// The session's `sql_mode` stays the server's.
fn options() -> MySqlConnectOptions {
    MySqlConnectOptions::new().pipes_as_concat(false).no_engine_substitution(false)
}

fn is_rejection(error: &(dyn sqlx::error::DatabaseError + 'static)) -> bool {
    let number = error
        .try_downcast_ref::<sqlx::mysql::MySqlDatabaseError>()
        .map(sqlx::mysql::MySqlDatabaseError::number);
    error.code().is_some_and(|code| code == "28000")
        || number.is_some_and(|number| REJECTIONS.contains(&number))
}

fn column(row: &MySqlRow, index: usize) -> String {
    let value: Option<Vec<u8>> = row.try_get_unchecked(index).expect("a row has the column");
    String::from_utf8_lossy(&value.unwrap_or_default()).into_owned()
}
