//! Amazon Redshift's side of a login, by its documentation: what no PostgreSQL does.
//!
//! It asks for passwords as it is told to, says 28000 to a wrong one, knows `sha256|digest|salt`, and takes
//! no statement but the change of a password.

use std::collections::HashMap;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;

use crate::faults::Listener;

/// `AuthenticationCleartextPassword`
pub const CLEAR_TEXT: u32 = 3;
/// The digest that only Amazon's drivers know.
pub const DIGEST: u32 = 13;

/// A server without TLS on a port of the loopback interface, until it is dropped.
#[derive(Debug)]
pub struct Redshift {
    listener: Listener,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    users: HashMap<String, User>,
    statements: Vec<String>,
}

#[derive(Clone, Debug)]
struct User {
    method: u32,
    stored: String,
}

impl Redshift {
    /// Starts it with users: name, the method by which each is asked, and the password.
    pub fn start(users: &[(&str, u32, &str)]) -> Self {
        let users = users.iter().map(|&(name, method, stored)| {
            (name.to_owned(), User { method, stored: stored.to_owned() })
        });
        let state = Arc::new(Mutex::new(State { users: users.collect(), ..State::default() }));
        let shared = Arc::clone(&state);
        // A client that hangs up is the end of its session, whenever it does.
        let listener = Listener::start(move |client| drop(serve(client, &shared)));
        Self { listener, state }
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.listener.port
    }

    /// Every message of statements so far.
    pub fn statements(&self) -> Vec<String> {
        lock(&self.state).statements.clone()
    }

    /// What is stored of a user's password.
    ///
    /// # Panics
    ///
    /// If there is no such user.
    pub fn stored(&self, user: &str) -> String {
        lock(&self.state).users[user].stored.clone()
    }

    /// Whether a password is the user's.
    pub fn accepts(&self, user: &str, password: &str) -> bool {
        is_stored(password, &self.stored(user))
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One session.
fn serve(mut client: TcpStream, state: &Mutex<State>) -> io::Result<()> {
    let startup = body(&mut client)?;
    // The version of the protocol, then names and values.
    let text = String::from_utf8_lossy(&startup[4..]).into_owned();
    let mut words = text.split('\0');
    let name = words.find(|&word| word == "user").and_then(|_| words.next()).unwrap_or_default();
    let user = lock(state).users.get(name).cloned().expect("a user of the test");

    // What follows 13: the algorithm, a salt and a nonce, each as long as it likes.
    let more: &[u8] = if user.method == DIGEST { &[0; 12] } else { &[] };
    send(&mut client, b'R', &[&user.method.to_be_bytes(), more].concat())?;
    let answer = message(&mut client)?;
    let password = String::from_utf8_lossy(&answer).trim_end_matches('\0').to_owned();
    if !is_stored(&password, &user.stored) {
        let fields = "SFATAL\0C28000\0Mpassword authentication failed\0Rauth_failed\0\0";
        return send(&mut client, b'E', fields.as_bytes());
    }
    send(&mut client, b'R', &[0; 4])?;
    send(&mut client, b'S', b"server_version\x008.0.2\0")?;
    send(&mut client, b'K', &[0; 8])?;
    send(&mut client, b'Z', b"I")?;
    loop {
        let text = message(&mut client)?;
        let text = String::from_utf8_lossy(&text).trim_end_matches('\0').to_owned();
        if text.is_empty() {
            return Ok(());
        }
        let mut state = lock(state);
        let stored = state.change(&text);
        state.statements.push(text);
        drop(state);
        match stored {
            Some(()) => send(&mut client, b'C', b"COMMIT\0")?,
            None => send(&mut client, b'E', b"SERROR\0C42601\0Msyntax error\0\0")?,
        }
        send(&mut client, b'Z', b"I")?;
    }
}

impl State {
    fn change(&mut self, text: &str) -> Option<()> {
        let (_, change) = text.split_once("ALTER USER \"")?;
        let (name, rest) = change.split_once("\" PASSWORD '")?;
        let (stored, _) = rest.split_once('\'')?;
        stored.clone_into(&mut self.users.get_mut(name)?.stored);
        Some(())
    }
}

/// Clear text, or the digest of the password and the salt's bytes.
fn is_stored(password: &str, stored: &str) -> bool {
    let parts: Vec<&str> = stored.split('|').collect();
    let [scheme, digest, salt] = parts[..] else { return password == stored };
    let Some(suite) = TLS13_AES_128_GCM_SHA256.tls13() else { return false };
    let salt: Vec<u8> = (0..salt.len())
        .step_by(2)
        .filter_map(|at| u8::from_str_radix(salt.get(at..at + 2)?, 16).ok())
        .collect();
    let hash = suite.common.hash_provider.hash(&[password.as_bytes(), &salt].concat());
    let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    scheme == "sha256" && salt.len() == 32 && hash == digest
}

/// A message with its letter, which the answers here do not depend on.
fn message(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    client.read_exact(&mut [0])?;
    body(client)
}

fn body(client: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut length = [0; 4];
    client.read_exact(&mut length)?;
    let mut body = vec![0; u32::from_be_bytes(length).saturating_sub(4) as usize];
    client.read_exact(&mut body)?;
    Ok(body)
}

fn send(client: &mut TcpStream, letter: u8, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len() + 4).expect("a short message");
    client.write_all(&[&[letter], &length.to_be_bytes()[..], body].concat())
}
