//! A client of HTTP on this machine that does one request a connection and hides nothing.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

/// A server on this machine.
#[derive(Clone, Debug)]
pub struct Client {
    port: u16,
}

/// What came back.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// Such as 200.
    pub status: u16,
    /// In their order; names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body as text.
    pub body: String,
}

/// The longest that an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

impl Client {
    /// One for this port of the loopback interface.
    pub fn new(port: u16) -> Self {
        Self { port }
    }

    /// Sends a request, such as `GET /whoami`, with these headers, and JSON where there is a body.
    ///
    /// # Errors
    ///
    /// Where no whole head of an answer comes.
    pub fn send(
        &self,
        what: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> io::Result<Answer> {
        let mut headers = headers.to_vec();
        let body = body.map(Value::to_string);
        if body.is_some() {
            headers.push(("Content-Type", "application/json"));
        }
        self.exchange(what, &headers, body.as_deref().unwrap_or_default())
    }

    /// Sends a form.
    ///
    /// # Errors
    ///
    /// Where no whole head of an answer comes.
    pub fn post_form(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        fields: &[(&str, &str)],
    ) -> io::Result<Answer> {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let kind = ("Content-Type", "application/x-www-form-urlencoded");
        self.exchange(&format!("POST {path}"), &[headers, &[kind]].concat(), &form)
    }

    fn exchange(&self, what: &str, headers: &[(&str, &str)], body: &str) -> io::Result<Answer> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let headers: String =
            headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!(
            "{what} HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n{headers}Content-Length: {}\r\n\r\n{body}",
            self.port,
            body.len()
        );
        stream.write_all(request.as_bytes())?;
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes)?;
        Answer::parse(&String::from_utf8_lossy(&bytes))
            .ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))
    }
}

impl Answer {
    fn parse(text: &str) -> Option<Self> {
        let (head, body) = text.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let mut answer = Self { status, headers, body: body.to_owned() };
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = chunks(body)?;
        }
        Some(answer)
    }

    /// The last header of a name, which is in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        let headers = self.headers.iter().rev();
        headers.clone().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// If it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }
}

/// The body of chunks, of which a server makes each end between two characters.
fn chunks(mut rest: &str) -> Option<String> {
    let mut body = String::new();
    loop {
        let (size, after) = rest.split_once("\r\n")?;
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body += after.get(..size)?;
        rest = after.get(size + 2..)?;
    }
}
