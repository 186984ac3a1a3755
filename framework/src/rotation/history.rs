//! The answers to what a rotator may ask: see [`crate::history`].

use std::sync::OnceLock;

use super::authority::about_admin;
use super::overlap::Overlap;
use super::search::Search;
use super::{Cause, Drive, document, read};
use crate::history::{About, Asked, Past, Recognise};
use crate::rotator::Retire;
use crate::vault::{Label, Stored, Vault, Version};
use crate::{Class, Rotator, SecretId, TargetError, VersionId};

/// The versions of the secret that is rotated.
pub(super) struct Versions<'a, R: Rotator, V> {
    pub(super) drive: &'a Drive<'a, R, V>,
    pub(super) current: &'a R::Credential,
    /// The older one that is the authority in this invocation, if it comes to that.
    pub(super) older: Option<&'a OnceLock<R::Credential>>,
}

impl<R: Rotator, V: Vault> Past<R::Credential> for Versions<'_, R, V> {
    fn proves<'f>(&'f self, principal: &'f str) -> Asked<'f, bool> {
        Box::pin(async move {
            let mut search = Search::new(self.current, principal, &[]);
            if let Some((_, session)) = self.drive.search(&mut search).await? {
                self.drive.close(session).await;
                return Ok(true);
            }
            // Not to know is no verdict.
            search.obstacle.map_or(Ok(false), |cause| Err(cause.into()))
        })
    }

    fn knows<'f>(
        &'f self,
        principal: &'f str,
        recognise: &'f Recognise<'f, R::Credential>,
    ) -> Asked<'f, bool> {
        Box::pin(async move {
            let mut search = Search::new(self.current, principal, &[]);
            while let Some(old) = self.drive.next_version(&mut search).await? {
                if recognise(&old) {
                    return Ok(true);
                }
            }
            search.obstacle.map_or(Ok(false), |cause| Err(cause.into()))
        })
    }

    fn in_use<'f>(&'f self, recognise: &'f Recognise<'f, R::Credential>) -> Asked<'f, bool> {
        Box::pin(async move { self.is_in_use(recognise).await.map_err(TargetError::from) })
    }
}

impl<R: Rotator, V: Vault> Versions<'_, R, V> {
    async fn is_in_use(&self, recognise: &Recognise<'_, R::Credential>) -> Result<bool, Cause> {
        if self.older.and_then(OnceLock::get).is_some_and(recognise) {
            return Ok(true);
        }
        let (drive, secret) = (self.drive, &self.drive.event.secret_id);
        let described = drive.within("describing the secret", drive.vault.describe(secret)).await?;
        let mut created = None;
        for (id, labels) in &described.labels {
            let stored = drive.value(Version::Id(id)).await?;
            if stored.is_none() && labels.contains(&Label::Pending) {
                continue;
            }
            if labels.contains(&Label::Current) {
                created = stored.as_ref().and_then(|stored| stored.created);
            }
            if recognise(&readable::<R>(id, stored)?) {
                return Ok(true);
            }
        }
        let Retire::BeforeCreate { overlap } = drive.rotator.retirement(self.current) else {
            return Ok(false);
        };
        let overlap = Overlap::new(overlap, created, described.rotated);
        if overlap.is_over() {
            return Ok(false);
        }
        let listed = drive.within("listing old versions", drive.vault.versions(secret)).await?;
        for (id, created) in listed {
            if described.labels.contains_key(&id) || !overlap.covers(created) {
                continue;
            }
            let Some(stored) = drive.value(Version::Id(&id)).await? else { continue };
            if recognise(&readable::<R>(&id, Some(stored))?) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Reads a version of which it has to be known what it holds.
fn readable<R: Rotator>(id: &VersionId, stored: Option<Stored>) -> Result<R::Credential, Cause> {
    let document = document(stored, "old").and_then(|document| read::<R>(&document, "old"));
    document.map_err(|cause| {
        let text = format!("what version {id} holds is not known: {cause}");
        TargetError::new(Class::MalformedSecret, text).into()
    })
}

/// The secret of an admin.
pub(super) struct OfAdmin<'a, R: Rotator, V> {
    pub(super) drive: &'a Drive<'a, R, V>,
    pub(super) id: &'a SecretId,
}

impl<R: Rotator, V: Vault> About for OfAdmin<'_, R, V> {
    fn tags(&self) -> Asked<'_, Vec<(String, String)>> {
        Box::pin(async move {
            let described = self.drive.vault.describe(self.id);
            let described = self.drive.within("describing the admin secret", described).await;
            let described = described.map_err(|cause| about_admin(self.id, cause));
            described.map(|secret| secret.tags).map_err(TargetError::from)
        })
    }
}
