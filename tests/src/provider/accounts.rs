use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use rand::TryRng as _;
use rand::rngs::SysRng;

use super::setup::Setup;
use crate::canary::Canary;

/// A key that a provider has issued.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its public name.
    pub id: String,
    /// The secret.
    pub value: String,
    /// What whoever minted it wrote on it.
    pub label: String,
    /// When it was minted, by the provider's clock.
    pub created: SystemTime,
    /// When it ends.
    pub expires: Option<SystemTime>,
    /// From when on it is accepted.
    settled: SystemTime,
}

/// Who a request is from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Principal {
    Admin,
    /// Of this account, by the key of this id, or by an access token.
    Account(String, Option<String>),
}

/// All that the provider keeps.
#[derive(Debug)]
pub(super) struct Accounts {
    pub(super) admin: String,
    /// How far its clock is ahead.
    pub(super) ahead: Duration,
    pub(super) tokens: Tokens,
    accounts: BTreeMap<String, Account>,
    setup: Setup,
    issued: u64,
    values: Vec<String>,
}

#[derive(Debug, Default)]
struct Account {
    keys: Vec<Key>,
    most_at_once: usize,
}

/// What the token endpoint has issued.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    pub(super) access: Vec<AccessToken>,
    pub(super) refresh: Vec<RefreshToken>,
}

#[derive(Clone, Debug)]
pub(super) struct AccessToken {
    pub(super) value: String,
    pub(super) account: String,
    pub(super) expires: SystemTime,
}

#[derive(Clone, Debug)]
pub(super) struct RefreshToken {
    pub(super) value: String,
    pub(super) account: String,
    pub(super) family: u64,
    pub(super) used: Option<SystemTime>,
}

/// Why there is no new key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Full;

impl Accounts {
    pub(super) fn new(setup: &Setup) -> Self {
        let mut accounts = Self {
            admin: String::new(),
            ahead: Duration::ZERO,
            tokens: Tokens::default(),
            accounts: BTreeMap::new(),
            setup: setup.clone(),
            issued: 0,
            values: Vec::new(),
        };
        accounts.admin = accounts.draw("admin");
        accounts
    }

    pub(super) fn now(&self) -> SystemTime {
        SystemTime::now() + self.ahead
    }

    /// A new secret.
    pub(super) fn draw(&mut self, kind: &str) -> String {
        let value = if self.setup.odd_keys {
            Canary::new(kind).value().to_owned()
        } else {
            let mut bytes = [0; 16];
            SysRng.try_fill_bytes(&mut bytes).expect("the system has randomness");
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("{kind}_{hex}")
        };
        self.values.push(value.clone());
        value
    }

    pub(super) fn canaries(&self) -> Vec<Canary> {
        let name = |value: &String| format!("a secret that begins with {:.3}", value);
        self.values.iter().map(|value| Canary::of(name(value), value)).collect()
    }

    /// Takes note of a secret that a client has chosen.
    pub(super) fn note(&mut self, value: &str) {
        self.values.push(value.to_owned());
    }

    pub(super) fn open(&mut self, account: &str) -> Key {
        let id = self.mint(account, "first", None).id;
        let now = self.now();
        let key = self.key_mut(account, &id).expect("it was minted");
        key.settled = now;
        key.clone()
    }

    /// A new key, of which there can be one too many.
    pub(super) fn mint(&mut self, account: &str, label: &str, lifetime: Option<Duration>) -> Key {
        let (now, value, id) = (self.now(), self.draw("key"), self.next_id());
        let lifetime = lifetime.or(self.setup.lifetime);
        let key = Key {
            id,
            value,
            label: label.to_owned(),
            created: now,
            expires: lifetime.map(|lifetime| now + lifetime),
            settled: now + self.setup.settle,
        };
        let account = self.accounts.entry(account.to_owned()).or_default();
        account.keys.retain(|key| key.lives(now));
        account.keys.push(key.clone());
        account.most_at_once = account.most_at_once.max(account.keys.len());
        key
    }

    /// A new key within the limit.
    pub(super) fn mint_within_the_limit(
        &mut self,
        account: &str,
        label: &str,
        lifetime: Option<Duration>,
    ) -> Result<Key, Full> {
        if self.setup.limit.is_some_and(|limit| self.keys(account).len() >= limit) {
            return Err(Full);
        }
        Ok(self.mint(account, label, lifetime))
    }

    pub(super) fn setup(&self) -> &Setup {
        &self.setup
    }

    pub(super) fn exists(&self, account: &str) -> bool {
        self.accounts.contains_key(account)
    }

    pub(super) fn keys(&self, account: &str) -> Vec<Key> {
        let now = self.now();
        let keys = self.accounts.get(account).map(|account| account.keys.as_slice());
        keys.unwrap_or_default().iter().filter(|key| key.lives(now)).cloned().collect()
    }

    pub(super) fn most_at_once(&self, account: &str) -> usize {
        self.accounts.get(account).map_or(0, |account| account.most_at_once)
    }

    pub(super) fn retire(&mut self, account: &str, id: &str) -> bool {
        let now = self.now();
        let Some(account) = self.accounts.get_mut(account) else { return false };
        account.keys.retain(|key| key.lives(now));
        let before = account.keys.len();
        account.keys.retain(|key| key.id != id);
        account.keys.len() < before
    }

    /// Gives a key another value, its own or the newest one's; the old value is dead.
    pub(super) fn replace(
        &mut self,
        account: &str,
        id: Option<&str>,
        value: String,
    ) -> Option<Key> {
        let newest = self.keys(account).pop()?.id;
        let settled = self.now() + self.setup.settle;
        let key = self.key_mut(account, id.unwrap_or(&newest))?;
        (key.value, key.settled) = (value, settled);
        Some(key.clone())
    }

    /// Who has this key or access token, if it is accepted now.
    pub(super) fn principal(&self, value: &str) -> Option<Principal> {
        let now = self.now();
        if value == self.admin {
            return Some(Principal::Admin);
        }
        for (name, account) in &self.accounts {
            let accepted = |key: &&Key| key.value == value && key.lives(now) && key.settled <= now;
            if let Some(key) = account.keys.iter().find(accepted) {
                return Some(Principal::Account(name.clone(), Some(key.id.clone())));
            }
        }
        let token = self.tokens.access.iter().find(|token| token.value == value)?;
        (token.expires > now).then(|| Principal::Account(token.account.clone(), None))
    }

    fn key_mut(&mut self, account: &str, id: &str) -> Option<&mut Key> {
        self.accounts.get_mut(account)?.keys.iter_mut().find(|key| key.id == id)
    }

    pub(super) fn next_number(&mut self) -> u64 {
        self.issued += 1;
        self.issued
    }

    fn next_id(&mut self) -> String {
        let number = self.next_number();
        if self.setup.numeric_ids { number.to_string() } else { format!("k{number}") }
    }
}

impl Key {
    fn lives(&self, now: SystemTime) -> bool {
        self.expires.is_none_or(|expires| expires > now)
    }
}
