//! What can be wrong on the way to a server.

use serde_json::json;

use crate::faults::{AcceptsThenHangs, ClosedPort, ClosesAtOnce, SpeaksNonsense};
use crate::postgres::{Setup, Tls};
use crate::world::{StepError, World};

pub(super) async fn unknown_name() -> StepError {
    let edit = |secret: &mut serde_json::Value| secret["host"] = json!("db.turnlock.invalid");
    World::start_with(Setup::default(), edit).await.rotate_failing().await
}

pub(super) async fn closed_port() -> StepError {
    let server = ClosedPort::start();
    at(server.port()).await
}

pub(super) async fn hangs_up() -> StepError {
    let server = ClosesAtOnce::start();
    at(server.port()).await
}

pub(super) async fn silent() -> StepError {
    let server = AcceptsThenHangs::start();
    at(server.port()).await
}

pub(super) async fn nonsense() -> StepError {
    let server = SpeaksNonsense::start();
    at(server.port()).await
}

/// Rotates with another server in the place of PostgreSQL.
async fn at(port: u16) -> StepError {
    let edit = |secret: &mut serde_json::Value| secret["port"] = json!(port);
    World::start_with(Setup::default(), edit).await.rotate_failing().await
}

pub(super) async fn unknown_authority() -> StepError {
    with(Tls::Untrusted).await
}

pub(super) async fn no_tls() -> StepError {
    with(Tls::Off).await
}

pub(super) async fn alias() -> StepError {
    with(Tls::WrongName).await
}

async fn with(tls: Tls) -> StepError {
    World::start(Setup { tls, ..Setup::default() }).await.rotate_failing().await
}
