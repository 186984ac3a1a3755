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
    upcoming: Upcoming,
    /// All versions but the pending one, the newest first, once they were asked for.
    listed: Option<std::vec::IntoIter<VersionId>>,
    /// Whether the current one was met among them: those that come now are older.
    met_current: bool,
    /// Whether a version is for another target or principal, which is never tried.
    pub(super) elsewhere: bool,
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
            upcoming: Upcoming::Previous,
            listed: None,
            met_current: false,
            elsewhere: false,
            obstacle: None,
        }
    }

    /// The same, with what is newer than the current version first: where an interrupted rotation is the likeliest
    /// reason to search.
    pub(super) fn newer_first(self) -> Self {
        Self { upcoming: Upcoming::Newer, ..self }
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

/// Which versions a search looks at next.
///
/// Versions without a label are among them: an interrupted rotation can leave the working password where somebody
/// has cleared the label since. That one is newer than the current one. Where it is looked for, it is tried before
/// any other, since a few failed logins in a row can lock the principal.
#[derive(Clone, Copy)]
enum Upcoming {
    Newer,
    Previous,
    Pending,
    /// The newest first.
    Others,
}

impl<R: Rotator, V: Vault> Drive<'_, R, V> {
    /// Tries one version after the other, until one logs in.
    pub(super) async fn search(
        &self,
        search: &mut Search<'_, R>,
    ) -> Result<Option<(R::Credential, R::Session)>, Cause> {
        while let Some(old) = self.next_version(search).await? {
            let tried = self.log_in(&old).await;
            match search.passing(tried)? {
                Some(Verdict::Accepted(session)) => return Ok(Some((old, session))),
                Some(Verdict::Rejected(_)) => search.tried.push(old),
                None => {}
            }
        }
        Ok(None)
    }

    /// The next version that is for the principal and was not tried before.
    pub(super) async fn next_version(
        &self,
        search: &mut Search<'_, R>,
    ) -> Result<Option<R::Credential>, Cause> {
        loop {
            let read = match search.upcoming {
                Upcoming::Newer if search.met_current => {
                    search.upcoming = Upcoming::Previous;
                    continue;
                }
                Upcoming::Newer => match self.next_listed(search).await? {
                    Some(id) => self.value(Version::Id(&id)).await,
                    None => {
                        search.upcoming = Upcoming::Previous;
                        continue;
                    }
                },
                Upcoming::Previous => {
                    search.upcoming = Upcoming::Pending;
                    self.value(Version::Previous).await
                }
                Upcoming::Pending => {
                    search.upcoming = Upcoming::Others;
                    self.value(Version::Id(&self.event.version)).await
                }
                Upcoming::Others => match self.next_listed(search).await? {
                    Some(id) => self.value(Version::Id(&id)).await,
                    None => return Ok(None),
                },
            };
            let read = search.passing(read)?;
            if let Some(old) = read.and_then(readable::<R>).and_then(|old| search.wanted(old)) {
                return Ok(Some(old));
            }
        }
    }

    async fn next_listed(&self, search: &mut Search<'_, R>) -> Result<Option<VersionId>, Cause> {
        if search.listed.is_none() {
            let listed = self.vault.versions(&self.event.secret_id);
            let listed = self.within("listing old versions", listed).await;
            let listed = search.passing(listed)?.unwrap_or_default().into_iter();
            let mut listed: Vec<_> = listed.map(|(id, _)| id).collect();
            listed.retain(|id| *id != self.event.version);
            search.listed = Some(listed.into_iter());
        }
        Ok(search.listed.as_mut().and_then(Iterator::next))
    }
}
