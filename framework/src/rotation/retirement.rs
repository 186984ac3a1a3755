//! Making the target forget a credential, where credentials overlap.

use super::creation::Creation;
use super::overlap::Overlap;
use super::{Cause, readable, same_login};
use crate::history::Past as _;
use crate::rotator::{Authority, Holder, Verdict};
use crate::vault::{Vault, Version};
use crate::{Class, Credential, Rotator};

impl<R: Rotator, V: Vault> Creation<'_, R, V> {
    /// Retires what the rotation before replaced; refuses to go on where consumers may still have it.
    ///
    /// Where the target does not accept the current one, it stays: what somebody stored by hand may be the
    /// mistake, and the one before it the last that works.
    pub(super) async fn retire_previous(&self, overlap: &Overlap) -> Result<(), Cause> {
        let stored = self.drive.value(Version::Previous).await?;
        let replaced_at = stored.as_ref().and_then(|stored| stored.created);
        let Some(previous) = readable::<R>(stored) else { return Ok(()) };
        if !same_login(&previous, self.current) {
            return Ok(());
        }
        // What else it says, such as how a provider is asked, is not for the admin to follow.
        let previous = previous.reached_as(self.current);
        if previous == *self.current {
            return Ok(());
        }
        match self.proved_beside(&previous).await? {
            Beside::Both(session) if overlap.moved_back(replaced_at) => {
                tracing::warn!(
                    "AWSCURRENT is older than AWSPREVIOUS: somebody has moved it back, and nobody knows when; consumers \
                     may still have what it replaced, which is not retired"
                );
                self.drive.close(session).await;
                Ok(())
            }
            Beside::Both(session) => match overlap.obstacle() {
                None => {
                    // A calm rotation need not look at every version.
                    if self.made_at.is_none() || self.made_at < replaced_at {
                        self.spare_the_current(&previous).await?;
                    }
                    self.retire(&previous, session).await
                }
                Some(obstacle) => {
                    self.drive.close(session).await;
                    Err(Cause::Refused(obstacle))
                }
            },
            Beside::NotCurrent => {
                tracing::warn!(
                    "AWSCURRENT does not log in: what it replaced is not retired, since that does"
                );
                Ok(())
            }
            Beside::NotUnwanted if overlap.is_over() => self.finish_retiring(&previous).await,
            // It may be rejected by mistake, and consumers have it.
            Beside::NotUnwanted => Ok(()),
        }
    }

    /// Retires what the target rejects already, where an attempt may have been cut off between two steps of it.
    async fn finish_retiring(&self, previous: &R::Credential) -> Result<(), Cause> {
        if !self.drive.rotator.retires_in_steps(previous, self.current) {
            return Ok(());
        }
        match self.drive.log_in(self.current).await? {
            Verdict::Accepted(session) => self.retire(previous, session).await,
            Verdict::Rejected(reason) => {
                self.rejection.get_or_init(|| reason);
                Ok(())
            }
        }
    }

    /// Retires what rotations left that were abandoned after createSecret; says whether anything was.
    ///
    /// It is on versions without a label, where no rotation looks, and would fill the target for good.
    /// A version with any label, of whatever name, may be in use; so may one that has lost its label within
    /// the overlap.
    pub(super) async fn retire_abandoned(&self, overlap: &Overlap) -> Result<bool, Cause> {
        let drive = self.drive;
        let (secret, version) = (&drive.event.secret_id, &drive.event.version);
        let (description, listed) = tokio::join!(
            drive.within("describing the secret", drive.vault.describe(secret)),
            drive.within("listing old versions", drive.vault.versions(secret)),
        );
        let labels = description?.labels;
        let (mut kept, mut abandoned) = (Vec::new(), Vec::new());
        for (id, created) in listed?.into_iter().filter(|(id, _)| id != version) {
            let Some(old) = self.old(Version::Id(&id)).await? else { continue };
            let keep = labels.contains_key(&id) || overlap.covers(created);
            if keep { kept.push(old) } else { abandoned.push(old) }
        }
        let reached = |all: Vec<R::Credential>| {
            let here = all.into_iter().filter(|old| same_login(old, self.current));
            here.map(|old| old.reached_as(self.current)).collect::<Vec<_>>()
        };
        let (kept, mut abandoned) = (reached(kept), reached(abandoned));
        // Somebody may have stored one credential twice.
        abandoned.retain(|old| !kept.contains(old));
        let mut any = false;
        for old in abandoned.iter().filter(|old| *old != self.current) {
            match self.proved_beside(old).await? {
                Beside::Both(session) => {
                    self.spare_the_current(old).await?;
                    self.retire(old, session).await?;
                    any = true;
                }
                Beside::NotUnwanted => {}
                Beside::NotCurrent => {
                    tracing::warn!("AWSCURRENT does not log in: what does is not retired");
                    return Ok(any);
                }
            }
        }
        Ok(any)
    }

    /// Reads an old version, if it is one that can be read.
    ///
    /// One whose KMS key is gone tells nothing of the others.
    async fn old(&self, version: Version<'_>) -> Result<Option<R::Credential>, Cause> {
        match self.drive.value(version).await {
            Ok(stored) => Ok(readable::<R>(stored)),
            Err(Cause::Vault(error)) if error.class == Class::Permission => {
                tracing::warn!("an old version cannot be read: {error}");
                Ok(None)
            }
            Err(cause) => Err(cause),
        }
    }

    /// Tries a credential that shall be retired, and if it works the current one, which has to work without it.
    async fn proved_beside(&self, unwanted: &R::Credential) -> Result<Beside<R>, Cause> {
        match self.drive.log_in(unwanted).await? {
            Verdict::Accepted(session) => self.drive.close(session).await,
            Verdict::Rejected(_) => return Ok(Beside::NotUnwanted),
        }
        Ok(match self.drive.log_in(self.current).await? {
            Verdict::Accepted(session) => Beside::Both(session),
            Verdict::Rejected(reason) => {
                self.rejection.get_or_init(|| reason);
                Beside::NotCurrent
            }
        })
    }

    /// Refuses to retire what the target may know as the current one, by what any version says of that.
    ///
    /// Where somebody has written versions by hand, two of them can each have the other's id.
    async fn spare_the_current(&self, unwanted: &R::Credential) -> Result<(), Cause> {
        let rotator = self.drive.rotator;
        let is_current =
            |old: &R::Credential| old == self.current && rotator.retires(unwanted, old);
        if self.past().knows(self.current.principal(), &is_current).await? {
            let text = "a version with the credential of AWSCURRENT has it under the name that the one to retire has in \
                        another version: nothing is retired until they are corrected";
            return Err(Cause::Refused(text.into()));
        }
        Ok(())
    }

    /// Makes the target forget a credential, by the session of the current one or by the admin.
    async fn retire(&self, unwanted: &R::Credential, session: R::Session) -> Result<(), Cause> {
        let by = match self.current.admin() {
            None => Authority::new(Holder::Own, self.current, session),
            Some(id) => {
                self.drive.close(session).await;
                self.admin_login(&id).await?
            }
        };
        let what = format!("retiring a credential at {}", unwanted.target());
        self.drive.within(what, self.drive.rotator.retire(unwanted, by)).await
    }
}

/// Which of two credentials the target accepts: one to retire, and the current one.
enum Beside<R: Rotator> {
    /// Both, with the session of the current one.
    Both(R::Session),
    /// The one to retire, and not the current one.
    NotCurrent,
    /// Not the one to retire: there is nothing left to do.
    NotUnwanted,
}
