//! The one port: Secrets Manager's protocol (AWS JSON 1.1) and Lambda's Invoke.

use bytes::Bytes;
use hyper::{Method, Response, StatusCode};
use serde_json::json;
use tokio::net::TcpListener;

use crate::http::{self, Reply, Request};
use crate::invoke;
use crate::protocol;
use crate::service::Shared;

const INVOKE: &str = "/2015-03-31/functions/";

/// Serves for ever.
pub(crate) async fn serve(service: Shared, listener: TcpListener) {
    http::serve(listener, move |request| {
        let service = service.clone();
        async move { answer(&service, request).await }
    })
    .await;
}

/// Answers a request; `None` drops the connection.
pub(crate) async fn answer(service: &Shared, request: Request) -> Option<Reply> {
    if request.method == Method::POST && request.path.starts_with(INVOKE) {
        return Some(invoke::answer(service, request).await);
    }
    if request.method == Method::POST && request.path == "/" {
        return protocol::answer(service, request).await;
    }
    if request.method == Method::GET && request.path == "/" {
        let response = Response::builder().header("content-type", "text/plain");
        let text = "turnlock-local: Secrets Manager (AWS JSON 1.1) and Lambda Invoke\n";
        return Some(http::finish(response, Bytes::from_static(text.as_bytes())));
    }
    let body = json!({ "message": "Not found", "__type": "UnknownOperationException" });
    Some(http::json(StatusCode::NOT_FOUND, &body))
}
