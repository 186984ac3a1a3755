use std::fmt;

use super::event::Trace;
use super::judge::Violation;

/// What [`contract::run`](super::contract::run) found.
#[derive(Clone, Debug)]
pub struct Report {
    /// Each promise that was tried.
    pub checks: Vec<Check>,
}

/// One promise, and how often it was tried.
#[derive(Clone, Debug)]
pub struct Check {
    /// What was done to the rotations.
    pub name: &'static str,
    /// In how many different places, or how many different ways.
    pub points: usize,
    /// What broke a promise, if anything did.
    pub counter_example: Option<CounterExample>,
}

/// A course of events that breaks a promise.
///
/// Its text is one event a line, and can be [replayed](super::contract::replay). No event of it can be left out.
#[derive(Clone, Debug)]
pub struct CounterExample {
    pub(super) trace: Trace,
    pub(super) violation: Option<Violation>,
}

impl CounterExample {
    /// What happened, as text to be [replayed](super::contract::replay).
    pub fn trace(&self) -> &Trace {
        &self.trace
    }

    /// The promise that was broken, in words that are the same each time; nothing where the service would not do what
    /// the text says.
    pub fn promise(&self) -> Option<&'static str> {
        self.violation.as_ref().map(|violation| violation.promise)
    }
}

impl fmt::Display for CounterExample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.violation {
            Some(violation) => writeln!(f, "broken: {violation}")?,
            None => f.write_str("the service would not do the last of these\n")?,
        }
        write!(f, "{}", self.trace)
    }
}

impl Report {
    /// How many points were tried, over all checks.
    pub fn points(&self) -> usize {
        self.checks.iter().map(|check| check.points).sum()
    }

    /// What broke a promise.
    pub fn counter_examples(&self) -> impl Iterator<Item = &CounterExample> {
        self.checks.iter().filter_map(|check| check.counter_example.as_ref())
    }

    /// Fails a test if a promise was broken, or a check had nothing to try.
    ///
    /// # Panics
    ///
    /// Then, with the whole report.
    #[track_caller]
    #[expect(clippy::panic, reason = "a failed test should panic")]
    pub fn assert_kept(&self) {
        let is_kept = |check: &Check| check.points > 0 && check.counter_example.is_none();
        if !self.checks.iter().all(is_kept) {
            panic!("the contract is not kept\n{self}");
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Check { name, points, counter_example } in &self.checks {
            let broken = usize::from(counter_example.is_some());
            writeln!(f, "{name:<52} {points:>7} points  {broken} violations")?;
        }
        for example in self.counter_examples() {
            write!(f, "\n{example}")?;
        }
        Ok(())
    }
}
