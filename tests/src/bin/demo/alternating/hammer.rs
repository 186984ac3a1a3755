//! A program that uses the database as if there were no rotation.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use tokio::time::sleep;
use turnlock_tests::world::World;

use crate::Problem;
use crate::stage::Stage;
use crate::tally::Tally;

const PAUSE: Duration = Duration::from_millis(10);

/// Reads the secret, logs in and works, again and again until all is over.
pub(crate) async fn hammer(
    stage: &Stage<World>,
    tally: &Tally,
    worker: usize,
    over: &AtomicBool,
) -> Result<(), Problem> {
    while !over.load(Ordering::Relaxed) {
        let (user, consumer) = stage.consumer("AWSCURRENT");
        let result = match consumer.log_in().await {
            Ok(Some(mut session)) => {
                let done = work(&mut session, worker).await.map(drop);
                session.close().await?;
                done.map_err(|problem| format!("{user}: {problem}"))
            }
            Ok(None) => Err(format!("{user} is refused")),
            Err(error) => Err(format!("{user}: {error}")),
        };
        tally.add(result);
        sleep(PAUSE).await;
    }
    Ok(())
}

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
