//! What is read of a secret: a key of a provider, or keys that are made here.

use turnlock::{Class, Credential, Document, Malformed, SecretId, Sensitive, Target, TargetError};

use crate::key::Key;
use crate::local::Kind;
use crate::providers::{self, Source};

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
    name: &'static str,
    fingerprint: Sensitive,
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
    fn read(secret: &Document) -> Result<Self, Malformed> {
        Ok(Self(match providers::of(secret)? {
            Source::Described(provider) => Form::Remote(Box::new(Key::read(provider, secret)?)),
            Source::Local(name, kind) => {
                let document = Document::parse(Sensitive::new(secret.text().expose()))?;
                let fingerprint = kind.fingerprint(secret)?;
                Form::Local(LocalKeys { kind, document, name, fingerprint })
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
