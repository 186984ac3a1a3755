//! What the metrics of a function say of a rotation.

use std::time::SystemTime;

use serde_json::Value;
use tokio::time::Instant;

use crate::metrics::{Invocation, Metrics};
use crate::rotation::{Seen, rotate_seen};
use crate::{Failure, Outcome, PasswordPolicy, RotationEvent, Rotator, Vault};

/// One environment of a function, with what it remembers for its metrics from one invocation to the next.
///
/// Shows how long a rotator's old credentials are dead: `DeadPasswordTime` at the end of a rotation, and nothing
/// where they work on.
#[derive(Debug)]
pub struct Meter(Metrics);

impl Default for Meter {
    fn default() -> Self {
        Self(Metrics::new("Turnlock".to_owned(), "function".to_owned()))
    }
}

impl Meter {
    /// Takes a step as [`rotate`](crate::rotate) does; besides, the line of metrics that the function prints of it.
    ///
    /// The line is `null` if it is no JSON, which it always is.
    pub async fn step<R: Rotator, V: Vault>(
        &self,
        rotator: &R,
        vault: &V,
        event: &RotationEvent,
        deadline: Instant,
    ) -> (Result<Outcome, Failure>, Value) {
        let (started, seen) = (Instant::now(), Seen::default());
        let policy = PasswordPolicy::default();
        let done = rotate_seen(rotator, vault, &policy, event, deadline, &seen).await;
        let invocation = Invocation {
            event: Some(event),
            done: done.as_ref().copied(),
            seen: &seen,
            took: started.elapsed(),
            ended: SystemTime::now(),
            request: "",
        };
        self.0.look_back(rotator, vault, &invocation, deadline).await;
        let line = self.0.line(&invocation);
        (done, serde_json::from_str(&line).unwrap_or_default())
    }
}
