//! The whole of a function's `main`.

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use lambda_runtime::{Diagnostic, LambdaEvent, Runtime, service_fn};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::error::Cause;
use crate::vault::AwsVault;
use crate::{Failure, Outcome, PasswordPolicy, RotationEvent, Rotator, TargetError, logs, rotate};

/// What is left of Lambda's time to report an error in; of a short time, a fifth.
const TIME_TO_REPORT: Duration = Duration::from_secs(1);

/// The time for a step where the runtime gives no deadline that can be true.
const WITHOUT_DEADLINE: Duration = Duration::from_secs(60);

/// Runs a rotator as a Lambda function, until Lambda ends the process.
///
/// Reads the password policy (see [`PasswordPolicy::from_variables`]) and the log level from the
/// environment, and answers one rotation event after the other. A policy that cannot be read is the
/// answer to every event, so that it is seen where one looks first.
pub fn run<R: Rotator>(rotator: R) -> ExitCode {
    logs::start(variable);
    if variable("AWS_LAMBDA_RUNTIME_API").is_none() {
        tracing::error!(
            "AWS_LAMBDA_RUNTIME_API is not set: this is a Lambda function; start it by Lambda, by \
             `cargo lambda watch` or by `turnlock-local serve`"
        );
        return ExitCode::FAILURE;
    }
    // One event at a time, and waiting most of it: more threads would only cost memory.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tracing::error!("cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(serve(rotator)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("the Lambda Runtime API is gone: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve<R: Rotator>(rotator: R) -> Result<(), lambda_runtime::Error> {
    let vault = AwsVault::from_env().await;
    let policy = PasswordPolicy::from_variables(variable);
    let function = Function { rotator, vault, policy };
    let function = &function;
    // Boxed, since a rotator's futures are nested deeper than the compiler likes to look.
    Runtime::new(service_fn(move |event: LambdaEvent<Event>| -> Answer<'_> {
        Box::pin(async move { function.answer(event.payload.0, event.context.deadline()).await })
    }))
    .run()
    .await
}

type Answer<'a> = Pin<Box<dyn Future<Output = Result<Value, Diagnostic>> + Send + 'a>>;

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

struct Function<R> {
    rotator: R,
    vault: AwsVault,
    policy: Result<PasswordPolicy, TargetError>,
}

impl<R: Rotator> Function<R> {
    async fn answer(
        &self,
        event: Option<Value>,
        deadline: SystemTime,
    ) -> Result<Value, Diagnostic> {
        let started = Instant::now();
        let event = RotationEvent::parse(event.unwrap_or_default()).map_err(Failure::from);
        let event = event.map_err(|failure| reported(failure, started))?;
        let (step, secret, version) = (event.step, &event.secret_id, &event.version);
        match self.step(&event, deadline).await {
            Ok(outcome) => {
                let (outcome, millis) = (outcome.name(), started.elapsed().as_millis());
                tracing::info!(%step, %secret, %version, outcome, millis, "{step} done");
                Ok(json!({"step": step.name(), "outcome": outcome}))
            }
            Err(failure) => Err(reported(failure, started)),
        }
    }

    async fn step(&self, event: &RotationEvent, end: SystemTime) -> Result<Outcome, Failure> {
        let failed = |cause| Failure::new(event.step, event.secret_id.clone(), cause);
        let policy = self.policy.as_ref().map_err(|error| failed(Cause::from(error.clone())))?;
        let deadline = Instant::now() + time_for(end);
        rotate(&self.rotator, &self.vault, policy, event, deadline).await
    }
}

fn reported(failure: Failure, started: Instant) -> Diagnostic {
    let millis = started.elapsed().as_millis();
    tracing::error!(class = %failure.class(), millis, "{failure}");
    failure.into()
}

/// How long to go on, so that there is time to say so.
///
/// A deadline that is over on arrival is none: `cargo lambda watch` sends one of 1970.
fn time_for(end: SystemTime) -> Duration {
    let left = end.duration_since(SystemTime::now()).unwrap_or(WITHOUT_DEADLINE);
    left - TIME_TO_REPORT.min(left / 5)
}

/// An event that may not even be JSON, which is then said in our words.
struct Event(Option<Value>);

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Value::deserialize(deserializer).ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds_for(left: Duration) -> u64 {
        time_for(SystemTime::now() + left + Duration::from_millis(100)).as_secs()
    }

    #[test]
    fn a_second_is_left_to_report_in_and_of_a_short_time_a_fifth() {
        assert_eq!(seconds_for(Duration::from_secs(30)), 29);
        assert_eq!(seconds_for(Duration::from_secs(4)), 3);
    }

    #[test]
    fn a_deadline_that_is_over_on_arrival_is_none() {
        let watch = SystemTime::UNIX_EPOCH + Duration::from_secs(600);
        assert_eq!(time_for(watch), Duration::from_secs(59));
    }
}
