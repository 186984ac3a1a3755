//! Who may change the target: the admin, or whichever version of the secret still logs in.

use super::{Cause, Drive, readable, same_login};
use crate::rotator::{Authority, FirstTry, Holder, Verdict};
use crate::vault::{Vault, Version};
use crate::{Class, Credential, Document, Rotator, SecretId, TargetError};

/// Which of the secret's own credentials the target accepts.
pub(super) enum Own<R: Rotator> {
    /// The pending one: there is nothing left to do.
    AlreadySet,
    /// The current one, with the session that proved it.
    Current(R::Session),
    /// An older one, with its session.
    Older(R::Credential, R::Session),
}

/// A way back through old versions.
struct Search<'a, R: Rotator> {
    /// The current and the pending credential, which were tried before.
    known: [&'a R::Credential; 2],
    tried: Vec<R::Credential>,
    /// Whether a version is for another target or principal, which is never tried.
    elsewhere: bool,
    /// The first thing that kept a version from being tried.
    obstacle: Option<Cause>,
}

impl<R: Rotator> Search<'_, R> {
    /// The credential to try, if trying it could tell something new and change nobody else.
    fn wanted(&mut self, old: R::Credential) -> Option<R::Credential> {
        let [current, pending] = self.known;
        if !same_login(&old, pending) {
            self.elsewhere = true;
            return None;
        }
        let old = old.reached_as(current);
        (old != *current && old != *pending && !self.tried.contains(&old)).then_some(old)
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
    /// Tries the secret's own credentials until one is accepted.
    ///
    /// Current, then pending (an earlier attempt may have set it), then previous, then every other version
    /// that can still be read: an interrupted rotation can leave the working password on a version whose
    /// label somebody has cleared since. The pending one goes first where the rotator says so.
    pub(super) async fn own(
        &self,
        current: &R::Credential,
        pending: &R::Credential,
    ) -> Result<Own<R>, Cause> {
        if self.rotator.first_try(current) == FirstTry::Pending
            && let Verdict::Accepted(session) = self.log_in(pending).await?
        {
            self.close(session).await;
            return Ok(Own::AlreadySet);
        }
        let rejection = match self.log_in(current).await? {
            Verdict::Accepted(session) if current == pending => {
                self.close(session).await;
                return Ok(Own::AlreadySet);
            }
            Verdict::Accepted(session) => return Ok(Own::Current(session)),
            Verdict::Rejected(reason) => reason,
        };
        if self.rotator.first_try(current) == FirstTry::Current
            && let Verdict::Accepted(session) = self.log_in(pending).await?
        {
            self.close(session).await;
            return Ok(Own::AlreadySet);
        }
        self.older(current, pending, rejection).await
    }

    /// Tries the previous version, then every other one, the newest first.
    async fn older(
        &self,
        current: &R::Credential,
        pending: &R::Credential,
        rejection: TargetError,
    ) -> Result<Own<R>, Cause> {
        let secret = &self.event.secret_id;
        let mut search = Search {
            known: [current, pending],
            tried: Vec::new(),
            elsewhere: false,
            obstacle: None,
        };
        if let Some(found) = self.try_older(&mut search, Version::Previous).await? {
            return Ok(found);
        }
        let listed = self.within("listing old versions", self.vault.versions(secret)).await;
        for id in search.passing(listed)?.unwrap_or_default() {
            if id == self.event.version {
                continue;
            }
            if let Some(found) = self.try_older(&mut search, Version::Id(&id)).await? {
                return Ok(found);
            }
        }
        let (target, user, count) = (pending.target(), pending.principal(), search.tried.len() + 2);
        let rest = search.obstacle.map(|cause| format!("; not all could be tried: {cause}"));
        let elsewhere = if search.elsewhere {
            "; versions for another server or user were not tried"
        } else {
            ""
        };
        let text = format!(
            "{target} accepts none of the {count} passwords of {user} that the secret's versions hold \
             ({rejection}{}{elsewhere}); give {user} the password of AWSCURRENT by hand, or name an admin in masterarn",
            rest.unwrap_or_default()
        );
        Err(TargetError::new(Class::AuthRejected, text).into())
    }

    /// Tries one old version, unless it is for somebody else or was tried before.
    async fn try_older(
        &self,
        search: &mut Search<'_, R>,
        version: Version<'_>,
    ) -> Result<Option<Own<R>>, Cause> {
        let read = search.passing(self.value(version).await)?;
        let Some(old) = read.and_then(readable::<R>) else { return Ok(None) };
        let Some(old) = search.wanted(old) else { return Ok(None) };
        let tried = self.log_in(&old).await;
        match search.passing(tried)? {
            Some(Verdict::Accepted(session)) => {
                tracing::warn!("AWSCURRENT does not log in, an older version does: healing");
                Ok(Some(Own::Older(old, session)))
            }
            Some(Verdict::Rejected(_)) => {
                search.tried.push(old);
                Ok(None)
            }
            None => Ok(None),
        }
    }

    /// Reads the admin's credential.
    pub(super) async fn admin(
        &self,
        id: &SecretId,
        current: &R::Credential,
    ) -> Result<R::Credential, Cause> {
        let read = self.within("reading the admin secret", self.vault.value(id, Version::Current));
        let Some(stored) = read.await? else {
            let text =
                format!("the admin secret {id} does not exist, or has no AWSCURRENT version");
            return Err(Cause::Refused(text));
        };
        let secret: Document = super::document(Some(stored), "admin's current")?;
        let admin = self.within("completing the admin's credential", async {
            self.rotator.admin(&secret, current).await.map_err(super::malformed("admin's current"))
        });
        let admin = admin.await?;
        let (here, there) = (current.target(), admin.target());
        if here != there {
            let text = format!("the admin secret {id} is for {there}, not for {here}");
            return Err(Cause::Refused(text));
        }
        if admin.principal() == self.rotator.successor(current) {
            let user = admin.principal();
            let text = format!(
                "{user} is the admin itself: changing it here would leave the admin secret {id} behind"
            );
            return Err(Cause::Refused(text));
        }
        Ok(admin)
    }

    /// Logs the admin in.
    pub(super) async fn admin_login<'c>(
        &self,
        id: &SecretId,
        admin: &'c R::Credential,
    ) -> Result<Authority<'c, R>, Cause> {
        match self.log_in(admin).await? {
            Verdict::Accepted(session) => Ok(Authority::new(Holder::Admin, admin, session)),
            Verdict::Rejected(reason) => {
                let text = format!("the admin secret {id} does not log in: {reason}");
                Err(TargetError::new(Class::AuthRejected, text).into())
            }
        }
    }
}
