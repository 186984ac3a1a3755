//! AWS JSON 1.1: a request names its operation in a header and its error in the body.

use std::time::Instant;

use bytes::Bytes;
use hyper::{Response, StatusCode};
use serde_json::{Map, Value, json};

use crate::caller::Caller;
use crate::error::ApiError;
use crate::fault::Fault;
use crate::http::{self, Reply, Request};
use crate::input::Input;
use crate::journal::Call;
use crate::operation::Operation;
use crate::operations;
use crate::random;
use crate::service::Shared;

const TARGET: &str = "secretsmanager.";

/// Answers a call; `None` drops the connection.
pub(crate) async fn answer(service: &Shared, request: Request) -> Option<Reply> {
    let started = Instant::now();
    let target = request.header("x-amz-target").and_then(|target| target.strip_prefix(TARGET));
    let Some(operation) = target.and_then(|name| name.parse::<Operation>().ok()) else {
        let unknown = ApiError::new("UnknownOperationException", "");
        return Some(reply(Err(unknown)));
    };
    let (access_key_id, region) = credential(&request);
    let process = access_key_id.and_then(|id| service.processes.find(id));
    let function = match &process {
        Some(process) => service.functions.find(process.function()),
        None => access_key_id.and_then(|id| service.functions.with_access_key(id)),
    };
    let caller = Caller::new(region, function.cloned());
    let mut call = describe(operation, &request.body);
    call.started = service.since_start(started);
    call.from_function = caller.function().map(str::to_owned);
    call.step = process.as_ref().and_then(|process| process.step());

    let latency = service.knobs().latency;
    // Even a sleep of nothing would wait for the timer's next tick.
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    let fault = service.faults.strike(operation, caller.is_function());
    let result = match &fault {
        Some(fault) if !fault.lets_it_be_done() => fault.error().map(Err),
        _ => Some(carry_out(service, &caller, operation, &request.body)),
    };
    call.accesses = caller.accesses();
    call.outcome = outcome(fault.as_ref(), result.as_ref());
    call.finished = service.since_start(Instant::now());
    log(&call);
    service.record(call);

    match fault {
        Some(Fault::Drop | Fault::DropAnswer) => None,
        Some(fault @ (Fault::Hang | Fault::CrashBefore | Fault::CrashAfter)) => {
            if let Some(process) = process.filter(|_| fault != Fault::Hang) {
                process.kill();
            }
            std::future::pending().await
        }
        _ => result.map(reply),
    }
}

/// What the journal says of a call: the error, or the fault that left it without an answer.
fn outcome(fault: Option<&Fault>, result: Option<&Result<Value, ApiError>>) -> Result<(), String> {
    match fault {
        Some(fault) if fault.error().is_none() => Err(format!("{fault:?}")),
        _ => match result {
            Some(Err(error)) => Err(error.code.clone()),
            Some(Ok(_)) | None => Ok(()),
        },
    }
}

fn carry_out(
    service: &Shared,
    caller: &Caller,
    operation: Operation,
    body: &[u8],
) -> Result<Value, ApiError> {
    let knobs = service.knobs();
    if knobs.throttle {
        service.quotas.take(operation, knobs.writes_left)?;
    }
    let input = Input::parse(operation, body)?;
    operations::perform(service, caller, operation, &input)
}

/// The access key id and the region of `Credential=ID/DATE/REGION/secretsmanager/aws4_request`.
///
/// Signatures are not checked: there is nothing here to protect.
fn credential(request: &Request) -> (Option<&str>, Option<&str>) {
    let scope = request.header("authorization").and_then(|header| header.split_once("Credential="));
    let mut parts = scope.map(|(_, scope)| scope.split(['/', ','])).into_iter().flatten();
    let access_key_id = parts.next();
    let region = parts.nth(1).filter(|region| !region.is_empty());
    (access_key_id, region)
}

/// What the journal may know of a request.
fn describe(operation: Operation, body: &[u8]) -> Call {
    let body: Map<String, Value> = serde_json::from_slice(body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let version_id = ["VersionId", "ClientRequestToken", "MoveToVersionId", "RemoveFromVersionId"];
    Call {
        operation,
        secret_id: text("SecretId").or_else(|| text("Name")),
        version_id: version_id.into_iter().find_map(text),
        version_stage: text("VersionStage"),
        started: std::time::Duration::ZERO,
        finished: std::time::Duration::ZERO,
        outcome: Ok(()),
        from_function: None,
        step: None,
        accesses: Vec::new(),
    }
}

fn log(call: &Call) {
    let outcome = call.outcome.as_ref().err().map_or("ok", String::as_str);
    tracing::info!(
        operation = call.operation.as_str(),
        secret = call.secret_id.as_deref().unwrap_or("-"),
        version = call.version_id.as_deref().unwrap_or("-"),
        label = call.version_stage.as_deref().unwrap_or("-"),
        outcome,
        "call"
    );
}

fn reply(result: Result<Value, ApiError>) -> Reply {
    let response = Response::builder()
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amzn-requestid", random::uuid());
    match result {
        Ok(body) => http::finish(response, Bytes::from(body.to_string())),
        Err(error) => {
            let member = if error.is_modelled() { "Message" } else { "message" };
            let body = json!({ "__type": error.code, member: error.message });
            let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
            let response = response.status(status).header("x-amzn-errortype", error.code);
            http::finish(response, Bytes::from(body.to_string()))
        }
    }
}
