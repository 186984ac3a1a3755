//! What a rotation cost, step by step.

use std::time::Duration;

use turnlock_local::{Call, serial_round_trips};
use turnlock_tests::servers::Logins;

use crate::film::Film;
use crate::screen::{Ink, Line};

/// The steps of a rotation.
pub(crate) const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

/// What one step cost, or all of them.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) time: Duration,
    pub(crate) calls: usize,
    pub(crate) round_trips: usize,
    pub(crate) logins: Logins,
}

/// The cost of each step.
pub(crate) struct Costs([Option<Cost>; 4]);

impl Costs {
    /// Counts what is there by now; `logins` are those of each step, in order.
    pub(crate) fn count(film: &Film, calls: &[Call], logins: &[Logins]) -> Self {
        Self(STEPS.map(|name| {
            let index = film.steps.iter().position(|step| step.name == name)?;
            let step = film.steps.get(index)?;
            let by_it = |call: &&Call| call.step.as_deref() == Some(name);
            let calls: Vec<Call> = calls.iter().filter(by_it).cloned().collect();
            Some(Cost {
                time: step.end?.saturating_sub(step.start),
                calls: calls.len(),
                round_trips: serial_round_trips(&calls),
                logins: logins.get(index).copied().unwrap_or_default(),
            })
        }))
    }

    /// All steps together.
    pub(crate) fn total(&self) -> Cost {
        self.0.iter().flatten().fold(Cost::default(), |sum, cost| Cost {
            time: sum.time + cost.time,
            calls: sum.calls + cost.calls,
            round_trips: sum.round_trips + cost.round_trips,
            logins: Logins {
                accepted: sum.logins.accepted + cost.logins.accepted,
                failed: sum.logins.failed + cost.logins.failed,
                plaintext: sum.logins.plaintext + cost.logins.plaintext,
            },
        })
    }

    /// A table; a step that is not over yet has an empty row.
    pub(crate) fn lines(&self) -> Vec<Line> {
        let title = "  step              time   calls to Secrets Manager   the function's logins";
        let mut lines = vec![Line::new().add(Ink::Faint, title)];
        for ((name, cost), number) in STEPS.iter().zip(&self.0).zip(1..) {
            lines.push(row(&format!("{number} {name}"), *cost, Ink::Plain));
        }
        let all = self.0.iter().all(Option::is_some);
        lines.push(row("  all four", all.then(|| self.total()), Ink::Bold));
        lines
    }
}

fn row(name: &str, cost: Option<Cost>, ink: Ink) -> Line {
    let Some(Cost { time, calls, round_trips, logins }) = cost else {
        return Line::new().add(Ink::Faint, format!("  {name}"));
    };
    let millis = time.as_millis();
    let trips = format!("{round_trips} round {}", if round_trips == 1 { "trip" } else { "trips" });
    let calls = format!("{calls:>2} calls in {trips}");
    let logins = match (logins.accepted, logins.failed) {
        (0, 0) => "–".to_owned(),
        (accepted, failed) => format!("{accepted} accepted, {failed} refused"),
    };
    Line::new().add(ink, format!("  {name:<14}  {millis:>4} ms  {calls:<26} {logins}"))
}
