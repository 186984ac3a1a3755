//! Consumers that never pause, counted: that none has failed says something only if they were at work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

/// What consumers have done so far.
#[derive(Debug)]
pub struct Tally {
    ended: AtomicBool,
    /// How many sessions each consumer has finished.
    sessions: Vec<AtomicUsize>,
}

impl Tally {
    /// Of so many consumers, which are numbered from 0.
    pub fn of(consumers: usize) -> Arc<Self> {
        let sessions = (0..consumers).map(|_| AtomicUsize::new(0)).collect();
        Arc::new(Self { ended: AtomicBool::new(false), sessions })
    }

    /// One of the consumers, at work.
    pub fn consumer(self: &Arc<Self>, number: usize) -> Consumer {
        Consumer { tally: Arc::clone(self), number }
    }

    /// How many sessions each consumer has finished.
    pub fn sessions(&self) -> Vec<usize> {
        self.sessions.iter().map(|count| count.load(Ordering::SeqCst)).collect()
    }

    /// Waits until every consumer has finished so many more sessions; two, and one began after this moment.
    ///
    /// # Panics
    ///
    /// If a consumer has failed.
    pub async fn advance(&self, sessions: usize) {
        let before = self.sessions();
        let behind = |(now, then): (usize, &usize)| now < then + sessions;
        while self.sessions().into_iter().zip(&before).any(behind) {
            assert!(!self.ended.load(Ordering::SeqCst), "a consumer has failed");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Tells all that it is enough.
    pub fn end(&self) {
        self.ended.store(true, Ordering::SeqCst);
    }
}

/// A consumer at work; dropped, as by a panic, it has all others end too.
#[derive(Debug)]
pub struct Consumer {
    tally: Arc<Tally>,
    number: usize,
}

impl Consumer {
    /// Whether there is to be another session.
    pub fn goes_on(&self) -> bool {
        !self.tally.ended.load(Ordering::SeqCst)
    }

    /// Counts a session that has done all of its work.
    pub fn finish(&self) {
        self.tally.sessions[self.number].fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.tally.end();
    }
}
