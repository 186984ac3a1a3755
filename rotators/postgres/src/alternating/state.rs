//! What has to be kept in step between two users, since acting as the other does not bring it along.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};
use turnlock::Sensitive;

use super::catalog::{Setting, User};
use super::list::uniform;

/// The setting that says whom a login acts as.
pub(crate) const ROLE: &str = "role";

/// A setting's database, `None` for all, and its name.
pub(crate) type Key = (Option<String>, String);

/// What a login has of its own: settings, limits, and whom it acts as.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct State {
    pub(crate) connection_limit: i32,
    pub(crate) valid_until: Option<String>,
    pub(crate) replication: bool,
    /// The one named `role` is always there: who has none acts as himself.
    pub(crate) settings: BTreeMap<Key, Sensitive>,
}

impl State {
    pub(crate) fn of(user: &User) -> Self {
        Self::with(user, &mut user.settings.iter())
    }

    /// The same, without what is set for all roles: it no longer counts once one has a role of one's own.
    pub(crate) fn own(user: &User) -> Self {
        Self::with(user, &mut user.settings.iter().filter(|setting| setting.own))
    }

    fn with(user: &User, from: &mut dyn Iterator<Item = &Setting>) -> Self {
        let mut settings = BTreeMap::new();
        settings.insert((None, ROLE.to_owned()), Sensitive::new(user.name.as_str()));
        for setting in from {
            let value = match (setting.name.as_str(), setting.value.expose()) {
                (ROLE, "none") => user.name.clone(),
                (name, value) => uniform(name, value),
            };
            let key = (setting.database.clone(), setting.name.clone());
            settings.insert(key, Sensitive::new(value));
        }
        Self {
            connection_limit: user.connection_limit,
            valid_until: user.valid_until.clone(),
            replication: user.replication,
            settings,
        }
    }

    /// Whom a session in `database` acts as.
    pub(crate) fn role(&self, database: &str) -> Option<&str> {
        let at = |database: Option<&str>| {
            let key = (database.map(str::to_owned), ROLE.to_owned());
            self.settings.get(&key).map(Sensitive::expose)
        };
        at(Some(database)).or_else(|| at(None))
    }

    /// Whether it acts as `user` somewhere.
    pub(crate) fn acts_as(&self, user: &str) -> bool {
        self.settings.iter().any(|((_, name), value)| name == ROLE && value.expose() == user)
    }

    /// What is wrong where the first user, whose state it is, is to act as the login that acts as it.
    pub(crate) fn acting_in_turn(&self, first: &User, second: &str) -> Option<String> {
        let problem = || {
            format!(
                "the setting role of {} is {second}, which is to act as {}",
                first.name, first.name
            )
        };
        self.acts_as(second).then(problem)
    }

    /// The same, acting as `other` does wherever `user`, whose state it is, acts as itself.
    pub(crate) fn acting_like(&self, other: &Self, user: &str) -> Self {
        let copy = |(key, value): (&Key, &Sensitive)| (key.clone(), Sensitive::new(value.expose()));
        let roles = other.settings.iter().filter(|((_, name), _)| name == ROLE);
        let kept = self
            .settings
            .iter()
            .filter(|((_, name), value)| name != ROLE || value.expose() != user);
        Self {
            connection_limit: self.connection_limit,
            valid_until: self.valid_until.clone(),
            replication: self.replication,
            settings: roles.chain(kept).map(copy).collect(),
        }
    }

    /// Eight hexadecimal digits that tell one state from another.
    pub(crate) fn digest(&self) -> String {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(text);
        };
        add(&self.connection_limit.to_string());
        add(self.valid_until.as_deref().unwrap_or("infinity"));
        add(if self.replication { "replication" } else { "" });
        for ((database, name), value) in &self.settings {
            add(if database.is_some() { "in" } else { "" });
            add(database.as_deref().unwrap_or_default());
            add(name);
            add(value.expose());
        }
        hash.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
    }

    /// What is not the same in both, in words that show no value.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        if self.connection_limit != other.connection_limit {
            found.push("CONNECTION LIMIT".to_owned());
        }
        if self.valid_until != other.valid_until {
            found.push("VALID UNTIL".to_owned());
        }
        if self.replication != other.replication {
            found.push("REPLICATION".to_owned());
        }
        let mut keys: Vec<&Key> = self.settings.keys().chain(other.settings.keys()).collect();
        keys.sort();
        keys.dedup();
        let differ = |key: &&&Key| self.settings.get(**key) != other.settings.get(**key);
        found.extend(keys.iter().filter(differ).map(|key| named(key)));
        found
    }

    /// What it has that `other` lacks or has tighter, in words that show no value.
    pub(crate) fn not_in(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let limit = |limit: i32| if limit < 0 { i32::MAX } else { limit };
        if limit(self.connection_limit) > limit(other.connection_limit) {
            found.push("CONNECTION LIMIT".to_owned());
        }
        let until =
            |state: &Self| state.valid_until.clone().map_or((1, None), |until| (0, Some(until)));
        if until(self) > until(other) {
            found.push("VALID UNTIL".to_owned());
        }
        if self.replication && !other.replication {
            found.push("REPLICATION".to_owned());
        }
        let own = self.settings.iter().filter(|((_, name), _)| name != ROLE);
        let missing = own.filter(|(key, value)| other.settings.get(*key) != Some(*value));
        found.extend(missing.map(|(key, _)| named(key)));
        found
    }
}

/// A setting in words.
pub(crate) fn named((database, name): &Key) -> String {
    match database {
        Some(database) => format!("the setting {name} in database {database}"),
        None => format!("the setting {name}"),
    }
}
