//! What `SHOW GRANTS` prints, parsed.

use std::collections::BTreeSet;

use turnlock::{Class, TargetError};

use super::{Column, Columns, Held, Object, Privileges, Role};
use crate::account::Account;
use crate::tokens::{Tokens, kind};
use crate::version::Version;

impl Privileges {
    /// Reads the rows of `SHOW GRANTS FOR` an account, printed in a session that has set
    /// [`Version::printing`]. Of MySQL, that session must not have a role active, whose privileges would be
    /// among those of the account.
    ///
    /// # Errors
    ///
    /// Class `refused`, where a row has something that we would not know how to copy.
    pub(crate) fn read<'a>(
        rows: impl IntoIterator<Item = &'a str>,
        account: &Account,
        version: Version,
    ) -> Result<Self, TargetError> {
        Reader { account: Some(account), version, found: Self::default(), knows_global: false }
            .rows(rows)
    }

    /// Reads the rows of a bare `SHOW GRANTS`: what the session itself may do, by its active roles, too.
    ///
    /// # Errors
    ///
    /// As of [`read`](Self::read).
    pub(crate) fn read_session<'a>(
        rows: impl IntoIterator<Item = &'a str>,
        version: Version,
    ) -> Result<Self, TargetError> {
        Reader { account: None, version, found: Self::default(), knows_global: false }.rows(rows)
    }
}

struct Reader<'a> {
    /// Whose rows count; `None` if all do.
    account: Option<&'a Account>,
    version: Version,
    found: Privileges,
    /// The line with the privileges on `*.*` was read; MySQL prints the dynamic ones in lines behind it.
    knows_global: bool,
}

/// What a list in front of `ON` says.
#[derive(Default)]
struct Items {
    privileges: BTreeSet<String>,
    columns: Columns,
}

impl Reader<'_> {
    fn rows<'a>(
        mut self,
        rows: impl IntoIterator<Item = &'a str>,
    ) -> Result<Privileges, TargetError> {
        for row in rows {
            self.line(row).ok_or_else(|| {
                let text = format!(
                    "SHOW GRANTS has a line that begins with {} and cannot be read, so its privileges cannot \
                     be kept in step",
                    kind(row)
                );
                TargetError::new(Class::Refused, text)
            })?;
        }
        Ok(self.found)
    }

    fn line(&mut self, row: &str) -> Option<()> {
        let mut tokens = Tokens::of(row, self.version)?;
        if tokens.takes("SET DEFAULT ROLE") {
            self.default_role(&mut tokens)?;
        } else if tokens.takes("REVOKE") {
            self.restriction(&mut tokens)?;
        } else if !tokens.takes("GRANT") {
            return None;
        } else if tokens.is_at_name() {
            self.roles(&mut tokens)?;
        } else {
            self.grant(&mut tokens)?;
        }
        tokens.is_at_end().then_some(())
    }

    fn default_role(&mut self, tokens: &mut Tokens) -> Option<()> {
        let role = role(tokens)?;
        if tokens.takes("FOR") && self.is_ours(tokens)? {
            self.found.default_roles.insert(role);
            return Some(());
        }
        None
    }

    fn restriction(&mut self, tokens: &mut Tokens) -> Option<()> {
        let items = items(tokens)?;
        let (Object::Database(database), true) = (object(tokens)?, items.columns.is_empty()) else {
            return None;
        };
        if tokens.takes("FROM") && self.is_ours(tokens)? {
            self.found.restrictions.entry(database).or_default().extend(items.privileges);
            return Some(());
        }
        None
    }

    fn roles(&mut self, tokens: &mut Tokens) -> Option<()> {
        let mut roles = vec![role(tokens)?];
        while tokens.takes_sign(',') {
            roles.push(role(tokens)?);
        }
        let is_ours = tokens.takes("TO") && self.is_ours(tokens)?;
        let admin = tokens.takes("WITH ADMIN OPTION");
        if is_ours {
            self.found.roles.extend(roles.into_iter().map(|role| (role, admin)));
        }
        Some(())
    }

    fn grant(&mut self, tokens: &mut Tokens) -> Option<()> {
        let items = items(tokens)?;
        if items.privileges.first().is_some_and(|first| first == "PROXY") {
            return self.proxy(tokens);
        }
        let object = object(tokens)?;
        let is_ours = tokens.takes("TO") && self.is_ours(tokens)?;
        let grantable = tail(tokens)?;
        if is_ours {
            self.hold(object, items, grantable);
        }
        Some(())
    }

    fn hold(&mut self, object: Object, mut items: Items, grantable: bool) {
        if object == Object::Everything && self.version.is_modern_mysql() && self.knows_global {
            let dynamic = items.privileges.into_iter().map(|privilege| (privilege, grantable));
            self.found.dynamic.extend(dynamic);
            return;
        }
        self.knows_global |= object == Object::Everything;
        items.privileges.remove("USAGE");
        let all = items.privileges.remove("ALL PRIVILEGES");
        let held = self.found.objects.entry(object.clone()).or_default();
        held.all |= all;
        held.grantable |= grantable;
        held.privileges.extend(items.privileges);
        held.columns.extend(items.columns);
        if held.all {
            held.privileges.clear();
        }
        let Held { all, privileges, columns, .. } = held;
        columns.retain(|privilege, _| !*all && !privileges.contains(privilege));
        if held.is_empty() {
            self.found.objects.remove(&object);
        }
    }

    fn proxy(&mut self, tokens: &mut Tokens) -> Option<()> {
        let proxied = tokens.account()?;
        let is_ours = tokens.takes("TO") && self.is_ours(tokens)?;
        let grantable = tokens.takes("WITH GRANT OPTION");
        if is_ours {
            self.found.proxies.insert(proxied, grantable);
        }
        Some(())
    }

    /// Reads whom a line is for: the account, or MariaDB's everybody, or a role of the session. `None` for
    /// another account, which nobody asked for.
    fn is_ours(&self, tokens: &mut Tokens) -> Option<bool> {
        if self.version.is_mariadb() && tokens.takes("PUBLIC") {
            return Some(self.account.is_none());
        }
        let (user, host) = tokens.user()?;
        let Some(account) = self.account else { return Some(true) };
        match host {
            Some(host) => (Account::new(user, host) == *account).then_some(true),
            None => self.version.is_mariadb().then_some(false),
        }
    }
}

