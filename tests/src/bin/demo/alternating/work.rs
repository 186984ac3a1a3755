//! What a consumer of PostgreSQL does.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row as _};

/// Writes, reads, drops the table that the worker made the last time, as whoever it was, and creates it again.
///
/// Returns whom the session acts as.
pub(crate) async fn work(session: &mut PgConnection, worker: usize) -> Result<String, String> {
    let statements = format!(
        "INSERT INTO orders (worker) VALUES ({worker}); SELECT count(*) FROM orders; \
         SELECT count(*) FROM prices; DROP TABLE IF EXISTS made_{worker}; \
         CREATE TABLE made_{worker} (id int); SELECT current_user::text"
    );
    let rows = sqlx::raw_sql(AssertSqlSafe(statements)).fetch_all(session).await;
    let rows = rows.map_err(|error| error.to_string())?;
    let role = rows.last().and_then(|row| row.try_get(0).ok());
    role.ok_or_else(|| "there was no answer".to_owned())
}
