//! What one account has and another lacks, in words.

use std::collections::{BTreeMap, BTreeSet};

use super::{Held, Object, Privileges, Role};
use crate::account::{Account, plain};

/// As many are named, the rest is counted.
const NAMED: usize = 3;

/// Says what keeps two accounts from being equal; nothing if they are. No control character is in it.
pub(crate) fn compare(
    first: (&Account, &Privileges),
    second: (&Account, &Privileges),
) -> Vec<String> {
    let one_way = |(has, of): (&Account, &Privileges), (lacks, other): (&Account, &Privileges)| {
        let more = of.beyond(other);
        (!more.is_empty()).then(|| format!("{has} has {}, {lacks} has not", some(&more)))
    };
    one_way(first, second).into_iter().chain(one_way(second, first)).collect()
}

/// The first few of many, and how many more there are.
pub(crate) fn some(all: &[String]) -> String {
    let named = all.iter().take(NAMED).map(|item| plain(item)).collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

impl Privileges {
    /// What it has and `other` has not.
    pub(super) fn beyond(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let nothing = Held::default();
        for (object, held) in &self.objects {
            let known = other.objects.get(object).unwrap_or(&nothing);
            found.extend(held.in_words_beyond(known, object));
        }
        found.extend(passed_on(&self.dynamic, &other.dynamic, "GRANT OPTION", Clone::clone));
        let none = BTreeSet::new();
        for (database, lacking) in &other.restrictions {
            let own = self.restrictions.get(database).unwrap_or(&none);
            // Who does not hold it anywhere does not have it there either.
            let held = |privilege: &&String| {
                self.objects
                    .get(&Object::Everything)
                    .is_some_and(|held| held.privileges.contains(*privilege))
            };
            let free = lacking.difference(own).filter(held);
            found.extend(free.map(|privilege| format!("{privilege} on {database}.*")));
        }
        found.extend(passed_on(&self.roles, &other.roles, "ADMIN OPTION", |role| {
            format!("the role {}", role.in_words())
        }));
        let defaults = self.default_roles.difference(&other.default_roles);
        found.extend(defaults.map(|role| format!("the default role {}", role.in_words())));
        found.extend(passed_on(&self.proxies, &other.proxies, "GRANT OPTION", |proxied| {
            format!("PROXY on {proxied}")
        }));
        found
    }
}

impl Held {
    fn in_words_beyond(&self, other: &Self, object: &Object) -> Vec<String> {
        let more = self.beyond(other);
        let on = object.in_words();
        let mut found = Vec::new();
        if more.all {
            found.push(format!("ALL PRIVILEGES on {on}"));
        }
        found.extend(more.privileges.iter().map(|privilege| format!("{privilege} on {on}")));
        for (privilege, columns) in &more.columns {
            let columns: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            found.push(format!("{privilege} ({}) on {on}", some_of(&columns)));
        }
        if self.grantable && !other.grantable {
            found.push(format!("GRANT OPTION on {on}"));
        }
        found
    }
}

impl Object {
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Everything => "*.*".to_owned(),
            Self::Database(pattern) => format!("{pattern}.*"),
            Self::Table(database, name) => format!("{database}.{name}"),
            Self::Routine(kind, database, name) => {
                format!("{} {database}.{name}", kind.to_lowercase())
            }
        }
    }
}

impl Role {
    pub(super) fn in_words(&self) -> String {
        match &self.host {
            Some(host) if host != "%" => format!("{}@{host}", self.name),
            Some(_) | None => self.name.clone(),
        }
    }
}

fn some_of(columns: &[&str]) -> String {
    some(&columns.iter().map(|&column| column.to_owned()).collect::<Vec<_>>())
}

/// What is held, or may be passed on, only by the one.
fn passed_on<K: Ord>(
    one: &BTreeMap<K, bool>,
    other: &BTreeMap<K, bool>,
    option: &str,
    name: impl Fn(&K) -> String,
) -> Vec<String> {
    let more = |(key, &passes): (&K, &bool)| match other.get(key) {
        None => Some(name(key)),
        Some(false) if passes => Some(format!("{option} for {}", name(key))),
        Some(_) => None,
    };
    one.iter().filter_map(more).collect()
}
