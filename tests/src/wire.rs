//! Wires between the function and what it talks to. A fuse counts the messages of several of them together, and
//! blows at one.

mod fuse;
mod protocol;

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::thread;

pub use fuse::{Blow, Blown, Fuse, Point};
pub use protocol::Protocol;

use fuse::{Direction, Fate, Life};
use protocol::Requests;

/// A port of the loopback interface behind which a server is, until it is dropped.
pub struct Wire {
    port: u16,
    state: Arc<State>,
}

struct State {
    protocol: Protocol,
    fuse: Fuse,
    server: AtomicU16,
    ended: AtomicBool,
}

impl Wire {
    /// Leads to the server on this port.
    pub fn to(server: u16, protocol: Protocol, fuse: &Fuse) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        let server = AtomicU16::new(server);
        let ended = AtomicBool::new(false);
        let state = Arc::new(State { protocol, fuse: fuse.clone(), server, ended });
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

    /// One whose server is not there yet: [`lead_to`](Self::lead_to) names it.
    pub fn loose(protocol: Protocol, fuse: &Fuse) -> Self {
        Self::to(0, protocol, fuse)
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Leads new connections to the server on another port.
    pub fn lead_to(&self, server: u16) {
        self.state.server.store(server, Ordering::SeqCst);
    }
}

impl State {
    fn lead(&self, client: TcpStream) -> io::Result<()> {
        // Whoever is not killed, but comes too early, hears so.
        let Some(life) = self.fuse.connect() else { return Ok(()) };
        let port = self.server.load(Ordering::SeqCst);
        let server = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        client.set_nodelay(true)?;
        server.set_nodelay(true)?;
        thread::scope(|threads| {
            threads.spawn(|| drop(self.answers(&server, &client, life)));
            // Of a dead connection nobody hears until the client has ended.
            drop(self.requests(&client, &server, life));
            drop(client.shutdown(Shutdown::Both));
            drop(server.shutdown(Shutdown::Both));
        });
        Ok(())
    }

    /// Hands on what the client says, message by message.
    fn requests(&self, client: &TcpStream, mut server: &TcpStream, life: Life) -> io::Result<()> {
        let mut requests = Requests::of(self.protocol, client);
        loop {
            let request = requests.next()?;
            let text = || self.protocol.name(&request);
            match self.fuse.meet(life, Direction::Request, text) {
                Fate::Passes => server.write_all(&request)?,
                Fate::IsTheLast => {
                    server.write_all(&request)?;
                    requests.wait_for_the_end();
                    return Ok(());
                }
                Fate::Cuts => return Ok(()),
                Fate::IsLost => {
                    requests.wait_for_the_end();
                    return Ok(());
                }
            }
        }
    }

    /// Hands on what the server says; what it says at once is one message.
    fn answers(
        &self,
        mut server: &TcpStream,
        mut client: &TcpStream,
        life: Life,
    ) -> io::Result<()> {
        let mut buffer = vec![0; 65_536];
        loop {
            let count = server.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            let answer = &buffer[..count];
            let text = || self.protocol.name(answer);
            match self.fuse.meet(life, Direction::Answer, text) {
                Fate::Passes => client.write_all(answer)?,
                Fate::Cuts => break,
                Fate::IsTheLast | Fate::IsLost => return Ok(()),
            }
        }
        if self.fuse.is_alive(life) {
            client.shutdown(Shutdown::Both)?;
        }
        server.shutdown(Shutdown::Both)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        // The listening thread sees the end at the next connection.
        drop(TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))));
    }
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wire").field("port", &self.port).finish_non_exhaustive()
    }
}
