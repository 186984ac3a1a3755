//! On rows as servers print them, of any texts.

use proptest::option;
use proptest::prelude::*;

use crate::fuzzing::{self, cases};

fn words(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    proptest::sample::select(words).prop_map(str::to_owned)
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["/CN=[a-z]{1,6}", "[ -~]{0,8}", "[^\n\r]{0,6}"]
}

fn clauses() -> impl Strategy<Value = String> {
    const NUMBERS: &[&str] = &["DEFAULT", "0", "7", "INTERVAL 3 DAY", "NEVER"];
    let clause = |name: &'static str, values| {
        option::of(words(values)).prop_map(move |value| match value {
            Some(value) => format!(" {name} {value}"),
            None => String::new(),
        })
    };
    (
        option::of(0..5_u32).prop_map(|limit| {
            limit.map_or(String::new(), |n| format!(" WITH MAX_USER_CONNECTIONS {n}"))
        }),
        prop_oneof![
            Just(String::new()),
            Just(" PASSWORD EXPIRE".to_owned()),
            clause("PASSWORD EXPIRE", NUMBERS)
        ],
        clause("ACCOUNT", &["LOCK", "UNLOCK"]),
        clause("PASSWORD HISTORY", &["DEFAULT", "5"]),
        clause("PASSWORD REUSE INTERVAL", &["DEFAULT", "6 DAY"]),
        clause("PASSWORD REQUIRE CURRENT", &["", "DEFAULT", "OPTIONAL"]),
        clause("FAILED_LOGIN_ATTEMPTS", &["0", "3"]),
        clause("PASSWORD_LOCK_TIME", &["0", "2", "UNBOUNDED"]),
    )
        .prop_map(|(a, b, c, d, e, f, g, h)| [a, b, c, d, e, f, g, h].concat())
}

fn requirement() -> impl Strategy<Value = String> {
    let detail = |mariadb: bool| {
        move |text: String| {
            let text = if mariadb {
                text.replace('\\', "\\\\").replace('\'', "''")
            } else {
                text.replace('\'', "")
            };
            format!(" REQUIRE SUBJECT '{text}' ISSUER 'x'")
        }
    };
    prop_oneof![
        words(&["", " REQUIRE NONE", " REQUIRE SSL", " REQUIRE X509"]),
        text().prop_map(detail(true)),
        text().prop_map(detail(false)),
    ]
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn settings_of_mysql_are_read_as_they_are_printed(
        requirement in requirement(),
        clauses in clauses(),
        attribute in option::of("\\{\"[a-z]{1,4}\": (1|null|\"[a-z]{0,4}\"|\\{\"x\": true\\})\\}"),
    ) {
        let attribute = attribute.unwrap_or_default();
        let row = format!("CREATE USER `app`@`%` IDENTIFIED WITH 'caching_sha2_password' AS 0x2441{requirement}{clauses}");
        fuzzing::users(format!("9.7.4\n---\n{attribute}\n---\n{row}").as_bytes());
    }

    #[test]
    fn settings_of_mariadb_are_read_as_they_are_printed(
        rules in words(&["", " IDENTIFIED BY PASSWORD '*B6'", " IDENTIFIED VIA ed25519 USING 'Gv' OR unix_socket"]),
        requirement in requirement(),
        clauses in clauses(),
    ) {
        let row = format!("CREATE USER `app`@`%`{rules}{requirement}{clauses}");
        fuzzing::users(format!("11.8.9-MariaDB\n---\n\n---\n{row}").as_bytes());
    }
}
