use std::io::{BufRead, Read as _, Write};

use serde_json::Value;

/// A request as it came in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Request {
    /// In capitals.
    pub method: String,
    /// Without the query, with its escapes.
    pub path: String,
    /// What stands after the question mark, with its escapes.
    pub query: String,
    /// In their order; names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body, which is text.
    pub body: String,
}

/// The longest line of a head, and the longest body, that are read.
const LONGEST: u64 = 1 << 20;

impl Request {
    /// The value of a header; its name is in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        let header = self.headers.iter().find(|(other, _)| other == name);
        header.map(|(_, value)| value.as_str())
    }

    /// The parts of the path, without their escapes.
    pub fn parts(&self) -> Vec<String> {
        let plain = |part: &str| {
            // A plus sign is a space in queries alone.
            let query = format!("x={}", part.replace('+', "%2B"));
            let (_, value) = form_urlencoded::parse(query.as_bytes()).next().unwrap_or_default();
            value.into_owned()
        };
        self.path.trim_matches('/').split('/').map(plain).collect()
    }

    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find_map(|(other, value)| (other == name).then(|| value.into_owned()))
    }

    /// A field of the body, which is JSON or a form.
    pub fn field(&self, name: &str) -> Option<String> {
        let kind = self.header("content-type").unwrap_or_default();
        if kind.starts_with("application/x-www-form-urlencoded") {
            let mut pairs = form_urlencoded::parse(self.body.as_bytes());
            return pairs.find_map(|(other, value)| (other == name).then(|| value.into_owned()));
        }
        let body: Value = serde_json::from_str(&self.body).ok()?;
        match body.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }

    /// All of it as text, to look for secrets in.
    pub fn text(&self) -> String {
        let headers: String =
            self.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        let Self { method, path, query, body, .. } = self;
        format!("{method} {path}?{query}\n{headers}\n{body}")
    }

    /// The next one of a connection; none where the client left, or speaks something else.
    pub(super) fn read<S: BufRead + Write>(stream: &mut S) -> Option<Self> {
        let first = line(stream)?;
        let mut words = first.split(' ');
        let (method, target) = (words.next()?.to_owned(), words.next()?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut request = Self {
            method,
            path: path.to_owned(),
            query: query.to_owned(),
            headers: Vec::new(),
            body: String::new(),
        };
        loop {
            let line = line(stream)?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':')?;
            request.headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        if request.header("expect").is_some() {
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
        }
        let body = if request.header("transfer-encoding") == Some("chunked") {
            chunks(stream)?
        } else {
            let length: u64 = request.header("content-length").unwrap_or("0").parse().ok()?;
            bytes(stream, length)?
        };
        request.body = String::from_utf8(body).ok()?;
        Some(request)
    }
}

fn line(stream: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    if stream.take(LONGEST).read_line(&mut line).ok()? == 0 {
        return None;
    }
    Some(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn bytes(stream: &mut impl BufRead, length: u64) -> Option<Vec<u8>> {
    if length > LONGEST {
        return None;
    }
    let mut bytes = vec![0; usize::try_from(length).ok()?];
    stream.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

fn chunks(stream: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = u64::from_str_radix(&line(stream)?, 16).ok()?;
        body.extend(bytes(stream, size)?);
        line(stream)?;
        if size == 0 {
            return Some(body);
        }
    }
}
