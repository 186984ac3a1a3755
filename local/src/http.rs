//! HTTP/1.1 on loopback: a server of whole requests, and one POST.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::http::response::Builder;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Larger than any request or answer of Secrets Manager and Lambda.
const LONGEST_BODY: usize = 8 * 1024 * 1024;
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// A request that has arrived.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

pub(crate) type Reply = Response<Full<Bytes>>;

/// A body that did not arrive, or an answer that was withheld: the connection is closed.
#[derive(Debug, thiserror::Error)]
#[error("connection dropped")]
struct Dropped;

/// Serves for ever; a handler that answers `None` drops the connection.
pub(crate) async fn serve<H, F>(listener: TcpListener, handler: H)
where
    H: Fn(Request) -> F + Send + Sync + 'static,
    F: Future<Output = Option<Reply>> + Send + 'static,
{
    let handler = Arc::new(handler);
    // Dropped with this future, and all connections with it.
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // Out of files, most likely: others must close theirs first.
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // Answers are small and awaited.
        let _set = stream.set_nodelay(true);
        while connections.try_join_next().is_some() {}
        let handler = handler.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| answer(handler.clone(), request));
            let served = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
            if let Err(error) = served {
                tracing::trace!(%error, "connection ended");
            }
        });
    }
}

async fn answer<H, F>(handler: Arc<H>, request: hyper::Request<Incoming>) -> Result<Reply, Dropped>
where
    H: Fn(Request) -> F + Send + Sync + 'static,
    F: Future<Output = Option<Reply>> + Send + 'static,
{
    let (head, body) = request.into_parts();
    let body = Limited::new(body, LONGEST_BODY).collect().await.map_err(|_| Dropped)?.to_bytes();
    let path = head.uri.path().to_owned();
    let request = Request { method: head.method, path, headers: head.headers, body };
    handler(request).await.ok_or(Dropped)
}

/// A reply in JSON.
pub(crate) fn json(status: StatusCode, body: &Value) -> Reply {
    let response = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
    finish(response, Bytes::from(body.to_string()))
}

/// A reply of headers that were already right, or else an empty 500.
pub(crate) fn finish(response: Builder, body: Bytes) -> Reply {
    response.body(Full::new(body)).unwrap_or_else(|_| {
        let mut broken = Response::new(Full::default());
        *broken.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        broken
    })
}

/// An answer to [`post`].
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Sends one request on a connection of its own.
pub(crate) async fn post(authority: &str, path: &str, body: Bytes) -> io::Result<Posted> {
    let stream = TcpStream::connect(authority).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(io::Error::other)?;
    let request = hyper::Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(HOST, authority)
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(body))
        .map_err(io::Error::other)?;
    let exchange = async {
        let response = sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok::<_, hyper::Error>(Posted { status: head.status, headers: head.headers, body })
    };
    tokio::pin!(connection);
    tokio::pin!(exchange);
    let mut open = true;
    loop {
        tokio::select! {
            posted = &mut exchange => return posted.map_err(io::Error::other),
            // The connection ends by itself only after the answer, or in an error that the
            // exchange reports too.
            _ended = &mut connection, if open => open = false,
        }
    }
}
