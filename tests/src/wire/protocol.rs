//! How messages are told apart, and what they are called.

use std::io::{self, BufRead as _, BufReader, Error, Read as _};
use std::net::TcpStream;

/// What is spoken on a wire.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protocol {
    /// PostgreSQL's own messages: clients have to come without TLS.
    Postgres,
    /// One that asks MySQL or MariaDB for TLS, and then TLS's records, of which each login and statement is one.
    MySql,
    /// HTTP/1.1 of a server of this name, without TLS; bodies say their length.
    Http(&'static str),
}

/// What a client says, message by message.
pub(super) struct Requests<'a> {
    protocol: Protocol,
    client: BufReader<&'a TcpStream>,
    is_first: bool,
}

impl<'a> Requests<'a> {
    pub(super) fn of(protocol: Protocol, client: &'a TcpStream) -> Self {
        Self { protocol, client: BufReader::new(client), is_first: true }
    }

    /// The next message, whole.
    pub(super) fn next(&mut self) -> io::Result<Vec<u8>> {
        let is_first = std::mem::replace(&mut self.is_first, false);
        let mut message = Vec::new();
        let rest = match (self.protocol, is_first) {
            (Protocol::Http(_), _) => self.head(&mut message)?,
            // As it happens, both have as much before the length of the rest is known.
            (Protocol::Postgres | Protocol::MySql, first) => {
                message.resize(if first { 4 } else { 5 }, 0);
                self.client.read_exact(&mut message)?;
                self.protocol.rest(&message, first)
            }
        };
        let begun = message.len();
        message.resize(begun + rest, 0);
        self.client.read_exact(&mut message[begun..])?;
        Ok(message)
    }

    /// The head of a request; the length of its body.
    fn head(&mut self, message: &mut Vec<u8>) -> io::Result<usize> {
        let mut length = 0;
        loop {
            let begun = message.len();
            if self.client.read_until(b'\n', message)? == 0 {
                return Err(Error::from(io::ErrorKind::UnexpectedEof));
            }
            let line = String::from_utf8_lossy(&message[begun..]).to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().map_err(Error::other)?;
            }
            assert!(!line.starts_with("transfer-encoding:"), "a body without a length");
            if line.trim_end().is_empty() {
                return Ok(length);
            }
        }
    }

    /// Reads until the client has hung up or is no more.
    pub(super) fn wait_for_the_end(&mut self) {
        drop(io::copy(&mut self.client, &mut io::sink()));
    }
}

impl Protocol {
    /// How much comes after what a message begins with.
    fn rest(self, begun: &[u8], is_first: bool) -> usize {
        let number = |bytes: &[u8]| bytes.iter().fold(0, |all, byte| all << 8 | usize::from(*byte));
        match (self, is_first) {
            // A length that counts itself, after a type unless it is the first.
            (Self::Postgres, first) => number(&begun[usize::from(!first)..]) - 4,
            // A length with its lowest byte first, and a number.
            (Self::MySql, true) => number(&[begun[2], begun[1], begun[0]]),
            // A type, a version and a length.
            (Self::MySql, false) => number(&begun[3..]),
            (Self::Http(_), _) => 0,
        }
    }

    /// The server, and what a message is called: no secret is in it.
    pub(super) fn name(self, message: &[u8]) -> String {
        let length = message.len();
        match self {
            Self::Postgres => {
                let kind = message.first().map_or('?', |byte| char::from(*byte)).escape_default();
                format!("PostgreSQL: '{kind}', {length} bytes")
            }
            Self::MySql => format!("the database: {length} bytes"),
            Self::Http(server) => format!("{server}: {}", line_of(message)),
        }
    }
}

/// The first line of a message of HTTP, and the operation where it is a call to AWS.
fn line_of(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message);
    let mut lines = text.lines();
    let line = lines.next().unwrap_or_default().to_owned();
    let operation = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        let value = value.trim().strip_prefix("secretsmanager.")?;
        name.eq_ignore_ascii_case("x-amz-target").then(|| value.to_owned())
    });
    operation.unwrap_or(line)
}
