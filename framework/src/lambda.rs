//! The whole of a function's `main`.

use std::future::Future;
use std::pin::Pin;
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use lambda_runtime::{Context, Diagnostic, LambdaEvent, Runtime, service_fn};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::error::Cause;
use crate::metrics::{Invocation, Metrics};
use crate::rotation::{Seen, rotate_seen};
use crate::vault::AwsVault;
use crate::{Failure, Outcome, PasswordPolicy, RotationEvent, Rotator, TargetError, logs};

/// What is left of Lambda's time to report an error in; of a short time, a fifth.
const TIME_TO_REPORT: Duration = Duration::from_secs(1);

/// The time for a step where the runtime gives no deadline that can be true.
const WITHOUT_DEADLINE: Duration = Duration::from_secs(60);

/// Runs a rotator as a Lambda function, until Lambda ends the process.
///
/// Reads the password policy (see [`PasswordPolicy::from_variables`]), the log level and the namespace of metrics,
/// `METRICS_NAMESPACE`, from the environment, and answers one rotation event after the other. A policy that cannot be
/// read is the answer to every event, so that it is seen where one looks first.
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
    let metrics = Metrics::from_variables(variable);
    let function = Function { rotator, vault, policy, metrics };
    let function = &function;
    // Boxed, since a rotator's futures are nested deeper than the compiler likes to look.
    Runtime::new(service_fn(move |event: LambdaEvent<Event>| -> Answer<'_> {
        Box::pin(async move { function.answer(event.payload.0, &event.context).await })
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
    metrics: Option<Metrics>,
}

impl<R: Rotator> Function<R> {
    async fn answer(&self, event: Option<Value>, context: &Context) -> Result<Value, Diagnostic> {
        let (started, seen) = (Instant::now(), Seen::default());
        let deadline = started + time_for(context.deadline());
        let event = RotationEvent::parse(event.unwrap_or_default());
        let done = match &event {
            Ok(event) => self.step(event, deadline, &seen).await,
            Err(error) => Err(Failure::from(error.clone())),
        };
        let invocation = Invocation {
            event: event.as_ref().ok(),
            done: done.as_ref().copied(),
            seen: &seen,
            took: started.elapsed(),
            ended: SystemTime::now(),
            request: &context.request_id,
        };
        log(&invocation);
        if let Some(metrics) = &self.metrics {
            metrics.look_back(&self.rotator, &self.vault, &invocation, deadline).await;
            metrics.print(&invocation, left_until(context.deadline())).await;
        }
        let step = invocation.event.map(|event| event.step.name());
        Ok(json!({"step": step, "outcome": done?.name()}))
    }

    async fn step(
        &self,
        event: &RotationEvent,
        deadline: Instant,
        seen: &Seen,
    ) -> Result<Outcome, Failure> {
        let failed = |cause| Failure::new(event.step, event.secret_id.clone(), cause);
        let policy = self.policy.as_ref().map_err(|error| failed(Cause::from(error.clone())))?;
        rotate_seen(&self.rotator, &self.vault, policy, event, deadline, seen).await
    }
}

fn log(invocation: &Invocation<'_>) {
    let millis = invocation.took.as_millis();
    match (invocation.done, invocation.event) {
        (Err(failure), _) => {
            tracing::error!(class = %failure.class(), millis, "{failure}");
        }
        (Ok(outcome), Some(RotationEvent { step, secret_id: secret, version, .. })) => {
            let outcome = outcome.name();
            tracing::info!(%step, %secret, %version, outcome, millis, "{step} done");
        }
        // What is no event always fails.
        (Ok(_), None) => {}
    }
}

fn left_until(end: SystemTime) -> Duration {
    end.duration_since(SystemTime::now()).unwrap_or(WITHOUT_DEADLINE)
}

/// How long to go on, so that there is time to say so.
///
/// A deadline that is over on arrival is none: `cargo lambda watch` sends one of 1970.
fn time_for(end: SystemTime) -> Duration {
    let left = left_until(end);
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
