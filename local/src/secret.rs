//! A secret, its versions and their labels: the rules of contract §1, without I/O.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use crate::error::ApiError;
use crate::rules::RotationRules;
use crate::value::{RotationToken, SecretValue};

pub(crate) const CURRENT: &str = "AWSCURRENT";
pub(crate) const PENDING: &str = "AWSPENDING";
pub(crate) const PREVIOUS: &str = "AWSPREVIOUS";

/// Labels a secret's version may carry, and versions a secret may have.
const MOST_LABELS: usize = 20;
const MOST_VERSIONS: usize = 100;
const KEPT_AT_LEAST: Duration = Duration::from_secs(24 * 60 * 60);
/// How far back label moves are remembered, for reads that lag.
const LONGEST_LAG: Duration = Duration::from_secs(600);

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Secret {
    pub(crate) arn: String,
    pub(crate) name: String,
    pub(crate) region: String,
    pub(crate) description: Option<String>,
    pub(crate) kms_key_id: Option<String>,
    pub(crate) external_type: Option<String>,
    pub(crate) created: SystemTime,
    pub(crate) changed: SystemTime,
    pub(crate) accessed: Option<SystemTime>,
    pub(crate) rotated: Option<SystemTime>,
    /// When `DeleteSecret` was called, and when the recovery window ends.
    pub(crate) deleted: Option<(SystemTime, SystemTime)>,
    /// `None` where there never was a tag: the service then leaves `Tags` out.
    pub(crate) tags: Option<Vec<(String, String)>>,
    pub(crate) policy: Option<String>,
    pub(crate) rotation: Option<Rotation>,
    pub(crate) rotating: Option<Rotating>,
    pub(crate) versions: Vec<Version>,
    #[serde(skip)]
    pub(crate) label_history: VecDeque<(Instant, Labels)>,
}

/// Where each label was, and whether that version had a value.
pub(crate) type Labels = BTreeMap<String, (String, bool)>;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) id: String,
    pub(crate) value: Option<SecretValue>,
    pub(crate) labels: BTreeSet<String>,
    pub(crate) created: SystemTime,
    pub(crate) accessed: Option<SystemTime>,
}

/// How a secret is rotated.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Rotation {
    pub(crate) enabled: bool,
    pub(crate) function_arn: String,
    pub(crate) rules: Option<RotationRules>,
    /// The window in which the next rotation happens.
    pub(crate) window: Option<(SystemTime, SystemTime)>,
}

/// A rotation in progress.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Rotating {
    pub(crate) version_id: String,
    pub(crate) rotation_token: RotationToken,
    pub(crate) test_only: bool,
}

