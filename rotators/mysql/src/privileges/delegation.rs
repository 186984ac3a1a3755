//! What an admin could not pass on: seen before it is tried, from what the server prints of the admin itself.

use super::{Held, Object, Privileges};
use crate::account::Account;
use crate::privileges::difference::{ON_TABLES, all_on};
use crate::version::Version;

/// The privilege of MySQL 8 to grant and revoke any role.
const ANY_ROLE: &str = "ROLE_ADMIN";
/// Who has it can be changed by none but those that have it, too.
const OF_THE_SYSTEM: &str = "SYSTEM_USER";

impl Privileges {
    /// Whether it has a privilege everywhere.
    pub(crate) fn has_everywhere(&self, privilege: &str) -> bool {
        self.dynamic.contains_key(privilege) || self.reach(&Object::Everything).holds(privilege)
    }

    /// Whether accounts may be changed: by the privilege for it, or by writing where they are stored.
    pub(crate) fn may_change_accounts(&self) -> bool {
        self.has_everywhere("CREATE USER") || self.has_in("mysql", "UPDATE")
    }

    /// Whether it has a privilege on all tables of a database.
    pub(crate) fn has_in(&self, database: &str, privilege: &str) -> bool {
        self.reach(&Object::Database(database.to_owned())).holds(privilege)
    }

    /// What an account with these privileges lacks to give another one, that has `from`, what `to` is, in words.
    ///
    /// The rules of `GRANT` and `REVOKE` are the same: who passes a privilege on has it, and the grant option with it,
    /// at that level or above.
    pub(crate) fn lacks_to_change(&self, from: &Self, to: &Self, version: Version) -> Vec<String> {
        let mut lacks = Vec::new();
        for (one, other) in [(to, from), (from, to)] {
            self.lacks_objects(one, other, version, &mut lacks);
            self.lacks_roles(one, other, version, &mut lacks);
            for (privilege, passes) in &one.dynamic {
                let differs = other.dynamic.get(privilege) != Some(passes);
                if differs && self.dynamic.get(privilege) != Some(&true) {
                    lacks.push(format!("{privilege} WITH GRANT OPTION"));
                }
            }
            for (proxied, passes) in &one.proxies {
                let differs = other.proxies.get(proxied) != Some(passes);
                if differs && !self.passes_proxy(proxied) {
                    lacks.push(format!("PROXY on {proxied} WITH GRANT OPTION"));
                }
            }
            let is_guarded = one.dynamic.contains_key(OF_THE_SYSTEM);
            if is_guarded && !self.dynamic.contains_key(OF_THE_SYSTEM) {
                lacks.push(OF_THE_SYSTEM.to_owned());
            }
        }
        lacks.sort();
        lacks.dedup();
        lacks
    }

    /// Whether it is shown that a table or a routine is there, if it is.
    pub(super) fn sees(&self, object: &Object, version: Version) -> bool {
        let reach = self.reach(object);
        let routines = ["EXECUTE", "ALTER ROUTINE", "CREATE ROUTINE"];
        match object {
            Object::Everything | Object::Database(_) => true,
            Object::Table(..) => {
                let on_tables = |privilege: &String| ON_TABLES.contains(&privilege.as_str());
                reach.all || reach.privileges.iter().any(on_tables) || !reach.columns.is_empty()
            }
            Object::Routine(..) if routines.iter().any(|privilege| reach.holds(privilege)) => true,
            // Where MariaDB keeps them.
            Object::Routine(..) if version.is_mariadb() => self.has_in("mysql", "SELECT"),
            Object::Routine(..) => {
                self.dynamic.contains_key("SHOW_ROUTINE") || self.has_everywhere("SELECT")
            }
        }
    }

    fn lacks_objects(&self, one: &Self, other: &Self, version: Version, lacks: &mut Vec<String>) {
        for (object, more) in one.objects_beyond(other) {
            let reach = self.reach(object);
            let on = object.in_words();
            if more.all && !reach.all {
                match all_on(object, version) {
                    Some(all) => {
                        let missing = all.iter().filter(|privilege| !reach.holds(privilege));
                        lacks.extend(missing.map(|privilege| format!("{privilege} on {on}")));
                    }
                    None => lacks.push(format!("ALL PRIVILEGES on {on}")),
                }
            }
            let missing = more.privileges.iter().filter(|privilege| !reach.holds(privilege));
            lacks.extend(missing.map(|privilege| format!("{privilege} on {on}")));
            for (privilege, columns) in &more.columns {
                let own = reach.columns.get(privilege);
                let has = |column| own.is_some_and(|own| own.contains(column));
                if !reach.holds(privilege) && !columns.iter().all(has) {
                    lacks.push(format!("{privilege} on {on}"));
                }
            }
            if !reach.grantable {
                lacks.push(format!("GRANT OPTION on {on}"));
            }
        }
    }

