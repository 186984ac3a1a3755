use std::ops::Add;

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
    pub(super) fn of(user: &str, connections: &[Connection]) -> Self {
        let mut logins = Self::default();
        for connection in connections.iter().filter(|connection| connection.user == user) {
            match connection.verdict {
                Verdict::Refused | Verdict::Unanswered => logins.failed += 1,
                Verdict::Authorized { tls } => {
                    logins.accepted += 1;
                    logins.plaintext += usize::from(!tls);
                }
                Verdict::Open => {}
            }
        }
        logins
    }
}

impl Add for Logins {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            accepted: self.accepted + other.accepted,
            failed: self.failed + other.failed,
            plaintext: self.plaintext + other.plaintext,
        }
    }
}

/// One connection over TCP that a server's log tells of.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Connection {
    /// Empty until the log names it.
    pub(crate) user: String,
    pub(crate) verdict: Verdict,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// It may yet become anything, and may be nobody's attempt to log in.
    Open,
    /// Refused, unless the log goes on: not every refusal has a line of its own.
    Unanswered,
    Authorized {
        tls: bool,
    },
    Refused,
}

impl Verdict {
    pub(super) fn is_final(self) -> bool {
        match self {
            Self::Open | Self::Unanswered => false,
            Self::Authorized { .. } | Self::Refused => true,
        }
    }
}
