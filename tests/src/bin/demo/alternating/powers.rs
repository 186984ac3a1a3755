//! What each of two logins can do, found out by doing it.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _, Row as _};
use turnlock_tests::world::World;

use crate::Problem;
use crate::screen::{Ink, Line};
use crate::stage::Stage;

/// What is tried; the answer is the last row, or the error's code.
const TRIED: [(&str, &str); 9] = [
    ("acts as", "SELECT current_user::text"),
    ("alters the table orders of app's", "BEGIN; ALTER TABLE orders ADD note text; ROLLBACK"),
    (
        "creates a table, which belongs to",
        "BEGIN; CREATE TABLE new (id int); \
         SELECT tableowner::text FROM pg_tables WHERE tablename = 'new'; ROLLBACK",
    ),
    ("reads prices, granted to app", "SELECT 'yes'::text FROM (SELECT count(*) FROM prices) p"),
    ("reads salaries, granted to nobody", "SELECT count(*)::text FROM salaries"),
    ("sees by row security, of 2 tickets", "SELECT count(*)::text FROM tickets"),
    ("may create databases", "SELECT rolcreatedb::text FROM pg_roles WHERE rolname = current_user"),
    ("has the search_path", "SELECT current_setting('search_path')"),
    (
        "has the connection limit",
        "SELECT rolconnlimit::text FROM pg_roles WHERE rolname = session_user",
    ),
];

/// A table of what was tried.
pub(crate) struct Powers {
    users: [String; 2],
    rows: Vec<(String, [String; 2])>,
}

impl Powers {
    /// Tries all of it as both users, and once more after a privilege was revoked.
    pub(crate) async fn compare(stage: &Stage<World>) -> Result<Self, Problem> {
        let mut sessions = Vec::new();
        for label in ["AWSCURRENT", "AWSPREVIOUS"] {
            let (user, consumer) = stage.consumer(label);
            sessions.push((user, consumer.log_in().await?.ok_or("a login is refused")?));
        }
        sessions.sort_by(|(one, _), (other, _)| one.cmp(other));
        let Ok([(first, mut one), (second, mut other)]) = <[_; 2]>::try_from(sessions) else {
            return Err("there are not two sessions".into());
        };
        let mut rows = Vec::new();
        for (title, statements) in TRIED {
            let answers = [tried(&mut one, statements).await, tried(&mut other, statements).await];
            rows.push((title.to_owned(), answers));
        }
        stage.world.server.sql("REVOKE SELECT ON prices FROM app").await;
        let again = "SELECT count(*)::text FROM prices";
        let answers = [tried(&mut one, again).await, tried(&mut other, again).await];
        rows.push(("reads prices, revoked from app now".to_owned(), answers));
        one.close().await?;
        other.close().await?;
        Ok(Self { users: [first, second], rows })
    }

    pub(crate) fn are_equal(&self) -> bool {
        self.rows.iter().all(|(_, [one, other])| one == other)
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        let [first, second] = &self.users;
        let title = format!("  {:<36}  {first:<14}  {second}", "");
        let mut lines = vec![Line::new().add(Ink::Bold, title)];
        for (title, [one, other]) in &self.rows {
            let (mark, ink) = if one == other { ("✓", Ink::Good) } else { ("✗", Ink::Bad) };
            let row = format!("  {title:<36}  {one:<14}  {other:<14}  ");
            lines.push(Line::new().add(Ink::Plain, row).add(ink, mark));
        }
        let different = "  Not the same is session_user: the name that was used to log in.";
        lines.push(Line::new().add(Ink::Faint, different));
        lines
    }
}

async fn tried(session: &mut PgConnection, statements: &'static str) -> String {
    match sqlx::raw_sql(AssertSqlSafe(statements)).fetch_all(session).await {
        Ok(rows) => {
            let answer = rows.last().and_then(|row| row.try_get(0).ok());
            answer.unwrap_or_else(|| "yes".to_owned())
        }
        Err(error) => {
            let code = error.as_database_error().and_then(|error| error.code());
            format!("no [{}]", code.unwrap_or_default())
        }
    }
}
