//! Rotates API keys, tokens and signing keys in AWS Secrets Manager.
//!
//! A provider is a description, not code. `description` is its shape and `validate` what it has to hold; `template` and
//! `values` fill it, `place` makes a request of it that no value can leave its place in, `http` sends it and `answer` says
//! what came back. `exchange` does that in someone's name; `overlapping` and `regenerate` are the strategies, `list` and
//! `label` find what an attempt has left that died. `providers` knows the descriptions. `local` are keys that no provider
//! issues: they are made here.

mod answer;
mod check;
mod credential;
mod description;
mod exchange;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod key;
mod label;
mod list;
mod local;
mod overlapping;
mod place;
mod providers;
mod regenerate;
mod sigv4;
mod template;
mod trust;
mod values;

use std::time::Duration;

use tokio::time::{Instant, sleep};
use turnlock::{
    AdminSecret, Authority, Change, Class, Create, Edit, FirstTry, Outcome, Retire, Rotator,
    TargetError, Verdict,
};

pub use check::{check, usage};
pub use credential::ApiKey;
pub use exchange::Session;

use crate::credential::Form;
use crate::description::{Request, Strategy};
use crate::exchange::{Ask, Sender};
use crate::http::Client;
use crate::key::Key;
use crate::trust::Trust;

/// How long between two looks whether a new key is accepted by now.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The rotator of keys that providers issue over HTTP.
#[derive(Debug)]
pub struct ApiKeys {
    client: Client,
}

impl ApiKeys {
    /// Reads `TLS_CA_FILE`, more roots to trust as PEM; `PROVIDERS_DIR`, a folder with more descriptions; and
    /// `PROVIDER`, the provider of secrets that name none.
    ///
    /// What is wrong with one of them is the error of every rotation that needs it.
    pub fn from_env() -> Self {
        let _read = providers::Settings::from_env();
        Self { client: Client::new(&Trust::from_env()) }
    }
}

impl Rotator for ApiKeys {
    type Credential = ApiKey;
    type Session = Session;

    async fn create(&self, next: Create<'_, Self>) -> Result<Edit, TargetError> {
        let key = match &next.current.0 {
            Form::Remote(key) => key,
            Form::Local(keys) => return keys.next(next.passwords).await,
        };
        let description = key.description();
        match description.strategy {
            Strategy::OverlappingKeys => {
                overlapping::create(&self.client, &next, needed(description.create.as_ref())?).await
            }
            Strategy::Regenerate | Strategy::RefreshToken => {
                regenerate::create(&self.client, &next, needed(description.update.as_ref())?).await
            }
            Strategy::SingleUser => {
                let field = description.draw.clone().unwrap_or_default();
                Ok(Edit::new().set(field, next.passwords.draw()?))
            }
        }
    }

    async fn test(&self, key: &ApiKey) -> Result<Verdict<Session>, TargetError> {
        match &key.0 {
            Form::Remote(key) => self.client.test(key).await,
            Form::Local(keys) => {
                keys.kind.check(&keys.document)?;
                Ok(Verdict::Accepted(Session(None)))
            }
        }
    }

    /// Sends a value that was drawn here; a key that was minted needs nothing but time.
    async fn set(&self, change: Change<'_, Self>) -> Result<Outcome, TargetError> {
        let (Form::Remote(current), Form::Remote(pending)) = (&change.current.0, &change.pending.0)
        else {
            return Ok(Outcome::Unchanged);
        };
        let description = pending.description();
        let mut outcome = Outcome::Unchanged;
        if description.strategy == Strategy::SingleUser {
            let by = change.by.credential().remote()?;
            let session = change.by.into_session();
            let sender = Sender { credential: by, session: &session };
            // By the current version's description: what an admin may be used for is not for the pending one to say.
            let request = needed(current.description().update.as_ref())?;
            // The same value twice is the same as once.
            let ask = Ask::new(current, request).by(sender).with_next(&pending.fields).repeatable();
            // Sent again after an answer was lost, it comes with a key that is dead by now.
            if let Err(fault) = self.client.ask(ask).await
                && !matches!(self.client.test(pending).await, Ok(Verdict::Accepted(_)))
            {
                return Err(fault.error);
            }
            outcome = Outcome::Changed;
        }
        self.settled(pending).await?;
        Ok(outcome)
    }

