//! What each invocation tells CloudWatch: one line of its embedded metric format on stdout.
//!
//! `docs/metrics.md` has the metrics, and what Lambda does with such lines.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use self::line::{Line, Metric};
use self::outages::Outages;
use crate::rotation::{Seen, look_back};
use crate::{Failure, Outcome, RotationEvent, Rotator, Step, Vault};

mod line;
mod outages;
mod output;

/// The longest that a line may take to print; Lambda's log takes microseconds.
const PATIENCE: Duration = Duration::from_secs(1);

/// What an environment of a function tells, and what it remembers for that.
#[derive(Debug)]
pub(crate) struct Metrics {
    namespace: String,
    function: String,
    level: &'static str,
    outages: Mutex<Outages>,
}

/// One invocation that has come to its end.
#[derive(Debug)]
pub(crate) struct Invocation<'a> {
    /// What was asked for, if it was a rotation event.
    pub(crate) event: Option<&'a RotationEvent>,
    pub(crate) done: Result<Outcome, &'a Failure>,
    pub(crate) seen: &'a Seen,
    pub(crate) took: Duration,
    pub(crate) ended: SystemTime,
    /// Lambda's request id.
    pub(crate) request: &'a str,
}

impl Metrics {
    /// Reads `METRICS_NAMESPACE`, without which nothing is told.
    pub(crate) fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let namespace = variable("METRICS_NAMESPACE").filter(|name| !name.trim().is_empty())?;
        let function = variable("AWS_LAMBDA_FUNCTION_NAME").filter(|name| !name.is_empty());
        let mut metrics = Self::new(namespace, function.unwrap_or_else(|| "unknown".to_owned()));
        metrics.level = level(variable("AWS_LAMBDA_LOG_LEVEL").as_deref());
        Some(metrics)
    }

    pub(crate) fn new(namespace: String, function: String) -> Self {
        Self { namespace, function, level: level(None), outages: Mutex::default() }
    }

    /// Asks what the rotation did to the old credential, where finishSecret was to end it and this environment was not told.
    ///
    /// One call, and only after consumers have the new credential, or could not be given it.
    pub(crate) async fn look_back<R: Rotator, V: Vault>(
        &self,
        rotator: &R,
        vault: &V,
        invocation: &Invocation<'_>,
        deadline: Instant,
    ) {
        let Some(event) = invocation.event.filter(|_| invocation.seen.was_to_promote()) else {
            return;
        };
        let is_late = matches!(invocation.done, Ok(Outcome::Unchanged));
        if !is_late && !self.outages().knows(event) {
            look_back(rotator, vault, event, deadline, invocation.seen).await;
        }
    }

    /// Prints the line of an invocation, within half of the time that is left.
    pub(crate) async fn print(&self, invocation: &Invocation<'_>, left: Duration) {
        output::print(self.line(invocation), PATIENCE.min(left / 2)).await;
    }

    /// The line of an invocation, which is remembered as far as later ones need it.
    pub(crate) fn line(&self, invocation: &Invocation<'_>) -> String {
        let Invocation { event, done, seen, took, ended, request } = invocation;
        let step = event.map(|event| event.step);
        let mut line = Line::new(&self.namespace);
        line.member("level", self.level);
        line.member("FunctionName", &self.function);
        line.member("Outcome", done.as_ref().map_or("failed", |outcome| outcome.name()));
        if !request.is_empty() {
            line.member("RequestId", request);
        }
        if let Some(event) = event {
            line.member("Step", event.step.name());
            line.member("SecretId", event.secret_id.as_str());
            line.member("VersionId", event.version.as_str());
        }
        let failures = Metric::count("Failures", done.is_err().into());
        let mut metrics = vec![Metric::milliseconds("Duration", *took), failures];
        if step.is_some() {
            let changed = matches!(done, Ok(Outcome::Changed));
            metrics.push(Metric::count("Changes", changed.into()));
            if changed && step == Some(Step::Finish) {
                metrics.push(Metric::count("Rotations", 1));
            }
        }
        let outcome = done.ok();
        let until_now = |since| ended.duration_since(since).unwrap_or_default();
        if let Some(since) =
            event.and_then(|event| self.outages().after(event, outcome, seen.old()))
        {
            metrics.push(Metric::milliseconds("DeadPasswordTime", until_now(since)));
            if outcome.is_none() {
                metrics.push(Metric::count("Outages", 1));
            }
        }
        if let Some(since) = seen.current_since() {
            metrics.push(Metric::seconds("CredentialAge", until_now(since)));
        }
        match step {
            Some(_) => line.metrics(&[&["FunctionName"], &["FunctionName", "Step"]], &metrics),
            None => line.metrics(&[&["FunctionName"]], &metrics),
        }
        if let Err(failure) = done {
            line.member("ErrorClass", failure.class().name());
            line.metrics(&[&["FunctionName", "ErrorClass"]], &[failures]);
        }
        line.text(*ended)
    }

    fn outages(&self) -> MutexGuard<'_, Outages> {
        self.outages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The level of the line: `INFO`, unless Lambda would drop that.
///
/// With logs in JSON, Lambda sends on what has the function's level or a graver one, and takes a line without a level
/// for `INFO`. It tells the function its level in `AWS_LAMBDA_LOG_LEVEL`.
fn level(of_function: Option<&str>) -> &'static str {
    let graver = ["WARN", "ERROR", "FATAL"];
    let of_function = of_function.unwrap_or_default();
    graver.into_iter().find(|level| level.eq_ignore_ascii_case(of_function)).unwrap_or("INFO")
}

#[cfg(test)]
mod tests;
