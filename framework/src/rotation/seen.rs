//! What a step sees of the credentials that only metrics tell of: it decides nothing.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, timeout_at};

use super::readable;
use crate::error::Cause;
use crate::rotator::Retire;
use crate::vault::{Vault, Version};
use crate::{Class, Credential, RotationEvent, Rotator};

/// How long metrics may make a function go on that has done its work.
const LOOK_BACK: Duration = Duration::from_secs(2);

/// What one step saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    current_since: OnceLock<SystemTime>,
    old: OnceLock<Old>,
    promotes: OnceLock<()>,
}

/// What has become of the credential that consumers have, once the target accepts the next one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Old {
    /// It works on: two take turns or overlap.
    Works,
    /// It was overwritten.
    Overwritten {
        /// When this invocation began to overwrite it, if it did.
        here: Option<SystemTime>,
        /// Whether it worked until then, if somebody has tried.
        worked: Option<bool>,
        /// When the next one was stored, which comes before every attempt to set it.
        stored: Option<SystemTime>,
    },
    /// Nobody knows: the target gave no answer to being told to overwrite it, or one that does not tell.
    Unknown {
        /// When this invocation began to overwrite it.
        since: SystemTime,
    },
}

impl Seen {
    /// Since when consumers have had the current credential, if createSecret could tell.
    pub(crate) fn current_since(&self) -> Option<SystemTime> {
        self.current_since.get().copied()
    }

    /// What setSecret left of the old credential, if it came to its end.
    pub(crate) fn old(&self) -> Option<Old> {
        self.old.get().copied()
    }

    /// Whether finishSecret found its version not current yet, and so the credential of before in the consumers' hands.
    pub(crate) fn was_to_promote(&self) -> bool {
        self.promotes.get().is_some()
    }

    pub(super) fn promotes(&self) {
        self.promotes.get_or_init(|| ());
    }

    /// The current version's dates, of which the later one is when it became current, as in
    /// [`Overlap`](super::overlap::Overlap).
    pub(super) fn current(&self, created: Option<SystemTime>, rotated: Option<SystemTime>) {
        if let Some(since) = created.max(rotated) {
            self.current_since.get_or_init(|| since);
        }
    }

    pub(super) fn left(&self, old: Old) {
        self.old.get_or_init(|| old);
    }
}

/// Whether the target forgets a credential when it is given the next one.
///
/// The versions of one secret follow one strategy, so any of them can be asked about.
pub(super) fn overwrites<R: Rotator>(rotator: &R, credential: &R::Credential) -> bool {
    rotator.retirement(credential) == Retire::ByTarget
        && rotator.successor(credential) == credential.principal()
}

/// Whether a target that was to overwrite a credential said that it did not.
pub(super) fn is_refusal(cause: &Cause) -> bool {
    let said = [Class::Permission, Class::Policy, Class::ReadOnly, Class::Refused];
    said.contains(&cause.class())
}

/// Reads off the version that finishSecret promotes what its rotation did to the one before, in one call.
///
/// For an invocation that was not told: setSecret ran in another environment.
pub(crate) async fn look_back<R: Rotator, V: Vault>(
    rotator: &R,
    vault: &V,
    event: &RotationEvent,
    deadline: Instant,
    seen: &Seen,
) {
    let end = deadline.min(Instant::now() + LOOK_BACK);
    let read = vault.value(&event.secret_id, Version::Id(&event.version));
    let Ok(Ok(Some(promoted))) = timeout_at(end, read).await else {
        tracing::debug!("how long the old credential was dead cannot be told");
        return;
    };
    let stored = promoted.created;
    let Some(credential) = readable::<R>(Some(promoted)) else { return };
    seen.left(if overwrites(rotator, &credential) {
        Old::Overwritten { here: None, worked: None, stored }
    } else {
        Old::Works
    });
}
