use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::Fault;
use crate::{Step, VersionId};

/// What happens to a secret and its rotation, one thing after another; its text can be [replayed](super::contract::replay).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Trace(pub(crate) Vec<Event>);

/// One thing that happens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Event {
    /// `RotateSecret`, with this token.
    Rotate(VersionId),
    /// `RotateSecret` with `RotateImmediately=false`.
    RotateForTest(VersionId),
    /// A step is delivered.
    Step(Step, VersionId, Vec<Mishap>),
    /// Two steps are delivered at once; the order in which their calls are made, by delivery.
    AtOnce([(Step, VersionId); 2], Vec<usize>),
    /// The service takes `AWSPENDING` away at the end of a rotation, or the temporary version of a test.
    End(VersionId),
    /// Somebody writes the current value again, with `PutSecretValue`.
    Write(VersionId),
    /// `CancelRotateSecret`.
    Cancel,
    /// Rotation is turned on again.
    Resume,
    /// Somebody takes `AWSPENDING` away.
    Clear,
    /// Time passes.
    Pass(Duration),
    /// From now on reads by label lag behind.
    Lag,
    /// A credential is tried by the rotator, with something going wrong.
    Try(Mishap),
    /// All that is left at the target is counted.
    Count,
}

/// What goes wrong in a delivery.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Mishap {
    pub(crate) kind: Kind,
    /// The number of the call within the delivery, from 1.
    pub(crate) call: usize,
    /// What the call is; for whoever reads it.
    pub(crate) name: String,
}

/// What kind of mishap it is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Fault(Fault),
    /// Just before the call, somebody writes a version.
    Write(VersionId),
    /// Just before the call, rotation is cancelled.
    Cancel,
    /// Just before the call, the whole rotation is delivered again and comes to its end.
    Stall,
}

impl Kind {
    const ALL: [(&'static str, Self); 8] = [
        ("fails", Self::Fault(Fault::FailsBefore)),
        ("loses its answer", Self::Fault(Fault::LosesAnswer)),
        ("dies before", Self::Fault(Fault::DiesBefore)),
        ("dies after", Self::Fault(Fault::DiesAfter)),
        ("never answers", Self::Fault(Fault::NeverAnswers)),
        ("is throttled", Self::Fault(Fault::IsThrottled)),
        ("is cancelled before", Self::Cancel),
        ("is outrun before", Self::Stall),
    ];
}

const WRITTEN: &str = "is overwritten by ";
const BEFORE: &str = " before";
const THEN: &str = ", then ";

impl fmt::Display for Mishap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, call, name } = self;
        match kind {
            Kind::Write(version) => write!(f, "{WRITTEN}{version}{BEFORE}")?,
            Kind::Fault(_) | Kind::Cancel | Kind::Stall => {
                let known = Kind::ALL.iter().find(|(_, known)| known == kind);
                f.write_str(known.map_or("", |(text, _)| text))?;
            }
        }
        write!(f, " call {call}")?;
        if name.is_empty() { Ok(()) } else { write!(f, " ({name})") }
    }
}

impl FromStr for Mishap {
    type Err = UnreadableEvent;

    fn from_str(text: &str) -> Result<Self, UnreadableEvent> {
        let error = || UnreadableEvent(text.to_owned());
        let (kind, rest) = text.split_once(" call ").ok_or_else(error)?;
        let (call, name) = rest.split_once(" (").unwrap_or((rest, ")"));
        let name = name.strip_suffix(')').ok_or_else(error)?.to_owned();
        let written = kind.strip_prefix(WRITTEN).and_then(|rest| rest.strip_suffix(BEFORE));
        let kind = match written {
            Some(version) => Kind::Write(VersionId::new(version)),
            None => {
                let mut known = Kind::ALL.into_iter();
                known.find(|(known, _)| *known == kind).ok_or_else(error)?.1
            }
        };
        Ok(Self { kind, call: call.parse().map_err(|_| error())?, name })
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rotate(version) => write!(f, "RotateSecret {version}"),
            Self::RotateForTest(version) => write!(f, "RotateSecret {version}, not immediately"),
            Self::Step(step, version, mishaps) => {
                write!(f, "{} {version}", step.name())?;
                let mut between = ": ";
                mishaps.iter().try_for_each(|mishap| {
                    write!(f, "{between}{mishap}")?;
                    between = THEN;
                    Ok(())
                })
            }
            Self::AtOnce([(one, its), (other, others)], order) => {
                write!(f, "{} {its} and {} {others}:", one.name(), other.name())?;
                order.iter().try_for_each(|delivery| write!(f, " {delivery}"))
            }
            Self::End(version) => write!(f, "{version} ends"),
            Self::Write(version) => write!(f, "PutSecretValue {version}"),
            Self::Cancel => f.write_str("CancelRotateSecret"),
            Self::Resume => f.write_str("rotation is on again"),
            Self::Clear => f.write_str("AWSPENDING is cleared"),
            Self::Pass(time) => write!(f, "{} minutes pass", time.as_secs() / 60),
            Self::Lag => f.write_str("labels lag"),
            Self::Try(mishap) => write!(f, "AWSCURRENT is tried: {mishap}"),
            Self::Count => f.write_str("what is left is counted"),
        }
    }
}

