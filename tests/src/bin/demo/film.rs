//! What was seen of one rotation, by time.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use turnlock_local::{Event, EventKind};

/// One rotation as it was seen. All times count from its beginning.
pub(crate) struct Film {
    beginning: SystemTime,
    /// The passwords by the order in which they came to be, each with the version of the secret that holds it.
    pub(crate) passwords: Vec<Password>,
    /// In the order of `at`.
    logins: Vec<Login>,
    labels: Vec<(Duration, Labels)>,
    pub(crate) steps: Vec<Step>,
}

/// Versions by label.
pub(crate) type Labels = BTreeMap<String, String>;

/// One password of the role.
#[derive(Clone)]
pub(crate) struct Password {
    pub(crate) version: String,
    pub(crate) value: String,
}

/// One consumer's attempt.
pub(crate) struct Login {
    /// When the answer was there.
    pub(crate) at: Duration,
    /// An index of `passwords`.
    pub(crate) password: usize,
    /// Whether `AWSCURRENT` had this password when the consumer set out.
    pub(crate) current: bool,
    pub(crate) accepted: bool,
}

/// One step of the function.
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) start: Duration,
    /// `None` while it runs.
    pub(crate) end: Option<Duration>,
}

/// The time in which a consumer that read `AWSCURRENT` was refused.
#[derive(Clone, Copy)]
pub(crate) struct Gap {
    pub(crate) start: Duration,
    pub(crate) end: Duration,
}

impl Gap {
    pub(crate) fn length(self) -> Duration {
        self.end.saturating_sub(self.start)
    }
}

impl Film {
    /// Begins now, with the passwords and labels that there are.
    pub(crate) fn begin(passwords: Vec<Password>, labels: Labels) -> Self {
        let labels = vec![(Duration::ZERO, labels)];
        let (logins, steps) = (Vec::new(), Vec::new());
        Self { beginning: SystemTime::now(), passwords, logins, labels, steps }
    }

    pub(crate) fn now(&self) -> Duration {
        self.since_beginning(SystemTime::now())
    }

    fn since_beginning(&self, time: SystemTime) -> Duration {
        time.duration_since(self.beginning).unwrap_or_default()
    }

    pub(crate) fn add_login(&mut self, login: Login) {
        let place = self.logins.partition_point(|earlier| earlier.at <= login.at);
        self.logins.insert(place, login);
    }

    /// Takes in what the stand-in tells of the secret.
    pub(crate) fn add_event(&mut self, event: &Event) {
        let at = self.since_beginning(event.time);
        if let EventKind::LabelsMoved { labels } = &event.kind {
            self.labels.push((at, labels.clone()));
        } else if let EventKind::StepStarted { step, .. } = &event.kind {
            self.steps.push(Step { name: step.clone(), start: at, end: None });
        } else if let EventKind::StepFinished { .. } = &event.kind
            && let Some(step) = self.steps.last_mut()
        {
            step.end = Some(at);
        }
    }

    /// The answers to one password, in order.
    pub(crate) fn logins_with(&self, password: usize) -> impl Iterator<Item = &Login> {
        self.logins.iter().filter(move |login| login.password == password)
    }

    /// The answers to whoever read `AWSCURRENT`, in order.
    pub(crate) fn logins_with_current(&self) -> impl Iterator<Item = &Login> {
        self.logins.iter().filter(|login| login.current)
    }

    /// The labels of a version from each moment on at which they changed, AWSCURRENT first.
    pub(crate) fn labels_of(&self, version: &str) -> Vec<(Duration, Option<&'static str>)> {
        let mut changes: Vec<(Duration, Option<&'static str>)> = Vec::new();
        for (at, labels) in &self.labels {
            let has = |label: &&&str| labels.get(**label).is_some_and(|holder| holder == version);
            let label = ["AWSCURRENT", "AWSPENDING", "AWSPREVIOUS"].iter().find(has).copied();
            if changes.last().is_none_or(|(_, last)| *last != label) {
                changes.push((*at, label));
            }
        }
        changes
    }

    /// From the first consumer of AWSCURRENT that was refused to the first that was let in after the last of them.
    ///
    /// Consumers can overtake each other on their way, so answers near the ends are not in order.
    pub(crate) fn gap(&self) -> Option<Gap> {
        let refused = || self.logins_with_current().filter(|login| !login.accepted);
        let (first, last) = (refused().next()?, refused().last()?);
        let end = self.logins_with_current().find(|login| login.at > last.at)?.at;
        Some(Gap { start: first.at, end })
    }
}
