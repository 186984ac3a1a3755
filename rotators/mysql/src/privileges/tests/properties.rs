//! On rows as servers print them, of any names.

use proptest::prelude::*;

use crate::fuzzing::{self, cases};
use crate::sql::quoted;

fn name() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[a-c]", 1 => "[a-z`'\" .,()%\\\\_]{1,6}", 1 => "[^\n\r]{1,6}"]
}

fn object() -> impl Strategy<Value = String> {
    let kind = prop_oneof![
        3 => Just(""),
        1 => Just("FUNCTION "),
        1 => Just("PROCEDURE "),
        1 => Just("PACKAGE BODY "),
    ];
    prop_oneof![
        Just("*.*".to_owned()),
        name().prop_map(|database| format!("{}.*", quoted(&database))),
        (kind, name(), name()).prop_map(|(kind, database, name)| format!(
            "{kind}{}.{}",
            quoted(&database),
            quoted(&name)
        )),
    ]
}

fn item() -> impl Strategy<Value = String> {
    let privilege = proptest::sample::select(
        &[
            "SELECT",
            "INSERT",
            "UPDATE",
            "ALTER ROUTINE",
            "USAGE",
            "ALL PRIVILEGES",
            "BINLOG ADMIN",
            "BACKUP_ADMIN",
        ][..],
    );
    let columns = proptest::collection::vec(name().prop_map(|name| quoted(&name)), 1..3);
    prop_oneof![
        3 => privilege.prop_map(str::to_owned),
        1 => columns.prop_map(|columns| format!("SELECT ({})", columns.join(", "))),
    ]
}

fn row() -> impl Strategy<Value = String> {
    const OURS: &str = "`app`@`%`";
    let items = || proptest::collection::vec(item(), 1..4).prop_map(|items| items.join(", "));
    let option = || prop_oneof![Just(""), Just(" WITH GRANT OPTION")];
    let role = || {
        (name(), any::<bool>())
            .prop_map(|(name, mariadb)| quoted(&name) + if mariadb { "" } else { "@`%`" })
    };
    let admin = prop_oneof![Just(""), Just(" WITH ADMIN OPTION")];
    prop_oneof![
        6 => (items(), object(), option())
            .prop_map(|(items, object, option)| format!("GRANT {items} ON {object} TO {OURS}{option}")),
        1 => (name(), name(), option()).prop_map(|(user, host, option)| {
            format!("GRANT PROXY ON {}@{} TO {OURS}{option}", quoted(&user), quoted(&host))
        }),
        2 => (role(), admin).prop_map(|(role, admin)| format!("GRANT {role} TO {OURS}{admin}")),
        1 => name().prop_map(|role| format!("SET DEFAULT ROLE {} FOR {OURS}", quoted(&role))),
        1 => name().prop_map(|database| format!("REVOKE INSERT ON {}.* FROM {OURS}", quoted(&database))),
    ]
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn what_is_granted_of_rows_reads_as_the_rows_did(
        version in proptest::sample::select(&["9.7.4", "8.0.36", "5.7.44", "10.11.19-MariaDB", "11.8.9-MariaDB"][..]),
        rows in proptest::collection::vec(row(), 1..6),
    ) {
        fuzzing::grants(format!("{version}\n---\n{}", rows.join("\n")).as_bytes());
    }
}
