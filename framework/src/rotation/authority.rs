//! Who may change the target: the admin, or whichever version of the secret still logs in.

use super::history::OfAdmin;
use super::search::Search;
use super::{Cause, Drive};
use crate::rotator::{Authority, FirstTry, Holder, Verdict};
use crate::vault::{Vault, Version};
use crate::{AdminSecret, Class, Credential, Document, Rotator, SecretId, TargetError};

/// Which of the secret's own credentials the target accepts.
pub(super) enum Own<R: Rotator> {
    /// The pending one: there is nothing left to do.
    AlreadySet,
    /// The current one, with the session that proved it.
    Current(R::Session),
    /// An older one, with its session.
    Older(R::Credential, R::Session),
}

impl<R: Rotator, V: Vault> Drive<'_, R, V> {
    /// Tries the secret's own credentials until one is accepted.
    ///
    /// Current, then pending (an earlier attempt may have set it), then whatever [`search`](Self::search)
    /// finds. The pending one goes first where the rotator says so.
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
        let known = [current, pending];
        let mut search = Search::new(current, pending.principal(), &known).newer_first();
        match self.search(&mut search).await? {
            Some((older, session)) => {
                tracing::warn!("AWSCURRENT does not log in, an older version does: healing");
                Ok(Own::Older(older, session))
            }
            None => {
                Err(nothing_works(search, &rejection, ", or name an admin in masterarn").into())
            }
        }
    }

    /// Has a version of the secret log in as the current principal, whom an admin is asked to give a peer.
    ///
    /// Else whoever may write the secret could name any account in it, and get one like it.
    pub(super) async fn prove(&self, current: &R::Credential) -> Result<(), Cause> {
        let rejection = match self.log_in(current).await? {
            Verdict::Accepted(session) => {
                self.close(session).await;
                return Ok(());
            }
            Verdict::Rejected(reason) => reason,
        };
        let known = [current];
        let mut search = Search::new(current, current.principal(), &known);
        let Some((_, session)) = self.search(&mut search).await? else {
            return Err(nothing_works(search, &rejection, "").into());
        };
        tracing::warn!("AWSCURRENT does not log in, an older version does: healing");
        self.close(session).await;
        Ok(())
    }

    /// Reads the admin's credential.
    pub(super) async fn admin(
        &self,
        id: &SecretId,
        current: &R::Credential,
    ) -> Result<R::Credential, Cause> {
        let read = self.within("reading the admin secret", self.vault.value(id, Version::Current));
        let Some(stored) = read.await.map_err(|cause| about_admin(id, cause))? else {
            let text =
                format!("the admin secret {id} does not exist, or has no AWSCURRENT version");
            return Err(Cause::Refused(text));
        };
        let document: Document = super::document(Some(stored), "admin's current")?;
        let about = OfAdmin { drive: self, id };
        let secret = AdminSecret::new(&document, &about);
        let admin = self.rotator.admin(secret, current);
        let admin = match self.within("completing the admin's credential", admin).await {
            Err(Cause::Target(error)) if error.class() == Class::MalformedSecret => {
                let text = format!("the admin's current version: {error}");
                return Err(TargetError::new(Class::MalformedSecret, text).into());
            }
            read => read?,
        };
        let (here, there) = (current.target(), admin.target());
        if here != there && !self.replicates(&admin, current).await? {
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

    async fn replicates(
        &self,
        admin: &R::Credential,
        current: &R::Credential,
    ) -> Result<bool, Cause> {
        let asked = self.rotator.replicates(admin, current);
        self.within("asking whether the current host is a replica of the admin's", asked).await
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

/// Names the admin's secret in what Secrets Manager says of it, since the step's error names the other one.
pub(super) fn about_admin(id: &SecretId, cause: Cause) -> Cause {
    let Cause::Vault(error) = cause else { return cause };
    TargetError::new(error.class, format!("the admin secret {id}: {error}")).into()
}

pub(super) fn nothing_works<R: Rotator>(
    search: Search<'_, R>,
    rejection: &TargetError,
    else_do: &str,
) -> TargetError {
    let (target, user) = (search.current.target(), search.principal);
    let count = search.rejected();
    let rest = search.obstacle.map(|cause| format!("; not all could be tried: {cause}"));
    let elsewhere =
        if search.elsewhere { "; versions for another server or user were not tried" } else { "" };
    let text = format!(
        "{target} accepts none of the {count} {}s of {user} that the secret's versions hold \
         ({rejection}{}{elsewhere}); {}{else_do}",
        R::Credential::PROOF,
        rest.unwrap_or_default(),
        R::Credential::remedy(user),
    );
    TargetError::new(Class::AuthRejected, text)
}
