//! The statements that give one account what another has, and take away what it has not.

use std::collections::BTreeSet;

use super::{Held, Object, Privileges, Role, listed};
use crate::account::Account;
use crate::version::Version;

/// What `ALL PRIVILEGES` are on a database, in every version from MySQL 5.7 and MariaDB 10.4 on.
const ON_DATABASES: [&str; 18] = [
    "ALTER",
    "ALTER ROUTINE",
    "CREATE",
    "CREATE ROUTINE",
    "CREATE TEMPORARY TABLES",
    "CREATE VIEW",
    "DELETE",
    "DROP",
    "EVENT",
    "EXECUTE",
    "INDEX",
    "INSERT",
    "LOCK TABLES",
    "REFERENCES",
    "SELECT",
    "SHOW VIEW",
    "TRIGGER",
    "UPDATE",
];
/// The same on a table.
pub(super) const ON_TABLES: [&str; 12] = [
    "ALTER",
    "CREATE",
    "CREATE VIEW",
    "DELETE",
    "DROP",
    "INDEX",
    "INSERT",
    "REFERENCES",
    "SELECT",
    "SHOW VIEW",
    "TRIGGER",
    "UPDATE",
];
/// MariaDB 11 and MySQL 9 are the last whose list is known.
const LAST_KNOWN: (u16, u16) = (11, 9);

/// The statements that make an account that has `from` have `to`: what is missing is granted before anything is
/// taken away, so that nothing that is in both is missing in between. Where a server has no statement to take away a
/// part, such as the grant option of a dynamic privilege, all of it goes for a moment.
///
/// They stand behind the guard, in one message; empty if there is nothing to do.
pub(crate) fn statements(
    from: &Privileges,
    to: &Privileges,
    account: &Account,
    version: Version,
) -> Vec<String> {
    let mut change =
        Change { from, to, account: account.quoted(), version, statements: Vec::new() };
    change.grant_objects();
    change.grant_dynamic();
    change.grant_roles();
    change.grant_proxies();
    change.default_roles();
    change.free();
    change.revoke_objects();
    change.revoke_dynamic();
    change.revoke_roles();
    change.revoke_proxies();
    change.restrict();
    if !change.statements.is_empty() && !version.is_modern_mysql() {
        // Else GRANT would make an account without a password, if somebody has just dropped this one.
        let mode = "SET sql_mode = 'NO_BACKSLASH_ESCAPES,NO_AUTO_CREATE_USER'";
        change.statements.insert(0, mode.to_owned());
    }
    change.statements
}

/// What `ALL PRIVILEGES` are on an object, where that is known for sure.
pub(super) fn all_on(object: &Object, version: Version) -> Option<BTreeSet<String>> {
    let mut all: Vec<&str> = match object {
        Object::Database(_) => ON_DATABASES.to_vec(),
        Object::Table(..) => ON_TABLES.to_vec(),
        Object::Everything | Object::Routine(..) => return None,
    };
    let (mariadb, mysql) = LAST_KNOWN;
    if version.number.0 > if version.is_mariadb() { mariadb } else { mysql } {
        return None;
    }
    if version.is_mariadb() {
        all.push("DELETE HISTORY");
        if version.number >= (11, 3, 0) && matches!(object, Object::Database(_)) {
            all.push("SHOW CREATE ROUTINE");
        }
    }
    Some(all.into_iter().map(str::to_owned).collect())
}

struct Change<'a> {
    from: &'a Privileges,
    to: &'a Privileges,
    account: String,
    version: Version,
    statements: Vec<String>,
}

