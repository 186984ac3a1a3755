//! A switch between clients and a server: it cuts a connection at one message, or leads elsewhere.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicUsize, Ordering};
use std::thread;

/// When a connection is cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cut {
    /// Before the server has the message.
    Before,
    /// After the server has answered it, before the client has the answer; where it answers only the next one,
    /// after that.
    After,
}

/// How the messages of clients are told apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Protocol {
    /// PostgreSQL's own messages: clients have to come without TLS.
    Postgres,
    /// One that asks MySQL or MariaDB for TLS, and then TLS's records, of which each login and statement is one.
    MySql,
}

/// A port of the loopback interface behind which a server is, until it is dropped.
pub struct Switch {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    server: AtomicU16,
    /// How many messages of clients have come since the last [`Switch::cut`].
    seen: AtomicUsize,
    /// The message to cut at; none if it is the largest number.
    at: AtomicUsize,
    after: AtomicBool,
    ended: AtomicBool,
}

impl Switch {
    /// Leads to the server on this port.
    pub fn to(server: u16, protocol: Protocol) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        let state = Arc::new(State::default());
        state.server.store(server, Ordering::SeqCst);
        state.at.store(usize::MAX, Ordering::SeqCst);
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.ended.load(Ordering::SeqCst) {
                    return;
                }
                let state = Arc::clone(&shared);
                // That a connection breaks is what this is for.
                thread::spawn(move || drop(state.lead(client, protocol)));
            }
        });
        Self { port, state }
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Leads new connections to the server on another port.
    pub fn lead_to(&self, server: u16) {
        self.state.server.store(server, Ordering::SeqCst);
    }

    /// Cuts one connection, at the message of this number from now on, counted over all connections.
    pub fn cut(&self, at: usize, cut: Cut) {
        self.state.after.store(cut == Cut::After, Ordering::SeqCst);
        self.state.seen.store(0, Ordering::SeqCst);
        self.state.at.store(at, Ordering::SeqCst);
    }

    /// Cuts no more; whether something was cut.
    pub fn mend(&self) -> bool {
        let at = self.state.at.swap(usize::MAX, Ordering::SeqCst);
        self.state.seen.load(Ordering::SeqCst) > at
    }
}

impl State {
    fn lead(&self, mut client: TcpStream, protocol: Protocol) -> io::Result<()> {
        let port = self.server.load(Ordering::SeqCst);
        let mut server = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        let swallow = Arc::new(AtomicBool::new(false));
        let back = thread::spawn({
            let (from, to) = (server.try_clone()?, client.try_clone()?);
            let swallow = Arc::clone(&swallow);
            move || drop(answers(from, to, &swallow))
        });
        let done = self.requests(protocol, &mut client, &mut server, &swallow);
        if !swallow.load(Ordering::SeqCst) {
            drop(client.shutdown(Shutdown::Both));
            drop(server.shutdown(Shutdown::Both));
        }
        drop(back.join());
        done
    }

    fn requests(
        &self,
        protocol: Protocol,
        client: &mut TcpStream,
        server: &mut TcpStream,
        swallow: &AtomicBool,
    ) -> io::Result<()> {
        let mut first = true;
        loop {
            let message = protocol.message(client, first)?;
            first = false;
            let last = self.seen.fetch_add(1, Ordering::SeqCst) == self.at.load(Ordering::SeqCst);
            if last && !self.after.load(Ordering::SeqCst) {
                return Ok(());
            }
            if last {
                swallow.store(true, Ordering::SeqCst);
            }
            server.write_all(&message)?;
        }
    }
}

impl Protocol {
    /// Reads one message of a client.
    fn message(self, client: &mut TcpStream, first: bool) -> io::Result<Vec<u8>> {
        let number = |bytes: &[u8]| bytes.iter().fold(0, |all, byte| all << 8 | usize::from(*byte));
        // As it happens, both have as much before the length of the rest is known.
        let mut message = vec![0; if first { 4 } else { 5 }];
        client.read_exact(&mut message)?;
        let rest = match (self, first) {
            // A length that counts itself, after a type unless it is the first.
            (Self::Postgres, first) => number(&message[usize::from(!first)..]) - 4,
            // A length with its lowest byte first, and a number.
            (Self::MySql, true) => number(&[message[2], message[1], message[0]]),
            // A type, a version and a length.
            (Self::MySql, false) => number(&message[3..]),
        };
        let begun = message.len();
        message.resize(begun + rest, 0);
        client.read_exact(&mut message[begun..])?;
        Ok(message)
    }
}

/// Hands answers on, until the one that is to be swallowed: then both sides are cut off.
fn answers(mut server: TcpStream, mut client: TcpStream, swallow: &AtomicBool) -> io::Result<()> {
    let mut buffer = [0; 16_384];
    loop {
        let count = server.read(&mut buffer)?;
        if count == 0 || swallow.load(Ordering::SeqCst) {
            client.shutdown(Shutdown::Both)?;
            return server.shutdown(Shutdown::Both);
        }
        client.write_all(&buffer[..count])?;
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        // The listening thread sees the end at the next connection.
        drop(TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))));
    }
}

impl fmt::Debug for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Switch").field("port", &self.port).finish_non_exhaustive()
    }
}
