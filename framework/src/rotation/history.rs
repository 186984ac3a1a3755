//! The answers to what a rotator may ask: see [`crate::history`].

use super::Drive;
use super::authority::about_admin;
use super::search::Search;
use crate::history::{About, Asked, Past, Recognise};
use crate::vault::Vault;
use crate::{Rotator, SecretId, TargetError};

/// The versions of the secret that is rotated.
pub(super) struct Versions<'a, R: Rotator, V> {
    pub(super) drive: &'a Drive<'a, R, V>,
    pub(super) current: &'a R::Credential,
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
