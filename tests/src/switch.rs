//! A switch between clients and a PostgreSQL server: it cuts a connection at one message, or leads elsewhere.
//!
//! It reads what clients send, so they have to come without TLS.

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
    /// After the server has answered it, before the client has the answer.
    After,
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
    pub fn to(server: u16) -> Self {
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
                thread::spawn(move || drop(state.lead(client)));
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
    fn lead(&self, mut client: TcpStream) -> io::Result<()> {
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
        let done = self.requests(&mut client, &mut server, &swallow);
        if !swallow.load(Ordering::SeqCst) {
            drop(client.shutdown(Shutdown::Both));
            drop(server.shutdown(Shutdown::Both));
        }
        drop(back.join());
        done
    }

    fn requests(
        &self,
        client: &mut TcpStream,
        server: &mut TcpStream,
        swallow: &AtomicBool,
    ) -> io::Result<()> {
        // The first message has no type.
        let mut head = 0;
        loop {
            let message = message(client, head)?;
            head = 1;
            let last = self.seen.fetch_add(1, Ordering::SeqCst) == self.at.load(Ordering::SeqCst);
            if last && !self.after.load(Ordering::SeqCst) {
                return Ok(());
            }
            swallow.store(last, Ordering::SeqCst);
            server.write_all(&message)?;
            if last {
                return Ok(());
            }
        }
    }
}

/// Reads one message of a client: a type of so many bytes, and a length that counts itself.
fn message(client: &mut TcpStream, head: usize) -> io::Result<Vec<u8>> {
    let mut message = vec![0; head + 4];
    client.read_exact(&mut message)?;
    let length = message[head..].iter().fold(0, |all, byte| all << 8 | usize::from(*byte));
    let begun = message.len();
    message.resize(head + length, 0);
    client.read_exact(&mut message[begun..])?;
    Ok(message)
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
