//! Pauses between tries of what was throttled.

use std::time::Duration;

/// Pauses whose limit doubles, each drawn evenly from nothing to the limit: those who were throttled
/// together do not come back together.
#[derive(Debug)]
pub(crate) struct Backoff {
    limit: Duration,
    longest: Duration,
}

impl Backoff {
    /// The limits of the first pause and of all.
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self { limit: first, longest }
    }

    /// How long to wait this time.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.limit.mul_f64(rand::random());
        self.limit = self.limit.saturating_mul(2).min(self.longest);
        pause
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_the_longest_and_differ() {
        let seconds = Duration::from_secs;
        let mut backoff = Backoff::new(seconds(1), seconds(5));
        let mut pauses = Vec::new();
        for limit in [1, 2, 4, 5, 5] {
            assert_eq!(backoff.limit, seconds(limit));
            pauses.push(backoff.pause());
            assert!(pauses.last().is_some_and(|pause| *pause <= seconds(limit)));
        }
        pauses.dedup();
        assert_eq!(pauses.len(), 5, "{pauses:?}");
    }
}
