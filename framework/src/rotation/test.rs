//! testSecret: the last look before consumers read the pending version.

use tokio::time::Instant;

use super::history::Versions;
use super::{Cause, Drive, Observed, document, malformed, read, until};
use crate::derived::Derived;
use crate::machine::Action;
use crate::rotator::{Authority, Holder, Preflight, Verdict};
use crate::vault::Vault;
use crate::{Credential, Document, Edit, History, Outcome, Rotator, SecretId, VersionId};

impl<R: Rotator, V: Vault> Drive<'_, R, V> {
    /// Tries the pending credential, and tells a full rotation from test-only mode.
    pub(super) async fn test(&self) -> Result<Outcome, Cause> {
        let Observed { action: Action::Test, pending, holder, .. } = self.observe().await? else {
            return Ok(Outcome::Unchanged);
        };
        let document = document(pending, "pending")?;
        let pending = read::<R>(&document, "pending")?;
        self.check_derived(&document, &pending, holder.as_ref()).await?;
        match pending.admin() {
            None => {
                let session = self.test_login(&pending).await?;
                self.preflight_own(&pending, session, holder).await?;
            }
            Some(admin) => {
                let (session, current) =
                    tokio::join!(self.test_login(&pending), self.current(None, holder));
                let session = session?;
                let current = read::<R>(&current?, "current")?;
                if current.principal() != pending.principal() {
                    let what = format!("comparing the users at {}", pending.target());
                    let compared = self.rotator.compare(&current, &pending, session);
                    self.within(what, compared).await?;
                    return Ok(Outcome::Unchanged);
                }
                self.close(session).await;
                if current == pending {
                    self.preflight_admin(&current, &admin).await?;
                }
            }
        }
        Ok(Outcome::Unchanged)
    }

    async fn test_login(&self, pending: &R::Credential) -> Result<R::Session, Cause> {
        match self.log_in(pending).await? {
            Verdict::Accepted(session) => Ok(session),
            Verdict::Rejected(reason) => Err(reason.into()),
        }
    }

    /// Checks that the templates of the pending version can be filled, and looks for fields left behind.
    ///
    /// A version that AWS's own function has written in between has derived fields of the one before.
    async fn check_derived(
        &self,
        document: &Document,
        pending: &R::Credential,
        holder: Option<&VersionId>,
    ) -> Result<(), Cause> {
        let derived = match Derived::make(document, &Edit::new(), pending) {
            Ok(derived) => derived,
            Err(problem) => {
                return self.lacks(malformed("pending")(problem), pending, holder.cloned()).await;
            }
        };
        for field in derived.stale {
            tracing::warn!(field, "not what rotation.derived makes; the next rotation writes it");
        }
        Ok(())
    }

    /// Uses the session as a consumer would, and checks what the next rotation will need.
    async fn preflight_own(
        &self,
        pending: &R::Credential,
        session: R::Session,
        holder: Option<VersionId>,
    ) -> Result<(), Cause> {
        let by = Authority::new(Holder::Own, pending, session);
        // Half of the time that is left: the other half is for finding out what the answer means.
        let now = Instant::now();
        let half = now + self.deadline.saturating_duration_since(now) / 2;
        match self.preflight(pending, by, half).await {
            Ok(()) => Ok(()),
            Err(missing) => self.lacks(missing, pending, holder).await,
        }
    }

    /// Tells what the next rotation lacks.
    ///
    /// In a full rotation the change is made already, and stopping would leave consumers with the old
    /// password: it is a warning then. Alone, in test-only mode, it is the answer.
    async fn lacks(
        &self,
        missing: Cause,
        pending: &R::Credential,
        holder: Option<VersionId>,
    ) -> Result<(), Cause> {
        if read::<R>(&self.current(None, holder).await?, "current")? == *pending {
            return Err(missing);
        }
        tracing::warn!(class = %missing.class(), "the next rotation will fail: {missing}");
        Ok(())
    }

    /// Checks that the admin could make the changes; asked in test-only mode, where pending is current.
    async fn preflight_admin(&self, current: &R::Credential, id: &SecretId) -> Result<(), Cause> {
        let admin = self.admin(id, current).await?;
        let by = self.admin_login(id, &admin).await?;
        self.preflight(current, by, self.deadline).await
    }

    async fn preflight(
        &self,
        current: &R::Credential,
        by: Authority<'_, R>,
        end: Instant,
    ) -> Result<(), Cause> {
        let what = format!("checking the rights at {}", current.target());
        let past = Versions { drive: self, current, older: None };
        let plan = Preflight { current, by, history: History::new(&past) };
        until(end, what, self.rotator.preflight(plan)).await
    }
}
