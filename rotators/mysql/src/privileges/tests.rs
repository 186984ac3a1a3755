//! On lines as MariaDB 10.11 and 11.8 and MySQL 9.7 print them; those of MySQL 5.7 are from its manual.

mod changes;
mod existence;
mod lines;
mod properties;

use super::Privileges;
use super::difference::statements;
use crate::account::Account;
use crate::version::Version;

fn app() -> Account {
    Account::new("app", "%")
}

fn read(rows: &[&str], version: Version) -> Privileges {
    let rows = rows.iter().copied();
    Privileges::read(rows, &app(), version).expect("privileges")
}

/// The statements from one to the other, with A for the account.
fn change(from: &[&str], to: &[&str], version: Version) -> Vec<String> {
    shortened(&read(from, version), &read(to, version), version)
}

fn shortened(from: &Privileges, to: &Privileges, version: Version) -> Vec<String> {
    let mut all = statements(from, to, &app(), version);
    if !all.is_empty() && !version.is_modern_mysql() {
        assert_eq!(all.remove(0), "SET sql_mode = 'NO_BACKSLASH_ESCAPES,NO_AUTO_CREATE_USER'");
    }
    all.iter().map(|statement| statement.replace("`app`@`%`", "A")).collect()
}
