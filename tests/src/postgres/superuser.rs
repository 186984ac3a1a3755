use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _, ValueRef as _};

use super::server::Server;
use crate::servers::Tls;

impl Server {
    /// Runs statements as the superuser, outside any count of logins.
    ///
    /// # Panics
    ///
    /// If the server refuses one of them.
    pub async fn sql(&self, statements: &str) {
        self.sql_in("postgres", statements).await;
    }

    /// The same in another database.
    ///
    /// # Panics
    ///
    /// If the server refuses one of them.
    pub async fn sql_in(&self, database: &str, statements: &str) {
        let mut connection = self.superuser(database).await;
        sqlx::raw_sql(AssertSqlSafe(statements))
            .execute(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{statements}: {error}"));
        connection.close().await.expect("a session can be ended");
    }

    /// The first column of the first row of a superuser's query, as the server prints it; NULL is empty.
    ///
    /// # Panics
    ///
    /// If the server refuses the query or it has no row.
    pub async fn query_one(&self, query: &str) -> String {
        self.query_one_in("postgres", query).await
    }

    /// The same in another database.
    ///
    /// # Panics
    ///
    /// If the server refuses the query or it has no row.
    pub async fn query_one_in(&self, database: &str, query: &str) -> String {
        let mut connection = self.superuser(database).await;
        let row = sqlx::raw_sql(AssertSqlSafe(query))
            .fetch_one(&mut connection)
            .await
            .unwrap_or_else(|error| panic!("{query}: {error}"));
        let value = row.try_get_raw(0).expect("a row has a column");
        let text = if value.is_null() { "" } else { value.as_str().expect("text") }.to_owned();
        connection.close().await.expect("a session can be ended");
        text
    }

    /// Whether a consumer with this password is let in; one attempt in the server's log.
    ///
    /// # Panics
    ///
    /// If the server neither lets it in nor rejects it: not knowing is not an answer.
    pub async fn can_log_in(&self, user: &str, password: &str, database: &str) -> bool {
        match self.log_in(user, password, database).await {
            Ok(connection) => {
                connection.close().await.expect("a session can be ended");
                true
            }
            Err(sqlx::Error::Database(error))
                if error.code().is_some_and(|code| code.starts_with("28")) =>
            {
                false
            }
            Err(error) => panic!("neither let in nor rejected: {error}"),
        }
    }

    /// Logs in as a consumer would: over TCP, and with TLS where the server has it.
    ///
    /// # Errors
    ///
    /// Whatever the server or the network answers instead of a session.
    pub async fn log_in(
        &self,
        user: &str,
        password: &str,
        database: &str,
    ) -> Result<PgConnection, sqlx::Error> {
        let options = PgConnectOptions::new_without_pgpass()
            .host(self.host())
            .port(self.port())
            .username(user)
            .password(password)
            .database(database);
        let options = match self.setup().tls {
            Tls::Off => options.ssl_mode(PgSslMode::Disable),
            Tls::Untrusted => options.ssl_mode(PgSslMode::Require),
            Tls::WrongName => options.ssl_mode(PgSslMode::VerifyCa).ssl_root_cert(self.ca_file()),
            Tls::Trusted | Tls::TrustedFor(_) => {
                options.ssl_mode(PgSslMode::VerifyFull).ssl_root_cert(self.ca_file())
            }
        };
        options.connect().await
    }

    /// A session of the superuser, over the Unix socket.
    pub(super) async fn superuser(&self, database: &str) -> PgConnection {
        PgConnectOptions::new_without_pgpass()
            .socket(self.socket_folder())
            .port(self.port())
            .ssl_mode(PgSslMode::Disable)
            .username("postgres")
            .database(database)
            .connect()
            .await
            .expect("the superuser is let in")
    }
}
