//! How long a call that Secrets Manager throttles is made again.
//!
//! An account has 50 writes a second, which its functions and all else share, and a rotation takes two. Where a
//! thousand secrets are due at once, waiting is normal; only Lambda's deadline ends it, and there is time left to say
//! what it was that was waited for.

use std::time::Duration;

use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use rand::TryRng;
use rand::rngs::SysRng;
use tokio::time::{Instant, sleep};

use crate::deadline;

/// What the last try may take. It may be cut off; then nobody hears that the call was throttled.
const LAST_TRY: Duration = Duration::from_millis(500);
/// The time for a call that is no step's.
const WITHOUT_DEADLINE: Duration = Duration::from_secs(20);

/// The pauses before a call is made again: their limit doubles, and each is drawn evenly from nothing to the limit, so
/// that those who were throttled together do not come back together.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    first: Duration,
    longest: Duration,
}

impl Patience {
    /// For what nobody is waiting for: createSecret's write, with which a rotation begins, and reads.
    pub(super) const LONG: Self =
        Self { first: Duration::from_millis(100), longest: Duration::from_secs(5) };
    /// For the write that ends a rotation: until then consumers may hold a password that is dead. It goes before
    /// the writes by which others begin, for it comes back sooner.
    pub(super) const SHORT: Self =
        Self { first: Duration::from_millis(50), longest: Duration::from_millis(500) };

    /// Makes a call until it is not throttled, or there is no time for another try.
    pub(super) async fn spend<T, E: ProvideErrorMetadata, F>(
        self,
        call: impl Fn() -> F,
    ) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let end = deadline().unwrap_or_else(|| Instant::now() + WITHOUT_DEADLINE);
        self.spend_until(end, call).await
    }

    async fn spend_until<T, E: ProvideErrorMetadata, F>(
        self,
        end: Instant,
        call: impl Fn() -> F,
    ) -> Result<T, E>
    where
        F: Future<Output = Result<T, E>>,
    {
        let mut limit = self.first;
        loop {
            // Boxed, or futures were nested deeper than the compiler likes to look.
            let answer = Box::pin(call()).await;
            let throttled = answer.as_ref().is_err_and(|error| is_throttled(error.code()));
            let pause = jittered(limit);
            if !throttled || Instant::now() + pause + LAST_TRY > end {
                return answer;
            }
            sleep(pause).await;
            limit = self.longest.min(limit * 2);
        }
    }
}

/// Whether an error's code asks for fewer calls.
pub(super) fn is_throttled(code: Option<&str>) -> bool {
    matches!(code, Some("ThrottlingException" | "TooManyRequestsException"))
}

/// A part of a pause; without chance, half.
fn jittered(limit: Duration) -> Duration {
    let part = SysRng.try_next_u32().unwrap_or(u32::MAX / 2);
    limit.mul_f64(f64::from(part) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests;
