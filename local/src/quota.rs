//! The documented request quotas, as token buckets.
//!
//! How the service counts is not documented; a bucket lets through what a second's quota is at once, and then
//! one call after the other.

use std::sync::Mutex;
use std::time::Instant;

use crate::error::ApiError;
use crate::lock::lock;
use crate::operation::Operation;

/// `GetSecretValue` and `DescribeSecret` together.
const READS_A_SECOND: f64 = 10_000.0;
/// `PutSecretValue`, `UpdateSecret` and `UpdateSecretVersionStage` together; not adjustable.
const WRITES_A_SECOND: u32 = 50;

#[derive(Debug)]
pub(crate) struct Quotas {
    reads: Mutex<Bucket>,
    writes: Mutex<Bucket>,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Quotas {
    pub(crate) fn new() -> Self {
        Self {
            reads: Mutex::new(Bucket::full(READS_A_SECOND)),
            writes: Mutex::new(Bucket::full(WRITES_A_SECOND.into())),
        }
    }

    /// Counts a call, or refuses it; `writes` are those that others in the account leave.
    pub(crate) fn take(&self, operation: Operation, writes: u32) -> Result<(), ApiError> {
        let (bucket, rate) = if is_write(operation) {
            (&self.writes, writes.min(WRITES_A_SECOND).into())
        } else if matches!(operation, Operation::GetSecretValue | Operation::DescribeSecret) {
            (&self.reads, READS_A_SECOND)
        } else {
            return Ok(());
        };
        if lock(bucket).take(Instant::now(), rate) { Ok(()) } else { Err(ApiError::throttled()) }
    }
}

fn is_write(operation: Operation) -> bool {
    matches!(
        operation,
        Operation::PutSecretValue | Operation::UpdateSecret | Operation::UpdateSecretVersionStage
    )
}

impl Bucket {
    fn full(rate: f64) -> Self {
        Self { tokens: rate, filled: Instant::now() }
    }

    fn take(&mut self, now: Instant, rate: f64) -> bool {
        let grown = now.saturating_duration_since(self.filled).as_secs_f64() * rate;
        self.tokens = (self.tokens + grown).min(rate);
        self.filled = now;
        let enough = self.tokens >= 1.0;
        if enough {
            self.tokens -= 1.0;
        }
        enough
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn fifty_writes_a_second_pass_and_the_next_waits_for_a_fiftieth_of_a_second() {
        let start = Instant::now();
        let mut bucket = Bucket { tokens: 50.0, filled: start };
        let mut take = |millis| bucket.take(start + Duration::from_millis(millis), 50.0);
        assert!((0..50).all(|_| take(0)));
        assert!(!take(0) && !take(10));
        assert!(take(21));
    }

    #[test]
    fn what_others_take_is_not_there() {
        let quotas = Quotas::new();
        assert_eq!(quotas.take(Operation::UpdateSecret, 0), Err(ApiError::throttled()));
        assert_eq!(quotas.take(Operation::DescribeSecret, 0), Ok(()));
    }
}
