//! Grants on what is not there any more.
//!
//! A server keeps the privileges on a table or a column that was dropped, prints them, and refuses to grant them to
//! anybody else (1146, 1054, 1305). Taking them away works. So whatever one account has and another lacks is
//! asked for before it is granted or missed; where nothing differs, nothing is asked.

use std::collections::{BTreeMap, BTreeSet};

use super::{Column, Columns, Held, Object, Privileges};
use crate::sql::literal;
use crate::version::Version;

/// Tables, columns and routines that may be gone: one account has privileges on them that another lacks.
#[derive(Debug, Default)]
pub(crate) struct Doubt {
    tables: BTreeMap<String, BTreeSet<String>>,
    /// By database and table.
    columns: BTreeMap<String, BTreeMap<String, BTreeSet<String>>>,
    routines: BTreeMap<String, BTreeSet<String>>,
    /// Libraries of MySQL 9.2, which have a table of their own.
    libraries: BTreeMap<String, BTreeSet<String>>,
}

/// The kinds of routines that `information_schema.ROUTINES` has.
const ROUTINES: [&str; 4] = ["FUNCTION", "PACKAGE", "PACKAGE BODY", "PROCEDURE"];
const LIBRARY: &str = "LIBRARY";

impl Doubt {
    /// What `one` has and `other` lacks. Only a session that has those privileges sees all of it.
    pub(crate) fn between(one: &Privileges, other: &Privileges) -> Self {
        let mut doubt = Self::default();
        for (object, more) in one.objects_beyond(other) {
            match object {
                Object::Everything | Object::Database(_) => {}
                Object::Table(database, table) => {
                    doubt.tables.entry(database.clone()).or_default().insert(table.clone());
                    let columns = more.columns.into_values().flatten();
                    let columns: BTreeSet<String> = columns.map(|column| column.name).collect();
                    if !columns.is_empty() {
                        let tables = doubt.columns.entry(database.clone()).or_default();
                        tables.insert(table.clone(), columns);
                    }
                }
                Object::Routine(kind, database, name) => {
                    let routines = match kind.as_str() {
                        LIBRARY => &mut doubt.libraries,
                        kind if ROUTINES.contains(&kind) => &mut doubt.routines,
                        // Nobody knows where to ask: the grant will tell.
                        _ => continue,
                    };
                    routines.entry(database.clone()).or_default().insert(name.clone());
                }
            }
        }
        doubt
    }

    /// Only what a session with these privileges would see if it were there: to such a one, what it may not touch
    /// looks like what is gone.
    #[must_use]
    pub(crate) fn seen_by(mut self, own: &Privileges, version: Version) -> Self {
        let sees_table = |database: &str, table: &str| {
            own.sees(&Object::Table(database.to_owned(), table.to_owned()), version)
        };
        for (database, tables) in &mut self.tables {
            tables.retain(|table| sees_table(database, table));
        }
        for (database, tables) in &mut self.columns {
            tables.retain(|table, _| sees_table(database, table));
        }
        for (kinds, databases) in
            [(&ROUTINES[..], &mut self.routines), (&[LIBRARY][..], &mut self.libraries)]
        {
            for (database, names) in databases {
                let object = |kind: &&str, name: &String| {
                    Object::Routine((*kind).to_owned(), database.clone(), name.clone())
                };
                names
                    .retain(|name| kinds.iter().any(|kind| own.sees(&object(kind, name), version)));
            }
        }
        self.tables.retain(|_, tables| !tables.is_empty());
        self.columns.retain(|_, tables| !tables.is_empty());
        self.routines.retain(|_, names| !names.is_empty());
        self.libraries.retain(|_, names| !names.is_empty());
        self
    }

