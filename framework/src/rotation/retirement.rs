//! Making the target forget a credential, where credentials overlap.

use super::{Cause, Drive, readable, same_login};
use crate::rotator::{Authority, Holder, Verdict};
use crate::vault::{Vault, Version};
use crate::{Class, Credential, Rotator, TargetError};

impl<R: Rotator, V: Vault> Drive<'_, R, V> {
    /// Retires what the rotation before replaced.
    pub(super) async fn retire_previous(&self, current: &R::Credential) -> Result<(), Cause> {
        match readable::<R>(self.value(Version::Previous).await?) {
            Some(previous) if previous != *current && previous.target() == current.target() => {
                self.retire(&previous, current).await?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whether the target has room for one more credential, now that what abandoned rotations left is gone.
    pub(super) async fn made_room(&self, current: &R::Credential) -> bool {
        self.retire_abandoned(current).await.unwrap_or_else(|cause| {
            tracing::warn!("what abandoned rotations left cannot be retired: {cause}");
            false
        })
    }

    /// Retires what rotations left that were abandoned after createSecret; says whether anything was.
    ///
    /// It is on versions without a label, where no rotation looks, and would fill the target for good.
    /// A version with any label, of whatever name, may be in use.
    async fn retire_abandoned(&self, current: &R::Credential) -> Result<bool, Cause> {
        let (secret, version) = (&self.event.secret_id, &self.event.version);
        let (description, listed) = tokio::join!(
            self.within("describing the secret", self.vault.describe(secret)),
            self.within("listing old versions", self.vault.versions(secret)),
        );
        let labels = description?.labels;
        let mut any = false;
        for id in listed?.iter().filter(|id| *id != version && !labels.contains_key(*id)) {
            let Some(old) = self.old(Version::Id(id)).await? else { continue };
            if same_login(&old, current) && old != *current {
                any |= self.retire(&old, current).await?;
            }
        }
        Ok(any)
    }

    /// Reads an old version, if it is one that can be read.
    ///
    /// One whose KMS key is gone tells nothing of the others.
    async fn old(&self, version: Version<'_>) -> Result<Option<R::Credential>, Cause> {
        match self.value(version).await {
            Ok(stored) => Ok(readable::<R>(stored)),
            Err(Cause::Vault(error)) if error.class == Class::Permission => {
                tracing::warn!("an old version cannot be read: {error}");
                Ok(None)
            }
            Err(cause) => Err(cause),
        }
    }

    /// Makes the target forget a credential, where it still accepts it; says whether it did.
    ///
    /// Not unless it accepts the current one too: what somebody stored by hand may be the mistake, and the
    /// unwanted one the last that works.
    pub(super) async fn retire(
        &self,
        unwanted: &R::Credential,
        current: &R::Credential,
    ) -> Result<bool, Cause> {
        match self.log_in(unwanted).await? {
            Verdict::Accepted(session) => self.close(session).await,
            Verdict::Rejected(_) => return Ok(false),
        }
        let session = match self.log_in(current).await? {
            Verdict::Accepted(session) => session,
            Verdict::Rejected(reason) => {
                let text = format!(
                    "{} does not accept AWSCURRENT ({reason}), so what it does accept is not retired",
                    current.target()
                );
                return Err(TargetError::new(Class::AuthRejected, text).into());
            }
        };
        let what = format!("retiring a credential at {}", unwanted.target());
        let admin;
        let by = match current.admin() {
            None => Authority::new(Holder::Own, current, session),
            Some(id) => {
                self.close(session).await;
                admin = self.admin(&id, current).await?;
                self.admin_login(&id, &admin).await?
            }
        };
        self.within(what, self.rotator.retire(unwanted, by)).await?;
        Ok(true)
    }
}
