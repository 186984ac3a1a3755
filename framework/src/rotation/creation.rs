//! createSecret: one value a version, ever, and nothing left at the target that no version holds.

use std::sync::OnceLock;
use std::time::SystemTime;

use super::authority::nothing_works;
use super::history::Versions;
use super::overlap::Overlap;
use super::search::Search;
use super::{Cause, Drive, MOST_BYTES, Observed, document, malformed, read, same_login};
use crate::derived::Derived;
use crate::history::Asked;
use crate::machine::Action;
use crate::rotator::{Access, Authority, Create, Holder, Retire, Verdict};
use crate::vault::{Vault, Version, Write, Written};
use crate::{
    Class, Credential, Document, Edit, History, Outcome, Passwords, Rotator, SecretId, TargetError,
};

impl<R: Rotator, V: Vault> Drive<'_, R, V> {
    pub(super) async fn create(&self) -> Result<Outcome, Cause> {
        let (observed, current) = tokio::join!(self.observe(), self.value(Version::Current));
        let Observed { action, holder, rotated, .. } = observed?;
        if let Ok(Some(current)) = &current
            && holder.as_ref() == Some(&current.version)
        {
            self.seen.current(current.created, rotated);
        }
        if action != Action::Create {
            return Ok(Outcome::Unchanged);
        }
        let stored = self.holding(current?, holder).await?;
        let created = stored.as_ref().and_then(|stored| stored.created);
        self.seen.current(created, rotated);
        let document = document(stored, "current")?;
        let current = read::<R>(&document, "current")?;
        // Before the target makes anything: a key that cannot be stored would be left over.
        Derived::make(&document, &Edit::new(), &current).map_err(malformed("current"))?;
        let overlap = match self.rotator.retirement(&current) {
            Retire::ByTarget => None,
            Retire::ByNextVersion { overlap } => {
                let last = Overlap::new(overlap, None, rotated.or(Some(SystemTime::UNIX_EPOCH)));
                if let Some(obstacle) = last.obstacle() {
                    return Err(Cause::Refused(obstacle));
                }
                None
            }
            Retire::BeforeCreate { overlap } => Some(Overlap::new(overlap, created, rotated)),
        };
        let made_at = created.filter(|created| rotated.is_some_and(|rotated| *created <= rotated));
        let creation = Creation {
            drive: self,
            document: &document,
            current: &current,
            made_at,
            admin: OnceLock::new(),
            older: OnceLock::new(),
            rejection: OnceLock::new(),
        };
        creation.run(overlap.as_ref()).await
    }
}

/// One createSecret that has something to do.
pub(super) struct Creation<'a, R: Rotator, V> {
    pub(super) drive: &'a Drive<'a, R, V>,
    document: &'a Document,
    pub(super) current: &'a R::Credential,
    /// When the current version was created, unless that was after the last rotation, by hand.
    pub(super) made_at: Option<SystemTime>,
    /// Once they were asked for, the credentials that an [`Authority`] can be.
    admin: OnceLock<R::Credential>,
    older: OnceLock<R::Credential>,
    /// Why the target rejects the current one, once it did.
    pub(super) rejection: OnceLock<TargetError>,
}

