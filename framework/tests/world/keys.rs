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
use turnlock::testing::{Blown, Fuse};

/// How long consumers may have a key that was replaced.
pub(crate) const OVERLAP: Duration = Duration::from_hours(2);

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
    minted: Mutex<BTreeMap<String, Minted>>,
    pub(crate) overlap: Duration,
    /// Whether a key has to be known to be deleted.
    pub(crate) strict: bool,
    /// How long the provider rejects a key that it has minted.
    pub(crate) slow: Duration,
    /// Whether it tells which keys there are, so that those of no version can be found.
    pub(crate) lists: bool,
    /// What it makes of the edit with the key that it has minted.
    pub(crate) spoils: fn(Edit) -> Edit,
    /// Whether a key that is rejected may still have to be deleted.
    pub(crate) in_steps: bool,
    /// Whether to delete one key takes another with it, by the names that the provider has for them.
    pub(crate) takes: fn(&ApiKey, &ApiKey) -> bool,
    /// The deadline of the last createSecret, as the framework told it.
    pub(crate) deadline: Mutex<Option<Instant>>,
    /// What the framework handed over, as it prints.
    pub(crate) given: Mutex<Vec<String>>,
}

#[derive(Debug)]
pub(crate) struct Minted {
    at: Instant,
    /// How much older it is than the clock says.
    aged: Duration,
    /// The label that it was given: the version that it was minted for.
    of: Option<VersionId>,
}

impl Minted {
    fn age(&self) -> Duration {
        self.at.elapsed() + self.aged
    }
}

impl Keys {
    /// A provider that has minted one key, and never has more than `most` alive.
    pub(crate) fn new(fuse: Arc<Fuse>, most: usize, first: &str) -> Self {
        let keys = Self {
            fuse,
            most,
            minted: Mutex::default(),
            overlap: OVERLAP,
            strict: false,
            slow: Duration::ZERO,
            lists: true,
            spoils: |edit| edit,
            in_steps: false,
            takes: |unwanted, kept| unwanted == kept,
            deadline: Mutex::default(),
            given: Mutex::default(),
        };
        keys.add(first);
        keys
    }

    /// Mints a key behind everybody's back.
    pub(crate) fn add(&self, key: &str) {
        self.minted()
            .insert(key.to_owned(), Minted { at: Instant::now(), aged: Duration::ZERO, of: None });
    }

    pub(crate) fn is_full(&self) -> bool {
        self.minted().len() >= self.most
    }

    pub(crate) fn minted(&self) -> MutexGuard<'_, BTreeMap<String, Minted>> {
        self.minted.lock().unwrap()
    }

    fn print(&self, given: &impl Debug) {
        self.given.lock().unwrap().push(format!("{given:?}"));
    }

    fn mint(&self, key: &str, version: &VersionId) -> Result<(), TargetError> {
        if self.is_full() {
            return Err(TargetError::new(Class::Refused, "the account has as many keys as it may"));
        }
        let minted = Minted { at: Instant::now(), aged: Duration::ZERO, of: Some(version.clone()) };
        self.minted().insert(key.to_owned(), minted);
        Ok(())
    }

    async fn delete(&self, key: &str) -> Result<(), TargetError> {
        let deleted = self.fuse.call("delete", || drop(self.minted().remove(key)));
        deleted.await.map_err(broken)
    }

    /// Deletes the keys of attempts that died between minting and storing.
    async fn tidy(&self, next: &Create<'_, Self>, by: &ApiKey) -> Result<(), TargetError> {
        let old = || {
            let minted = self.minted();
            let old = minted
                .iter()
                .filter(|(_, minted)| minted.of.is_some() && minted.age() >= next.lifetime);
            old.map(|(key, _)| key.clone()).collect::<Vec<_>>()
        };
        for key in self.fuse.look("list", old).await.map_err(broken)? {
            let is_it = |known: &ApiKey| known.key.expose() == key;
            if !is_it(next.current) && !next.history.in_use(is_it).await? {
                assert!(!is_it(by), "nothing would be left to mint with");
                self.delete(&key).await?;
            }
        }
        Ok(())
    }
}

impl Rotator for Keys {
    type Credential = ApiKey;
    type Session = ();

    async fn create(&self, next: Create<'_, Self>) -> Result<Edit, TargetError> {
        self.print(&next);
        *self.deadline.lock().unwrap() = turnlock::deadline();
        let by = next.authority().await?;
        self.print(&by);
        if self.lists {
            self.tidy(&next, by.credential()).await?;
        }
        let key = next.passwords.draw()?;
        let mint = || {
            if !self.accepts(by.credential()) {
                return Err(TargetError::new(Class::AuthRejected, "no such key"));
            }
            self.mint(key.expose(), next.version)
        };
        self.fuse.call("mint", mint).await.map_err(broken)??;
        Ok((self.spoils)(Edit::new().set("key", key)))
    }

    async fn test(&self, key: &ApiKey) -> Result<Verdict<()>, TargetError> {
        let works = |minted: &Minted| minted.of.is_none() || minted.age() >= self.slow;
        let known =
            self.fuse.look("login key", || self.minted().get(key.key.expose()).is_some_and(works));
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

    fn retires_in_steps(&self, _: &ApiKey, _: &ApiKey) -> bool {
        self.in_steps
    }

    fn retires(&self, unwanted: &ApiKey, kept: &ApiKey) -> bool {
        (self.takes)(unwanted, kept)
    }

    fn retirement(&self, _: &ApiKey) -> Retire {
        Retire::BeforeCreate { overlap: self.overlap }
    }

    async fn retire(&self, key: &ApiKey, by: Authority<'_, Self>) -> Result<(), TargetError> {
        self.print(&by);
        if by.credential() == key {
            return Err(TargetError::new(Class::Refused, "a key does not delete itself"));
        }
        if self.strict && !self.accepts(key) {
            return Err(TargetError::new(Class::Unexpected, "no such key"));
        }
        self.delete(key.key.expose()).await
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

    fn count(&self) -> usize {
        self.minted().len()
    }

    fn age(&self, time: Duration) {
        self.minted().values_mut().for_each(|minted| minted.aged += time);
    }
}

fn broken(_: Blown) -> TargetError {
    TargetError::new(Class::Tcp, "the provider hung up")
}
