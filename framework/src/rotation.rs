//! Does what [`machine`](crate::machine) decides: the four steps, over any vault and any rotator.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use tokio::time::{Instant, timeout_at};

use self::authority::Own;
use self::history::Versions;
use self::seen::{is_refusal, overwrites};
use crate::error::Cause;
use crate::machine::{Action, Value, decide};
use crate::rotator::{Authority, Change, Holder, Verdict};
use crate::vault::{Label, SecretValue, Stored, Vault, Version};
use crate::{
    Credential, Document, Failure, History, Malformed, Outcome, PasswordPolicy, RotationEvent,
    Rotator, Step, VersionId,
};

mod authority;
mod creation;
mod history;
mod overlap;
mod retirement;
mod search;
mod seen;
mod test;

pub(crate) use self::seen::{Old, Seen, look_back};

/// How long the end of a session is waited for, which decides nothing.
const CLOSE: Duration = Duration::from_secs(2);

/// What an invocation has after its deadline to report in, and may be off by in its own account of time.
const AFTER_DEADLINE: Duration = Duration::from_secs(2);

/// The most that Secrets Manager stores, in bytes.
const MOST_BYTES: usize = 65_536;

tokio::task_local! {
    static DEADLINE: Instant;
}

/// When the step that this is called in is dropped, so that a pause is not begun that would outlast it; `None` outside
/// of one, and in tasks that a rotator spawns.
pub fn deadline() -> Option<Instant> {
    DEADLINE.try_with(|deadline| *deadline).ok()
}

/// Takes one step of one rotation. Any step can be taken again at any time.
///
/// Nothing goes on after `deadline`: what is under way then is dropped and reported as `timeout`.
pub async fn rotate<R: Rotator, V: Vault>(
    rotator: &R,
    vault: &V,
    policy: &PasswordPolicy,
    event: &RotationEvent,
    deadline: Instant,
) -> Result<Outcome, Failure> {
    rotate_seen(rotator, vault, policy, event, deadline, &Seen::default()).await
}

/// The same, and notes what metrics tell of.
pub(crate) async fn rotate_seen<R: Rotator, V: Vault>(
    rotator: &R,
    vault: &V,
    policy: &PasswordPolicy,
    event: &RotationEvent,
    deadline: Instant,
    seen: &Seen,
) -> Result<Outcome, Failure> {
    let lifetime = deadline.saturating_duration_since(Instant::now()) + AFTER_DEADLINE;
    let drive = Drive { rotator, vault, policy, event, deadline, lifetime, seen };
    let step = async {
        match event.step {
            Step::Create => drive.create().await,
            Step::Set => drive.set().await,
            Step::Test => drive.test().await,
            Step::Finish => drive.finish().await,
        }
    };
    let done = DEADLINE.scope(deadline, step).await;
    done.map_err(|cause| Failure::new(event.step, event.secret_id.clone(), cause))
}

struct Drive<'a, R, V> {
    rotator: &'a R,
    vault: &'a V,
    policy: &'a PasswordPolicy,
    event: &'a RotationEvent,
    deadline: Instant,
    /// The longest that an invocation like this one goes on.
    lifetime: Duration,
    seen: &'a Seen,
}

