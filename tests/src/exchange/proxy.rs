//! A proxy that is every host there is, and plays a script.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use url::Url;

use super::pattern::{self, Found};
use super::script::{Fault, Script, Step};
use super::sent::Sent;
use crate::certificates::Authority;

/// The proxy; it listens until it is dropped.
#[derive(Debug)]
pub(super) struct Proxy {
    pub(super) port: u16,
    pub(super) state: Arc<State>,
    server: JoinHandle<()>,
}

/// Where it stands in the script.
#[derive(Debug)]
pub(super) struct State {
    authority: Authority,
    script: Script,
    place: Mutex<Place>,
}

#[derive(Debug, Default)]
struct Place {
    steps: Vec<Step>,
    /// How many of the steps have come.
    passed: usize,
    fault: Option<Fault>,
    found: Found,
    problems: Vec<String>,
}

impl Proxy {
    pub(super) async fn start(script: Script) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        let place = Mutex::new(Place::default());
        let state = Arc::new(State { authority: Authority::new(), script, place });
        let shared = Arc::clone(&state);
        let server = tokio::spawn(async move {
            // Dropped with this future, and all connections with it.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&shared)));
            }
        });
        Self { port, state, server }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Answers `CONNECT`, ends TLS as the host that was asked for, and plays what follows.
async fn serve(mut stream: TcpStream, state: Arc<State>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else { return };
        head.push(byte);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let target = head.strip_prefix("CONNECT ").and_then(|rest| rest.split_once(' '));
    let Some(host) = target.and_then(|(target, _)| target.strip_suffix(":443")) else {
        state.problem(format!("not a tunnel to a port 443: {head}"));
        return;
    };
    if stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.is_err() {
        return;
    }
    let Ok(stream) = acceptor(&state.authority, host).accept(stream).await else { return };
    let host = host.to_owned();
    let service = service_fn(move |request| answer(Arc::clone(&state), host.clone(), request));
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    // A client that hangs up has what it wanted.
    drop(connection.await);
}

fn acceptor(authority: &Authority, host: &str) -> TlsAcceptor {
    let issued = authority.issue(&[host.to_owned()]);
    let certificate = CertificateDer::from_pem_slice(issued.certificate.as_bytes());
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("the provider has the usual versions of TLS")
        .with_no_client_auth()
        .with_single_cert(vec![certificate.expect("PEM")], key.expect("PEM"))
        .expect("a certificate with its key");
    TlsAcceptor::from(Arc::new(config))
}

async fn answer(
    state: Arc<State>,
    host: String,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let url = Url::parse(&format!("https://{host}{}", head.uri)).expect("an address");
    let sent = Sent {
        method: head.method.to_string(),
        url,
        headers: head.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    };
    Ok(state.answer(&sent))
}

impl State {
    /// Begins to play these steps, one of them with a fault.
    pub(super) fn play(&self, steps: Vec<Step>, fault: Option<Fault>) {
        *self.place() = Place { steps, fault, ..Place::default() };
    }

    /// What came that should not have, and what did not come.
    pub(super) fn problems(&self) -> Vec<String> {
        let place = self.place();
        let missing = place.steps.iter().skip(place.passed);
        let missing = missing.map(|step| format!("did not come: {} ({})", step.send, step.name));
        place.problems.iter().cloned().chain(missing).collect()
    }

    /// What came that should not have.
    pub(super) fn surprises(&self) -> Vec<String> {
        self.place().problems.clone()
    }

    /// A text with what the requests had where names stand in it.
    pub(super) fn filled(&self, text: &str) -> String {
        pattern::fill(text, &self.place().found)
    }

    pub(super) fn authority(&self) -> String {
        self.authority.certificate()
    }

    fn place(&self) -> MutexGuard<'_, Place> {
        self.place.lock().expect("nobody panics while holding the lock")
    }

    fn problem(&self, problem: String) {
        self.place().problems.push(problem);
    }

    fn answer(&self, sent: &Sent) -> Response<Full<Bytes>> {
        let mut place = self.place();
        let mut found = place.found.clone();
        let next = place.steps.get(place.passed).cloned();
        let differs = match &next {
            Some(step) => sent.differs(step, &mut found),
            None => Some("everything: the script is over"),
        };
        let step = match (differs, next) {
            (None, Some(step)) => {
                if !place.fault.as_ref().is_some_and(|fault| fault.at == step.name) {
                    place.passed += 1;
                }
                Some(step)
            }
            _ => {
                found = place.found.clone();
                let mut before = place.steps[..place.passed].iter().rev();
                before.find(|step| step.again && sent.differs(step, &mut found).is_none()).cloned()
            }
        };
        let Some(step) = step else {
            let next = place.steps.get(place.passed).map_or("nothing", |step| &step.send);
            let sent = sent.masked(&self.script.secret_texts());
            let problem = format!(
                "not in the script:\n{sent}\nexpected was {next}, which differs in {}",
                differs.unwrap_or_default()
            );
            place.problems.push(problem);
            return response(418, [].iter(), "not in the script");
        };
        place.found = found;
        let fault = place.fault.as_ref().filter(|fault| fault.at == step.name);
        let (status, headers, body) = match fault {
            Some(fault) => (fault.answer, &fault.answer_headers, &fault.body),
            None => (step.answer, &step.answer_headers, &step.body),
        };
        let headers: Vec<_> = headers.iter().map(|(n, v)| (n.clone(), v.clone())).collect();
        response(status, headers.iter(), &pattern::fill(body, &place.found))
    }
}

fn response<'a>(
    status: u16,
    headers: impl Iterator<Item = &'a (String, String)>,
    body: &str,
) -> Response<Full<Bytes>> {
    let response = Response::builder().status(status);
    let response = headers.fold(response, |response, (name, value)| response.header(name, value));
    response.body(Full::new(body.to_owned().into())).expect("a status and headers that are right")
}
