//! Sending a request: bounded in time and size, never redirected.

use std::error::Error;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use rustls::CertificateError;
use tokio::time::{Instant, sleep, timeout};
use turnlock::{Class, Sensitive, TargetError};

use crate::place::Call;
use crate::trust::Trust;

/// The longest wait for a name.
const NAME: Duration = Duration::from_secs(3);
/// The longest wait for TCP and TLS.
const CONNECT: Duration = Duration::from_secs(5);
/// The longest wait for a whole answer.
const ANSWER: Duration = Duration::from_secs(10);
/// How often a request is sent that may be sent again.
const ATTEMPTS: u32 = 4;
/// The first pause between two attempts; each next one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// What is left of the step's time for what comes after a pause.
const RESERVE: Duration = Duration::from_secs(2);
/// The longest pause where the step has no deadline.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);
/// How long a connection is kept that nothing goes over: one that lies idle while Lambda has the function frozen can be
/// dead, and a request that is sent into it may have been done or not.
const IDLE: Duration = Duration::from_secs(5);
/// The most that is read of an answer, in bytes.
const MOST_BYTES: usize = 1024 * 1024;

/// What a provider answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The text, or what there is instead of one that can be read.
    pub(crate) body: Result<Sensitive, &'static str>,
}

/// A request that has no answer.
#[derive(Debug)]
pub(crate) struct Unanswered {
    pub(crate) error: TargetError,
    /// Whether the provider may have done what it was asked.
    pub(crate) uncertain: bool,
}

/// The client of a function's life.
#[derive(Debug)]
pub(crate) struct Client(Result<reqwest::Client, TargetError>);

impl Client {
    pub(crate) fn new(trust: &Trust) -> Self {
        Self(trust.client().and_then(|tls| {
            reqwest::Client::builder()
                .tls_backend_preconfigured(tls)
                .redirect(Policy::none())
                .retry(reqwest::retry::never())
                .dns_resolver(Arc::new(Names))
                .connect_timeout(CONNECT)
                .timeout(ANSWER)
                .pool_idle_timeout(IDLE)
                .user_agent(concat!("turnlock-api-key/", env!("CARGO_PKG_VERSION")))
                .build()
                .map_err(|_| TargetError::new(Class::Unexpected, "the HTTP client cannot be made"))
        }))
    }

    /// Sends a request, again where that changes nothing or the provider asked for it.
    pub(crate) async fn send(&self, call: &Call) -> Result<Answer, Unanswered> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let answer = self.once(call).await;
            let again = match &answer {
                // Nothing was done, or it may be done twice.
                Err(failed) => {
                    passing(failed.error.class()) && (!failed.uncertain || call.repeatable)
                }
                // The provider has refused to do it.
                Ok(answer) if answer.status == 429 => true,
                Ok(answer) => answer.status >= 500 && call.repeatable,
            };
            if !again || attempt == ATTEMPTS {
                return answer;
            }
            let asked = answer.as_ref().ok().and_then(|answer| retry_after(&answer.headers));
            let wait = asked.unwrap_or(pause);
            // What was silent once is given its whole time again, or none.
            let silent =
                answer.as_ref().is_err_and(|failed| failed.error.class() == Class::Timeout);
            if wait + if silent { ANSWER } else { Duration::ZERO } > time_to_wait() {
                return answer;
            }
            sleep(wait).await;
            pause *= 2;
        }
        unreachable_answer(call)
    }

    async fn once(&self, call: &Call) -> Result<Answer, Unanswered> {
        let client = self.0.as_ref().map_err(|error| unsent(error.clone()))?;
        let method = call.method.name().parse().unwrap_or(reqwest::Method::GET);
        let mut request = client.request(method, call.url.clone()).headers(call.headers.clone());
        if let Some(body) = &call.body {
            request = request.body(body.expose().to_owned());
        }
        let failed = |error: &reqwest::Error| failure(error, call);
        let mut answer = request.send().await.map_err(|error| failed(&error))?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|error| failed(&error))? {
            if body.len() + chunk.len() > MOST_BYTES {
                return Ok(Answer { status, headers, body: Err("more than 1 MiB") });
            }
            body.extend_from_slice(&chunk);
        }
        let body = String::from_utf8(body).map(Sensitive::new).map_err(|_| "what is no text");
        Ok(Answer { status, headers, body })
    }
}

/// Whether a failure may pass by itself.
fn passing(class: Class) -> bool {
    [Class::Dns, Class::Tcp, Class::Timeout].contains(&class)
}