impl Change<'_> {
    fn grant(&mut self, items: &[String], object: &Object, grantable: bool) {
        if items.is_empty() {
            return;
        }
        let option = if grantable { " WITH GRANT OPTION" } else { "" };
        let text = format!(
            "GRANT {} ON {} TO {}{option}",
            items.join(", "),
            object.quoted(),
            self.account
        );
        self.on(object, text);
    }

    fn revoke(&mut self, items: &[String], object: &Object) {
        if items.is_empty() {
            return;
        }
        let text =
            format!("REVOKE {} ON {} FROM {}", items.join(", "), object.quoted(), self.account);
        self.on(object, text);
    }

    /// MariaDB 10.11 knows packages in Oracle's mode alone, 11.8 in both.
    fn on(&mut self, object: &Object, statement: String) {
        if !matches!(object, Object::Routine(kind, ..) if kind.starts_with("PACKAGE")) {
            self.statements.push(statement);
            return;
        }
        let mode =
            |mode| format!("SET sql_mode = '{mode}NO_BACKSLASH_ESCAPES,NO_AUTO_CREATE_USER'");
        self.statements.extend([mode("ORACLE,"), statement, mode("")]);
    }

    fn grant_objects(&mut self) {
        let nothing = Held::default();
        for (object, wanted) in &self.to.objects {
            let held = self.from.objects.get(object).unwrap_or(&nothing);
            let mut more = wanted.beyond(held);
            // Those come when the privilege on the whole table has gone.
            more.columns.retain(|privilege, _| !held.privileges.contains(privilege));
            let mut items = if more.all {
                vec!["ALL PRIVILEGES".to_owned()]
            } else {
                listed(&more.privileges, &more.columns)
            };
            let grantable = wanted.grantable && !held.grantable;
            if grantable && items.is_empty() {
                items.push("USAGE".to_owned());
            }
            self.grant(&items, object, grantable);
            // The first time, it ends the partial revoke and gives nothing on the database itself.
            let is_restricted =
                |privilege: &&String| more.all || more.privileges.contains(*privilege);
            if self.restricted(object).any(|privilege| is_restricted(&privilege)) {
                self.grant(&items, object, false);
            }
        }
    }

    /// What is taken away in a database of what is held everywhere.
    fn restricted(&self, object: &Object) -> impl Iterator<Item = &String> {
        let here = match object {
            Object::Database(database) => self.from.restrictions.get(database),
            Object::Everything | Object::Table(..) | Object::Routine(..) => None,
        };
        here.into_iter().flatten()
    }

    fn grant_dynamic(&mut self) {
        for grantable in [false, true] {
            let missing = |(privilege, wanted): (&String, &bool)| {
                let lacks = match self.from.dynamic.get(privilege) {
                    None => true,
                    Some(held) => *wanted && !held,
                };
                (lacks && *wanted == grantable).then(|| privilege.clone())
            };
            let missing: Vec<String> = self.to.dynamic.iter().filter_map(missing).collect();
            self.grant(&missing, &Object::Everything, grantable);
        }
    }

    fn grant_roles(&mut self) {
        for (role, admin) in &self.to.roles {
            let lacks = self.from.roles.get(role).is_none_or(|held| *admin && !held);
            if lacks {
                self.grant_role(role, *admin);
            }
        }
    }

    fn grant_role(&mut self, role: &Role, admin: bool) {
        let option = if admin { " WITH ADMIN OPTION" } else { "" };
        self.statements.push(format!("GRANT {} TO {}{option}", role.quoted(), self.account));
    }

    fn grant_proxies(&mut self) {
        for (proxied, grantable) in &self.to.proxies {
            match self.from.proxies.get(proxied) {
                Some(held) if held == grantable => continue,
                // What is granted over the other one is kept in memory alone (seen on MariaDB 10.11).
                Some(_) => self.revoke_proxy(proxied),
                None => {}
            }
            self.grant_proxy(proxied, *grantable);
        }
    }

    fn revoke_proxy(&mut self, proxied: &Account) {
        self.statements.push(format!("REVOKE PROXY ON {} FROM {}", proxied.quoted(), self.account));
    }

    fn grant_proxy(&mut self, proxied: &Account, grantable: bool) {
        let option = if grantable { " WITH GRANT OPTION" } else { "" };
        let text = format!("GRANT PROXY ON {} TO {}{option}", proxied.quoted(), self.account);
        self.statements.push(text);
    }

    fn default_roles(&mut self) {
        if self.from.default_roles != self.to.default_roles {
            self.set_default_roles();
        }
    }

    fn set_default_roles(&mut self) {
        let roles: Vec<String> = self.to.default_roles.iter().map(Role::quoted).collect();
        let roles = if roles.is_empty() { "NONE".to_owned() } else { roles.join(", ") };
        self.statements.push(if self.version.is_mariadb() {
            format!("SET DEFAULT ROLE {roles} FOR {}", self.account)
        } else {
            format!("ALTER USER IF EXISTS {} DEFAULT ROLE {roles}", self.account)
        });
    }

    /// Ends partial revokes that are not wanted: of what stays held everywhere, since the others end with it.
    fn free(&mut self) {
        let nothing = Held::default();
        for (database, restricted) in &self.from.restrictions {
            let object = Object::Database(database.clone());
            let kept = self.to.restrictions.get(database);
            let global = self.to.objects.get(&Object::Everything).unwrap_or(&nothing);
            let on_database = self.to.objects.get(&object).unwrap_or(&nothing);
            let is_surplus = |privilege: &&String| {
                global.privileges.contains(*privilege)
                    && kept.is_none_or(|kept| !kept.contains(*privilege))
                    && !on_database.privileges.contains(*privilege)
            };
            let surplus: Vec<String> = restricted.iter().filter(is_surplus).cloned().collect();
            self.grant(&surplus, &object, false);
        }
    }

    /// Makes the partial revokes that are missing: last, since a privilege on the database itself would be taken first.
    fn restrict(&mut self) {
        for (database, wanted) in &self.to.restrictions {
            let known = self.from.restrictions.get(database);
            let is_missing =
                |privilege: &&String| known.is_none_or(|known| !known.contains(*privilege));
            let missing: Vec<String> = wanted.iter().filter(is_missing).cloned().collect();
            self.revoke(&missing, &Object::Database(database.clone()));
        }
    }

    fn revoke_objects(&mut self) {
        let nothing = Held::default();
        for (object, held) in &self.from.objects {
            let wanted = self.to.objects.get(object).unwrap_or(&nothing);
            self.reduce(object, held, wanted);
        }
        let passes = |privileges: &Privileges| {
            privileges.objects.get(&Object::Everything).is_some_and(|held| held.grantable)
        };
        if passes(self.to) {
            return;
        }
        // Both servers give that option to whoever may pass a PROXY on (seen on 9.7 and 10.11).
        let by_proxy = self
            .to
            .proxies
            .iter()
            .any(|(proxied, passes)| *passes && self.from.proxies.get(proxied) != Some(&true));
        if by_proxy && !passes(self.from) {
            self.revoke(&["GRANT OPTION".to_owned()], &Object::Everything);
        }
        // Who loses it loses it for dynamic privileges, too.
        if by_proxy || passes(self.from) {
            let again = self.to.dynamic.iter().filter(|(_, grantable)| **grantable);
            let again: Vec<String> = again.map(|(privilege, _)| privilege.clone()).collect();
            self.grant(&again, &Object::Everything, true);
        }
    }

    fn reduce(&mut self, object: &Object, held: &Held, wanted: &Held) {
        let loses_option = held.grantable && !wanted.grantable;
        let option = loses_option.then(|| "GRANT OPTION".to_owned());
        if wanted.all {
            self.revoke(&Vec::from_iter(option), object);
            return;
        }
        let known =
            if held.all { all_on(object, self.version) } else { Some(held.privileges.clone()) };
        let Some(known) = known else {
            self.revoke(&["ALL PRIVILEGES".to_owned()], object);
            self.revoke(&Vec::from_iter(option), object);
            self.grant(&listed(&wanted.privileges, &wanted.columns), object, wanted.grantable);
            return;
        };
        let surplus: BTreeSet<String> = known.difference(&wanted.privileges).cloned().collect();
        // Who loses a privilege on a table loses it on its columns, too.
        let columns = held.beyond(wanted).columns;
        let mut lost = wanted.columns.clone();
        lost.retain(|privilege, _| surplus.contains(privilege));
        let mut items = listed(&surplus, &columns);
        items.extend(option);
        self.revoke(&items, object);
        self.grant(&listed(&BTreeSet::new(), &lost), object, false);
    }

    fn revoke_dynamic(&mut self) {
        let mut again = Vec::new();
        for (privilege, held) in &self.from.dynamic {
            let wanted = self.to.dynamic.get(privilege);
            if wanted.is_some_and(|wanted| *wanted || !held) {
                continue;
            }
            self.revoke(std::slice::from_ref(privilege), &Object::Everything);
            if *held {
                // After REVOKE GRANT OPTION, the first time changes the table alone (seen on 9.7).
                self.revoke(std::slice::from_ref(privilege), &Object::Everything);
            }
            if wanted.is_some() {
                again.push(privilege.clone());
            }
        }
        self.grant(&again, &Object::Everything, false);
    }

    fn revoke_roles(&mut self) {
        let mut forgets_default = false;
        for (role, held) in &self.from.roles {
            let wanted = self.to.roles.get(role);
            if wanted.is_some_and(|wanted| *wanted || !held) {
                continue;
            }
            let text = format!("{} FROM {}", role.quoted(), self.account);
            if wanted.is_none() {
                self.statements.push(format!("REVOKE {text}"));
            } else if self.version.is_mariadb() {
                self.statements.push(format!("REVOKE ADMIN OPTION FOR {text}"));
            } else {
                self.statements.push(format!("REVOKE {text}"));
                self.grant_role(role, false);
                forgets_default |= self.to.default_roles.contains(role);
            }
        }
        if forgets_default {
            self.set_default_roles();
        }
    }

    fn revoke_proxies(&mut self) {
        for proxied in self.from.proxies.keys() {
            if !self.to.proxies.contains_key(proxied) {
                self.revoke_proxy(proxied);
            }
        }
    }
}
