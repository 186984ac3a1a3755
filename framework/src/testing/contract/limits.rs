/// What is tried of all pairs of faults: all of them take seconds in memory, and many minutes on a real server.
///
/// Single faults are tried at every call in any case.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Of the calls at which the first of two things can happen, one in so many is tried; others in each turn.
    pub calls_one_in: usize,
    /// Of the calls at which a second thing can happen, one in so many is tried.
    pub pairs_one_in: usize,
}

impl Default for Limits {
    /// No limits.
    fn default() -> Self {
        Self { calls_one_in: 1, pairs_one_in: 1 }
    }
}

impl Limits {
    /// Of the calls at which the first of two things can happen, tries one in so many.
    #[must_use]
    pub fn calls_one_in(mut self, many: usize) -> Self {
        self.calls_one_in = many.max(1);
        self
    }

    /// Of the calls at which a second thing can happen, tries one in so many.
    #[must_use]
    pub fn pairs_one_in(mut self, many: usize) -> Self {
        self.pairs_one_in = many.max(1);
        self
    }

    /// The calls to try; others in each turn.
    pub(super) fn calls(self, turn: usize) -> impl Iterator<Item = usize> {
        (1 + turn % self.calls_one_in..).step_by(self.calls_one_in)
    }

    /// The calls after the first thing to try; others in each turn.
    pub(super) fn second_calls(self, turn: usize) -> impl Iterator<Item = usize> {
        (1 + turn % self.pairs_one_in..).step_by(self.pairs_one_in)
    }
}
