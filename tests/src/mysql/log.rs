use std::collections::HashMap;

use crate::servers::{Connection, Verdict};

/// Where programs come from that are not to be counted; the log has it as an address where the server looks up no names.
const UNCOUNTED: &str = "127.0.0.2";

/// All connections over TCP of which the log has a user, in their order, each with what came of it.
///
/// A line `Connect` tells of an attempt; the next line of the same connection is a refusal, or else a command,
/// which only who was let in can send. Some refusals, as that of a locked account, have no line at all.
/// A server that is full refuses before it has asked for a user, and logs nothing.
pub(super) fn connections(log: &str) -> Vec<Connection> {
    let mut all: Vec<Connection> = Vec::new();
    let mut open: HashMap<&str, (usize, bool)> = HashMap::new();
    for text in log.lines() {
        if text.ends_with("started with:") {
            // After a restart the numbers begin again.
            open.clear();
            continue;
        }
        if let Some(number) = aborted(text) {
            if let Some((index, tls)) = open.remove(number) {
                all[index].verdict = Verdict::Authorized { tls };
            }
            continue;
        }
        let Some(line) = Line::parse(text) else { continue };
        if let Some((user, tls)) = line.attempt() {
            open.insert(line.connection, (all.len(), tls));
            all.push(Connection { user: user.to_owned(), verdict: Verdict::Unanswered });
        } else if let Some((index, tls)) = open.remove(line.connection) {
            all[index].verdict =
                if line.refuses() { Verdict::Refused } else { Verdict::Authorized { tls } };
        }
    }
    all
}

/// The connection of a user that was let in and went away without a word.
fn aborted(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("Aborted connection ")?;
    let (number, rest) = rest.split_once(' ')?;
    (!rest.contains("unauthenticated")).then_some(number)
}

struct Line<'l> {
    connection: &'l str,
    command: &'l str,
    argument: &'l str,
}

impl<'l> Line<'l> {
    /// `2026-01-31T12:00:00.000000Z<tab>   10 Query<tab>SELECT 1` is MySQL's. MariaDB has `260131 12:00:00<tab>`, and
    /// two tabs alone where the second is that of the line before.
    fn parse(text: &'l str) -> Option<Self> {
        let (time, rest) = text.split_once('\t')?;
        if !time.chars().all(|c| c.is_ascii_digit() || " :.-+TZ".contains(c)) {
            return None;
        }
        let rest = rest.strip_prefix('\t').unwrap_or(rest);
        let (connection, rest) = rest.trim_start().split_once(' ')?;
        if !connection.chars().all(|c| c.is_ascii_digit()) {
            return None;
        }
        let (command, argument) = rest.split_once('\t').unwrap_or((rest, ""));
        Some(Self { connection, command, argument })
    }

    /// The user and whether it came with TLS: `Connect<tab>user@host on database using SSL/TLS`.
    fn attempt(&self) -> Option<(&'l str, bool)> {
        if self.command != "Connect" || self.refuses() {
            return None;
        }
        let (who, transport) = self.argument.rsplit_once(" using ")?;
        let (who, _) = who.split_once(" on ")?;
        let (user, host) = who.rsplit_once('@')?;
        let counts = transport != "Socket" && host != UNCOUNTED;
        counts.then_some((user, transport == "SSL/TLS"))
    }

    /// A missing database and an expired password are found out only after the password was right.
    fn refuses(&self) -> bool {
        match self.command {
            "Connect" => !self.argument.contains(" using ") || self.denies(),
            "Init DB" => self.denies() || self.argument.starts_with("Unknown database "),
            _ => false,
        }
    }

    fn denies(&self) -> bool {
        self.argument.starts_with("Access denied for user ")
    }
}
