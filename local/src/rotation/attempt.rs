//! One attempt of a rotation: its steps, one after the other.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Map, json};

use super::{RotationFailure, knobs};
use crate::backoff::Backoff;
use crate::event::EventKind;
use crate::knobs::{Delivery, StepContext};
use crate::lambda::{Answer, Deployed, Throttled};
use crate::secret::CURRENT;
use crate::service::Shared;

const STEPS: &[&str] = &["createSecret", "setSecret", "testSecret", "finishSecret"];
const TEST: &[&str] = &["testSecret"];
const FINISH: &str = "finishSecret";

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

pub(super) struct Attempt<'a> {
    pub(super) service: &'a Shared,
    pub(super) arn: &'a str,
    pub(super) version_id: &'a str,
    /// From 1.
    pub(super) number: u32,
    pub(super) test_only: bool,
}

pub(super) enum Outcome {
    Succeeded,
    Failed(StepFailure),
    /// Abandoned, cancelled or deleted: whoever did it has said so.
    GivenUp,
}

/// What went wrong in which step of which attempt.
pub(super) struct StepFailure {
    pub(super) step: String,
    error_type: String,
    error_message: String,
    attempt: u32,
}

impl From<StepFailure> for RotationFailure {
    fn from(failure: StepFailure) -> Self {
        let StepFailure { step, error_type, error_message, attempt } = failure;
        Self::Failed { step, error_type, error_message, attempts: attempt }
    }
}

impl Attempt<'_> {
    pub(super) async fn run(&self) -> Outcome {
        for step in if self.test_only { TEST } else { STEPS } {
            if !self.goes_on() {
                return Outcome::GivenUp;
            }
            self.pause(step).await;
            if !self.goes_on() {
                return Outcome::GivenUp;
            }
            let failure = self.step(step).await;
            if !self.goes_on() {
                return Outcome::GivenUp;
            }
            if let Some((error_type, error_message)) = failure {
                let (step, attempt) = ((*step).to_owned(), self.number);
                return Outcome::Failed(StepFailure { step, error_type, error_message, attempt });
            }
        }
        Outcome::Succeeded
    }

    /// Whether this rotation is still the one in progress.
    fn goes_on(&self) -> bool {
        let mine = self.service.read(self.arn, |secret, _| {
            let rotating = secret.rotating.as_ref();
            Ok(rotating.is_some_and(|rotating| rotating.version_id == self.version_id))
        });
        mine.unwrap_or(false)
    }

    async fn pause(&self, step: &str) {
        let knobs = knobs(self.service);
        if step != "createSecret" && !knobs.step_spacing.is_zero() {
            tokio::time::sleep(knobs.step_spacing).await;
        }
        if let Some(hook) = &knobs.before_step {
            let context = StepContext {
                secret_id: self.arn.to_owned(),
                version_id: self.version_id.to_owned(),
                step: step.to_owned(),
                attempt: self.number,
            };
            hook.run(context).await;
        }
    }

    /// Delivers a step as the knobs say; returns what went wrong.
    async fn step(&self, step: &str) -> Option<(String, String)> {
        let failures = match knobs(self.service).delivery {
            Delivery::Once => vec![self.deliver(step).await],
            Delivery::Twice => vec![self.deliver(step).await, self.deliver(step).await],
            Delivery::Overlapping => {
                let (one, other) = tokio::join!(self.deliver(step), self.deliver(step));
                vec![one, other]
            }
        };
        let failure = failures.into_iter().flatten().next();
        let unmoved = step == FINISH && failure.is_none() && !self.is_current();
        failure.or_else(|| unmoved.then(not_moved))
    }

    async fn deliver(&self, step: &str) -> Option<(String, String)> {
        let started = Instant::now();
        let started_event = EventKind::StepStarted { step: step.to_owned(), attempt: self.number };
        self.service.emit(self.arn, Some(self.version_id), started_event);
        let failure = match self.invoke(step).await {
            Answer::Success { .. } => None,
            Answer::Failure { error_type, error_message, .. } => Some((error_type, error_message)),
        };
        let (error_type, error_message) = failure.clone().unzip();
        let finished = EventKind::StepFinished {
            step: step.to_owned(),
            attempt: self.number,
            duration: started.elapsed(),
            error_type,
            error_message,
        };
        self.service.emit(self.arn, Some(self.version_id), finished);
        failure
    }

    /// The function is looked up anew for each step: it can change between two of them.
    async fn invoke(&self, step: &str) -> Answer {
        let looked_up = self.service.read(self.arn, |secret, _| {
            let function = secret.rotation.as_ref().map(|rotation| rotation.function_arn.clone());
            let proof = secret.rotating.as_ref().map(|rotating| rotating.rotation_token.clone());
            Ok((function.unwrap_or_default(), proof))
        });
        let (function_arn, proof) = looked_up.unwrap_or_default();
        let Some(function) = self.service.functions.find(&function_arn) else {
            return Answer::failure("ResourceNotFoundException", "the rotation function is gone");
        };
        let mut event = Map::new();
        event.insert("Step".to_owned(), json!(step));
        event.insert("SecretId".to_owned(), json!(self.arn));
        event.insert("ClientRequestToken".to_owned(), json!(self.version_id));
        if let Some(proof) = proof.filter(|_| knobs(self.service).rotation_token) {
            event.insert("RotationToken".to_owned(), json!(proof.expose()));
        }
        let payload = Bytes::from(serde_json::to_vec(&event).unwrap_or_default());
        self.send(function, payload).await
    }

    /// Sends an event until Lambda takes it, the rotation is over, or the service's patience is.
    async fn send(&self, function: &Deployed, payload: Bytes) -> Answer {
        let end = Instant::now() + knobs(self.service).patience;
        let mut backoff = Backoff::new(FIRST_PAUSE, LONGEST_PAUSE);
        loop {
            if let Ok(answer) = function.invoke(payload.clone(), false).await {
                return answer;
            }
            let pause = backoff.pause();
            if Instant::now() + pause > end || !self.goes_on() {
                return Answer::failure(Throttled::CODE, Throttled::MESSAGE);
            }
            tokio::time::sleep(pause).await;
        }
    }

    fn is_current(&self) -> bool {
        let current = self.service.read(self.arn, |secret, _| {
            Ok(secret.labelled(CURRENT).is_some_and(|version| version.id == self.version_id))
        });
        current.unwrap_or(false)
    }
}

fn not_moved() -> (String, String) {
    let message = "finishSecret succeeded, but AWSCURRENT isn't on the new version";
    ("AWSCURRENT not moved".to_owned(), message.to_owned())
}
