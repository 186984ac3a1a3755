//! A provider that mints keys, a few at a time, and the rotator of them.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;
use turnlock::{
    Authority, Change, Class, Create, Credential, Document, Edit, Malformed, Outcome, Retire,
    Rotator, SecretId, Sensitive, Target, TargetError, Verdict, VersionId,
};

use super::Fake;
use super::fuse::{Blown, Fuse};

/// Longer than any invocation lives: what is older and was not stored never will be.
pub(crate) const LEFTOVER: Duration = Duration::from_secs(15 * 60);

#[derive(Debug, PartialEq)]
pub(crate) struct ApiKey {
    account: String,
    key: Sensitive,
    admin: Option<SecretId>,
}

impl Credential for ApiKey {
    fn read(secret: &Document) -> Result<Self, Malformed> {
        Ok(Self {
            account: secret.string("account")?,
            key: secret.sensitive("key")?,
            admin: secret.optional_string("masterarn")?.map(SecretId::new),
        })
    }

    fn target(&self) -> Target {
        Target::new("api.example")
    }

    fn principal(&self) -> &str {
        &self.account
    }

    fn admin(&self) -> Option<SecretId> {
        self.admin.clone()
    }
}

pub(crate) struct Keys {
    fuse: Arc<Fuse>,
    most: usize,
    minted: Mutex<BTreeMap<String, (VersionId, Instant)>>,
    /// What the framework handed over, as it prints.
    pub(crate) given: Mutex<Vec<String>>,
}

impl Keys {
    /// A provider that has minted one key, and never has more than `most` alive.
    pub(crate) fn new(fuse: Arc<Fuse>, most: usize, first: &str) -> Self {
        let first = (first.to_owned(), (VersionId::new("v0"), Instant::now()));
        Self { fuse, most, minted: Mutex::new([first].into()), given: Mutex::default() }
    }

    /// Mints a key behind everybody's back.
    pub(crate) fn add(&self, key: &str, version: &str) {
        self.minted().insert(key.to_owned(), (VersionId::new(version), Instant::now()));
    }

    pub(crate) fn minted(&self) -> MutexGuard<'_, BTreeMap<String, (VersionId, Instant)>> {
        self.minted.lock().unwrap()
    }

    fn print(&self, given: &impl Debug) {
        self.given.lock().unwrap().push(format!("{given:?}"));
    }

    fn mint(&self, key: &str, version: &VersionId) -> Result<(), TargetError> {
        let mut minted = self.minted();
        // Of this very rotation, and not stored, or there would be no second mint. A young one may belong
        // to another invocation that is just about to store it.
        minted.retain(|_, (of, made)| of != version || made.elapsed() < LEFTOVER);
        if minted.len() >= self.most {
            return Err(TargetError::new(Class::Refused, "the account has as many keys as it may"));
        }
        minted.insert(key.to_owned(), (version.clone(), Instant::now()));
        Ok(())
    }
}

impl Rotator for Keys {
    type Credential = ApiKey;
    type Session = ();

    async fn create(&self, next: Create<'_, Self>) -> Result<Edit, TargetError> {
        self.print(&next);
        let key = next.passwords.draw()?;
        self.fuse
            .call("mint", || self.mint(key.expose(), next.version))
            .await
            .map_err(broken)??;
        Ok(Edit::new().set("key", key))
    }

    async fn test(&self, key: &ApiKey) -> Result<Verdict<()>, TargetError> {
        let known = self.fuse.call("login key", || self.minted().contains_key(key.key.expose()));
        let verdict = if known.await.map_err(broken)? {
            Verdict::Accepted(())
        } else {
            self.fuse.note("rejected key");
            Verdict::Rejected(TargetError::new(Class::AuthRejected, "no such key"))
        };
        self.print(&verdict);
        Ok(verdict)
    }

    async fn set(&self, change: Change<'_, Self>) -> Result<Outcome, TargetError> {
        self.print(&change);
        Ok(Outcome::Unchanged)
    }

    fn retirement(&self, _: &ApiKey) -> Retire {
        Retire::BeforeCreate { overlap: Duration::ZERO }
    }

    async fn retire(&self, key: &ApiKey, by: Authority<'_, Self>) -> Result<(), TargetError> {
        self.print(&by);
        if by.credential() == key {
            return Err(TargetError::new(Class::Refused, "a key does not delete itself"));
        }
        let deleted = self.fuse.call("delete", || drop(self.minted().remove(key.key.expose())));
        deleted.await.map_err(broken)
    }
}

impl Fake for Keys {
    const EDITED: &'static [&'static str] = &["key"];

    fn accepts(&self, key: &ApiKey) -> bool {
        self.minted().contains_key(key.key.expose())
    }

    fn snapshot(&self) -> String {
        format!("{:?}", self.minted())
    }
}

fn broken(_: Blown) -> TargetError {
    TargetError::new(Class::Tcp, "the provider hung up")
}
