//! How consumers fared.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// How often consumers worked, and how they failed.
#[derive(Default)]
pub(crate) struct Tally(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    all: usize,
    failures: Vec<String>,
    /// Both as they were when they were last asked for.
    asked: (usize, usize),
}

impl Tally {
    /// All attempts, and what was wrong with those that failed.
    pub(crate) fn total(&self) -> (usize, Vec<String>) {
        let counts = self.lock();
        (counts.all, counts.failures.clone())
    }

    /// Attempts and failures since the last time.
    pub(crate) fn since_last(&self) -> (usize, usize) {
        let mut counts = self.lock();
        let now = (counts.all, counts.failures.len());
        let before = std::mem::replace(&mut counts.asked, now);
        (now.0 - before.0, now.1 - before.1)
    }

    pub(crate) fn add(&self, result: Result<(), String>) {
        let mut counts = self.lock();
        counts.all += 1;
        counts.failures.extend(result.err());
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
