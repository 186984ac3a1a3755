//! What happened to rotations, live and in retrospect.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

/// Something that happened to a secret.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Since the start of [`Local`](crate::Local).
    pub at: Duration,
    /// By the service's clock.
    pub time: SystemTime,
    /// The secret's ARN.
    pub secret_id: String,
    /// The version concerned, which for a rotation is its `ClientRequestToken`.
    pub version_id: Option<String>,
    /// What happened.
    pub kind: EventKind,
}

/// What can happen to a secret.
#[derive(Debug, Clone, PartialEq)]
pub enum EventKind {
    /// A rotation begins, or a stuck one is taken up again.
    RotationStarted,
    /// All four steps passed and the labels are right.
    RotationSucceeded,
    /// The last attempt failed. The message names the step, never the reason.
    RotationFailed {
        /// As in the event that `EventBridge` delivers.
        error_message: String,
    },
    /// Someone else wrote a value, so the rotation was given up.
    RotationAbandoned,
    /// `CancelRotateSecret` stopped it.
    RotationCancelled,
    /// `RotateImmediately=false`: testSecret alone begins.
    TestRotationStarted,
    /// testSecret alone passed.
    TestRotationSucceeded,
    /// testSecret alone failed.
    TestRotationFailed {
        /// As in the event that `EventBridge` delivers.
        error_message: String,
    },
    /// A step was sent to the function.
    StepStarted {
        /// `createSecret`, `setSecret`, `testSecret` or `finishSecret`.
        step: String,
        /// From 1.
        attempt: u32,
    },
    /// The function answered, or did not in time.
    StepFinished {
        /// `createSecret`, `setSecret`, `testSecret` or `finishSecret`.
        step: String,
        /// From 1.
        attempt: u32,
        /// How long it took.
        duration: Duration,
        /// The function's own, or `Sandbox.Timedout`, `Runtime.ExitError`; `None` on success.
        error_type: Option<String>,
        /// The function's own words.
        error_message: Option<String>,
    },
    /// Labels moved: where each is now.
    LabelsMoved {
        /// Version ids by label.
        labels: BTreeMap<String, String>,
    },
}

impl Event {
    /// Logs names, ids and error types; messages are the function's and stay out of our log.
    pub(crate) fn log(&self) {
        let (secret, version) = (&self.secret_id, self.version_id.as_deref().unwrap_or("-"));
        match &self.kind {
            EventKind::StepStarted { step, attempt } => {
                tracing::info!(secret, version, step, attempt, "step started");
            }
            EventKind::StepFinished { step, attempt, duration, error_type, .. } => {
                let outcome = error_type.as_deref().unwrap_or("ok");
                let millis = duration.as_millis();
                tracing::info!(secret, version, step, attempt, outcome, millis, "step finished");
            }
            EventKind::LabelsMoved { labels } => tracing::info!(secret, ?labels, "labels moved"),
            EventKind::RotationFailed { error_message }
            | EventKind::TestRotationFailed { error_message } => {
                tracing::info!(secret, version, error_message, "rotation failed");
            }
            EventKind::RotationStarted
            | EventKind::RotationSucceeded
            | EventKind::RotationAbandoned
            | EventKind::RotationCancelled
            | EventKind::TestRotationStarted
            | EventKind::TestRotationSucceeded => {
                tracing::info!(secret, version, "{:?}", self.kind);
            }
        }
    }

    /// The event as `EventBridge` delivers it (its `detail`), for those that the service emits.
    pub fn detail(&self) -> Option<Value> {
        let (name, message) = match &self.kind {
            EventKind::RotationStarted => ("RotationStarted", None),
            EventKind::RotationSucceeded => ("RotationSucceeded", None),
            EventKind::RotationFailed { error_message } => ("RotationFailed", Some(error_message)),
            EventKind::RotationAbandoned => ("RotationAbandoned", None),
            EventKind::TestRotationStarted => ("TestRotationStarted", None),
            EventKind::TestRotationSucceeded => ("TestRotationSucceeded", None),
            EventKind::TestRotationFailed { error_message } => {
                ("TestRotationFailed", Some(error_message))
            }
            EventKind::RotationCancelled
            | EventKind::StepStarted { .. }
            | EventKind::StepFinished { .. }
            | EventKind::LabelsMoved { .. } => return None,
        };
        let mut detail = json!({
            "eventSource": "secretsmanager.amazonaws.com",
            "eventType": "AwsServiceEvent",
            "eventName": name,
            "additionalEventData": { "SecretId": self.secret_id },
        });
        if let (Some(message), Some(detail)) = (message, detail.as_object_mut()) {
            detail.insert("errorMessage".to_owned(), json!(message));
        }
        Some(detail)
    }
}