/// What the loop above cannot come to.
fn unreachable_answer(call: &Call) -> Result<Answer, Unanswered> {
    let text = format!("{} was not sent", call.name);
    Err(unsent(TargetError::new(Class::Unexpected, text)))
}

/// How long a pause may be, so that there is time for what comes after it.
fn time_to_wait() -> Duration {
    let left = turnlock::deadline().map(|end| end.saturating_duration_since(Instant::now()));
    left.map_or(LONGEST_PAUSE, |left| left.saturating_sub(RESERVE))
}

/// What `Retry-After` asks for: seconds, or a date.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(std::time::SystemTime::now()).unwrap_or_default())
}

fn unsent(error: TargetError) -> Unanswered {
    Unanswered { error, uncertain: false }
}

/// Tells failures apart in our words: the client's own hold the address, and an address can hold a key.
fn failure(error: &reqwest::Error, call: &Call) -> Unanswered {
    let name = &call.name;
    let (class, text) = if let Some(fault) = source::<NoSuchName>(error) {
        (fault.0, format!("{name}: the name cannot be resolved; check it, and the VPC's DNS"))
    } else if let Some(fault) = source::<rustls::Error>(error) {
        of_tls(fault, name)
    } else if error.is_connect() && error.is_timeout() {
        (Class::Timeout, format!("{name}: no connection within {CONNECT:?}"))
    } else if error.is_connect() {
        (Class::Tcp, format!("{name}: cannot connect{}", unconnected(error)))
    } else if error.is_timeout() {
        (Class::Timeout, format!("{name}: no answer within {ANSWER:?}"))
    } else if source::<hyper::Error>(error).is_some_and(hyper::Error::is_parse) {
        (Class::Unexpected, format!("{name}: the answer is no HTTP, or its head is too long"))
    } else {
        (Class::Tcp, format!("{name}: the connection broke before the answer was whole"))
    };
    Unanswered { error: TargetError::new(class, text), uncertain: !error.is_connect() }
}

fn of_tls(fault: &rustls::Error, name: &str) -> (Class, String) {
    use CertificateError as E;
    let rustls::Error::InvalidCertificate(problem) = fault else {
        return (Class::TlsUntrusted, format!("{name}: the TLS handshake failed"));
    };
    if let E::NotValidForName | E::NotValidForNameContext { .. } = problem {
        return (Class::TlsName, format!("{name}: the certificate is for another name"));
    }
    let problem = if let E::UnknownIssuer = problem {
        "goes back to no root that is trusted here; TLS_CA_FILE names a file with more roots"
    } else if let E::Expired | E::ExpiredContext { .. } = problem {
        "has expired"
    } else {
        "is not valid"
    };
    (Class::TlsUntrusted, format!("{name}: the certificate {problem}"))
}

/// The cause of a kind, however deep.
fn source<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    causes(error).into_iter().find_map(|cause| cause.downcast_ref())
}

/// An error and all that is behind it.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    let (mut all, mut next) = (Vec::new(), Some(error));
    while let Some(error) = next {
        all.push(error);
        // The error inside an I/O error is not its source, but in its place.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        all.extend(inner.into_iter().flat_map(|inner| causes(inner)));
        next = error.source();
    }
    all
}

/// Why there is no connection, as far as the system says.
fn unconnected(error: &reqwest::Error) -> &'static str {
    let all = causes(error).into_iter().filter_map(|cause| cause.downcast_ref::<io::Error>());
    let kinds: Vec<io::ErrorKind> = all.map(io::Error::kind).collect();
    let any = |of: &[io::ErrorKind]| of.iter().any(|kind| kinds.contains(kind));
    if any(&[io::ErrorKind::ConnectionRefused]) {
        ": connection refused"
    } else if any(&[io::ErrorKind::UnexpectedEof, io::ErrorKind::ConnectionReset]) {
        ": it hung up before the TLS handshake was done"
    } else {
        ""
    }
}

/// The system's resolver, in a bound and with an error that can be told from others.
struct Names;

#[derive(Debug)]
struct NoSuchName(Class);

impl fmt::Display for NoSuchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name cannot be resolved")
    }
}

impl Error for NoSuchName {}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = match timeout(NAME, tokio::net::lookup_host((name.as_str(), 0))).await {
                Ok(Ok(found)) => found.collect::<Vec<SocketAddr>>(),
                Ok(Err(_)) => return Err(NoSuchName(Class::Dns).into()),
                Err(_) => return Err(NoSuchName(Class::Timeout).into()),
            };
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests;
