//! Servers on the loopback interface that are each named by their one fault.
//!
//! Each listens from its start until it is dropped, on threads of its own, so that a test may block.

pub mod mysql;

use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustls::{ServerConnection, StreamOwned};

use crate::certificates::Authority;

/// The name that clients reach all of them by.
pub const HOST: &str = "localhost";

/// Accepts every connection and never says a word.
#[derive(Debug)]
pub struct AcceptsThenHangs(Listener);

/// Accepts every connection and closes it before a word is said.
#[derive(Debug)]
pub struct ClosesAtOnce(Listener);

/// Answers everything with bytes that no protocol knows.
#[derive(Debug)]
pub struct SpeaksNonsense(Listener);

/// Answers a request for TLS by `N`, as a server without TLS does, and closes what comes after it.
#[derive(Debug)]
pub struct RefusesTls(Listener);

/// Does the TLS handshake with a certificate for `localhost`, and never says a word after it.
#[derive(Debug)]
pub struct HangsAfterTls {
    listener: Listener,
    authority: String,
}

/// A port that nobody listens on, and that nobody else is given meanwhile.
#[derive(Debug)]
pub struct ClosedPort {
    port: u16,
    _holders: (TcpStream, TcpListener),
}

impl AcceptsThenHangs {
    /// Starts to listen.
    pub fn start() -> Self {
        Self(Listener::start(wait_for_the_client_to_leave))
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.0.port
    }

    /// How many connections it has had.
    pub fn connections(&self) -> usize {
        self.0.connections()
    }
}

impl ClosesAtOnce {
    /// Starts to listen.
    pub fn start() -> Self {
        Self(Listener::start(drop))
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.0.port
    }
}

impl SpeaksNonsense {
    /// Starts to listen.
    pub fn start() -> Self {
        Self(Listener::start(|mut client| {
            let mut heard = [0; 1024];
            while client.read(&mut heard).is_ok_and(|count| count > 0) {
                if client.write_all(b"\x7f\x00\xff nonsense \x01\x02\x03\r\n").is_err() {
                    return;
                }
            }
        }))
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.0.port
    }
}

impl RefusesTls {
    /// Starts to listen.
    pub fn start() -> Self {
        Self(Listener::start(|mut client| {
            let mut request = [0; 8];
            if client.read_exact(&mut request).is_ok() && request == SSL_REQUEST {
                drop(client.write_all(b"N"));
                drop(client.read(&mut request));
            }
        }))
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.0.port
    }
}

impl HangsAfterTls {
    /// Starts to listen.
    pub fn start() -> Self {
        let authority = Authority::new();
        let issued = authority.issue(&[HOST.to_owned(), "127.0.0.1".to_owned()]);
        let config = issued.server();
        let listener = Listener::start(move |mut client| {
            let mut request = [0; 8];
            if client.read_exact(&mut request).is_err() || client.write_all(b"S").is_err() {
                return;
            }
            let session =
                ServerConnection::new(Arc::clone(&config)).expect("a valid configuration");
            let mut stream = StreamOwned::new(session, client);
            while stream.read(&mut request).is_ok_and(|count| count > 0) {}
        });
        Self { listener, authority: authority.certificate() }
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.listener.port
    }

    /// The authority to trust, PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

impl ClosedPort {
    /// Finds such a port and holds it.
    ///
    /// It is the near end of a connection: in use, so that it is given to nobody, but not listened on.
    pub fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        let client = TcpStream::connect(address).expect("a listener accepts");
        let port = client.local_addr().expect("a connected port").port();
        Self { port, _holders: (client, listener) }
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

/// The eight bytes by which a client of PostgreSQL asks for TLS.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

fn wait_for_the_client_to_leave(mut client: TcpStream) {
    let mut heard = [0; 1024];
    while client.read(&mut heard).is_ok_and(|count| count > 0) {}
}

/// Accepts connections and gives each a thread.
pub(crate) struct Listener {
    pub(crate) port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    ended: AtomicBool,
    connections: std::sync::atomic::AtomicUsize,
}

impl Listener {
    pub(crate) fn start(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        let state = Arc::new(State::default());
        let (serve, shared) = (Arc::new(serve), Arc::clone(&state));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if shared.ended.load(Ordering::SeqCst) {
                    return;
                }
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(client));
            }
        });
        Self { port, state }
    }

    fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        // The listening thread sees the end at the next connection.
        drop(TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))));
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("port", &self.port).finish_non_exhaustive()
    }
}
