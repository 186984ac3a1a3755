//! What an account may do, read from what the server prints, so that another can be given the same.

pub(crate) mod comparison;
mod delegation;
pub(crate) mod difference;
pub(crate) mod existence;
mod read;
#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use crate::account::Account;
use crate::sql::quoted;

/// What was granted to one account itself: not what its roles have, nor what everybody has.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Privileges {
    objects: BTreeMap<Object, Held>,
    /// Privileges that plug-ins of MySQL 8 know, and whether they may be passed on.
    dynamic: BTreeMap<String, bool>,
    /// What is taken away in single databases of what is held everywhere (`partial_revokes`).
    restrictions: BTreeMap<String, BTreeSet<String>>,
    /// Roles, and whether they may be passed on.
    roles: BTreeMap<Role, bool>,
    default_roles: BTreeSet<Role>,
    /// Accounts to act as, and whether that may be passed on.
    proxies: BTreeMap<Account, bool>,
}

impl Privileges {
    /// Adds the default roles, which MySQL prints with the settings of a user and MariaDB with its privileges.
    #[must_use]
    pub(crate) fn with_default_roles(mut self, roles: impl IntoIterator<Item = Role>) -> Self {
        self.default_roles.extend(roles);
        self
    }

    /// The objects on which `other` lacks something, the grant option too, and what it lacks apart from that.
    fn objects_beyond<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = (&'a Object, Held)> {
        self.objects.iter().filter_map(|(object, held)| {
            let nothing = Held::default();
            let known = other.objects.get(object).unwrap_or(&nothing);
            let more = held.beyond(known);
            let is_passed_on = held.grantable && !known.grantable;
            (is_passed_on || !more.is_empty()).then_some((object, more))
        })
    }
}

/// What privileges are for.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Object {
    Everything,
    /// A database, or a pattern of names, with wildcards and escapes as they were granted.
    Database(String),
    Table(String, String),
    /// `FUNCTION`, `PROCEDURE`, `PACKAGE`, `PACKAGE BODY`, `LIBRARY`, and what later versions have.
    Routine(String, String, String),
}

impl Object {
    fn quoted(&self) -> String {
        match self {
            Self::Everything => "*.*".to_owned(),
            Self::Database(pattern) => format!("{}.*", quoted(pattern)),
            Self::Table(database, table) => format!("{}.{}", quoted(database), quoted(table)),
            Self::Routine(kind, database, name) => {
                format!("{kind} {}.{}", quoted(database), quoted(name))
            }
        }
    }
}

/// What is held on one object.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
struct Held {
    /// All that there are, which the server prints in two words; then `privileges` is empty.
    all: bool,
    privileges: BTreeSet<String>,
    /// Privileges and the columns that they are for; not those that are held on the whole table, with which they go.
    columns: Columns,
    grantable: bool,
}

type Columns = BTreeMap<String, BTreeSet<Column>>;

/// A column's name. It is the same in capitals, but a server finds a grant only as it was spelt.
#[derive(Clone, Debug)]
struct Column {
    name: String,
    folded: String,
}

impl Column {
    fn new(name: String) -> Self {
        Self { folded: name.to_lowercase(), name }
    }
}

impl PartialEq for Column {
    fn eq(&self, other: &Self) -> bool {
        self.folded == other.folded
    }
}

impl Eq for Column {}

impl Ord for Column {
    fn cmp(&self, other: &Self) -> Ordering {
        self.folded.cmp(&other.folded)
    }
}

impl PartialOrd for Column {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Held {
    fn is_empty(&self) -> bool {
        !self.all && self.privileges.is_empty() && self.columns.is_empty() && !self.grantable
    }

    /// What it has and `other` has not, apart from the grant option.
    fn beyond(&self, other: &Self) -> Self {
        if other.all {
            return Self::default();
        }
        let mut columns = Columns::new();
        for (privilege, names) in &self.columns {
            let known = other.columns.get(privilege);
            let is_missing = |name: &&Column| known.is_none_or(|known| !known.contains(name));
            let more: BTreeSet<Column> = names.iter().filter(is_missing).cloned().collect();
            if !more.is_empty() && !other.privileges.contains(privilege) {
                columns.insert(privilege.clone(), more);
            }
        }
        Self {
            all: self.all,
            privileges: self.privileges.difference(&other.privileges).cloned().collect(),
            columns,
            grantable: false,
        }
    }
}

/// A role: an account in MySQL, a name without a host in MariaDB.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Role {
    pub(crate) name: String,
    pub(crate) host: Option<String>,
}

impl Role {
    fn quoted(&self) -> String {
        match &self.host {
            Some(host) => format!("{}@{}", quoted(&self.name), quoted(host)),
            None => quoted(&self.name),
        }
    }
}

/// Privileges and their columns, as they stand in `GRANT` and `REVOKE`.
fn listed(privileges: &BTreeSet<String>, columns: &Columns) -> Vec<String> {
    let of_columns = |(privilege, columns): (&String, &BTreeSet<Column>)| {
        let names: Vec<String> = columns.iter().map(|column| quoted(&column.name)).collect();
        format!("{privilege} ({})", names.join(", "))
    };
    privileges.iter().cloned().chain(columns.iter().map(of_columns)).collect()
}
