//! One address for several servers: what a fail-over does to the name of an endpoint.

use std::io;
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;

use crate::faults::Listener;

/// A port that leads to one server at a time.
#[derive(Clone, Debug)]
pub struct Alias {
    listener: Arc<Listener>,
    target: Arc<AtomicU16>,
}

impl Alias {
    /// Starts to listen, and leads to this port.
    pub fn of(port: u16) -> Self {
        let target = Arc::new(AtomicU16::new(port));
        let shared = Arc::clone(&target);
        let listener = Listener::start(move |client| {
            let server = (Ipv4Addr::LOCALHOST, shared.load(Ordering::SeqCst));
            // To a client, a server that is away looks like a connection that is closed at once.
            if let Ok(server) = TcpStream::connect(server) {
                forward(&client, &server);
            }
        });
        Self { listener: Arc::new(listener), target }
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.listener.port
    }

    /// Leads new connections to this port; open ones stay where they are.
    pub fn lead_to(&self, port: u16) {
        self.target.store(port, Ordering::SeqCst);
    }
}

/// Moves bytes both ways until both sides have hung up.
fn forward(client: &TcpStream, server: &TcpStream) {
    thread::scope(|scope| {
        scope.spawn(|| copy(client, server));
        copy(server, client);
    });
}

/// Whatever ends it, the other side is told of the end.
fn copy(mut from: &TcpStream, mut to: &TcpStream) {
    drop(io::copy(&mut from, &mut to));
    drop(to.shutdown(Shutdown::Write));
}