impl FromStr for Event {
    type Err = UnreadableEvent;

    fn from_str(line: &str) -> Result<Self, UnreadableEvent> {
        let error = || UnreadableEvent(line.to_owned());
        let fixed = [Self::Cancel, Self::Resume, Self::Clear, Self::Lag, Self::Count];
        if let Some(event) = fixed.into_iter().find(|event| event.to_string() == line) {
            return Ok(event);
        }
        if let Some(mishap) = line.strip_prefix("AWSCURRENT is tried: ") {
            return Ok(Self::Try(mishap.parse()?));
        }
        if let Some(minutes) = line.strip_suffix(" minutes pass") {
            let minutes: u64 = minutes.parse().map_err(|_| error())?;
            return Ok(Self::Pass(Duration::from_secs(minutes * 60)));
        }
        if let Some(version) = line.strip_suffix(" ends") {
            return Ok(Self::End(VersionId::new(version)));
        }
        let (what, rest) = line.split_once(' ').ok_or_else(error)?;
        match what {
            "RotateSecret" => Ok(match rest.strip_suffix(", not immediately") {
                Some(version) => Self::RotateForTest(VersionId::new(version)),
                None => Self::Rotate(VersionId::new(rest)),
            }),
            "PutSecretValue" => Ok(Self::Write(VersionId::new(rest))),
            _ => Self::deliveries(line).ok_or_else(error),
        }
    }
}

impl Event {
    fn deliveries(line: &str) -> Option<Self> {
        let (deliveries, rest) =
            line.split_once(':').map_or((line, None), |(all, rest)| (all, Some(rest.trim())));
        let Some((one, other)) = deliveries.split_once(" and ") else {
            let (step, version) = delivery(deliveries)?;
            let mishaps = rest.map(|rest| rest.split(THEN).map(str::parse).collect());
            return Some(Self::Step(step, version, mishaps.transpose().ok()?.unwrap_or_default()));
        };
        let order = rest.unwrap_or_default().split_whitespace();
        let order: Vec<usize> = order.map(str::parse).collect::<Result<_, _>>().ok()?;
        let known = order.iter().all(|delivery| [1, 2].contains(delivery));
        known.then_some(Self::AtOnce([delivery(one)?, delivery(other)?], order))
    }
}

fn delivery(text: &str) -> Option<(Step, VersionId)> {
    let (step, version) = text.split_once(' ')?;
    let step = Step::ALL.into_iter().find(|known| known.name() == step)?;
    Some((step, VersionId::new(version)))
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|event| writeln!(f, "{event}"))
    }
}

impl FromStr for Trace {
    type Err = UnreadableEvent;

    /// Reads an event a line; empty lines are nothing.
    fn from_str(text: &str) -> Result<Self, UnreadableEvent> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        Ok(Self(lines.map(str::parse).collect::<Result<_, _>>()?))
    }
}

/// A line that is no event.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no event: {0}")]
pub struct UnreadableEvent(String);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_reads_as_it_prints() {
        let v = VersionId::new;
        let mishap = |kind| Mishap { kind, call: 3, name: "login app (TLS)".to_owned() };
        let mut events = vec![
            Event::Rotate(v("v1")),
            Event::RotateForTest(v("v1")),
            Event::Step(Step::Set, v("v1"), vec![]),
            Event::AtOnce([(Step::Create, v("v1")), (Step::Finish, v("v1"))], vec![1, 2, 2, 1]),
            Event::End(v("v1")),
            Event::Write(v("hand")),
            Event::Cancel,
            Event::Resume,
            Event::Clear,
            Event::Pass(Duration::from_mins(15)),
            Event::Lag,
            Event::Try(mishap(Kind::Fault(Fault::FailsBefore))),
            Event::Count,
            Event::Step(
                Step::Set,
                v("v1"),
                vec![mishap(Kind::Write(v("hand"))), mishap(Kind::Cancel)],
            ),
        ];
        for (_, kind) in Kind::ALL {
            events.push(Event::Step(Step::Test, v("v1"), vec![mishap(kind)]));
        }
        let trace = Trace(events);
        assert_eq!(trace.to_string().parse(), Ok(trace));
    }

    #[test]
    fn what_is_no_event_is_named() {
        for line in [
            "",
            "v1",
            "setSecret",
            "setSecret v1: explodes",
            "a b",
            "x minutes pass",
            "setSecret v1 and: 3",
        ] {
            let read: Result<Event, _> = line.parse();
            assert_eq!(read, Err(UnreadableEvent(line.to_owned())));
        }
    }
}
