use std::collections::HashMap;

/// What every line begins with: time, process, SQLSTATE, and for a client's process its user and database.
pub(super) const LINE_PREFIX: &str = "%m [%p] %e %q%u@%d ";

/// A place in a server's log.
#[derive(Clone, Copy, Debug)]
pub struct Mark(pub(super) usize);

/// One user's attempts to log in over TCP, as the server counted them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Logins {
    /// Sessions that were let in.
    pub accepted: usize,
    /// Attempts that were refused, for whatever reason.
    pub failed: usize,
    /// How many of the accepted ones came without TLS.
    pub plaintext: usize,
}

impl Logins {
    pub(super) fn of(user: &str, log: &str) -> Self {
        let mut logins = Self::default();
        for connection in connections(log) {
            match connection.verdict {
                Verdict::Refused if connection.is_by(user, log) => logins.failed += 1,
                Verdict::Authorized { tls } if connection.is_by(user, log) => {
                    logins.accepted += 1;
                    logins.plaintext += usize::from(!tls);
                }
                Verdict::Open | Verdict::Refused | Verdict::Authorized { .. } => {}
            }
        }
        logins
    }
}

/// Whether every connection that the log tells of was either let in or refused.
pub(super) fn is_settled(log: &str) -> bool {
    connections(log).iter().all(|connection| connection.verdict != Verdict::Open)
}

struct Connection {
    /// Byte range of the line that told the verdict, or of the first line.
    line: std::ops::Range<usize>,
    verdict: Verdict,
}

#[derive(Clone, Copy, Eq, PartialEq)]
enum Verdict {
    Open,
    Authorized { tls: bool },
    Refused,
}

impl Connection {
    fn is_by(&self, user: &str, log: &str) -> bool {
        let line = Line::parse(&log[self.line.clone()]);
        line.is_some_and(|line| line.message.starts_with(&format!("{user}@")))
    }
}

fn connections(log: &str) -> Vec<Connection> {
    let mut all: Vec<Connection> = Vec::new();
    let mut latest: HashMap<&str, usize> = HashMap::new();
    let mut start = 0;
    for text in log.split_inclusive('\n') {
        let range = start..start + text.len();
        start = range.end;
        let Some(line) = Line::parse(text) else { continue };
        if line.message.contains(" LOG:  connection received: host=127.0.0.1") {
            latest.insert(line.process, all.len());
            all.push(Connection { line: range, verdict: Verdict::Open });
            continue;
        }
        let Some(connection) = latest.get(line.process).and_then(|&index| all.get_mut(index))
        else {
            continue;
        };
        if let Some(verdict) = line.verdict() {
            *connection = Connection { line: range, verdict };
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
