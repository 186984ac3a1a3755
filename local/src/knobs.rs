//! What a test can make worse than a calm day.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// How the service behaves where its documentation leaves room, and faults that last.
///
/// The default is a calm day: no lag, no throttling, every step delivered once.
#[derive(Debug, Clone)]
pub struct Knobs {
    /// Reads by label answer with the state of this long ago; reads by `VersionId` never lag.
    pub label_lag: Duration,
    /// Time that every call takes before it is carried out, so that calls made at once overlap.
    pub latency: Duration,
    /// Whether the documented quotas throttle: 50 writes of versions a second, 10,000 reads.
    pub throttle: bool,
    /// How many of the 50 writes a second others in the account leave, where quotas throttle.
    pub writes_left: u32,
    /// How each step reaches the function.
    pub delivery: Delivery,
    /// How often a rotation is attempted; with 0 the pending version is made and no function invoked.
    pub attempts: u32,
    /// Time between two attempts.
    pub attempt_spacing: Duration,
    /// How long a step that Lambda throttles is sent again before the attempt fails.
    pub patience: Duration,
    /// Time between two steps.
    pub step_spacing: Duration,
    /// Whether events carry a `RotationToken`.
    pub rotation_token: bool,
    /// Whether a function's `PutSecretValue` is denied without the `RotationToken` of its rotation,
    /// as for a function that assumes a role.
    pub require_rotation_token: bool,
    /// Runs before each step; the step waits for it.
    pub before_step: Option<Hook>,
}

impl Default for Knobs {
    fn default() -> Self {
        Self {
            label_lag: Duration::ZERO,
            latency: Duration::ZERO,
            throttle: false,
            writes_left: 50,
            delivery: Delivery::Once,
            attempts: 3,
            attempt_spacing: Duration::from_secs(1),
            patience: Duration::from_secs(15 * 60),
            step_spacing: Duration::ZERO,
            rotation_token: true,
            require_rotation_token: false,
            before_step: None,
        }
    }
}

/// How often, and when, the same step is delivered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Delivery {
    /// Once, as on most days.
    #[default]
    Once,
    /// Twice, the second after the first has ended. Fails if either does.
    Twice,
    /// Twice at the same time, to two environments. Fails if either does.
    Overlapping,
}

/// A step that is about to be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepContext {
    /// The secret's ARN.
    pub secret_id: String,
    /// The version in the making.
    pub version_id: String,
    /// `createSecret`, `setSecret`, `testSecret` or `finishSecret`.
    pub step: String,
    /// From 1.
    pub attempt: u32,
}

type HookFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Something to do, or to wait for, before a step.
#[derive(Clone)]
pub struct Hook(Arc<dyn Fn(StepContext) -> HookFuture + Send + Sync>);

impl Hook {
    /// Makes a hook of an asynchronous closure.
    pub fn new<F, R>(hook: F) -> Self
    where
        F: Fn(StepContext) -> R + Send + Sync + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        Self(Arc::new(move |context| Box::pin(hook(context))))
    }

    pub(crate) async fn run(&self, context: StepContext) {
        (self.0)(context).await;
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Hook")
    }
}
