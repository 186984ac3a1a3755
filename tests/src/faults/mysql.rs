//! A server that speaks as MySQL does, until it asks for what only TLS would keep secret.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use super::Listener;

/// Greets without TLS as a server of MySQL 8 does, and answers each login with a question for the password itself.
#[derive(Debug)]
pub struct AsksForThePassword {
    listener: Listener,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

/// How it asks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Question {
    /// It does not know the proof of `caching_sha2_password`, as after each change of a password.
    Again,
    /// It names `sha256_password`, which begins with the password.
    Sha256,
    /// It names `sha256_password` in its greeting already.
    Sha256AtOnce,
    /// It names `mysql_clear_password`.
    Clear,
}

impl Question {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Again, Self::Sha256, Self::Sha256AtOnce, Self::Clear];

    fn greeting(self) -> &'static str {
        match self {
            Self::Again | Self::Sha256 | Self::Clear => "caching_sha2_password",
            Self::Sha256AtOnce => "sha256_password",
        }
    }

    fn payload(self) -> &'static [u8] {
        match self {
            Self::Again => b"\x01\x04",
            Self::Sha256 | Self::Sha256AtOnce => b"\xfesha256_password\0abcdefghijabcdefghij\0",
            Self::Clear => b"\xfemysql_clear_password\0abcdefghijabcdefghij\0",
        }
    }
}

impl AsksForThePassword {
    /// Starts to listen.
    pub fn start(question: Question) -> Self {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&heard);
        let listener = Listener::start(move |client| serve(client, question, &all));
        Self { listener, heard }
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.listener.port
    }

    /// All that each client has said.
    ///
    /// # Panics
    ///
    /// If a test has panicked.
    pub fn heard(&self) -> Vec<Vec<u8>> {
        self.heard.lock().expect("no test has panicked").clone()
    }
}

fn serve(mut client: TcpStream, question: Question, all: &Mutex<Vec<Vec<u8>>>) {
    let mut heard = Vec::new();
    let mut piece = [0; 1024];
    let mut said = vec![packet(0, &greeting(question.greeting())), packet(2, question.payload())];
    said.reverse();
    while let Some(next) = said.pop() {
        if client.write_all(&next).is_err() {
            break;
        }
        match client.read(&mut piece) {
            Ok(count) if count > 0 => heard.extend_from_slice(&piece[..count]),
            _ => break,
        }
    }
    all.lock().expect("no test has panicked").push(heard);
}

fn packet(number: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("it is short");
    [&[length, 0, 0, number], payload].concat()
}

/// Version 10, with all that an old client can do but TLS, and with the names of plugins.
fn greeting(plugin: &str) -> Vec<u8> {
    let mut greeting = b"\x0a8.4.0\0\x01\0\0\0abcdefgh\0".to_vec();
    greeting.extend([0xff, 0xf7, 0xff, 2, 0, 0x08, 0, 21]);
    greeting.extend([0; 10]);
    greeting.extend(b"ijklmnopqrst\0");
    greeting.extend(plugin.bytes());
    greeting.push(0);
    greeting
}
