//! Making the target forget a credential, where credentials overlap.

use super::{Cause, Drive, readable};
use crate::rotator::{Authority, Holder, Verdict};
use crate::vault::{Vault, Version};
use crate::{Class, Credential, Rotator, TargetError};

impl<R: Rotator, V: Vault> Drive<'_, R, V> {
    /// Retires what the rotation before replaced.
    pub(super) async fn retire_previous(&self, current: &R::Credential) -> Result<(), Cause> {
        match readable::<R>(self.value(Version::Previous).await?) {
            Some(previous) if previous != *current && previous.target() == current.target() => {
                self.retire(&previous, current).await
            }
            _ => Ok(()),
        }
    }

    /// Makes the target forget a credential, where it still accepts it.
    ///
    /// Not unless it accepts the current one too: what somebody stored by hand may be the mistake, and the
    /// unwanted one the last that works.
    pub(super) async fn retire(
        &self,
        unwanted: &R::Credential,
        current: &R::Credential,
    ) -> Result<(), Cause> {
        match self.log_in(unwanted).await? {
            Verdict::Accepted(session) => self.close(session).await,
            Verdict::Rejected(_) => return Ok(()),
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
        if let Some(id) = current.admin() {
            self.close(session).await;
            let admin = self.admin(&id, current).await?;
            let by = self.admin_login(&id, &admin).await?;
            return self.within(what, self.rotator.retire(unwanted, by)).await;
        }
        let by = Authority::new(Holder::Own, current, session);
        self.within(what, self.rotator.retire(unwanted, by)).await
    }
}
