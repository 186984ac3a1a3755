//! Waiting for a replica to show what was changed at its source.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use turnlock::{Class, TargetError};

use crate::Server;

/// The longest wait. Aurora's readers lag by milliseconds; a replica that lags by more than this is ill.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(200);

/// The time that a replica is given to show a change.
#[derive(Debug)]
pub struct Lag<'a> {
    replica: &'a Server,
    end: Instant,
}

impl<'a> Lag<'a> {
    /// Begins the wait for a replica.
    pub fn of(replica: &'a Server) -> Self {
        Self { replica, end: Instant::now() + PATIENCE }
    }

    /// Waits until it is time to look again.
    ///
    /// # Errors
    ///
    /// Class `timeout` where the replica has had 10 seconds.
    pub async fn wait(&self) -> Result<(), TargetError> {
        if Instant::now() >= self.end {
            let text = format!(
                "{} is a replica, and after {PATIENCE:?} does not show yet what was changed at its source; \
                 the step can be repeated safely",
                self.replica
            );
            return Err(TargetError::new(Class::Timeout, text));
        }
        sleep(PAUSE).await;
        Ok(())
    }
}
