use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustls::{ServerConnection, StreamOwned};
use serde_json::{Value, json};

use super::answer::Answer;
use super::caller;
use super::fault::{Fault, Oddity};
use super::request::Request;
use super::{Shared, lock, routes};

/// What is written between two bytes of a body without an end.
const TRICKLE: Duration = Duration::from_millis(20);

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum After {
    Stays,
    Ends,
}

/// Serves one client until it leaves.
pub(super) fn serve(client: TcpStream, shared: &Shared) {
    let peer = client.peer_addr().map_or(0, |address| address.port());
    lock(&shared.connections).push(client.try_clone().expect("a socket of ours"));
    {
        let mut faults = lock(&shared.faults);
        if faults.closes > 0 {
            faults.closes -= 1;
            return drop(client.shutdown(std::net::Shutdown::Both));
        }
    }
    let end = client.try_clone();
    match &shared.tls {
        None => converse(Duplex { reader: BufReader::new(client) }, peer, shared),
        Some(config) => {
            let session = ServerConnection::new(Arc::clone(config)).expect("a valid configuration");
            let stream = StreamOwned::new(session, client);
            converse(Duplex { reader: BufReader::new(stream) }, peer, shared);
        }
    }
    // The list of connections has it open still.
    drop(end.map(|end| end.shutdown(std::net::Shutdown::Both)));
}

fn converse<S: Read + Write>(mut stream: Duplex<S>, peer: u16, shared: &Shared) {
    while let Some(request) = Request::read(&mut stream) {
        lock(&shared.requests).push(request.clone());
        let closes = request.header("connection").is_some_and(|value| value == "close");
        let after = answer(&mut stream, &request, peer, shared);
        if closes || after != Some(After::Stays) {
            return;
        }
    }
}

/// Carries a request out and answers it, as far as no fault is in the way; none where the client left.
fn answer<S: Read + Write>(
    stream: &mut Duplex<S>,
    request: &Request,
    peer: u16,
    shared: &Shared,
) -> Option<After> {
    let act = || routes::act(&mut lock(&shared.accounts), &shared.setup, &shared.origin, request);
    let struck = lock(&shared.faults).strike(request);
    let Some(Fault { oddity, acts }) = struck else {
        stream.write_all(&act().bytes()).ok()?;
        return Some(After::Stays);
    };
    if !acts && oddity.goes_on() {
        happen(&oddity);
        stream.write_all(&act().bytes()).ok()?;
        return Some(After::Stays);
    }
    let right = if acts { act() } else { Answer::json(200, &json!({})) };
    let path = format!("{}?{}", request.path, request.query);
    let odd = match oddity {
        Oddity::Late(_) | Oddity::Runs(_) => {
            happen(&oddity);
            right
        }
        Oddity::Hangs => {
            wait_for_the_client_to_leave(stream);
            return Some(After::Ends);
        }
        Oddity::KillsTheCaller => {
            caller::kill(peer, shared.port);
            wait_for_the_client_to_leave(stream);
            return Some(After::Ends);
        }
        Oddity::Closes => return Some(After::Ends),
        Oddity::Trickles => return trickle(stream, &right),
        Oddity::CutConnection => {
            let bytes = right.bytes();
            stream.write_all(bytes.get(..bytes.len() - right.body.len() / 2)?).ok()?;
            return Some(After::Ends);
        }
        Oddity::Bytes(bytes) => {
            stream.write_all(bytes).ok()?;
            return Some(After::Ends);
        }
        Oddity::EarlyHints => {
            let hints = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n";
            stream.write_all(hints.as_bytes()).ok()?;
            right
        }
        Oddity::Redirects(status, origin) => {
            Answer::empty(status).with("Location", format!("{origin}{path}"))
        }
        Oddity::GzipBomb => {
            let accepted = request.header("accept-encoding").unwrap_or_default();
            if accepted.contains("gzip") { bomb(right) } else { right }
        }
        oddity @ (Oddity::Status(_)
        | Oddity::RetryAfter(..)
        | Oddity::Says(..)
        | Oddity::TenMegabytes
        | Oddity::Html
        | Oddity::OtherShape
        | Oddity::CutJson
        | Oddity::WrongType
        | Oddity::Key(_)
        | Oddity::HugeHeader) => altered(oddity, right),
    };
    stream.write_all(&odd.bytes()).ok()?;
    Some(After::Stays)
}

