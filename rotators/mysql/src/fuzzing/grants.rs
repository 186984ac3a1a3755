use super::{app, parts, statement};
use crate::privileges::Privileges;
use crate::privileges::comparison::compare;
use crate::privileges::difference::statements;
use crate::version::Version;

/// A server's version, and rows of `SHOW GRANTS`.
///
/// The statements that grant what was read read as the same, and each is one statement. Between two halves of the rows,
/// both ways, the statements are ones of that kind, too.
pub fn grants(data: &[u8]) {
    let Some([version, rows]) = parts(data) else { return };
    let Some(version) = Version::parse(version) else { return };
    let read = |rows: &[&str]| Privileges::read(rows.iter().copied(), &app(), version);
    let rows: Vec<&str> = rows.lines().collect();
    drop(Privileges::read_session(rows.iter().copied(), version));
    let Ok(privileges) = read(&rows) else { return };
    let granted = statements(&Privileges::default(), &privileges, &app(), version);
    granted.iter().for_each(|text| statement::is_one(text));
    printed_again(&privileges, &granted, version);

    let (one, other) = rows.split_at(rows.len() / 2);
    if let (Ok(one), Ok(other)) = (read(one), read(other)) {
        for (from, to) in [(&one, &other), (&other, &one), (&one, &privileges)] {
            let all = statements(from, to, &app(), version);
            all.iter().for_each(|text| statement::is_one(text));
            assert!(from != to || all.is_empty(), "{all:?}");
        }
        assert!(compare((&app(), &one), (&app(), &one)).is_empty());
    }
}

fn printed_again(privileges: &Privileges, granted: &[String], version: Version) {
    // MySQL sets default roles with ALTER USER, and prints them with the settings; MariaDB prints one a line.
    let has_default = |text: &String| text.contains(" DEFAULT ROLE ");
    if granted.iter().any(has_default) {
        return;
    }
    // What a server grants beside what it was told is taken back, and is in no row.
    let is_row =
        |text: &&str| !text.starts_with("SET sql_mode") && !text.starts_with("REVOKE GRANT OPTION");
    let rows = granted.iter().map(String::as_str).filter(is_row);
    // A server's first row is of what is not dynamic, and says USAGE if there is nothing.
    let first = format!("GRANT USAGE ON *.* TO {}", app().quoted());
    let both = [None, Some(first.as_str())].map(|first| {
        let rows = first.into_iter().chain(rows.clone());
        Privileges::read(rows, &app(), version).expect("what was read is read again")
    });
    let again = both.iter().find(|again| *again == privileges);
    let again = again.unwrap_or_else(|| panic!("{privileges:?} is granted by {granted:?}"));
    assert!(compare((&app(), again), (&app(), privileges)).is_empty());
}