    fn lacks_roles(&self, one: &Self, other: &Self, version: Version, lacks: &mut Vec<String>) {
        let may_all = version.is_modern_mysql()
            && (self.dynamic.contains_key(ANY_ROLE) || self.has_everywhere("SUPER"));
        for (role, admin) in &one.roles {
            let differs = other.roles.get(role) != Some(admin);
            if differs && !may_all && self.roles.get(role) != Some(&true) {
                lacks.push(format!("ADMIN OPTION for the role {}", role.in_words()));
            }
        }
    }

    /// All that it has on an object, there and at every level above.
    fn reach(&self, object: &Object) -> Held {
        let mut reach = Held::default();
        for (own, held) in self.objects.iter().filter(|(own, _)| own.covers(object)) {
            reach.all |= held.all;
            reach.grantable |= held.grantable;
            reach.privileges.extend(held.privileges.iter().cloned());
            if own == object {
                reach.columns = held.columns.clone();
            }
        }
        if let Some(database) = object.database()
            && let Some(restricted) = self.restrictions.get(database)
        {
            reach.privileges.retain(|privilege| !restricted.contains(privilege));
        }
        reach
    }

    /// Who may pass on that of the account without a name may pass on any, and that of one for any host that of all
    /// with the name. (One for some hosts can be passed on from these hosts only: seen on 9.7 and 10.11.)
    fn passes_proxy(&self, proxied: &Account) -> bool {
        let is_it = |own: &Account| {
            own == proxied
                || own.user.is_empty()
                || own.user == proxied.user && ["", "%"].contains(&own.host.as_str())
        };
        self.proxies.iter().any(|(own, passes)| *passes && is_it(own))
    }
}

impl Held {
    fn holds(&self, privilege: &str) -> bool {
        self.all || self.privileges.contains(privilege)
    }
}

impl Object {
    fn database(&self) -> Option<&str> {
        match self {
            Self::Everything => None,
            Self::Database(database) | Self::Table(database, _) | Self::Routine(_, database, _) => {
                Some(database)
            }
        }
    }

    /// Whether what is held on this is held on the other, too.
    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Everything, _) => true,
            (Self::Database(pattern), Self::Table(name, _) | Self::Routine(_, name, _)) => {
                matches(pattern, name)
            }
            (Self::Database(pattern), Self::Database(name)) => {
                pattern == name || matches(pattern, name)
            }
            _ => self == other,
        }
    }
}

