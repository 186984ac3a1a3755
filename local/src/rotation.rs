//! The rotation of a secret, as Secrets Manager does it.
//!
//! Documented by AWS: the empty `AWSPENDING` version before createSecret; the order of the steps
//! and the one token of all four; that a failed rotation is retried as a whole; that a rotation
//! whose `AWSPENDING` is on another version than `AWSCURRENT` makes `RotateSecret` fail; that
//! `RotateImmediately=false` runs testSecret alone on an `AWSPENDING` version that is then removed.
//!
//! Guessed, for want of documentation: how often and how fast it retries (see
//! [`Knobs`](crate::Knobs)); that the refused `RotateSecret` itself sets off the new attempt; that
//! that a step which Lambda throttles is sent again as AWS's SDKs do it, with jittered pauses that double,
//! until the longest that another invocation can hold its environment is over; that
//! a finishSecret which returns without having moved `AWSCURRENT` has failed; that a test is not
//! retried; that a token used again for the rotation it belongs to is answered as before.

mod attempt;
mod timer;

use std::time::Duration;

use crate::error::{ApiError, Refused};
use crate::event::EventKind;
use crate::knobs::Knobs;
use crate::lock::lock;
use crate::secret::{CURRENT, PENDING, Rotating, Secret};
use crate::service::{Service, Shared};
use crate::value::RotationToken;

use attempt::{Attempt, Outcome, StepFailure};
pub(crate) use timer::{resume, rotate_due, run_timer};

/// Why a rotation did not succeed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RotationFailure {
    /// The last attempt failed.
    #[error(
        "the rotation failed in {step} after {attempts} attempt(s): {error_type}: {error_message}"
    )]
    Failed {
        /// The step that failed in the last attempt.
        step: String,
        /// The function's error type, or the runtime's.
        error_type: String,
        /// The function's own words.
        error_message: String,
        /// How many attempts there were.
        attempts: u32,
    },
    /// Someone else wrote a value meanwhile.
    #[error("the rotation was abandoned: someone else wrote a value")]
    Abandoned,
    /// `CancelRotateSecret` stopped it, or the secret was deleted.
    #[error("the rotation was cancelled")]
    Cancelled,
    /// It had not ended when the wait did.
    #[error("the rotation did not end in time")]
    TimedOut,
    /// No rotation of this secret was ever started here.
    #[error("no rotation was started")]
    NeverStarted,
    /// The service refused, for example because there is no such secret.
    #[error(transparent)]
    Refused(#[from] Refused),
}

impl From<ApiError> for RotationFailure {
    fn from(error: ApiError) -> Self {
        Self::Refused(error.into())
    }
}

/// Starts a rotation, or the next attempt of one that is stuck.
pub(crate) fn start(
    service: &Shared,
    arn: &str,
    token: &str,
    test_only: bool,
) -> Result<(), ApiError> {
    let begin = service.change(arn, |secret, now| {
        if let Some(stuck) = secret.unfinished().map(str::to_owned) {
            let running = secret.rotating.is_some();
            if !running {
                secret.rotating = Some(rotating(&stuck, false));
            }
            return Ok(Begin::Again { id: stuck, running });
        }
        if let Some(version) = secret.version(token) {
            let done = version.labels.contains(CURRENT);
            return if done { Ok(Begin::Known) } else { Err(token_taken(token, &secret.arn)) };
        }
        let value = secret.labelled(CURRENT).and_then(|version| version.value.clone());
        secret.add(token, value.filter(|_| test_only), now);
        secret.attach(PENDING, token)?;
        secret.rotating = Some(rotating(token, test_only));
        Ok(Begin::Fresh)
    })?;
    match begin {
        Begin::Known => Ok(()),
        Begin::Fresh => {
            launch(service, arn, token, test_only);
            Ok(())
        }
        Begin::Again { id, running } => {
            if !running {
                launch(service, arn, &id, false);
            }
            if id == token {
                return Ok(());
            }
            Err(ApiError::invalid_request(
                "A previous rotation isn't complete. That rotation will be reattempted.",
            ))
        }
    }
}