impl Secret {
    pub(crate) fn version(&self, id: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.id == id)
    }

    pub(crate) fn version_mut(&mut self, id: &str) -> Option<&mut Version> {
        self.versions.iter_mut().find(|version| version.id == id)
    }

    pub(crate) fn labelled(&self, label: &str) -> Option<&Version> {
        self.versions.iter().find(|version| version.labels.contains(label))
    }

    /// Refuses what cannot be done to a secret that is marked for deletion.
    pub(crate) fn alive(&self) -> Result<(), ApiError> {
        if self.deleted.is_some() { Err(ApiError::deleted()) } else { Ok(()) }
    }

    /// Moves every date back by so much; what was to come is sooner.
    pub(crate) fn age(&mut self, by: Duration) {
        let versions = &mut self.versions;
        let of_versions =
            versions.iter_mut().flat_map(|v| [Some(&mut v.created), v.accessed.as_mut()]);
        let pairs = [self.deleted.as_mut(), self.rotation.as_mut().and_then(|r| r.window.as_mut())];
        let of_pairs = pairs.into_iter().flatten().flat_map(|(from, to)| [Some(from), Some(to)]);
        let own = [&mut self.created, &mut self.changed].map(Some);
        let dates = own.into_iter().chain([self.accessed.as_mut(), self.rotated.as_mut()]);
        for date in dates.chain(of_pairs).chain(of_versions).flatten() {
            *date = date.checked_sub(by).unwrap_or(SystemTime::UNIX_EPOCH);
        }
    }

    /// Where `AWSPENDING` is, when it is not on the current version: a rotation is not complete.
    pub(crate) fn unfinished(&self) -> Option<&str> {
        let pending = self.labelled(PENDING)?;
        (!pending.labels.contains(CURRENT)).then_some(pending.id.as_str())
    }

    /// Adds a version without labels.
    pub(crate) fn add(&mut self, id: &str, value: Option<SecretValue>, now: SystemTime) {
        self.prune(now);
        self.versions.push(Version {
            id: id.to_owned(),
            value,
            labels: BTreeSet::new(),
            created: now,
            accessed: None,
        });
    }

    /// Puts a label on a version, takes it from where it was, and lets `AWSPREVIOUS` follow.
    pub(crate) fn attach(&mut self, label: &str, id: &str) -> Result<(), ApiError> {
        let holder = self.labelled(label).map(|version| version.id.clone());
        if holder.as_deref() == Some(id) {
            return Ok(());
        }
        let target = self.version(id).ok_or_else(|| ApiError::version_not_found(id))?;
        if target.labels.len() >= MOST_LABELS {
            return Err(ApiError::limit(
                "You exceeded the maximum number of staging labels allowed on a version.",
            ));
        }
        self.detach(label);
        if let Some(version) = self.version_mut(id) {
            version.labels.insert(label.to_owned());
        }
        if let (CURRENT, Some(left)) = (label, holder) {
            self.attach(PREVIOUS, &left)?;
        }
        Ok(())
    }

    /// Takes a label from whichever version has it.
    pub(crate) fn detach(&mut self, label: &str) {
        for version in &mut self.versions {
            version.labels.remove(label);
        }
    }

    /// Makes a version that someone just wrote the current one.
    ///
    /// Seen at the service: such a write takes `AWSPENDING` from any other version, so it also
    /// frees a rotation that is stuck.
    pub(crate) fn make_current(&mut self, id: &str) -> Result<(), ApiError> {
        self.attach(CURRENT, id)?;
        if self.labelled(PENDING).is_some_and(|version| version.id != id) {
            self.detach(PENDING);
        }
        Ok(())
    }

    /// `UpdateSecretVersionStage`: a compare-and-swap of one label.
    ///
    /// Documented: `RemoveFromVersionId` is required, and must match, where the label is on
    /// another version. Guessed: it must also match where the label is already on the target.
    pub(crate) fn swap(
        &mut self,
        label: &str,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Result<(), ApiError> {
        let holder = self.labelled(label).map(|version| version.id.clone());
        for id in [from, to].into_iter().flatten() {
            if self.version(id).is_none() {
                return Err(ApiError::version_not_found(id));
            }
        }
        match (from, holder.as_deref()) {
            (Some(from), holder) if holder != Some(from) => {
                return Err(ApiError::invalid_parameter(format!(
                    "The staging label {label} isn't attached to the version {from} that RemoveFromVersionId names."
                )));
            }
            (None, Some(holder)) if to.is_some_and(|to| to != holder) => {
                return Err(ApiError::invalid_parameter(format!(
                    "The parameter RemoveFromVersionId can't be empty. Staging label {label} is currently attached to version {holder}, so you must explicitly reference that version in RemoveFromVersionId."
                )));
            }
            (None | Some(_), None | Some(_)) => {}
        }
        match to {
            Some(to) => self.attach(label, to),
            None if label == CURRENT => Err(ApiError::invalid_parameter(
                "You can't remove the staging label AWSCURRENT from a version without moving it to another one.",
            )),
            None => {
                self.detach(label);
                Ok(())
            }
        }
    }

    /// Removes deprecated versions beyond the hundredth, never before they are a day old.
    fn prune(&mut self, now: SystemTime) {
        let mut surplus = (self.versions.len() + 1).saturating_sub(MOST_VERSIONS);
        self.versions.retain(|version| {
            let age = now.duration_since(version.created).unwrap_or_default();
            let goes = surplus > 0 && version.labels.is_empty() && age >= KEPT_AT_LEAST;
            surplus -= usize::from(goes);
            !goes
        });
    }

    /// Where the labels are now.
    pub(crate) fn labels(&self) -> Labels {
        let mut labels = Labels::new();
        for version in &self.versions {
            for label in &version.labels {
                labels.insert(label.clone(), (version.id.clone(), version.value.is_some()));
            }
        }
        labels
    }

    /// Remembers where the labels are, if that changed since the last call; says whether they moved.
    pub(crate) fn remember_labels(&mut self) -> bool {
        let labels = self.labels();
        let last = self.label_history.back().map(|(_, labels)| labels);
        if last == Some(&labels) {
            return false;
        }
        let ids = |labels: &Labels| -> BTreeMap<String, String> {
            labels.iter().map(|(label, (id, _))| (label.clone(), id.clone())).collect()
        };
        let moved = last.map(ids) != Some(ids(&labels));
        self.label_history.push_back((Instant::now(), labels));
        while self.label_history.get(1).is_some_and(|(at, _)| at.elapsed() > LONGEST_LAG) {
            self.label_history.pop_front();
        }
        moved
    }

    /// Where a label was some time ago, and whether that version had a value then.
    ///
    /// A secret younger than the lag answers with its first state: it would otherwise not exist.
    pub(crate) fn labelled_ago(&self, label: &str, lag: Duration) -> Option<(String, bool)> {
        let seen = self.label_history.iter().rev().find(|(at, _)| at.elapsed() >= lag);
        let (_, labels) = seen.or_else(|| self.label_history.front())?;
        labels.get(label).cloned()
    }
}
