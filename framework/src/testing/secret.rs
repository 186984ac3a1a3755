use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use crate::VersionId;
use crate::vault::{Description, Label, Written};

const MOST_BYTES: usize = 65_536;
const LONGEST_LAG: Duration = Duration::from_hours(1);

/// A secret as Secrets Manager has it: its versions in the order of their creation, and their labels.
///
/// Of the versions, one that a rotation has just begun has no value yet.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Secret {
    /// Whether rotation is on.
    pub rotation_enabled: bool,
    /// Every version that can be read, labelled or not, and its value.
    pub versions: Vec<(VersionId, Option<Value>)>,
    /// Which version has a label; each is on one at most.
    pub labels: BTreeMap<&'static str, VersionId>,
    /// Key and value of each tag.
    pub tags: Vec<(String, String)>,
    /// How dates are told.
    pub dates: Dates,
    /// The code with which a write is refused.
    pub refuses: Option<&'static str>,
    /// Whether it is stored nevertheless, by an attempt before the one that is refused.
    pub stores_refused: bool,
    /// Whether reads by label answer with what was true before `AWSCURRENT` moved last.
    pub labels_lag: bool,
    before: BTreeMap<&'static str, VersionId>,
    /// The version of the rotation that goes on.
    rotating: Option<VersionId>,
    created: BTreeMap<VersionId, Date>,
    rotated: Option<Date>,
}

/// A moment, as old as it is by the clock and by how much it was aged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Date {
    at: Instant,
    aged: Duration,
}

/// How the service tells dates.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Dates {
    /// As they are.
    #[default]
    Right,
    /// Its clock is so much ahead.
    Ahead(Duration),
    /// Not at all.
    Absent,
}

/// What a version holds. Its `Debug` does not show it.
#[derive(Clone, Eq, PartialEq)]
pub enum Value {
    /// `SecretString`.
    Text(String),
    /// `SecretBinary`.
    Binary,
    /// Refused to whoever reads it, with this code: a KMS key may be gone.
    Refused(&'static str),
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(_) => f.write_str("Text(..)"),
            Self::Binary => f.write_str("Binary"),
            Self::Refused(code) => f.debug_tuple("Refused").field(code).finish(),
        }
    }
}

impl Date {
    fn now() -> Self {
        Self { at: Instant::now(), aged: Duration::ZERO }
    }
}

impl Dates {
    /// A test may stop the clock of `Instant`, so what counts is how long ago it was.
    fn tell(self, date: Option<Date>) -> Option<SystemTime> {
        let date = date?;
        let date = SystemTime::now().checked_sub(date.at.elapsed() + date.aged)?;
        match self {
            Self::Right => Some(date),
            Self::Ahead(by) => Some(date + by),
            Self::Absent => None,
        }
    }
}

impl Secret {
    /// A secret with one version, and rotation on.
    pub fn new(version: &str, value: Value) -> Self {
        let id = VersionId::new(version);
        Self {
            rotation_enabled: true,
            versions: vec![(id.clone(), Some(value))],
            created: [(id.clone(), Date::now())].into(),
            labels: [(Label::Current.name(), id)].into(),
            ..Self::default()
        }
    }

    /// What `RotateSecret` does before its first step: a pending version without a value.
    pub fn begin(&mut self, version: &str) {
        self.attach_pending(version);
        self.rotating = Some(VersionId::new(version));
    }

    fn attach_pending(&mut self, version: &str) {
        self.add(version);
        self.labels.insert(Label::Pending.name(), VersionId::new(version));
    }

    /// Adds a version without a value, unless it is there.
    fn add(&mut self, version: &str) {
        let id = VersionId::new(version);
        if self.find(&id).is_none() {
            self.versions.push((id.clone(), None));
            self.created.insert(id, Date::now());
        }
    }

    fn fill(&mut self, version: &str, value: Value) {
        let there = self.versions.iter_mut().find(|(id, _)| id.as_str() == version);
        if let Some((_, there)) = there {
            *there = Some(value);
        }
    }

    /// What `CancelRotateSecret` does: `AWSPENDING` stays where it is.
    pub fn cancel(&mut self) {
        self.rotation_enabled = false;
        self.rotating = None;
    }

    /// A write of another version than that of the rotation that goes on ends it, and takes its label away.
    fn abandon(&mut self, written: &str) {
        let other = self.rotating.take_if(|rotating| rotating.as_str() != written);
        if other.is_some() && self.labels.get(Label::Pending.name()) == other.as_ref() {
            self.clear(Label::Pending);
        }
    }

    /// What `RotateSecret` with `RotateImmediately=false` does before testSecret: a pending version with the current value.
    pub fn begin_test(&mut self, version: &str) {
        let current = self.labels.get(Label::Current.name());
        if let Some(value) = current.and_then(|id| self.value(id)).cloned() {
            self.put(version, value);
        }
    }

    /// What the service does after testSecret alone: the temporary version goes.
    pub fn end_test(&mut self, version: &str) {
        self.clear(Label::Pending);
        self.versions.retain(|(id, _)| id.as_str() != version);
        self.created.retain(|id, _| id.as_str() != version);
    }

