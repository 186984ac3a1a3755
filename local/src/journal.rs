//! Every call of the API that was answered, or was not.

use std::time::Duration;

use crate::caller::Access;
use crate::operation::Operation;

/// One call of the API; it never holds a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// What was called.
    pub operation: Operation,
    /// The secret, as the caller named it.
    pub secret_id: Option<String>,
    /// `VersionId`, `ClientRequestToken` or `MoveToVersionId`, whichever the call has.
    pub version_id: Option<String>,
    /// `VersionStage`, where the call has one.
    pub version_stage: Option<String>,
    /// When the request had arrived, since the start of [`Local`](crate::Local).
    pub started: Duration,
    /// When the answer was ready, since the start of [`Local`](crate::Local).
    pub finished: Duration,
    /// The code of the error, or of the fault that hit it (`Hang`, `Drop`, …).
    pub outcome: Result<(), String>,
    /// The function that called, where one did: a process of it, or who has its access key.
    pub from_function: Option<String>,
    /// The step that process was in.
    pub step: Option<String>,
    /// What IAM was asked, in this order; nothing where a fault hit the call before.
    pub accesses: Vec<Access>,
}

/// The length of the longest chain of calls of which none overlaps the next in time.
///
/// This is what a caller waits for: calls made at once count once. Calls on loopback are so short
/// that two of them made at once may miss each other; set [`Knobs::latency`](crate::Knobs) to a
/// few milliseconds where this is asserted.
pub fn serial_round_trips(calls: &[Call]) -> usize {
    let mut spans: Vec<_> = calls.iter().map(|call| (call.finished, call.started)).collect();
    spans.sort_unstable();
    let mut free_from = Duration::ZERO;
    let mut length = 0;
    for (finished, started) in spans {
        if length == 0 || started >= free_from {
            length += 1;
            free_from = finished;
        }
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(started: u64, finished: u64) -> Call {
        Call {
            operation: Operation::GetSecretValue,
            secret_id: None,
            version_id: None,
            version_stage: None,
            started: Duration::from_millis(started),
            finished: Duration::from_millis(finished),
            outcome: Ok(()),
            from_function: None,
            step: None,
            accesses: Vec::new(),
        }
    }

    #[test]
    fn calls_made_at_once_count_once() {
        assert_eq!(serial_round_trips(&[]), 0);
        assert_eq!(serial_round_trips(&[call(0, 5), call(1, 6), call(2, 4)]), 1);
        assert_eq!(serial_round_trips(&[call(0, 5), call(5, 9), call(6, 8), call(10, 11)]), 3);
    }
}
