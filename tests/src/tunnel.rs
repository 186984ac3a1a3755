//! A proxy on this machine that is every host there is: what a client sends by `HTTPS_PROXY` never leaves it.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use url::Url;

use crate::certificates::Authority;

/// The proxy; it listens until it is dropped.
#[derive(Debug)]
pub struct Tunnel {
    port: u16,
    authority: String,
    server: JoinHandle<()>,
}

/// A request as it came in.
#[derive(Debug)]
pub struct Sent {
    /// The method.
    pub method: String,
    /// The address, with the host that the tunnel was asked for.
    pub url: Url,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

/// What answers, as whatever host.
pub type Answer = dyn Fn(&Sent) -> Response<Full<Bytes>> + Send + Sync;

impl Tunnel {
    /// Begins to listen.
    ///
    /// # Panics
    ///
    /// If there is no free port.
    pub async fn start(answer: Arc<Answer>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        let authority = Arc::new(Authority::new());
        let certificate = authority.certificate();
        let server = tokio::spawn(async move {
            // Dropped with this future, and all connections with it.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&authority), Arc::clone(&answer)));
            }
        });
        Self { port, authority: certificate, server }
    }

    /// What `HTTPS_PROXY` is to be.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The authority to trust, PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.method, self.url)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {}", value.to_str().unwrap_or("?"))?;
        }
        f.write_str(&self.body)
    }
}

/// Answers `CONNECT`, and ends TLS as the host that was asked for.
async fn serve(mut stream: TcpStream, authority: Arc<Authority>, answer: Arc<Answer>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.strip_prefix("CONNECT ").and_then(|rest| rest.split_once(' '));
    let host = target.and_then(|(target, _)| target.strip_suffix(":443"));
    let host = host.unwrap_or_else(|| panic!("not a tunnel to a port 443: {head}")).to_owned();
    if stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.is_err() {
        return;
    }
    let Ok(stream) = acceptor(&authority, &host).accept(stream).await else { return };
    let service = service_fn(move |request| read(host.clone(), request, Arc::clone(&answer)));
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // A client that hangs up has what it wanted.
    drop(connection.await);
}

fn acceptor(authority: &Authority, host: &str) -> TlsAcceptor {
    let issued = authority.issue(&[host.to_owned()]);
    TlsAcceptor::from(issued.server())
}

async fn read(
    host: String,
    request: Request<Incoming>,
    answer: Arc<Answer>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let url = Url::parse(&format!("https://{host}{}", head.uri)).expect("an address");
    let body = String::from_utf8_lossy(&body).into_owned();
    Ok(answer(&Sent { method: head.method.to_string(), url, headers: head.headers, body }))
}
