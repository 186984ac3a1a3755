//! One rotation, as the stand-in and the server saw it.

use std::time::{Duration, SystemTime};

use turnlock_local::{Event, EventKind};

use crate::STEPS;

/// How long a rotation took.
#[derive(Debug)]
pub(crate) struct Rotation {
    /// Each step, from its invocation to its answer.
    pub(crate) steps: [Duration; 4],
    /// From the commit of the new password, by the server's log, to the move of `AWSCURRENT`, by the stand-in's
    /// events: whoever reads `AWSCURRENT` in between is given a password that is dead. To the millisecond, as
    /// the server's log is. `None` where nobody's password was changed, since a second user may be made, and of
    /// servers other than PostgreSQL, whose logs have no such times.
    pub(crate) dead_password: Option<Duration>,
}

impl Rotation {
    /// Reads the events and the server's log of one rotation.
    pub(crate) fn of(events: &[Event], log: &str) -> Self {
        let moved = moved(events).expect("the label moved");
        let dead_password =
            committed(log).map(|committed| moved.duration_since(committed).unwrap_or_default());
        Self { steps: STEPS.map(|step| duration(events, step)), dead_password }
    }

    /// All four steps.
    pub(crate) fn whole(&self) -> Duration {
        self.steps.iter().sum()
    }
}

fn duration(events: &[Event], wanted: &str) -> Duration {
    let found = events.iter().find_map(|event| {
        let EventKind::StepFinished { step, duration, .. } = &event.kind else { return None };
        (step == wanted).then_some(*duration)
    });
    found.expect("every step was taken")
}

/// When `AWSCURRENT` came to the version in the making.
fn moved(events: &[Event]) -> Option<SystemTime> {
    let version = events.iter().find_map(|event| event.version_id.clone())?;
    events.iter().find_map(|event| {
        let EventKind::LabelsMoved { labels } = &event.kind else { return None };
        (labels.get("AWSCURRENT") == Some(&version)).then_some(event.time)
    })
}

/// When the session that changed the password said COMMIT: `2026-01-31 12:00:00.000 UTC [4711] …`
fn committed(log: &str) -> Option<SystemTime> {
    let mut lines = log.lines().skip_while(|line| {
        !line.contains("statement: ")
            || !(line.contains("ALTER ROLE") || line.contains("ALTER USER"))
    });
    let process = |line: &str| Some(line.split_once(" [")?.1.split_once(']')?.0.to_owned());
    let changing = lines.clone().next().and_then(process)?;
    let commits = |line: &&str| {
        line.to_ascii_uppercase().contains("COMMIT") && process(line).as_ref() == Some(&changing)
    };
    time(lines.find(commits)?)
}

fn time(line: &str) -> Option<SystemTime> {
    let (_, clock) = line.split_once(" UTC")?.0.split_once(' ')?;
    let mut parts = clock.split([':', '.']).map(|part| part.parse::<u64>().ok());
    let (hours, minutes) = (parts.next()??, parts.next()??);
    let (seconds, millis) = (parts.next()??, parts.next()??);
    let of_day = Duration::from_millis(((hours * 60 + minutes) * 60 + seconds) * 1000 + millis);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
    let midnight = Duration::from_secs(now.as_secs() / DAY * DAY);
    // The log may be of yesterday.
    let past = if of_day > now - midnight { Duration::from_secs(DAY) } else { Duration::ZERO };
    Some(SystemTime::UNIX_EPOCH + midnight + of_day - past)
}

const DAY: u64 = 24 * 60 * 60;
