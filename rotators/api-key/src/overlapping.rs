//! Keys that overlap: the next is minted, and the one before goes a whole rotation later.

use std::time::{Duration, SystemTime};

use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use tokio::time::{Instant, sleep};
use turnlock::{Class, Create, Edit, Sensitive, TargetError};

use crate::ApiKeys;
use crate::answer::{Fault, Success};
use crate::credential::ApiKey;
use crate::description::{List, Meaning, Request};
use crate::exchange::{Ask, Sender};
use crate::http::Client;
use crate::key::Key;
use crate::label::Label;
use crate::list::Listed;
use crate::values::Fields;

/// What is left of the step's time for the mint, after waiting for an attempt to be over that may still store its key.
const RESERVE: Duration = Duration::from_secs(10);

/// Mints the next key, and removes what attempts have left that died.
pub(crate) async fn create(
    client: &Client,
    next: &Create<'_, ApiKeys>,
    request: &Request,
) -> Result<Edit, TargetError> {
    let key = next.current.remote()?;
    let by = next.authority().await?;
    let authority = by.credential().remote()?;
    let session = by.into_session();
    let sender = Sender { credential: authority, session: &session };
    if authority.is_admin() {
        // A dead one is replaced; but one that works for another principal shows that the secret names the wrong one.
        client.test(key).await?;
    }
    let minting = Minting { client, next, key, sender };
    if let Some(list) = &key.description().list {
        minting.make_room(list).await?;
    }
    minting.mint(request).await
}

struct Minting<'a> {
    client: &'a Client,
    next: &'a Create<'a, ApiKeys>,
    key: &'a Key,
    sender: Sender<'a>,
}