/// What a request to rotate begins.
enum Begin {
    Fresh,
    /// Nothing: the rotation of that token is over.
    Known,
    /// `AWSPENDING` is on a version that is not current.
    Again {
        id: String,
        running: bool,
    },
}

fn rotating(version_id: &str, test_only: bool) -> Rotating {
    let rotation_token = RotationToken::random();
    Rotating { version_id: version_id.to_owned(), rotation_token, test_only }
}

fn token_taken(token: &str, arn: &str) -> ApiError {
    ApiError::invalid_request(format!(
        "You can't use ClientRequestToken {token} because that value is already in use for a version of secret {arn}."
    ))
}

/// Runs a rotation in the background.
fn launch(service: &Shared, arn: &str, version_id: &str, test_only: bool) {
    let key = (arn.to_owned(), version_id.to_owned());
    lock(&service.rotations.running).insert(key.clone());
    lock(&service.rotations.outcomes).remove(arn);
    let started =
        if test_only { EventKind::TestRotationStarted } else { EventKind::RotationStarted };
    service.emit(arn, Some(version_id), started);
    // Whoever asked for no attempt takes the steps.
    if service.knobs().attempts == 0 {
        lock(&service.rotations.running).remove(&key);
        return;
    }
    let shared = service.clone();
    service.tasks.spawn(async move {
        run(&shared, &key.0, &key.1, test_only).await;
        lock(&shared.rotations.running).remove(&key);
        shared.rotations.ended.notify_waiters();
    });
}

/// All attempts of one rotation.
async fn run(service: &Shared, arn: &str, version_id: &str, test_only: bool) {
    let most = if test_only { 1 } else { service.knobs().attempts };
    for number in 1..=most {
        let attempt = Attempt { service, arn, version_id, number, test_only };
        let failure = match attempt.run().await {
            Outcome::Succeeded => return succeed(service, arn, version_id, test_only),
            Outcome::GivenUp => return give_up(service, arn, version_id, test_only),
            Outcome::Failed(failure) => failure,
        };
        if number == most {
            return fail(service, arn, version_id, test_only, failure);
        }
        tokio::time::sleep(service.knobs().attempt_spacing).await;
    }
}

/// Whoever abandoned or cancelled it has recorded that; who deleted the secret has not.
fn give_up(service: &Service, arn: &str, version_id: &str, test_only: bool) {
    remove_test_version(service, arn, version_id, test_only);
    let mut outcomes = lock(&service.rotations.outcomes);
    outcomes.entry(arn.to_owned()).or_insert(Err(RotationFailure::Cancelled));
}

fn succeed(service: &Service, arn: &str, version_id: &str, test_only: bool) {
    remove_test_version(service, arn, version_id, test_only);
    let ended = service.change(arn, |secret, now| {
        if !test_only {
            // AWSPENDING is the service's to clean up, and only where the rotation left it.
            if secret.labelled(PENDING).is_some_and(|version| version.id == version_id) {
                secret.detach(PENDING);
            }
            secret.rotated = Some(now);
            secret.changed = now;
            if let Some(rotation) = secret.rotation.as_mut().filter(|rotation| rotation.enabled) {
                let rules = rotation.rules.as_ref();
                rotation.window = rules.and_then(|rules| rules.window_after(now));
            }
        }
        secret.rotating = None;
        Ok(())
    });
    log_refusal(ended);
    let kind =
        if test_only { EventKind::TestRotationSucceeded } else { EventKind::RotationSucceeded };
    conclude(service, arn, version_id, kind, Ok(()));
}