impl<R: Rotator, V: Vault> Drive<'_, R, V> {
    async fn set(&self) -> Result<Outcome, Cause> {
        let (observed, current) = tokio::join!(self.observe(), self.value(Version::Current));
        let Observed { action: Action::Set, pending, holder, .. } = observed? else {
            return Ok(Outcome::Unchanged);
        };
        let current = read::<R>(&self.current(current?, holder).await?, "current")?;
        let stored = pending.as_ref().and_then(|pending| pending.created);
        let pending = read::<R>(&document(pending, "pending")?, "pending")?;
        self.succeeds(&current, &pending)?;
        let dies = current != pending && overwrites(self.rotator, &current);
        let left = |here, worked| {
            self.seen.left(if dies {
                Old::Overwritten { here, worked, stored }
            } else {
                Old::Works
            });
        };
        let (admin, older);
        let by = match current.admin() {
            Some(id) => {
                admin = self.admin(&id, &current).await?;
                let (proved, by) = tokio::join!(
                    self.prove_peer(&current, &pending),
                    self.admin_login(&id, &admin)
                );
                proved?;
                by?
            }
            None => match self.own(&current, &pending).await? {
                Own::AlreadySet => {
                    left(None, None);
                    return Ok(Outcome::Unchanged);
                }
                Own::Current(session) => Authority::new(Holder::Own, &current, session),
                Own::Older(credential, session) => {
                    older = credential;
                    Authority::new(Holder::Own, &older, session)
                }
            },
        };
        let worked = (by.holder() == Holder::Own).then(|| by.credential() == &current);
        let what = format!("setting the pending credential at {}", pending.target());
        let past = Versions { drive: self, current: &current, older: None };
        let change = Change {
            current: &current,
            pending: &pending,
            version: &self.event.version,
            by,
            history: History::new(&past),
        };
        let began = SystemTime::now();
        let outcome = self.within(what, self.rotator.set(change)).await;
        match &outcome {
            Ok(outcome) => left((*outcome == Outcome::Changed).then_some(began), worked),
            // It may have been made all the same.
            Err(cause) if dies && !is_refusal(cause) => {
                self.seen.left(Old::Unknown { since: began })
            }
            Err(_) => {}
        }
        outcome
    }

    /// Has the current credential prove itself, where it is not its own password that changes.
    async fn prove_peer(
        &self,
        current: &R::Credential,
        pending: &R::Credential,
    ) -> Result<(), Cause> {
        if current.principal() == pending.principal() {
            return Ok(());
        }
        self.prove(current).await
    }

    async fn finish(&self) -> Result<Outcome, Cause> {
        let (secret, version) = (&self.event.secret_id, &self.event.version);
        let description = self.within("describing the secret", self.vault.describe(secret)).await?;
        let action = decide(Step::Finish, &description, version, Value::Unread)?;
        let Action::Promote { from } = action else { return Ok(Outcome::Unchanged) };
        self.seen.promotes();
        let promoted = self.vault.promote(secret, from.as_ref(), version);
        let Err(error) = self.within("moving AWSCURRENT", promoted).await else {
            return Ok(Outcome::Changed);
        };
        // A doubled delivery, or a lost answer: the label may be where it belongs.
        match self.within("describing the secret", self.vault.describe(secret)).await {
            Ok(now) if now.holder(Label::Current) == Some(version) => Ok(Outcome::Unchanged),
            // That one cannot tell now is no news: the move is what failed.
            Ok(_) | Err(_) => Err(error),
        }
    }

    /// What Secrets Manager says of the version to make, in one round trip.
    async fn observe(&self) -> Result<Observed, Cause> {
        let (secret, version) = (&self.event.secret_id, &self.event.version);
        let (description, stored) = tokio::join!(
            self.within("describing the secret", self.vault.describe(secret)),
            self.value(Version::Id(version)),
        );
        let (description, stored) = (description?, stored?);
        let value = if stored.is_some() { Value::Stored } else { Value::Absent };
        let action = decide(self.event.step, &description, version, value)?;
        Ok(Observed {
            action,
            pending: stored,
            holder: description.holder(Label::Current).cloned(),
            rotated: description.rotated,
        })
    }

    /// The current version: the one read by its label, unless the label has moved on.
    ///
    /// Reads by label lag behind writes, and to rotate what was current a moment ago would undo what
    /// somebody has just written.
    async fn current(
        &self,
        by_label: Option<Stored>,
        holder: Option<VersionId>,
    ) -> Result<Document, Cause> {
        document(self.holding(by_label, holder).await?, "current")
    }

    async fn holding(
        &self,
        by_label: Option<Stored>,
        holder: Option<VersionId>,
    ) -> Result<Option<Stored>, Cause> {
        match holder {
            Some(id) if by_label.as_ref().is_none_or(|stored| stored.version != id) => {
                self.value(Version::Id(&id)).await
            }
            _ => Ok(by_label),
        }
    }

    async fn value(&self, version: Version<'_>) -> Result<Option<Stored>, Cause> {
        self.within("reading the secret", self.vault.value(&self.event.secret_id, version)).await
    }

    async fn log_in(&self, credential: &R::Credential) -> Result<Verdict<R::Session>, Cause> {
        let what = format!("logging in to {} as {}", credential.target(), credential.principal());
        self.within(what, self.rotator.test(credential)).await
    }

    /// Ends a session; that it did not end well changes nothing.
    async fn close(&self, session: R::Session) {
        let end = self.deadline.min(Instant::now() + CLOSE);
        let closed = until(end, "closing a session", self.rotator.close(session));
        if let Err(cause) = closed.await {
            tracing::debug!("a session did not close in good order: {cause}");
        }
    }

    /// Refuses a credential that is not the one to follow `current`.
    fn succeeds(&self, current: &R::Credential, next: &R::Credential) -> Result<(), Cause> {
        let (here, there) = (current.target(), next.target());
        if here != there {
            return Err(Cause::Refused(format!("the next version is for {there}, not for {here}")));
        }
        let expected = self.rotator.successor(current);
        if next.principal() != expected {
            let found = next.principal();
            return Err(Cause::Refused(format!("the next version is for {found}, not {expected}")));
        }
        Ok(())
    }

    /// Bounds a wait by the deadline, and names what was waited for.
    fn within<'f, T, E: Into<Cause>>(
        &self,
        what: impl Into<String>,
        work: impl Future<Output = Result<T, E>> + Send + 'f,
    ) -> Waited<'f, T> {
        until(self.deadline, what, work)
    }
}

