//! Secrets Manager in memory, with the rules of the real one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;
use turnlock::vault::{Description, Label, SecretValue, Stored, Version, Write, Written};
use turnlock::{Class, SecretId, Sensitive, Vault, VaultError, VersionId};

use super::fuse::Fuse;

const MOST_BYTES: usize = 65_536;
pub(crate) const DENIED: &str = "AccessDeniedException";

pub(crate) struct MemoryVault {
    fuse: Arc<Fuse>,
    secrets: Mutex<BTreeMap<String, Secret>>,
}

/// A secret; its versions in the order of their creation, of which the newest can have no value yet.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Secret {
    pub(crate) rotation_enabled: bool,
    pub(crate) versions: Vec<(VersionId, Option<Value>)>,
    /// A label is on one version at most.
    pub(crate) labels: BTreeMap<&'static str, VersionId>,
    pub(crate) tags: Vec<(String, String)>,
    created: BTreeMap<VersionId, Instant>,
    /// When a rotation last came to its end.
    pub(crate) rotated: Option<Instant>,
    pub(crate) dates: Dates,
    /// The code with which a value is refused.
    pub(crate) refuses: Option<&'static str>,
    /// Whether it is stored nevertheless, by an attempt before the one that is refused.
    pub(crate) stores_refused: bool,
}

/// How the service tells dates.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Dates {
    #[default]
    Right,
    /// Its clock is so much ahead.
    Ahead(Duration),
    /// Not at all.
    Absent,
}

impl Dates {
    /// A test stops and moves the clock of `Instant` only, so what counts is how long ago it was.
    fn tell(self, date: Option<Instant>) -> Option<SystemTime> {
        let date = SystemTime::now() - date?.elapsed();
        match self {
            Self::Right => Some(date),
            Self::Ahead(by) => Some(date + by),
            Self::Absent => None,
        }
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Binary,
    /// Refused to whoever reads it, with this code: a KMS key may be gone.
    Refused(&'static str),
}

impl Secret {
    /// A secret with one version.
    pub(crate) fn new(version: &str, value: Value) -> Self {
        let id = VersionId::new(version);
        Self {
            rotation_enabled: true,
            versions: vec![(id.clone(), Some(value))],
            created: [(id.clone(), Instant::now())].into(),
            labels: [(Label::Current.name(), id)].into(),
            ..Self::default()
        }
    }

    /// What `RotateSecret` does before its first step: a pending version without a value.
    pub(crate) fn begin(&mut self, version: &str) {
        let id = VersionId::new(version);
        if self.find(&id).is_none() {
            self.versions.push((id.clone(), None));
            self.created.insert(id.clone(), Instant::now());
        }
        self.labels.insert(Label::Pending.name(), id);
    }

    /// Puts a version with a value, pending; what a test-only rotation does, or somebody by hand.
    pub(crate) fn put(&mut self, version: &str, value: Value) {
        self.begin(version);
        *self.find_mut(&VersionId::new(version)).unwrap() = Some(value);
    }

    /// What the service does after the last step.
    pub(crate) fn end(&mut self) {
        self.clear(Label::Pending);
        self.rotated = Some(Instant::now());
    }

    /// What `PutSecretValue` without labels does: the version is current at once, and no rotation goes on.
    pub(crate) fn write_by_hand(&mut self, version: &str, value: Value) {
        self.put(version, value);
        self.clear(Label::Pending);
        let from = self.labels.get(Label::Current.name()).cloned();
        self.promote(from.as_ref(), &VersionId::new(version)).unwrap();
    }

    /// Takes a label away, as the service does at the end, and people do who want to get unstuck.
    pub(crate) fn clear(&mut self, label: Label) {
        self.labels.remove(label.name());
    }

    pub(crate) fn value(&self, version: &VersionId) -> Option<&Value> {
        self.find(version)?.as_ref()
    }

    pub(crate) fn text(&self, label: Label) -> Option<&str> {
        match self.value(self.labels.get(label.name())?)? {
            Value::Text(text) => Some(text),
            Value::Binary | Value::Refused(_) => None,
        }
    }

    fn find(&self, version: &VersionId) -> Option<&Option<Value>> {
        self.versions.iter().find(|(id, _)| id == version).map(|(_, value)| value)
    }

    fn find_mut(&mut self, version: &VersionId) -> Option<&mut Option<Value>> {
        self.versions.iter_mut().find(|(id, _)| id == version).map(|(_, value)| value)
    }

    fn created(&self, version: &VersionId) -> Option<SystemTime> {
        self.dates.tell(self.created.get(version).copied())
    }

    pub(crate) fn promote(
        &mut self,
        from: Option<&VersionId>,
        to: &VersionId,
    ) -> Result<(), &'static str> {
        let holder = self.labels.get(Label::Current.name()).cloned();
        if self.find(to).is_none() {
            return Err("ResourceNotFoundException");
        }
        if holder.as_ref() != from {
            return Err("InvalidParameterException");
        }
        self.labels.insert(Label::Current.name(), to.clone());
        if let Some(left) = holder.filter(|left| left != to) {
            self.labels.insert(Label::Previous.name(), left);
        }
        Ok(())
    }

    fn write(&mut self, version: &VersionId, text: &str) -> Result<Written, &'static str> {
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
            None => self.put(version.as_str(), value),
        }
        match self.refuses {
            Some(code) => Err(code),
            None => Ok(Written::Stored),
        }
    }

    fn description(&self) -> Description {
        let mut labels: BTreeMap<VersionId, Vec<Label>> = BTreeMap::new();
        for (name, id) in &self.labels {
            labels.entry(id.clone()).or_default().extend(Label::parse(name));
        }
        Description {
            rotation_enabled: self.rotation_enabled,
            rotated: self.dates.tell(self.rotated),
            labels,
            tags: self.tags.clone(),
        }
    }
}