impl<R: Rotator, V: Vault> Creation<'_, R, V> {
    async fn run(&self, overlap: Option<&Overlap>) -> Result<Outcome, Cause> {
        if let Some(overlap) = overlap {
            self.retire_previous(overlap).await?;
        }
        let Some(edit) = self.edit(overlap).await? else { return Ok(Outcome::Unchanged) };
        let next = match self.next(&edit) {
            Ok(next) => next,
            Err(refused) => {
                if overlap.is_some() {
                    self.discard_edit(&edit).await;
                }
                return Err(refused);
            }
        };
        let event = self.drive.event;
        let write = Write {
            secret: &event.secret_id,
            version: &event.version,
            rotation_token: event.rotation_token.as_ref(),
            document: &next,
        };
        let stored = self.drive.vault.put(write);
        match self.drive.within("storing the next version", stored).await {
            Ok(Written::Stored) => Ok(Outcome::Changed),
            Ok(Written::Conflict) => {
                if overlap.is_some() {
                    self.discard_loser(&next).await?;
                }
                Ok(Outcome::Unchanged)
            }
            Err(error) => {
                if overlap.is_some() {
                    self.discard_unstored(&next, &error).await;
                }
                Err(error)
            }
        }
    }

    /// Has the rotator make the next credential; `None` where another invocation was faster.
    async fn edit(&self, overlap: Option<&Overlap>) -> Result<Option<Edit>, Cause> {
        let policy = self.drive.policy.for_secret(self.document).map_err(malformed("current"))?;
        let passwords = Passwords::new(policy);
        let past = self.past();
        let mut made_room = false;
        loop {
            let next = Create {
                current: self.current,
                version: &self.drive.event.version,
                passwords: &passwords,
                secret: &self.drive.event.secret_id,
                lifetime: self.drive.lifetime,
                history: History::new(&past),
                access: self,
            };
            let created = self.drive.rotator.create(next);
            let error = match self.drive.within("creating the next credential", created).await {
                Ok(edit) => return Ok(Some(edit)),
                Err(error) => error,
            };
            if self.is_stored().await.unwrap_or(false) {
                return Ok(None);
            }
            let Some(overlap) = overlap.filter(|_| error.class() == Class::Refused && !made_room)
            else {
                return Err(error);
            };
            // Where the target has no room, what abandoned rotations left may be in the way.
            made_room = match self.retire_abandoned(overlap).await {
                Ok(false) => return Err(error),
                Ok(true) => true,
                Err(cause) => {
                    let text = format!(
                        "{error}; what abandoned rotations may have left there cannot be retired: {cause}"
                    );
                    return Err(Cause::Refused(text));
                }
            };
        }
    }

    pub(super) fn past(&self) -> Versions<'_, R, V> {
        Versions { drive: self.drive, current: self.current, older: Some(&self.older) }
    }

    /// Whether the version to make has a value by now.
    pub(super) async fn is_stored(&self) -> Result<bool, Cause> {
        Ok(self.drive.value(Version::Id(&self.drive.event.version)).await?.is_some())
    }

    /// The next version, if it is one to store.
    fn next(&self, edit: &Edit) -> Result<Document, Cause> {
        let next = self.document.edited(edit).map_err(malformed("next"))?;
        let credential = read::<R>(&next, "next")?;
        if credential == *self.current {
            return Err(Cause::Refused(
                "the next credential is the same as the current one".into(),
            ));
        }
        self.drive.succeeds(self.current, &credential)?;
        let next = Derived::make(&next, edit, &credential).map_err(malformed("next"))?.document;
        if next.text().expose().len() > MOST_BYTES {
            return Err(Cause::Refused("the next version is over 65,536 bytes long".into()));
        }
        Ok(next)
    }

    /// Retires what is in an edit that makes no version to store, as far as that can be told.
    async fn discard_edit(&self, edit: &Edit) {
        match self.made(edit).filter(|made| made != self.current) {
            Some(made) => self.discard_if_possible(&made).await,
            None => tracing::warn!("what the target made cannot be told, and may be left there"),
        }
    }

    /// The credential that an edit makes, under the login of the current one.
    ///
    /// Under another it could be the current one itself and not be seen to be.
    fn made(&self, edit: &Edit) -> Option<R::Credential> {
        let whole = R::Credential::read(&self.document.edited(edit).ok()?).ok()?;
        if same_login(&whole, self.current) {
            return Some(whole);
        }
        edit.names().find_map(|name| {
            let document = self.document.edited_without(edit, name).ok()?;
            let made = R::Credential::read(&document).ok()?;
            same_login(&made, self.current).then_some(made)
        })
    }

    /// Retires what was made and surely is not stored.
    ///
    /// Where Secrets Manager did not answer, it may be stored, or be so in a moment.
    async fn discard_unstored(&self, next: &Document, error: &Cause) {
        let answered = matches!(error.class(), Class::Permission | Class::Refused);
        // An attempt before the one that was answered may have come through.
        if !answered || self.is_stored().await.unwrap_or(true) {
            return;
        }
        if let Ok(made) = read::<R>(next, "next") {
            self.discard_if_possible(&made).await;
        }
    }

    /// Retires what was made where another invocation has stored its own first.
    async fn discard_loser(&self, next: &Document) -> Result<(), Cause> {
        let made = read::<R>(next, "next")?;
        let winner = self.drive.value(Version::Id(&self.drive.event.version)).await?;
        let winner = read::<R>(&document(winner, "pending")?, "pending")?;
        // A target may give both invocations the same.
        if winner == made { Ok(()) } else { self.discard(&made).await }
    }

    async fn discard_if_possible(&self, made: &R::Credential) {
        if let Err(cause) = self.discard(made).await {
            let class = cause.class();
            tracing::warn!(%class, "what was made and not stored is left at the target: {cause}");
        }
    }

    /// Retires what was made.
    async fn discard(&self, made: &R::Credential) -> Result<(), Cause> {
        let works = match self.drive.log_in(made).await? {
            Verdict::Accepted(session) => {
                self.drive.close(session).await;
                true
            }
            Verdict::Rejected(_) => false,
        };
        let by = self.authority().await?;
        let what = format!("retiring a credential at {}", made.target());
        match self.drive.within(what, self.drive.rotator.retire(made, by)).await {
            // A target may be slow to accept what it has made, or only be told of it by `set`.
            Err(cause) if !works => {
                tracing::debug!("what does not work yet cannot be retired: {cause}");
                Ok(())
            }
            retired => retired,
        }
    }

    pub(super) async fn admin_login(&self, id: &SecretId) -> Result<Authority<'_, R>, Cause> {
        let admin = match self.admin.get() {
            Some(admin) => admin,
            None => {
                let admin = self.drive.admin(id, self.current).await?;
                self.admin.get_or_init(|| admin)
            }
        };
        self.drive.admin_login(id, admin).await
    }

    async fn log_in(&self) -> Result<Authority<'_, R>, Cause> {
        if let Some(id) = self.current.admin() {
            return self.admin_login(&id).await;
        }
        let rejection = match self.rejection.get() {
            Some(known) => known,
            None => match self.drive.log_in(self.current).await? {
                Verdict::Accepted(session) => {
                    return Ok(Authority::new(Holder::Own, self.current, session));
                }
                Verdict::Rejected(reason) => self.rejection.get_or_init(|| reason),
            },
        };
        if let Some(older) = self.older.get() {
            return match self.drive.log_in(older).await? {
                Verdict::Accepted(session) => Ok(Authority::new(Holder::Own, older, session)),
                Verdict::Rejected(reason) => Err(reason.into()),
            };
        }
        let known = [self.current];
        let mut search = Search::new(self.current, self.current.principal(), &known).newer_first();
        let Some((older, session)) = self.drive.search(&mut search).await? else {
            return Err(nothing_works(search, rejection, ", or name an admin in masterarn").into());
        };
        tracing::warn!("AWSCURRENT does not log in, an older version does: healing");
        Ok(Authority::new(Holder::Own, self.older.get_or_init(|| older), session))
    }
}

impl<R: Rotator, V: Vault> Access<R> for Creation<'_, R, V> {
    fn authority(&self) -> Asked<'_, Authority<'_, R>> {
        Box::pin(async move { self.log_in().await.map_err(TargetError::from) })
    }
}
