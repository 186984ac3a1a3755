//! How many invocations of one function may run at once: Lambda's reserved concurrency.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

/// Lambda has not run the invocation, since as many as may were running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Throttled;

impl Throttled {
    /// The code of Invoke's error, which travels with HTTP 429.
    pub(crate) const CODE: &str = "TooManyRequestsException";
    /// Which of Lambda's limits it was.
    pub(crate) const REASON: &str = "ReservedFunctionConcurrentInvocationLimitExceeded";
    /// Lambda's words, as they are seen in error reports.
    pub(crate) const MESSAGE: &str = "Rate Exceeded.";
}

/// The limit of one function, and how often it was met.
#[derive(Debug)]
pub(super) struct Concurrency {
    free: Semaphore,
    throttles: AtomicU64,
}

impl Concurrency {
    /// Without a limit there is one that no machine meets.
    pub(super) fn new(limit: Option<usize>) -> Self {
        let most = limit.unwrap_or(Semaphore::MAX_PERMITS).min(Semaphore::MAX_PERMITS);
        Self { free: Semaphore::new(most), throttles: AtomicU64::new(0) }
    }

    /// Room for one invocation, for as long as the permit lives.
    pub(super) fn enter(&self) -> Result<SemaphorePermit<'_>, Throttled> {
        self.free.try_acquire().map_err(|_| self.throttle())
    }

    /// Counts an invocation that was throttled, here or behind a URL.
    pub(super) fn throttle(&self) -> Throttled {
        self.throttles.fetch_add(1, Ordering::Relaxed);
        Throttled
    }

    pub(super) fn throttles(&self) -> u64 {
        self.throttles.load(Ordering::Relaxed)
    }
}
