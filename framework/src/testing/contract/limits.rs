/// What is tried of what there is: all of it takes seconds in memory, and minutes on a real server.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Of the calls at which something can happen, one in so many is tried; other rotations begin at others.
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
    /// Of the calls at which something can happen, tries one in so many.
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