fn happen(oddity: &Oddity) {
    if let Oddity::Late(time) = oddity {
        thread::sleep(*time);
    } else if let Oddity::Runs(callback) = oddity {
        callback.run();
    }
}

/// The answers that are an answer.
fn altered(oddity: Oddity, mut right: Answer) -> Answer {
    const HTML: &str = "<!DOCTYPE html><html><body><h1>Please log in</h1></body></html>";
    const MEGABYTE: usize = 1 << 20;
    if let Oddity::Status(status) = oddity {
        return Answer::text(status, "text/html", HTML);
    }
    if let Oddity::RetryAfter(status, wait) = oddity {
        return Answer::json(status, &json!({"error": {"code": "slow_down"}}))
            .with("Retry-After", wait.text());
    }
    if let Oddity::Says(status, body) = oddity {
        return Answer::json(status, &body);
    }
    if let Oddity::Html = oddity {
        return Answer::text(right.status, "text/html; charset=utf-8", HTML);
    }
    if let Oddity::OtherShape = oddity {
        return Answer::json(right.status, &json!([{"data": [[]]}, "token", 1, null]));
    }
    if let Oddity::CutJson = oddity {
        right.body.truncate(right.body.len() / 2);
        return right;
    }
    if let Oddity::WrongType = oddity {
        return right.with("Content-Type", "text/plain");
    }
    if let Oddity::HugeHeader = oddity {
        return right.with("X-Huge", "h".repeat(MEGABYTE));
    }
    let mut body: Value = serde_json::from_slice(&right.body).unwrap_or_default();
    if let Oddity::Key(key) = oddity {
        body["data"]["token"] = key;
    } else if let Oddity::TenMegabytes = oddity {
        body["padding"] = json!("p".repeat(10 * MEGABYTE));
    }
    right.body = body.to_string().into_bytes();
    right
}

/// The right beginning and no end.
fn trickle<S: Read + Write>(stream: &mut Duplex<S>, right: &Answer) -> Option<After> {
    let endless = right.clone().with("Transfer-Encoding", "chunked");
    stream.write_all(&endless.head()).ok()?;
    loop {
        stream.write_all(b"1\r\n \r\n").ok()?;
        thread::sleep(TRICKLE);
    }
}

/// Some 40 MB of zeros in 256 kB, by RFC 1951: one zero, and over and over "258 more of the same".
fn bomb(right: Answer) -> Answer {
    const TIMES: usize = 160_000;
    let mut bits = Bits::default();
    // The last block, by the fixed codes.
    bits.put(0b1, 1);
    bits.put(0b01, 2);
    bits.put_code(0b0011_0000, 8);
    for _ in 0..TIMES {
        bits.put_code(0b1100_0101, 8);
        bits.put_code(0, 5);
    }
    bits.put_code(0, 7);
    let mut body = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    body.extend(bits.bytes);
    Answer { body, ..right }.with("Content-Encoding", "gzip")
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    count: usize,
}

impl Bits {
    /// Numbers are written from their lowest bit on.
    fn put(&mut self, value: u16, width: usize) {
        for place in 0..width {
            if self.count.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let bit = u8::from(value >> place & 1 == 1);
            if let Some(last) = self.bytes.last_mut() {
                *last |= bit << (self.count % 8);
            }
            self.count += 1;
        }
    }

    /// Codes are written from their highest bit on.
    fn put_code(&mut self, code: u16, width: usize) {
        for place in (0..width).rev() {
            self.put(code >> place & 1, 1);
        }
    }
}

fn wait_for_the_client_to_leave(stream: &mut impl Read) {
    let mut heard = [0; 1024];
    while stream.read(&mut heard).is_ok_and(|count| count > 0) {}
}

/// A stream that is read through a buffer and written without one.
struct Duplex<S> {
    reader: BufReader<S>,
}

impl<S: Read> Read for Duplex<S> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        self.reader.read(into)
    }
}

impl<S: Read> BufRead for Duplex<S> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.reader.consume(amount);
    }
}

impl<S: Write> Write for Duplex<S> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.reader.get_mut().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.reader.get_mut().flush()
    }
}