impl Minting<'_> {
    /// Retires the keys of this secret that no version holds: an attempt died before it could store them.
    async fn make_room(&self, list: &List) -> Result<(), TargetError> {
        let key = self.key;
        let listed = self.list(list).await?;
        let mut count = listed.len();
        for Listed { id, label } in listed {
            let Some(label) = label else { continue };
            if self.is_kept(&id) || self.in_use(&id).await? {
                continue;
            }
            self.outlive(&label, &id).await?;
            tracing::warn!(%id, label = label.text(), "retiring a key that no version holds");
            self.retire(&id).await?;
            count -= 1;
        }
        match key.description().limit {
            Some(limit) if count >= limit => {
                let text = format!(
                    "{} has {count} keys at {}, of {limit} that it may have; retire one there by hand",
                    key.principal, key.target
                );
                Err(TargetError::new(Class::Refused, text))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Whether a version that consumers may have holds the key of an id, or an older one says that the current key has
    /// it: somebody may have written another id beside that by hand.
    async fn in_use(&self, id: &str) -> Result<bool, TargetError> {
        let (history, current) = (&self.next.history, self.next.current);
        if history.in_use(|version| version.has_id(id)).await? {
            return Ok(true);
        }
        let same = |version: &ApiKey| version.has_id(id) && version == current;
        let is_current = match history.knows(&self.key.principal, same).await {
            // A role that may not list versions cannot tell, and what it does not know it leaves alone.
            Err(error) if error.class() == Class::Permission => {
                tracing::warn!(id, "a key that no version may hold is left alone: {error}");
                return Ok(true);
            }
            asked => asked?,
        };
        if is_current {
            tracing::warn!(
                id,
                "the current version has another id for its key than this, by which it was minted"
            );
        }
        Ok(is_current)
    }

    /// Waits until no invocation can be at work any more that may still store the key, or make it the current one.
    async fn outlive(&self, label: &Label, id: &str) -> Result<(), TargetError> {
        let rest = self.next.lifetime.saturating_sub(label.age());
        if rest.is_zero() {
            return Ok(());
        }
        let left = turnlock::deadline().map(|end| end.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left < rest + RESERVE) {
            let text = format!(
                "the key {id} was minted a moment ago, and another invocation may be about to store it; the step can be \
                 repeated in {} s",
                rest.as_secs() + 1
            );
            return Err(TargetError::new(Class::Throttled, text));
        }
        sleep(rest).await;
        if self.in_use(id).await? {
            let text = format!("the key {id} was stored meanwhile");
            return Err(TargetError::new(Class::Throttled, text));
        }
        Ok(())
    }

    async fn mint(&self, request: &Request) -> Result<Edit, TargetError> {
        let key = self.key;
        let label = Label::new(self.next.secret, self.next.version)?;
        let new = coming(key, &label, self.next)?;
        let ask = Ask::new(key, request).by(self.sender).with_new(&new);
        // Should this invocation die before it has the answer, this is what is left over.
        tracing::info!(label = label.text(), "minting a key");
        let minted = match self.client.ask(ask).await {
            Ok(minted) => minted,
            Err(fault) => return Err(self.lost(fault, &label).await),
        };
        let fields = match whole(&minted, request, key) {
            Ok(fields) => fields,
            Err((problem, fields)) => {
                let text = format!("the provider's answer {problem}; what it minted is no use");
                let fault = Fault {
                    meaning: Meaning::Refused,
                    error: TargetError::new(Class::Unexpected, text),
                    uncertain: true,
                };
                return Err(match fields.value(&key.description().id) {
                    Some(id) if self.discard(id).await.is_ok() => fault.error,
                    Some(_) | None => self.lost(fault, &label).await,
                });
            }
        };
        // Before it is stored: should this invocation die now, here is what is left over.
        let id = fields.value(&key.description().id).unwrap_or("none");
        tracing::info!(id, label = label.text(), "minted a key");
        Ok(fields.edit())
    }

    /// Finds and retires what a mint has made of which the answer is lost.
    async fn lost(&self, fault: Fault, label: &Label) -> TargetError {
        if !fault.uncertain {
            return fault.error;
        }
        let left = match &self.key.description().list {
            None => None,
            Some(list) => match self.list(list).await {
                Ok(listed) => Some(listed.into_iter().find(|k| k.label.as_ref() == Some(label))),
                Err(_) => None,
            },
        };
        let label = label.text();
        let what = match left {
            Some(None) => return fault.error,
            Some(Some(Listed { id, .. })) => match self.retire(&id).await {
                Ok(()) => return fault.error,
                Err(_) => format!("the key {id}, labelled {label}, may be left over"),
            },
            None => format!("a key, labelled {label} where it has one, may be left over"),
        };
        TargetError::new(fault.error.class(), format!("{}; {what}", fault.error))
    }

    async fn list(&self, list: &List) -> Result<Vec<Listed>, TargetError> {
        let key = self.key;
        self.client.list(list, key, self.next.secret, self.sender).await
    }

    /// Retires the key of an id that a mint answered with, if it is no key that was there before.
    async fn discard(&self, id: &str) -> Result<(), TargetError> {
        if self.is_kept(id) || self.in_use(id).await? {
            let text = "the provider has answered with the id of a key that is in use";
            return Err(TargetError::new(Class::Refused, text));
        }
        self.retire(id).await
    }

    /// Whether it is the id of the current key, or of the one that sends the requests.
    fn is_kept(&self, id: &str) -> bool {
        [self.key.id(), self.sender.credential.id()].contains(&Some(id))
    }

    async fn retire(&self, id: &str) -> Result<(), TargetError> {
        let key = self.key;
        let mut fields = key.fields.copied();
        fields.put(&key.description().id, Sensitive::new(id));
        retire(self.client, key, &fields, self.sender).await
    }
}

/// Makes the provider forget a key, which may be gone already.
pub(crate) async fn retire(
    client: &Client,
    about: &Key,
    fields: &Fields,
    sender: Sender<'_>,
) -> Result<(), TargetError> {
    for request in &about.description().retire {
        // Retired twice is retired.
        match client.ask(Ask::new(about, request).of(fields).by(sender).repeatable()).await {
            Ok(_) => {}
            Err(fault) if fault.meaning == Meaning::Gone => {}
            Err(fault) => return Err(fault.error),
        }
    }
    Ok(())
}

/// The fields of the answer, none of which may be empty that the next rotation needs.
pub(crate) fn whole(
    minted: &Success,
    request: &Request,
    key: &Key,
) -> Result<Fields, (String, Fields)> {
    let fields = minted.fields(request)?;
    let (needed, _) = key.description().read();
    let empty = request.fields.iter().find(|(field, _)| {
        needed.contains(field.as_str()) && fields.value(field).is_none_or(str::is_empty)
    });
    if let Some((_, pointer)) = empty {
        return Err((format!("has nothing at {pointer}"), fields));
    }
    // An id may be a number; a key that is one is something else.
    let (proof, id) = (key.description().proof(), key.description().id.as_str());
    let mistyped = request.fields.iter().find(|(field, pointer)| {
        let shown = proof.contains(field.as_str()) && field.as_str() != id;
        shown && minted.at(pointer).is_some_and(|value| !value.is_string())
    });
    match mistyped {
        Some((_, pointer)) => Err((format!("has no string at {pointer}"), fields)),
        None => Ok(fields),
    }
}

/// The names of what is known of a key before it is minted.
pub(crate) const COMING: [&str; 6] =
    ["label", "version", "expires_at", "expires_date", "expires_in", "expires_unix"];

/// What is known of a key before it is minted.
pub(crate) fn coming(
    key: &Key,
    label: &Label,
    next: &Create<'_, ApiKeys>,
) -> Result<Fields, TargetError> {
    let mut new = Fields::default();
    new.put("label", Sensitive::new(label.text()));
    new.put("version", Sensitive::new(next.version.to_string()));
    if let Some(days) = key.lifetime_days {
        let seconds = 86_400 * u64::from(days);
        let end = time::OffsetDateTime::from(SystemTime::now() + Duration::from_secs(seconds));
        let end = end.replace_nanosecond(0).unwrap_or(end);
        let wrong = |_| TargetError::new(Class::Refused, "the key would expire at no date");
        new.put("expires_at", Sensitive::new(end.format(&Rfc3339).map_err(wrong)?));
        let date = end.format(format_description!("[year]-[month]-[day]")).map_err(wrong)?;
        new.put("expires_date", Sensitive::new(date));
        new.put("expires_in", Sensitive::new(seconds.to_string()));
        new.put("expires_unix", Sensitive::new(end.unix_timestamp().to_string()));
    }
    Ok(new)
}