    /// Puts a version with a value, pending; what a test-only rotation does, or somebody by hand.
    pub fn put(&mut self, version: &str, value: Value) {
        self.attach_pending(version);
        self.fill(version, value);
    }

    /// What the service does after the last step.
    pub fn end(&mut self) {
        self.clear(Label::Pending);
        self.rotating = None;
        self.rotated = Some(Date::now());
    }

    /// What `PutSecretValue` without labels does: the version is current at once, no rotation goes on, and no other
    /// version is pending.
    pub fn write_by_hand(&mut self, version: &str, value: Value) {
        self.rotating = None;
        self.clear(Label::Pending);
        self.add(version);
        self.fill(version, value);
        self.move_current(&VersionId::new(version));
    }

    /// Takes a label away, as the service does at the end, and people do who want to get unstuck.
    pub fn clear(&mut self, label: Label) {
        self.labels.remove(label.name());
    }

    /// Makes every date so much older: so much time passes. No label lags by an hour.
    pub fn age(&mut self, by: Duration) {
        if by >= LONGEST_LAG {
            self.before.clear();
        }
        for date in self.created.values_mut().chain(&mut self.rotated) {
            date.aged += by;
        }
    }

    /// When a rotation last came to its end.
    pub fn rotated(&self) -> Option<SystemTime> {
        self.dates.tell(self.rotated)
    }

    /// Says that a rotation came to its end just now, or that none ever did.
    pub fn set_rotated(&mut self, ever: bool) {
        self.rotated = ever.then(Date::now);
    }

    /// What a version holds, if it is there and has a value.
    pub fn value(&self, version: &VersionId) -> Option<&Value> {
        self.find(version)?.as_ref()
    }

    /// The text of the version that has a label.
    pub fn text(&self, label: Label) -> Option<&str> {
        match self.value(self.labels.get(label.name())?)? {
            Value::Text(text) => Some(text),
            Value::Binary | Value::Refused(_) => None,
        }
    }

    /// The version that a read by this label answers with.
    pub(super) fn read_by_label(&self, label: Label) -> Option<&VersionId> {
        let before = self.before.get(label.name()).filter(|_| self.labels_lag);
        before.or_else(|| self.labels.get(label.name()))
    }

    pub(super) fn created(&self, version: &VersionId) -> Option<SystemTime> {
        self.dates.tell(self.created.get(version).copied())
    }

    /// `UpdateSecretVersionStage` of `AWSCURRENT`.
    ///
    /// # Errors
    ///
    /// The service's code: the version is not there, or another one than `from` has the label.
    pub fn promote(
        &mut self,
        from: Option<&VersionId>,
        to: &VersionId,
    ) -> Result<(), &'static str> {
        if self.find(to).is_some_and(Option::is_none) {
            return Err("InvalidRequestException");
        }
        if [Some(to), from].into_iter().flatten().any(|id| self.find(id).is_none()) {
            return Err("ResourceNotFoundException");
        }
        if self.labels.get(Label::Current.name()) != from {
            return Err("InvalidParameterException");
        }
        self.move_current(to);
        Ok(())
    }

    fn move_current(&mut self, to: &VersionId) {
        let current = Label::Current.name();
        let left = self.labels.get(current).filter(|left| *left != to).cloned();
        if left.is_some() || !self.labels.contains_key(current) {
            self.before = self.labels.clone();
        }
        self.labels.insert(current, to.clone());
        if let Some(left) = left {
            self.labels.insert(Label::Previous.name(), left);
        }
    }

    /// `PutSecretValue` with the label `AWSPENDING`; an error is the service's code.
    pub(super) fn write(
        &mut self,
        version: &VersionId,
        text: &str,
    ) -> Result<Written, &'static str> {
        let refused = self.refuses.filter(|_| !self.stores_refused);
        if let Some(code) = refused {
            return Err(code);
        }
        if text.len() > MOST_BYTES {
            return Err("InvalidParameterException");
        }
        let value = Value::Text(text.to_owned());
        match self.value(version) {
            Some(there) if *there != value => return Ok(Written::Conflict),
            Some(_) => {}
            None => {
                self.abandon(version.as_str());
                self.put(version.as_str(), value);
            }
        }
        match self.refuses {
            Some(code) => Err(code),
            None => Ok(Written::Stored),
        }
    }

    pub(super) fn description(&self) -> Description {
        let mut labels: BTreeMap<VersionId, Vec<Label>> = BTreeMap::new();
        for (name, id) in &self.labels {
            labels.entry(id.clone()).or_default().extend(Label::parse(name));
        }
        Description {
            rotation_enabled: self.rotation_enabled,
            rotated: self.rotated(),
            labels,
            tags: self.tags.clone(),
        }
    }

    fn find(&self, version: &VersionId) -> Option<&Option<Value>> {
        self.versions.iter().find(|(id, _)| id == version).map(|(_, value)| value)
    }
}