fn role(tokens: &mut Tokens) -> Option<Role> {
    let (name, host) = tokens.user()?;
    Some(Role { name, host })
}

/// Privileges up to and with `ON`, of one word or more each, perhaps with columns.
fn items(tokens: &mut Tokens) -> Option<Items> {
    let mut items = Items::default();
    loop {
        let mut words = vec![tokens.word()?.to_uppercase()];
        let mut is_last = false;
        while !is_last && let Some(word) = tokens.word() {
            is_last = word.eq_ignore_ascii_case("ON");
            if !is_last {
                words.push(word.to_uppercase());
            }
        }
        let privilege = words.join(" ");
        if is_last {
            items.privileges.insert(privilege);
            return Some(items);
        }
        if tokens.takes_sign('(') {
            let columns = items.columns.entry(privilege).or_default();
            loop {
                columns.insert(Column::new(tokens.name()?));
                if !tokens.takes_sign(',') {
                    break;
                }
            }
            if !tokens.takes_sign(')') {
                return None;
            }
            if tokens.takes("ON") {
                return Some(items);
            }
        } else {
            items.privileges.insert(privilege);
        }
        if !tokens.takes_sign(',') {
            return None;
        }
    }
}

fn object(tokens: &mut Tokens) -> Option<Object> {
    if tokens.takes_sign('*') {
        let is_everything = tokens.takes_sign('.') && tokens.takes_sign('*');
        return is_everything.then_some(Object::Everything);
    }
    let mut kind = Vec::new();
    while let Some(word) = tokens.word() {
        kind.push(word.to_uppercase());
    }
    let database = tokens.name()?;
    if !tokens.takes_sign('.') {
        return None;
    }
    if tokens.takes_sign('*') {
        return kind.is_empty().then_some(Object::Database(database));
    }
    let name = tokens.name()?;
    match kind.join(" ").as_str() {
        "" | "TABLE" => Some(Object::Table(database, name)),
        kind => Some(Object::Routine(kind.to_owned(), database, name)),
    }
}

/// What stands behind the account, and whether the grant option is among that. MariaDB, and MySQL before 5.7.6,
/// print settings of the user there, too, which `SHOW CREATE USER` has as well: a digest goes no further.
fn tail(tokens: &mut Tokens) -> Option<bool> {
    if tokens.takes("IDENTIFIED") {
        identification(tokens)?;
    }
    if tokens.takes("REQUIRE") {
        while !tokens.is_at_end() && !tokens.takes("WITH") {
            tokens.word()?;
            drop(tokens.text());
        }
        return options(tokens);
    }
    if tokens.takes("WITH") { options(tokens) } else { Some(false) }
}

fn identification(tokens: &mut Tokens) -> Option<()> {
    if tokens.takes("BY PASSWORD") {
        drop(tokens.text()?);
        return Some(());
    }
    if !tokens.takes("VIA") {
        return None;
    }
    loop {
        tokens.word()?;
        if tokens.takes("USING") || tokens.takes("AS") {
            drop(tokens.text()?);
        }
        if !tokens.takes("OR") {
            return Some(());
        }
    }
}

/// `GRANT OPTION` and limits.
fn options(tokens: &mut Tokens) -> Option<bool> {
    let mut grantable = false;
    while !tokens.is_at_end() {
        if tokens.takes("GRANT OPTION") {
            grantable = true;
        } else {
            tokens.word()?;
            tokens.number::<f64>()?;
        }
    }
    Some(grantable)
}