    /// The question, as one statement; `None` if there is no doubt. Each row of the answer is a thing that is there:
    /// its kind, its database, its name and, of a column, the column's.
    ///
    /// The database is a constant in it: without one, MySQL 5.7 and MariaDB look at every table that there is.
    pub(crate) fn question(&self) -> Option<String> {
        let list = |names: &BTreeSet<String>| {
            names.iter().map(|name| literal(name)).collect::<Vec<_>>().join(", ")
        };
        let mut parts = Vec::new();
        for (database, tables) in &self.tables {
            parts.push(format!(
                "SELECT 'TABLE', table_schema, table_name, '' FROM information_schema.tables \
                 WHERE table_schema = {} AND table_name IN ({})",
                literal(database),
                list(tables)
            ));
        }
        for (database, tables) in &self.columns {
            parts.push(format!(
                "SELECT 'COLUMN', table_schema, table_name, column_name FROM information_schema.columns \
                 WHERE table_schema = {} AND table_name IN ({}) AND column_name IN ({})",
                literal(database),
                list(&tables.keys().cloned().collect()),
                list(&tables.values().flatten().cloned().collect())
            ));
        }
        for (database, routines) in &self.routines {
            parts.push(format!(
                "SELECT routine_type, routine_schema, routine_name, '' FROM information_schema.routines \
                 WHERE routine_schema = {} AND routine_name IN ({})",
                literal(database),
                list(routines)
            ));
        }
        for (database, libraries) in &self.libraries {
            parts.push(format!(
                "SELECT 'LIBRARY', library_schema, library_name, '' FROM information_schema.libraries \
                 WHERE library_schema = {} AND library_name IN ({})",
                literal(database),
                list(libraries)
            ));
        }
        (!parts.is_empty()).then(|| parts.join(" UNION ALL "))
    }

    /// What is gone, given the rows of the answer.
    pub(crate) fn resolved(self, rows: impl IntoIterator<Item = [String; 4]>) -> Gone {
        // Names are found whatever their letters' case, where the server has it so.
        let there: BTreeSet<[String; 4]> =
            rows.into_iter().map(|row| row.map(|part| part.to_lowercase())).collect();
        Gone { doubt: self, there }
    }
}

/// What was in doubt and is not there.
#[derive(Debug)]
pub(crate) struct Gone {
    doubt: Doubt,
    there: BTreeSet<[String; 4]>,
}

impl Gone {
    fn has(&self, object: &Object) -> bool {
        let (asked, row) = match object {
            Object::Everything | Object::Database(_) => return false,
            Object::Table(database, table) => (
                self.doubt.tables.get(database).is_some_and(|asked| asked.contains(table)),
                ["TABLE", database, table, ""],
            ),
            Object::Routine(kind, database, name) => {
                let routines =
                    if kind == LIBRARY { &self.doubt.libraries } else { &self.doubt.routines };
                let asked = (kind == LIBRARY || ROUTINES.contains(&kind.as_str()))
                    && routines.get(database).is_some_and(|asked| asked.contains(name));
                (asked, [kind.as_str(), database, name, ""])
            }
        };
        asked && !self.there.contains(&row.map(str::to_lowercase))
    }

    fn has_column(&self, database: &str, table: &str, column: &str) -> bool {
        let tables = self.doubt.columns.get(database);
        let asked = tables.and_then(|tables| tables.get(table));
        let asked = asked.is_some_and(|asked| asked.contains(column));
        asked && !self.there.contains(&["COLUMN", database, table, column].map(str::to_lowercase))
    }
}

impl Privileges {
    /// The same with no more on what is gone than `other` has: that cannot be granted, and can be kept. A table that
    /// is dropped and made again every night must not lose its privileges by a rotation in between.
    #[must_use]
    pub(crate) fn attainable(mut self, gone: &Gone, other: &Self) -> Self {
        let nothing = Held::default();
        self.objects.retain(|object, held| {
            let known = other.objects.get(object).unwrap_or(&nothing);
            if gone.has(object) {
                *held = held.common(known);
            } else if let Object::Table(database, table) = object {
                held.columns.retain(|privilege, columns| {
                    let has = |column: &Column| known.has_column(privilege, column);
                    columns.retain(|column| {
                        has(column) || !gone.has_column(database, table, &column.name)
                    });
                    !columns.is_empty()
                });
            }
            !held.is_empty()
        });
        self
    }
}

impl Held {
    fn has_column(&self, privilege: &str, column: &Column) -> bool {
        let on_column = self.columns.get(privilege).is_some_and(|columns| columns.contains(column));
        on_column || self.all || self.privileges.contains(privilege)
    }

    /// What both have.
    fn common(&self, other: &Self) -> Self {
        let privileges = match (self.all, other.all) {
            (true, _) => other.privileges.clone(),
            (_, true) => self.privileges.clone(),
            (false, false) => self.privileges.intersection(&other.privileges).cloned().collect(),
        };
        let mut columns = Columns::new();
        for (one, another) in [(self, other), (other, self)] {
            for (privilege, names) in &one.columns {
                let has = |column: &&Column| another.has_column(privilege, column);
                let common: BTreeSet<Column> = names.iter().filter(has).cloned().collect();
                if !common.is_empty() {
                    columns.insert(privilege.clone(), common);
                }
            }
        }
        let grantable = self.grantable && other.grantable;
        Self { all: self.all && other.all, privileges, columns, grantable }
    }
}