/// On the heap: what a driver does to log in can take much of a stack, and is waited for from deep below.
type Waited<'f, T> = Pin<Box<dyn Future<Output = Result<T, Cause>> + Send + 'f>>;

fn until<'f, T, E: Into<Cause>>(
    end: Instant,
    what: impl Into<String>,
    work: impl Future<Output = Result<T, E>> + Send + 'f,
) -> Waited<'f, T> {
    let what = what.into();
    Box::pin(async move {
        match timeout_at(end, work).await {
            Ok(done) => done.map_err(Into::into),
            Err(_) => Err(Cause::Timeout(what)),
        }
    })
}

/// What a step begins with.
struct Observed {
    action: Action,
    /// The version to make, if it has a value.
    pending: Option<Stored>,
    /// The version that has the label `AWSCURRENT`.
    holder: Option<VersionId>,
    /// When a rotation last came to its end.
    rotated: Option<SystemTime>,
}

fn document(stored: Option<Stored>, which: &'static str) -> Result<Document, Cause> {
    let problem = match stored.map(|stored| stored.value) {
        Some(SecretValue::Text(text)) => return Document::parse(text).map_err(malformed(which)),
        Some(SecretValue::Binary) => "is binary; store a JSON object as SecretString",
        None => "has no value",
    };
    Err(malformed(which)(Malformed::document(problem)))
}

fn read<R: Rotator>(document: &Document, which: &'static str) -> Result<R::Credential, Cause> {
    R::Credential::read(document).map_err(malformed(which))
}

/// Whether two credentials are for the same principal at the same target.
fn same_login<C: Credential>(one: &C, other: &C) -> bool {
    one.target() == other.target() && one.principal() == other.principal()
}

/// The credential of an old version, if it is one.
fn readable<R: Rotator>(stored: Option<Stored>) -> Option<R::Credential> {
    let document = document(stored, "old").ok()?;
    R::Credential::read(&document).ok()
}

fn malformed(which: &'static str) -> impl Fn(Malformed) -> Cause {
    move |problem| Cause::Malformed { which, problem }
}
