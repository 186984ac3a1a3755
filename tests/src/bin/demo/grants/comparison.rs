//! What the server prints of both users, side by side.

use std::collections::BTreeSet;

use turnlock_tests::mysql::{Product, Server};
use turnlock_tests::world::mysql::USER;

use super::CLONE;
use super::zoo::Change;
use crate::screen::{Ink, Line};
use crate::text;

/// Where the name of a user was.
const NAME: &str = "…";
/// Columns of a statement.
const WIDTH: usize = 60;

/// Both users' statements.
pub(crate) struct Comparison([Vec<String>; 2]);

impl Comparison {
    /// Asks as root, for all that there is.
    pub(crate) async fn make(server: &Server) -> Self {
        Self([printed(server, USER).await, printed(server, CLONE).await])
    }

    pub(crate) fn is_equal(&self) -> bool {
        let [one, other] = &self.0;
        !one.is_empty() && sorted(one) == sorted(other)
    }

    pub(crate) fn verdict(&self) -> &'static str {
        if self.is_equal() { "equal" } else { "NOT EQUAL" }
    }

    /// Whether both have what was granted, or both have not what was revoked.
    pub(crate) fn agrees(&self, change: &Change) -> bool {
        let has = |line: &String| line.contains(change.on) && line.contains(change.privilege);
        self.0.iter().all(|lines| lines.iter().any(has) == change.is_grant)
    }

    /// A table: each statement, and who has it.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let [one, other] = &self.0;
        let title = format!("  {:<WIDTH$}  {USER:<5}  {CLONE}", "");
        let mut lines = vec![Line::new().add(Ink::Bold, title)];
        let only_other = other.iter().filter(|line| !one.contains(line));
        for statement in one.iter().chain(only_other) {
            let marks = [one, other].map(|all| all.contains(statement));
            let mut marks = Some(marks);
            for part in text::indented(statement, WIDTH) {
                let mut line = Line::new().add(Ink::Plain, format!("  {part:<WIDTH$}"));
                for has in marks.take().into_iter().flatten() {
                    let (mark, ink) = if has { ("✓", Ink::Good) } else { ("✗", Ink::Bad) };
                    line = line.add(ink, format!("  {mark:<5}"));
                }
                lines.push(line);
            }
        }
        lines
    }
}

/// What SHOW GRANTS prints of a user, without its name and digest.
pub(crate) async fn grants(server: &Server, user: &str) -> Vec<String> {
    let rows = server.query_all(&format!("SHOW GRANTS FOR {user}@'%'")).await;
    rows.iter().map(|row| anonymous(row, user)).collect()
}

/// Statements in lines.
pub(crate) fn wrapped(statements: &[String], width: usize) -> Vec<Line> {
    let lines = statements.iter().flat_map(|statement| text::indented(statement, width));
    lines.map(|line| Line::from(format!("  {line}"))).collect()
}

/// SHOW GRANTS and SHOW CREATE USER.
async fn printed(server: &Server, user: &str) -> Vec<String> {
    let mut all = grants(server, user).await;
    // A digest of MySQL's can have quotes in it; then it is printed as a number.
    let printing = match server.product() {
        Product::MySql => "SET print_identified_with_as_hex = ON; ",
        Product::MariaDb => "",
    };
    let created = server.query_all(&format!("{printing}SHOW CREATE USER {user}@'%'")).await;
    all.extend(created.iter().map(|row| anonymous(row, user)));
    all
}

fn sorted(lines: &[String]) -> BTreeSet<&String> {
    lines.iter().collect()
}

/// What MySQL says of what nobody has set.
const DEFAULTS: [&str; 4] = [
    " PASSWORD EXPIRE DEFAULT",
    " PASSWORD HISTORY DEFAULT",
    " PASSWORD REUSE INTERVAL DEFAULT",
    " PASSWORD REQUIRE CURRENT DEFAULT",
];

/// Without the user's name and the other's, without the digest, and without defaults.
fn anonymous(row: &str, user: &str) -> String {
    let mut text = row.replace(&format!("`{user}`@`%`"), NAME);
    let other = if user == USER { CLONE } else { USER };
    // Our own mark.
    text = text.replace(&format!("\"alternates_with\": \"{other}\""), "\"alternates_with\": …");
    text = DEFAULTS.iter().fold(text, |text, default| text.replace(default, ""));
    let digests = [(" IDENTIFIED BY PASSWORD '", '\''), (" AS '", '\''), (" AS 0x", ' ')];
    for (start, end) in digests {
        if let Some((before, digest)) = text.split_once(start)
            && let Some((_, after)) = digest.split_once(end)
        {
            text = format!("{before} {}", after.trim_start());
        }
    }
    text.truncate(text.trim_end().len());
    text
}
