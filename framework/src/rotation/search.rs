//! Looking for a version of the secret that still logs in.

use super::{Cause, Drive, readable};
use crate::rotator::Verdict;
use crate::vault::{Vault, Version};
use crate::{Credential, Rotator, VersionId};

/// A search for a version that logs in as a principal.
pub(super) struct Search<'a, R: Rotator> {
    /// Where to log in, and how.
    pub(super) current: &'a R::Credential,
    /// As whom.
    pub(super) principal: &'a str,
    /// What was tried before.
    pub(super) known: &'a [&'a R::Credential],
    /// What was tried by this search, in vain.
    tried: Vec<R::Credential>,
    /// Whether a version is for another target or principal, which is never tried.
    pub(super) elsewhere: bool,
    /// Whether an interrupted rotation is the likeliest reason for the search: versions that are newer than the
    /// current one come first then.
    pub(super) newer_first: bool,
    /// Whether the current one was met among the versions: those that come now are older.
    met_current: bool,
    /// The first thing that kept a version from being tried.
    pub(super) obstacle: Option<Cause>,
}

impl<'a, R: Rotator> Search<'a, R> {
    pub(super) fn new(
        current: &'a R::Credential,
        principal: &'a str,
        known: &'a [&'a R::Credential],
    ) -> Self {
        Self {
            current,
            principal,
            known,
            tried: Vec::new(),
            elsewhere: false,
            newer_first: false,
            met_current: false,
            obstacle: None,
        }
    }

    /// How many credentials were rejected, those that were tried before among them.
    pub(super) fn rejected(&self) -> usize {
        self.tried.len() + self.known.len()
    }

    /// The credential to try, if trying it could tell something new and change nobody else.
    fn wanted(&mut self, old: R::Credential) -> Option<R::Credential> {
        self.met_current |= old == *self.current;
        if old.target() != self.current.target() || old.principal() != self.principal {
            self.elsewhere = true;
            return None;
        }
        let old = old.reached_as(self.current);
        (!self.known.contains(&&old) && !self.tried.contains(&old)).then_some(old)
    }

    /// Goes on past what only one version, or only the list of them, suffers from; never past the deadline.
    fn passing<T>(&mut self, done: Result<T, Cause>) -> Result<Option<T>, Cause> {
        match done {
            Ok(done) => Ok(Some(done)),
            Err(cause @ Cause::Timeout(_)) => Err(cause),
            Err(cause) => {
                self.obstacle.get_or_insert(cause);
                Ok(None)
            }
        }
    }
}

impl<R: Rotator, V: Vault> Drive<'_, R, V> {
    /// Tries the previous version, then the pending one, then every other one, the newest first.
    ///
    /// Versions without a label are among them: an interrupted rotation can leave the working password
    /// where somebody has cleared the label since. That one is newer than the current one. Where it is looked
    /// for it is tried before any other, since a few failed logins in a row can lock the principal.
    pub(super) async fn search(
        &self,
        search: &mut Search<'_, R>,
    ) -> Result<Option<(R::Credential, R::Session)>, Cause> {
        let mut others = Vec::new().into_iter();
        if search.newer_first {
            others = self.others(search).await?;
        }
        while !search.met_current
            && let Some(id) = others.next()
        {
            if let Some(found) = self.try_version(search, Version::Id(&id)).await? {
                return Ok(Some(found));
            }
        }
        for version in [Version::Previous, Version::Id(&self.event.version)] {
            if let Some(found) = self.try_version(search, version).await? {
                return Ok(Some(found));
            }
        }
        if !search.newer_first {
            others = self.others(search).await?;
        }
        for id in others {
            if let Some(found) = self.try_version(search, Version::Id(&id)).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// All versions but the pending one, the newest first.
    async fn others(
        &self,
        search: &mut Search<'_, R>,
    ) -> Result<std::vec::IntoIter<VersionId>, Cause> {
        let secret = &self.event.secret_id;
        let listed = self.within("listing old versions", self.vault.versions(secret)).await;
        let mut others = search.passing(listed)?.unwrap_or_default();
        others.retain(|id| *id != self.event.version);
        Ok(others.into_iter())
    }

    /// Tries one version, unless it is for somebody else or was tried before.
    async fn try_version(
        &self,
        search: &mut Search<'_, R>,
        version: Version<'_>,
    ) -> Result<Option<(R::Credential, R::Session)>, Cause> {
        let read = search.passing(self.value(version).await)?;
        let Some(old) = read.and_then(readable::<R>) else { return Ok(None) };
        let Some(old) = search.wanted(old) else { return Ok(None) };
        let tried = self.log_in(&old).await;
        match search.passing(tried)? {
            Some(Verdict::Accepted(session)) => Ok(Some((old, session))),
            Some(Verdict::Rejected(_)) => {
                search.tried.push(old);
                Ok(None)
            }
            None => Ok(None),
        }
    }
}
