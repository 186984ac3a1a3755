use std::collections::HashMap;

use crate::servers::{Connection, Verdict};

/// What every line begins with: time, process, SQLSTATE, and for a client's process its user and database.
pub(super) const LINE_PREFIX: &str = "%m [%p] %e %q%u@%d ";

/// All connections over TCP, in their order, each with what the log tells of its end.
pub(super) fn connections(log: &str) -> Vec<Connection> {
    let mut all: Vec<Connection> = Vec::new();
    let mut latest: HashMap<&str, usize> = HashMap::new();
    for line in log.lines().filter_map(Line::parse) {
        if line.message.contains(" LOG:  connection received: host=127.0.0.1") {
            latest.insert(line.process, all.len());
            all.push(Connection { user: String::new(), verdict: Verdict::Open });
            continue;
        }
        let Some(connection) = latest.get(line.process).and_then(|&index| all.get_mut(index))
        else {
            continue;
        };
        if let Some(verdict) = line.verdict() {
            *connection = Connection { user: line.user().to_owned(), verdict };
        }
    }
    all
}

struct Line<'l> {
    process: &'l str,
    sqlstate: &'l str,
    message: &'l str,
}

impl<'l> Line<'l> {
    /// `2026-01-31 12:00:00.000 UTC [4711] 28P01 user@database FATAL:  …`
    fn parse(text: &'l str) -> Option<Self> {
        let (time, rest) = text.split_once(" [")?;
        if !time.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let (process, rest) = rest.split_once("] ")?;
        let (sqlstate, message) = rest.split_once(' ')?;
        Some(Self { process, sqlstate, message })
    }

    /// Of `user@database FATAL:  …`; either may hold any sign, and databases hold an `@` less often.
    fn user(&self) -> &'l str {
        let who = self.message.split("  ").next().unwrap_or_default();
        who.rsplit_once('@').map_or("", |(user, _)| user)
    }

    fn verdict(&self) -> Option<Verdict> {
        if self.message.contains(" LOG:  connection authorized: ") {
            return Some(Verdict::Authorized { tls: self.message.contains(" SSL enabled ") });
        }
        // A role without LOGIN or CONNECT and a missing database are found out only after the password was right.
        let at_login = ["28", "3D", "53", "57P03", "42501", "08"];
        let refused = at_login.iter().any(|class| self.sqlstate.starts_with(class))
            && (self.message.contains(" FATAL:  ") || self.message.contains(" LOG:  could not"));
        refused.then_some(Verdict::Refused)
    }
}
