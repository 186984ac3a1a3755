use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use turnlock_local::{Call, EventKind, Local};

use super::{Fleet, stories, throttled_writes, writes};
use crate::world::FUNCTION;

/// The writes a second that Secrets Manager takes of an account, by the two that each rotation makes.
const CEILING: f64 = 25.0;

/// How a fleet fared.
#[derive(Debug)]
pub struct Summary {
    /// What it was.
    pub fleet: Fleet,
    /// Secrets that were rotated once, by one rotation that succeeded.
    pub rotated: usize,
    /// Secrets whose new `AWSCURRENT` logs in.
    pub logged_in: usize,
    /// Rotations that failed for good.
    pub failed: usize,
    /// From the first rotation's start to the last one's end.
    pub took: Duration,
    /// Invocations that Lambda has run.
    pub invocations: usize,
    /// How those of them ended that failed, by the type of their error.
    pub errors: BTreeMap<String, usize>,
    /// Invocations that Lambda has throttled.
    pub throttled_invocations: u64,
    /// Writes of the function's that Secrets Manager has taken.
    pub writes: usize,
    /// Writes of the function's that Secrets Manager has throttled.
    pub throttled_writes: usize,
    /// For each rotation, from the end of its setSecret to the new `AWSCURRENT`: consumers hold a dead password.
    pub dead: Vec<Duration>,
}

impl Summary {
    pub(super) fn of(fleet: Fleet, local: &Local, logged_in: &BTreeSet<String>) -> Self {
        let mut summary = Self {
            fleet,
            rotated: 0,
            logged_in: logged_in.len(),
            failed: 0,
            took: Duration::ZERO,
            invocations: 0,
            errors: BTreeMap::new(),
            throttled_invocations: local.throttles(FUNCTION),
            writes: 0,
            throttled_writes: 0,
            dead: Vec::new(),
        };
        let (mut began, mut ended) = (Duration::MAX, Duration::ZERO);
        for story in stories(local.events()).values() {
            let (mut started, mut succeeded, mut set) = (0, 0, None);
            for (at, kind) in story {
                match kind {
                    EventKind::RotationStarted => {
                        started += 1;
                        began = began.min(*at);
                    }
                    EventKind::RotationSucceeded => {
                        succeeded += 1;
                        ended = ended.max(*at);
                    }
                    EventKind::RotationFailed { .. } => summary.failed += 1,
                    EventKind::StepFinished { step, error_type, .. } => {
                        summary.invocations += 1;
                        if let Some(class) = error_type {
                            *summary.errors.entry(format!("{step}: {class}")).or_default() += 1;
                        } else if step == "setSecret" {
                            set.get_or_insert(*at);
                        }
                    }
                    EventKind::LabelsMoved { labels } if labels.contains_key("AWSPREVIOUS") => {
                        summary.dead.extend(set.take().map(|set| at.saturating_sub(set)));
                    }
                    EventKind::LabelsMoved { .. }
                    | EventKind::RotationAbandoned
                    | EventKind::RotationCancelled
                    | EventKind::StepStarted { .. }
                    | EventKind::TestRotationFailed { .. }
                    | EventKind::TestRotationStarted
                    | EventKind::TestRotationSucceeded => {}
                }
            }
            summary.rotated += usize::from((started, succeeded) == (1, 1));
        }
        summary.took = ended.saturating_sub(began);
        summary.dead.sort_unstable();
        summary.count(&local.calls());
        summary
    }

    fn count(&mut self, calls: &[Call]) {
        self.writes = writes(calls).filter(|call| call.outcome.is_ok()).count();
        self.throttled_writes = throttled_writes(calls);
    }

    /// Rotations a second.
    pub fn throughput(&self) -> f64 {
        self.rotated as f64 / self.took.as_secs_f64()
    }

    /// The time of which this part of a hundred is not longer.
    fn dead(&self, part: usize) -> f64 {
        let index = self.dead.len().saturating_sub(1) * part / 100;
        self.dead.get(index).map_or(f64::NAN, Duration::as_secs_f64)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fleet { secrets, environments, .. } = self.fleet;
        writeln!(f, "{secrets} secrets due at once, {environments} environments")?;
        let share = 100.0 * self.throughput() / CEILING;
        let took = self.took.as_secs_f64();
        let (rotated, logged_in, failed) = (self.rotated, self.logged_in, self.failed);
        writeln!(
            f,
            "rotated                       {rotated}, of which {logged_in} log in; {failed} failed for good"
        )?;
        writeln!(
            f,
            "throughput                    {:.1} rotations a second in {took:.1} s, {share:.0} % of the ceiling",
            self.throughput()
        )?;
        writeln!(f, "writes taken, throttled       {}, {}", self.writes, self.throttled_writes)?;
        writeln!(
            f,
            "invocations run, throttled    {}, {}",
            self.invocations, self.throttled_invocations
        )?;
        let errors: Vec<_> = self.errors.iter().map(|(what, n)| format!("{n} {what}")).collect();
        let errors = if errors.is_empty() { "none".to_owned() } else { errors.join(", ") };
        writeln!(f, "invocations that failed       {errors}")?;
        write!(
            f,
            "dead password at consumers    {:.2} s median, {:.2} s ninth tenth, {:.2} s longest",
            self.dead(50),
            self.dead(90),
            self.dead(100)
        )
    }
}