fn fail(service: &Service, arn: &str, version_id: &str, test_only: bool, failure: StepFailure) {
    remove_test_version(service, arn, version_id, test_only);
    let ended = service.change(arn, |secret, now| {
        if secret.rotating.as_ref().is_some_and(|rotating| rotating.version_id == version_id) {
            secret.rotating = None;
        }
        // The next window is another chance; without this the timer would try at every tick.
        if let Some(rotation) = secret.rotation.as_mut().filter(|rotation| rotation.enabled) {
            let due = rotation.window.is_none_or(|(start, _)| start <= now);
            let rules = rotation.rules.as_ref().filter(|_| due);
            rotation.window = rules.and_then(|rules| rules.window_after(now)).or(rotation.window);
        }
        Ok(())
    });
    log_refusal(ended);
    let error_message = format!("Failed to execute step: {}", failure.step);
    let kind = if test_only {
        EventKind::TestRotationFailed { error_message }
    } else {
        EventKind::RotationFailed { error_message }
    };
    conclude(service, arn, version_id, kind, Err(failure.into()));
}

fn remove_test_version(service: &Service, arn: &str, version_id: &str, test_only: bool) {
    if test_only {
        log_refusal(service.change(arn, |secret, _| {
            secret.versions.retain(|version| version.id != version_id);
            Ok(())
        }));
    }
}

/// A secret that was deleted meanwhile has nothing to conclude.
fn log_refusal(result: Result<(), ApiError>) {
    if let Err(error) = result {
        tracing::debug!(code = error.code, "the rotation's secret is gone");
    }
}

/// Records how a rotation ended.
pub(crate) fn conclude(
    service: &Service,
    arn: &str,
    version_id: &str,
    kind: EventKind,
    outcome: Result<(), RotationFailure>,
) {
    lock(&service.rotations.outcomes).insert(arn.to_owned(), outcome);
    service.emit(arn, Some(version_id), kind);
}

/// Gives up the rotation in progress, if a write with this token is not its own; returns the
/// version that was in the making.
pub(crate) fn abandon(secret: &mut Secret, token: &str) -> Option<String> {
    let rotating = secret.rotating.take_if(|rotating| rotating.version_id != token)?;
    if secret.labelled(PENDING).is_some_and(|version| version.id == rotating.version_id) {
        secret.detach(PENDING);
    }
    Some(rotating.version_id)
}

pub(crate) fn announce_abandoned(service: &Service, arn: &str, version_id: &str) {
    let outcome = Err(RotationFailure::Abandoned);
    conclude(service, arn, version_id, EventKind::RotationAbandoned, outcome);
}

/// Checks the `RotationToken` of a `PutSecretValue`, where there is one or must be.
///
/// What the service answers to a wrong one is not documented.
pub(crate) fn check_token(
    secret: &Secret,
    token: &str,
    proof: Option<&str>,
    must_prove: bool,
) -> Result<(), ApiError> {
    let rotating = secret.rotating.as_ref().filter(|rotating| rotating.version_id == token);
    match (proof, rotating) {
        (Some(proof), Some(rotating)) if rotating.rotation_token.expose() == proof => Ok(()),
        (Some(_), _) => Err(ApiError::invalid_parameter(
            "The RotationToken isn't the one of the rotation in progress.",
        )),
        (None, _) if must_prove => Err(ApiError::access_denied(
            "The caller isn't the rotation function of this secret, and the request has no RotationToken.",
        )),
        (None, _) => Ok(()),
    }
}

/// Waits for the end of the rotation in progress, or tells how the last one ended.
pub(crate) async fn wait(
    service: &Service,
    id: &str,
    timeout: Duration,
) -> Result<(), RotationFailure> {
    let arn = service.read(id, |secret, _| Ok(secret.arn.clone()))?;
    let ended = async {
        loop {
            let notified = service.rotations.ended.notified();
            let running =
                lock(&service.rotations.running).iter().any(|(running, _)| *running == arn);
            if !running {
                return;
            }
            notified.await;
        }
    };
    if tokio::time::timeout(timeout, ended).await.is_err() {
        return Err(RotationFailure::TimedOut);
    }
    let outcome = lock(&service.rotations.outcomes).get(&arn).cloned();
    outcome.unwrap_or(Err(RotationFailure::NeverStarted))
}

/// The delivery of steps that holds now.
fn knobs(service: &Service) -> Knobs {
    service.knobs()
}
