//! How long a call that Secrets Manager throttles is made again.
//!
//! An account has 50 writes a second, which its functions and all else share, and a rotation takes two. Where a
//! thousand secrets are due at once, waiting is normal; only Lambda's deadline ends it, and there is time left to say
//! what it was that was waited for.

use std::time::Duration;

use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
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
    pub(super) async fn spend<T, E, R, F>(self, call: impl Fn() -> F) -> Result<T, SdkError<E, R>>
    where
        F: Future<Output = Result<T, SdkError<E, R>>>,
        SdkError<E, R>: ProvideErrorMetadata,
    {
        let end = deadline().unwrap_or_else(|| Instant::now() + WITHOUT_DEADLINE);
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
mod tests {
    use std::cell::Cell;

    use aws_sdk_secretsmanager::error::ErrorMetadata;
    use aws_sdk_secretsmanager::operation::put_secret_value::PutSecretValueError as Error;

    use super::*;

    type Answer = Result<u8, SdkError<Error, ()>>;

    fn failure(code: &str) -> Answer {
        let metadata = ErrorMetadata::builder().code(code).build();
        Err(SdkError::service_error(Error::generic(metadata), ()))
    }

    /// The answer, how often the call was made, and what it took.
    async fn spend(patience: Patience, answer: impl Fn(u32) -> Answer) -> (Answer, u32, Duration) {
        let (calls, start) = (Cell::new(0), Instant::now());
        let call = || {
            calls.set(calls.get() + 1);
            std::future::ready(answer(calls.get()))
        };
        let answer = patience.spend(call).await;
        (answer, calls.get(), start.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_throttled_is_made_again_until_there_is_no_time_for_another_try() {
        for patience in [Patience::LONG, Patience::SHORT] {
            let (answer, calls, took) = spend(patience, |_| failure("ThrottlingException")).await;
            assert!(answer.is_err_and(|error| is_throttled(error.code())));
            let most = WITHOUT_DEADLINE - LAST_TRY;
            assert!(took <= most && took + patience.longest >= most, "{took:?}");
            assert!(calls > 5, "{calls}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_write_that_ends_a_rotation_comes_back_sooner_than_those_that_begin_one() {
        let throttled = |_| failure("ThrottlingException");
        let (_, begins, _) = spend(Patience::LONG, throttled).await;
        let (_, ends, _) = spend(Patience::SHORT, throttled).await;
        assert!(ends > begins, "{ends} tries, {begins} tries");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_ends_it_and_so_does_an_error_of_another_kind() {
        let at_last = |call| if call < 4 { failure("ThrottlingException") } else { Ok(7) };
        let (answer, calls, _) = spend(Patience::LONG, at_last).await;
        assert_eq!((answer.ok(), calls), (Some(7), 4));
        let (answer, calls, took) = spend(Patience::LONG, |_| failure("AccessDenied")).await;
        assert_eq!((answer.is_err(), calls, took), (true, 1, Duration::ZERO));
    }

    #[test]
    fn pauses_differ_and_are_not_longer_than_their_limit() {
        let limit = Duration::from_secs(1);
        let pauses: Vec<_> = (0..20).map(|_| jittered(limit)).collect();
        assert!(pauses.iter().all(|pause| *pause <= limit));
        assert!(pauses.windows(2).any(|pair| pair[0] != pair[1]), "{pauses:?}");
    }
}