impl MemoryVault {
    pub(crate) fn new(fuse: Arc<Fuse>) -> Self {
        Self { fuse, secrets: Mutex::default() }
    }

    pub(crate) fn insert(&self, id: &str, secret: Secret) {
        self.secrets().insert(id.to_owned(), secret);
    }

    /// Looks at a secret, or changes it behind everybody's back.
    pub(crate) fn with<T>(&self, id: &str, look: impl FnOnce(&mut Secret) -> T) -> T {
        look(self.secrets().get_mut(id).unwrap())
    }

    /// Everything that is stored.
    pub(crate) fn snapshot(&self) -> String {
        format!("{:?}", self.secrets())
    }

    fn secrets(&self) -> MutexGuard<'_, BTreeMap<String, Secret>> {
        self.secrets.lock().unwrap()
    }

    async fn call<T>(
        &self,
        operation: &'static str,
        detail: &str,
        secret: &SecretId,
        effect: impl FnOnce(&mut Secret) -> Result<T, &'static str>,
    ) -> Result<T, VaultError> {
        let failed = |class, code: Option<&str>| VaultError {
            operation,
            class,
            code: code.map(str::to_owned),
        };
        let name = [operation, secret.as_str(), detail].join(" ");
        let answer = self.fuse.call(name.trim_end(), || {
            let mut secrets = self.secrets();
            effect(secrets.get_mut(secret.as_str()).ok_or("ResourceNotFoundException")?)
        });
        match answer.await {
            Ok(answer) => answer.map_err(|code| {
                failed(if code == DENIED { Class::Permission } else { Class::Refused }, Some(code))
            }),
            Err(_) => Err(failed(Class::Tcp, None)),
        }
    }
}

impl Vault for MemoryVault {
    async fn describe(&self, secret: &SecretId) -> Result<Description, VaultError> {
        self.call("DescribeSecret", "", secret, |s| Ok(s.description())).await
    }

    async fn value(
        &self,
        secret: &SecretId,
        version: Version<'_>,
    ) -> Result<Option<Stored>, VaultError> {
        let name = match version {
            Version::Current => Label::Current.name(),
            Version::Previous => Label::Previous.name(),
            Version::Id(id) => id.as_str(),
        };
        let read = |s: &mut Secret| {
            let id = match version {
                Version::Current => s.labels.get(Label::Current.name()),
                Version::Previous => s.labels.get(Label::Previous.name()),
                Version::Id(id) => Some(id),
            };
            let Some(id) = id else { return Ok(None) };
            let value = match s.value(id) {
                Some(Value::Text(text)) => SecretValue::Text(Sensitive::new(text.as_str())),
                Some(Value::Binary) => SecretValue::Binary,
                Some(Value::Refused(code)) => return Err(*code),
                None => return Ok(None),
            };
            Ok(Some(Stored { version: id.clone(), value, created: s.created(id) }))
        };
        self.call("GetSecretValue", name, secret, read).await
    }

    async fn versions(
        &self,
        secret: &SecretId,
    ) -> Result<Vec<(VersionId, Option<SystemTime>)>, VaultError> {
        self.call("ListSecretVersionIds", "", secret, |s| {
            Ok(s.versions.iter().rev().map(|(id, _)| (id.clone(), s.created(id))).collect())
        })
        .await
    }

    async fn put(&self, write: Write<'_>) -> Result<Written, VaultError> {
        let text = write.document.text().expose();
        self.call("PutSecretValue", "", write.secret, |s| s.write(write.version, text)).await
    }

    async fn promote(
        &self,
        secret: &SecretId,
        from: Option<&VersionId>,
        to: &VersionId,
    ) -> Result<(), VaultError> {
        self.call("UpdateSecretVersionStage", "", secret, |s| s.promote(from, to)).await
    }
}
