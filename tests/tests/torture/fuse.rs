//! The fuse itself: what gets through before it blows, and after.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use turnlock_tests::wire::{Blow, Fuse, Point, Protocol, Wire};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

/// A server that counts what it is asked.
struct Server {
    port: u16,
    asked: Arc<Mutex<usize>>,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = listener.local_addr().expect("a port").port();
        let asked = Arc::new(Mutex::new(0));
        let counter = Arc::clone(&asked);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let counter = Arc::clone(&counter);
                thread::spawn(move || {
                    let lines = BufReader::new(&client).lines().map_while(Result::ok);
                    for _ in lines.filter(String::is_empty) {
                        *counter.lock().expect("nobody panics") += 1;
                        if (&client).write_all(ANSWER).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { port, asked }
    }

    fn asked(&self) -> usize {
        *self.asked.lock().expect("nobody panics")
    }
}

/// Whether a request on this connection has an answer.
fn is_answered(mut client: &TcpStream) -> bool {
    let mut answer = vec![0; ANSWER.len()];
    client.write_all(REQUEST).is_ok() && client.read_exact(&mut answer).is_ok()
}

fn connect(wire: &Wire) -> TcpStream {
    TcpStream::connect(("127.0.0.1", wire.port())).expect("a connection")
}

/// Asks without waiting for an answer, until the fuse has blown.
fn ask_in_vain(mut client: &TcpStream, fuse: &Fuse) {
    client.write_all(REQUEST).expect("a request");
    while !fuse.is_dark() {
        thread::yield_now();
    }
}

#[test]
fn a_request_that_is_lost_reaches_nobody_and_ends_all_that_was_connected() {
    let (server, fuse) = (Server::start(), Fuse::default());
    let wires = [(); 2].map(|()| Wire::to(server.port, Protocol::Http("the server"), &fuse));
    let [one, other] = [connect(&wires[0]), connect(&wires[1])];
    assert!(is_answered(&other));
    // Both wires count, and both directions do.
    fuse.arm(Point { at: 4, blow: Blow::LosesAndKills });
    assert!(is_answered(&one) && is_answered(&other));
    ask_in_vain(&one, &fuse);
    assert!(!is_answered(&connect(&wires[0])), "nothing gets through");
    let blown = fuse.mend().expect("it has blown");
    assert_eq!(blown.message, "to the server: GET / HTTP/1.1");
    assert_eq!(server.asked(), 3);
    // Whoever was connected is dead for good, and whoever comes now is not.
    (&other).write_all(REQUEST).expect("a request");
    assert!(is_answered(&connect(&wires[1])));
    assert_eq!(server.asked(), 4);
}

#[test]
fn a_request_that_is_delivered_last_is_done_and_not_answered() {
    let (server, fuse) = (Server::start(), Fuse::default());
    let wire = Wire::to(server.port, Protocol::Http("the server"), &fuse);
    let client = connect(&wire);
    fuse.arm(Point { at: 1, blow: Blow::DeliversAndKills });
    assert!(is_answered(&client));
    ask_in_vain(&client, &fuse);
    while server.asked() < 2 {
        thread::yield_now();
    }
    assert!(fuse.mend().is_some());
}

#[test]
fn a_connection_that_is_cut_is_cut_on_both_sides_and_alone() {
    let (server, fuse) = (Server::start(), Fuse::default());
    let wire = Wire::to(server.port, Protocol::Http("the server"), &fuse);
    let [one, other] = [connect(&wire), connect(&wire)];
    assert!(is_answered(&other));
    fuse.arm(Point { at: 1, blow: Blow::Cuts });
    assert!(!is_answered(&one), "the answer is lost");
    assert!(is_answered(&other), "this one stays");
    assert_eq!(fuse.mend().map(|blown| blown.point.at), Some(1));
    assert_eq!(server.asked(), 3);
}
