//! What is read of a secret: a key of a provider, or keys that are made here.

use std::time::Duration;

use turnlock::{
    Class, Credential, Document, Edit, Malformed, Passwords, SecretId, Sensitive, Target,
    TargetError,
};

use crate::key::Key;
use crate::local::Kind;
use crate::providers::{self, Source};

/// The longest overlap, in minutes: ten years.
const TEN_YEARS_OF_MINUTES: u32 = 10 * 366 * 24 * 60;

/// The overlap of keys that are made here.
const TWO_HOURS: Duration = Duration::from_secs(2 * 60 * 60);

/// `rotation.overlap_minutes`: how long after a rotation consumers may still have the version before.
pub(crate) fn overlap(secret: &Document) -> Result<Option<Duration>, Malformed> {
    let Some(rotation) = secret.section("rotation")? else { return Ok(None) };
    let minutes = rotation.number("overlap_minutes", 0..TEN_YEARS_OF_MINUTES + 1)?;
    Ok(minutes.map(|minutes| Duration::from_secs(60 * u64::from(minutes))))
}

/// What a secret holds.
#[derive(Debug, PartialEq)]
pub struct ApiKey(pub(crate) Form);

#[derive(Debug, PartialEq)]
pub(crate) enum Form {
    /// A key of a provider, or its admin's.
    Remote(Box<Key>),
    /// Keys that are made here and only stored.
    Local(LocalKeys),
}

/// Keys that are made here, with the document that they are in.
#[derive(Debug)]
pub(crate) struct LocalKeys {
    pub(crate) kind: Kind,
    pub(crate) document: Document,
    /// How long consumers may still have the version before.
    pub(crate) overlap: Duration,
    name: &'static str,
    fingerprint: Sensitive,
}

impl LocalKeys {
    /// Draws the next key beside the work of others: an RSA key takes a while.
    pub(crate) async fn next(&self, passwords: &Passwords) -> Result<Edit, TargetError> {
        let (kind, document) = (self.kind.clone(), copy(&self.document)?);
        let passwords = passwords.clone();
        let drawn = tokio::task::spawn_blocking(move || kind.next(&document, &passwords));
        drawn.await.unwrap_or_else(|_| {
            Err(TargetError::new(Class::Unexpected, "the key could not be drawn"))
        })
    }
}

fn copy(document: &Document) -> Result<Document, Malformed> {
    Document::parse(Sensitive::new(document.text().expose()))
}

impl PartialEq for LocalKeys {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.fingerprint == other.fingerprint
    }
}

impl ApiKey {
    /// The key of a provider, which is asked for where there is no other.
    pub(crate) fn remote(&self) -> Result<&Key, TargetError> {
        match &self.0 {
            Form::Remote(key) => Ok(key),
            Form::Local(_) => Err(TargetError::new(
                Class::Refused,
                "these keys are of no provider: they are made here",
            )),
        }
    }

    /// Whether it is the provider's key of this id.
    pub(crate) fn has_id(&self, id: &str) -> bool {
        matches!(&self.0, Form::Remote(key) if key.id() == Some(id))
    }
}

impl Credential for ApiKey {
    const PROOF: &'static str = "key";

    /// A provider takes no key that somebody has.
    fn remedy(principal: &str) -> String {
        format!("make a key of {principal} by hand and store it")
    }

    fn read(secret: &Document) -> Result<Self, Malformed> {
        Ok(Self(match providers::of(secret)? {
            Source::Described(provider) => Form::Remote(Box::new(Key::read(provider, secret)?)),
            Source::Local(name, kind) => {
                let document = copy(secret)?;
                let fingerprint = kind.fingerprint(secret)?;
                let overlap = overlap(secret)?.unwrap_or(TWO_HOURS);
                Form::Local(LocalKeys { kind, document, overlap, name, fingerprint })
            }
        }))
    }

    fn target(&self) -> Target {
        match &self.0 {
            Form::Remote(key) => key.target.clone(),
            Form::Local(keys) => Target::new(keys.name),
        }
    }

    fn principal(&self) -> &str {
        match &self.0 {
            Form::Remote(key) => &key.principal,
            Form::Local(keys) => keys.name,
        }
    }

    fn reached_as(self, current: &Self) -> Self {
        match (self.0, &current.0) {
            (Form::Remote(old), Form::Remote(current)) => {
                Self(Form::Remote(Box::new(old.reached_as(current))))
            }
            (form, _) => Self(form),
        }
    }

    fn admin(&self) -> Option<SecretId> {
        match &self.0 {
            Form::Remote(key) => key.admin.clone(),
            Form::Local(_) => None,
        }
    }
}