/// Whether a pattern as in `LIKE` is one of a name.
fn matches(pattern: &str, name: &str) -> bool {
    let mut pattern_rest = pattern.chars();
    match pattern_rest.next() {
        None => name.is_empty(),
        Some('%') => {
            let rest = pattern_rest.as_str();
            matches(rest, name)
                || name
                    .chars()
                    .next()
                    .is_some_and(|first| matches(pattern, &name[first.len_utf8()..]))
        }
        Some(first) => {
            let any = first == '_';
            let wanted = match first {
                '\\' => pattern_rest.next().unwrap_or(first),
                _ => first,
            };
            let mut name_rest = name.chars();
            let is_it = name_rest.next().is_some_and(|c| any || c == wanted);
            is_it && matches(pattern_rest.as_str(), name_rest.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::version::tests::{MARIADB, MYSQL};

    fn read(rows: &[&str], version: Version) -> Privileges {
        Privileges::read_session(rows.iter().copied(), version).unwrap()
    }

    fn lacks(admin: &[&str], to: &[&str], version: Version) -> Vec<String> {
        let none = Privileges::default();
        let (admin, to) = (read(admin, version), read(to, version));
        let there = admin.lacks_to_change(&none, &to, version);
        assert_eq!(there, admin.lacks_to_change(&to, &none, version), "back again");
        // Its password alone is a change of an account of the system.
        let same = admin.lacks_to_change(&to, &to, version);
        assert!(same.iter().all(|lacks| lacks == OF_THE_SYSTEM), "{same:?}");
        there
    }

    #[test]
    fn what_is_held_above_can_be_passed_on_below() {
        for version in [MYSQL, MARIADB] {
            let admin = [
                "GRANT SELECT ON *.* TO `boss`@`%`",
                "GRANT INSERT ON `sh\\_op%`.* TO `boss`@`%` WITH GRANT OPTION",
                "GRANT UPDATE (`a`) ON `x`.`t` TO `boss`@`%`",
            ];
            let to = |row: &str| lacks(&admin, &[row], version);
            assert!(to("GRANT SELECT, INSERT ON `sh_opping`.* TO `app`@`%`").is_empty());
            assert!(to("GRANT INSERT (`c`) ON `sh_op`.`t` TO `app`@`%`").is_empty());
            assert_eq!(
                to("GRANT INSERT, DELETE ON `shxop`.`t` TO `app`@`%`"),
                ["DELETE on shxop.t", "GRANT OPTION on shxop.t", "INSERT on shxop.t"]
            );
            assert_eq!(to("GRANT UPDATE (`a`) ON `x`.`t` TO `app`@`%`"), ["GRANT OPTION on x.t"]);
            assert_eq!(
                to("GRANT UPDATE (`a`, `b`) ON `x`.`t` TO `app`@`%`"),
                ["GRANT OPTION on x.t", "UPDATE on x.t"]
            );
            assert_eq!(
                to("GRANT USAGE ON `x`.* TO `app`@`%` WITH GRANT OPTION"),
                ["GRANT OPTION on x.*"]
            );
        }
    }

    #[test]
    fn all_privileges_need_each_of_them() {
        let admin = ["GRANT SELECT, INSERT ON `d`.* TO `boss`@`%` WITH GRANT OPTION"];
        let to = ["GRANT ALL PRIVILEGES ON `d`.`t` TO `app`@`%`"];
        let lacks_on = |version| lacks(&admin, &to, version);
        assert!(!lacks_on(MYSQL).contains(&"SELECT on d.t".to_owned()));
        assert!(lacks_on(MYSQL).contains(&"TRIGGER on d.t".to_owned()));
        assert!(lacks_on(MARIADB).contains(&"DELETE HISTORY on d.t".to_owned()));
        let admin = ["GRANT ALL PRIVILEGES ON *.* TO `boss`@`%` WITH GRANT OPTION"];
        assert!(lacks(&admin, &to, MARIADB).is_empty());
    }

    #[test]
    fn roles_dynamic_privileges_and_proxies_have_options_of_their_own() {
        let to = [
            "GRANT USAGE ON *.* TO `app`@`%`",
            "GRANT SYSTEM_USER,XA_RECOVER_ADMIN ON *.* TO `app`@`%`",
            "GRANT `r`@`%` TO `app`@`%`",
            "GRANT PROXY ON `p`@`%` TO `app`@`%`",
        ];
        assert_eq!(
            lacks(&["GRANT USAGE ON *.* TO `boss`@`%`"], &to, MYSQL),
            [
                "ADMIN OPTION for the role r",
                "PROXY on p@% WITH GRANT OPTION",
                "SYSTEM_USER",
                "SYSTEM_USER WITH GRANT OPTION",
                "XA_RECOVER_ADMIN WITH GRANT OPTION",
            ]
        );
        let admin = [
            "GRANT USAGE ON *.* TO `boss`@`%`",
            "GRANT SYSTEM_USER,XA_RECOVER_ADMIN ON *.* TO `boss`@`%` WITH GRANT OPTION",
            "GRANT ROLE_ADMIN ON *.* TO `boss`@`%`",
            "GRANT PROXY ON ``@`` TO `boss`@`%` WITH GRANT OPTION",
        ];
        assert!(lacks(&admin, &to, MYSQL).is_empty());
        assert_eq!(
            lacks(&["GRANT `r` TO `boss`@`%`"], &["GRANT `r` TO `app`@`%`"], MARIADB),
            ["ADMIN OPTION for the role r"]
        );
    }

    #[test]
    fn what_an_admin_may_not_touch_is_not_shown_to_it() {
        let table = |name: &str| Object::Table("d".to_owned(), name.to_owned());
        let routine = Object::Routine("FUNCTION".to_owned(), "d".to_owned(), "f".to_owned());
        for version in [MYSQL, MARIADB] {
            let sees = |row, object: &Object| read(&[row], version).sees(object, version);
            assert!(sees("GRANT SELECT ON *.* TO `a`@`%`", &table("t")));
            assert!(sees("GRANT SELECT ON *.* TO `a`@`%`", &routine));
            assert!(sees("GRANT UPDATE (`x`) ON `d`.`t` TO `a`@`%`", &table("t")));
            assert!(sees("GRANT EXECUTE ON FUNCTION `d`.`f` TO `a`@`%`", &routine));
            assert!(!sees("GRANT SELECT ON `d`.`t` TO `a`@`%`", &table("u")));
            assert!(!sees("GRANT SELECT ON `d`.`t` TO `a`@`%`", &routine));
            assert!(!sees("GRANT CREATE USER ON *.* TO `a`@`%` WITH GRANT OPTION", &table("t")));
        }
    }

    #[test]
    fn what_is_taken_away_in_one_database_cannot_be_passed_on_there() {
        let admin = [
            "GRANT SELECT ON *.* TO `boss`@`%` WITH GRANT OPTION",
            "REVOKE SELECT ON `secret`.* FROM `boss`@`%`",
        ];
        assert!(lacks(&admin, &["GRANT SELECT ON `d`.* TO `app`@`%`"], MYSQL).is_empty());
        assert_eq!(
            lacks(&admin, &["GRANT SELECT ON `secret`.`t` TO `app`@`%`"], MYSQL),
            ["SELECT on secret.t"]
        );
    }
}