    fn first_try(&self, current: &ApiKey) -> FirstTry {
        match strategy(current) {
            Some(Strategy::SingleUser) => FirstTry::Current,
            // It is there already: trying the current one would be one request more.
            Some(Strategy::OverlappingKeys | Strategy::Regenerate | Strategy::RefreshToken)
            | None => FirstTry::Pending,
        }
    }

    fn retirement(&self, current: &ApiKey) -> Retire {
        match &current.0 {
            Form::Remote(key) if strategy(current) == Some(Strategy::OverlappingKeys) => {
                Retire::BeforeCreate { overlap: key.overlap }
            }
            Form::Remote(_) => Retire::ByTarget,
            Form::Local(keys) => Retire::ByNextVersion { overlap: keys.overlap },
        }
    }

    fn retires_in_steps(&self, old: &ApiKey, current: &ApiKey) -> bool {
        let (Form::Remote(old), Form::Remote(current)) = (&old.0, &current.0) else { return false };
        old.description().retire.len() > 1 && old.id().is_some() && old.id() != current.id()
    }

    async fn retire(&self, old: &ApiKey, by: Authority<'_, Self>) -> Result<(), TargetError> {
        let (old, authority) = (old.remote()?, by.credential().remote()?);
        if old.id().is_some() && old.id() == authority.id() {
            let text = "the key to retire has the id of the current one, which stays";
            return Err(TargetError::new(Class::Refused, text));
        }
        let session = by.into_session();
        let sender = Sender { credential: authority, session: &session };
        overlapping::retire(&self.client, authority, &old.fields, sender).await?;
        tracing::info!(id = old.id().unwrap_or("none"), "retired a key");
        Ok(())
    }

    fn retires(&self, unwanted: &ApiKey, kept: &ApiKey) -> bool {
        match (&unwanted.0, &kept.0) {
            (Form::Remote(unwanted), Form::Remote(kept)) => {
                unwanted.id().is_some() && unwanted.id() == kept.id()
            }
            (Form::Remote(_) | Form::Local(_), _) => false,
        }
    }

    async fn admin(
        &self,
        secret: AdminSecret<'_>,
        current: &ApiKey,
    ) -> Result<ApiKey, TargetError> {
        let admin = current.remote()?.admin_of(secret.document())?;
        Ok(ApiKey(Form::Remote(Box::new(admin))))
    }
}

impl ApiKeys {
    /// Waits until the provider accepts a key, as long as its description says that this can take.
    async fn settled(&self, pending: &Key) -> Result<(), TargetError> {
        let seconds = u64::from(pending.description().settle_seconds);
        let end = Instant::now() + Duration::from_secs(seconds);
        loop {
            match self.client.test(pending).await? {
                Verdict::Accepted(_) => return Ok(()),
                Verdict::Rejected(reason) if Instant::now() >= end => {
                    return Err(match pending.description().strategy {
                        // Two that asked at once got two values, of which the one stored is not the last.
                        Strategy::Regenerate | Strategy::RefreshToken => TargetError::new(
                            reason.class(),
                            format!("{reason}; cancel the rotation, and begin another one"),
                        ),
                        Strategy::OverlappingKeys | Strategy::SingleUser => reason,
                    });
                }
                Verdict::Rejected(_) => sleep(LOOK_AGAIN).await,
            }
        }
    }
}

fn strategy(key: &ApiKey) -> Option<Strategy> {
    match &key.0 {
        Form::Remote(key) => Some(key.description().strategy),
        Form::Local(_) => None,
    }
}

/// What the description was checked to have.
fn needed(request: Option<&Request>) -> Result<&Request, TargetError> {
    request.ok_or_else(|| TargetError::new(Class::Refused, "the description lacks a request"))
}
