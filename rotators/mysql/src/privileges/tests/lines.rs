//! What is read, and what is refused.

use super::{app, change, read};
use crate::account::Account;
use crate::privileges::comparison::compare;
use crate::privileges::{Privileges, Role};
use crate::version::Version;
use crate::version::tests::{MARIADB, MARIADB_11, MYSQL, MYSQL_5_7};

const ON_MARIADB: [&str; 18] = [
    "GRANT `reader` TO `app`@`%`",
    "GRANT `writer TO x` TO `app`@`%` WITH ADMIN OPTION",
    "GRANT `r``q` TO `app`@`%`",
    r"GRANT SELECT, PROCESS, SHOW DATABASES, BINLOG MONITOR, CREATE USER, DELETE HISTORY, BINLOG ADMIN, SLAVE MONITOR ON *.* TO `app`@`%` IDENTIFIED BY PASSWORD '*B69027D44F6E5EDC07F1AEAD1477967B16F28227' REQUIRE SUBJECT '/CN=o''ne\\two' WITH GRANT OPTION MAX_QUERIES_PER_HOUR 10 MAX_USER_CONNECTIONS 3 MAX_STATEMENT_TIME 1.500000",
    "GRANT ALL PRIVILEGES ON `shop`.* TO `app`@`%` WITH GRANT OPTION",
    "GRANT INSERT, CREATE TEMPORARY TABLES, LOCK TABLES, CREATE VIEW, EVENT ON `we``ird`.* TO `app`@`%`",
    "GRANT SELECT ON `a TO b`.* TO `app`@`%`",
    r#"GRANT SELECT ON `q"uo'te`.* TO `app`@`%`"#,
    r"GRANT SELECT ON `back\slash`.* TO `app`@`%`",
    r"GRANT SELECT ON `sh\_p%`.* TO `app`@`%`",
    "GRANT SELECT (`a`, `b,c`), INSERT (`d)e`), UPDATE (`f``g`) ON `shop`.`a TO b` TO `app`@`%`",
    r#"GRANT ALL PRIVILEGES ON `we``ird`.`t"x'y` TO `app`@`%` WITH GRANT OPTION"#,
    "GRANT EXECUTE, ALTER ROUTINE, SHOW CREATE ROUTINE ON PROCEDURE `shop`.`p on q` TO `app`@`%` WITH GRANT OPTION",
    "GRANT EXECUTE ON FUNCTION `shop`.`f` TO `app`@`%`",
    "GRANT EXECUTE, ALTER ROUTINE ON PACKAGE BODY `shop`.`pk` TO `app`@`%` WITH GRANT OPTION",
    "GRANT PROXY ON `we``ird`@`10.%` TO `app`@`%`",
    "GRANT PROXY ON `target`@`%` TO `app`@`%` WITH GRANT OPTION",
    "SET DEFAULT ROLE `writer TO x` FOR `app`@`%`",
];

const ON_MYSQL: [&str; 18] = [
    "GRANT SELECT, PROCESS, SHOW DATABASES, CREATE USER, CREATE ROLE, DROP ROLE ON *.* TO `app`@`%` WITH GRANT OPTION",
    "GRANT BACKUP_ADMIN,SYSTEM_VARIABLES_ADMIN ON *.* TO `app`@`%`",
    "GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO `app`@`%` WITH GRANT OPTION",
    "GRANT SELECT ON `a TO b`.* TO `app`@`%`",
    r"GRANT SELECT ON `back\slash`.* TO `app`@`%`",
    r#"GRANT SELECT ON `q"uo'te`.* TO `app`@`%`"#,
    "GRANT ALL PRIVILEGES ON `shop`.* TO `app`@`%` WITH GRANT OPTION",
    "REVOKE INSERT ON `we``ird`.* FROM `app`@`%`",
    r"GRANT SELECT ON `sh\_p%`.* TO `app`@`%`",
    r"GRANT SELECT ON `back\slash`.`t\t` TO `app`@`%`",
    "GRANT SELECT (`a`, `b,c`), INSERT (`d)e`), UPDATE (`f``g`) ON `shop`.`a TO b` TO `app`@`%`",
    r#"GRANT ALL PRIVILEGES ON `we``ird`.`t"x'y` TO `app`@`%` WITH GRANT OPTION"#,
    "GRANT EXECUTE, ALTER ROUTINE ON PROCEDURE `shop`.`p on q` TO `app`@`%` WITH GRANT OPTION",
    "GRANT EXECUTE ON LIBRARY `shop`.`l` TO `app`@`%`",
    "GRANT PROXY ON `we``ird`@`10.%` TO `app`@`%`",
    "GRANT PROXY ON `target`@`%` TO `app`@`%` WITH GRANT OPTION",
    "GRANT `r``q`@`localhost`,`reader`@`%` TO `app`@`%`",
    "GRANT `writer TO x`@`%` TO `app`@`%` WITH ADMIN OPTION",
];

#[test]
fn all_privileges_are_all_that_is_held_whatever_stands_beside_them() {
    let all = read(&["GRANT ALL PRIVILEGES ON *.* TO `app`@`%`"], MYSQL);
    for rows in [
        &["GRANT SELECT, ALL PRIVILEGES ON *.* TO `app`@`%`"][..],
        &["GRANT ALL PRIVILEGES, INSERT (`a`) ON *.* TO `app`@`%`"],
    ] {
        assert_eq!(read(rows, MYSQL), all);
    }
}

#[test]
fn all_that_mariadb_prints_is_granted_again() {
    let usage = [
        "GRANT USAGE ON *.* TO `app`@`%` IDENTIFIED VIA ed25519 USING 'GvRm' OR mysql_native_password USING '*F33A' REQUIRE ISSUER 'a''\\\\b' CIPHER 'x'",
    ];
    assert_eq!(
        change(&usage, &ON_MARIADB, MARIADB_11),
        [
            "GRANT BINLOG ADMIN, BINLOG MONITOR, CREATE USER, DELETE HISTORY, PROCESS, SELECT, SHOW DATABASES, SLAVE MONITOR ON *.* TO A WITH GRANT OPTION",
            "GRANT SELECT ON `a TO b`.* TO A",
            r"GRANT SELECT ON `back\slash`.* TO A",
            r#"GRANT SELECT ON `q"uo'te`.* TO A"#,
            r"GRANT SELECT ON `sh\_p%`.* TO A",
            "GRANT ALL PRIVILEGES ON `shop`.* TO A WITH GRANT OPTION",
            "GRANT CREATE TEMPORARY TABLES, CREATE VIEW, EVENT, INSERT, LOCK TABLES ON `we``ird`.* TO A",
            "GRANT INSERT (`d)e`), SELECT (`a`, `b,c`), UPDATE (`f``g`) ON `shop`.`a TO b` TO A",
            r#"GRANT ALL PRIVILEGES ON `we``ird`.`t"x'y` TO A WITH GRANT OPTION"#,
            "GRANT EXECUTE ON FUNCTION `shop`.`f` TO A",
            "SET sql_mode = 'ORACLE,NO_BACKSLASH_ESCAPES,NO_AUTO_CREATE_USER'",
            "GRANT ALTER ROUTINE, EXECUTE ON PACKAGE BODY `shop`.`pk` TO A WITH GRANT OPTION",
            "SET sql_mode = 'NO_BACKSLASH_ESCAPES,NO_AUTO_CREATE_USER'",
            "GRANT ALTER ROUTINE, EXECUTE, SHOW CREATE ROUTINE ON PROCEDURE `shop`.`p on q` TO A WITH GRANT OPTION",
            "GRANT `r``q` TO A",
            "GRANT `reader` TO A",
            "GRANT `writer TO x` TO A WITH ADMIN OPTION",
            "GRANT PROXY ON `target`@`%` TO A WITH GRANT OPTION",
            "GRANT PROXY ON `we``ird`@`10.%` TO A",
            "SET DEFAULT ROLE `writer TO x` FOR A",
        ]
    );
}

#[test]
fn all_that_mysql_prints_is_granted_again() {
    assert_eq!(
        change(&["GRANT USAGE ON *.* TO `app`@`%`"], &ON_MYSQL, MYSQL),
        [
            "GRANT CREATE ROLE, CREATE USER, DROP ROLE, PROCESS, SELECT, SHOW DATABASES ON *.* TO A WITH GRANT OPTION",
            "GRANT SELECT ON `a TO b`.* TO A",
            r"GRANT SELECT ON `back\slash`.* TO A",
            r#"GRANT SELECT ON `q"uo'te`.* TO A"#,
            r"GRANT SELECT ON `sh\_p%`.* TO A",
            "GRANT ALL PRIVILEGES ON `shop`.* TO A WITH GRANT OPTION",
            r"GRANT SELECT ON `back\slash`.`t\t` TO A",
            "GRANT INSERT (`d)e`), SELECT (`a`, `b,c`), UPDATE (`f``g`) ON `shop`.`a TO b` TO A",
            r#"GRANT ALL PRIVILEGES ON `we``ird`.`t"x'y` TO A WITH GRANT OPTION"#,
            "GRANT EXECUTE ON LIBRARY `shop`.`l` TO A",
            "GRANT ALTER ROUTINE, EXECUTE ON PROCEDURE `shop`.`p on q` TO A WITH GRANT OPTION",
            "GRANT BACKUP_ADMIN, SYSTEM_VARIABLES_ADMIN ON *.* TO A",
            "GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO A WITH GRANT OPTION",
            "GRANT `r``q`@`localhost` TO A",
            "GRANT `reader`@`%` TO A",
            "GRANT `writer TO x`@`%` TO A WITH ADMIN OPTION",
            "GRANT PROXY ON `target`@`%` TO A WITH GRANT OPTION",
            "GRANT PROXY ON `we``ird`@`10.%` TO A",
            "REVOKE INSERT ON `we``ird`.* FROM A",
        ]
    );
}

#[test]
fn whoever_has_the_same_is_left_alone() {
    for (rows, version) in [(ON_MARIADB, MARIADB), (ON_MYSQL, MYSQL)] {
        assert!(change(&rows, &rows, version).is_empty());
        let privileges = read(&rows, version);
        let other = Account::new("app_clone", "%");
        assert!(compare((&app(), &privileges), (&other, &privileges)).is_empty());
    }
}

#[test]
fn all_is_taken_away_again() {
    let usage = "GRANT USAGE ON *.* TO `app`@`%`";
    for (rows, version) in [(ON_MARIADB, MARIADB_11), (ON_MYSQL, MYSQL)] {
        let change = change(&rows, &[usage], version);
        let is_taking = |statement: &&String| {
            ["REVOKE ", "SET DEFAULT ROLE NONE ", "SET sql_mode "]
                .iter()
                .any(|start| statement.starts_with(start))
        };
        assert!(
            change.len() > 10 && change.iter().all(|statement| is_taking(&statement)),
            "{change:#?}"
        );
    }
}

#[test]
fn other_quotes_say_the_same() {
    for (version, one, other) in [
        (
            MYSQL,
            "GRANT SELECT, INSERT (`b,c`) ON `shop`.`a TO b` TO `app`@`%`",
            r#"GRANT SELECT, INSERT ("b,c") ON "shop"."a TO b" TO "app"@"%""#,
        ),
        (
            MYSQL_5_7,
            "GRANT ALL PRIVILEGES ON *.* TO `app`@`%` WITH GRANT OPTION",
            "GRANT ALL PRIVILEGES ON *.* TO 'app'@'%' WITH GRANT OPTION",
        ),
        (
            MYSQL_5_7,
            "GRANT PROXY ON ``@`` TO `app`@`%` WITH GRANT OPTION",
            "GRANT PROXY ON ''@'' TO 'app'@'%' WITH GRANT OPTION",
        ),
    ] {
        assert_eq!(read(&[one], version), read(&[other], version));
        assert_ne!(read(&[one], version), Privileges::default());
    }
}

#[test]
fn what_everybody_has_and_what_roles_have_is_nobodys_own() {
    let rows = [
        "GRANT SELECT ON `shop`.* TO PUBLIC",
        "GRANT USAGE ON *.* TO `reader`",
        "GRANT SELECT ON `shop`.* TO `reader`",
        "GRANT `inner` TO `reader` WITH ADMIN OPTION",
    ];
    assert_eq!(read(&rows, MARIADB), Privileges::default());
}

#[test]
fn mysql_prints_default_roles_elsewhere() {
    let role = Role { name: "reader".into(), host: Some("%".into()) };
    let privileges = read(&["GRANT `reader`@`%` TO `app`@`%`"], MYSQL).with_default_roles([role]);
    assert_eq!(
        super::shortened(&Privileges::default(), &privileges, MYSQL),
        ["GRANT `reader`@`%` TO A", "ALTER USER IF EXISTS A DEFAULT ROLE `reader`@`%`"]
    );
}

#[test]
fn what_cannot_be_read_is_refused_without_a_digest() {
    let refused = |row: &str, version: Version| {
        let error = Privileges::read([row], &app(), version).expect_err(row);
        assert_eq!(error.class(), turnlock::Class::Refused, "{row}");
        error.to_string()
    };
    for row in [
        "GRANT USAGE ON *.* TO `app`@`%` IDENTIFIED BY MAGIC '*B69027'",
        "GRANT USAGE ON *.* TO `app`@`%` IDENTIFIED VIA ed25519 USING '*B69027' AND more",
        "GRANT USAGE ON *.* TO `app`@`%` IDENTIFIED BY PASSWORD '*B69027",
    ] {
        let text = refused(row, MARIADB);
        assert!(text.contains("begins with GRANT USAGE ON ") && !text.contains("B69027"), "{text}");
    }
    for row in [
        "GRANT SELECT ON `shop`.* TO `other`@`%`",
        "GRANT SELECT ON `shop`.* TO `app`@`%` WITH A SMILE",
        "GRANT SELECT ON `shop` TO `app`@`%`",
        "GRANT SELECT (`a` ON `shop`.`t` TO `app`@`%`",
        "GRANT SELECT ON SECRET * TO `app`@`%`",
        "REVOKE SELECT ON `shop`.`t` FROM `app`@`%`",
        "GRANT `reader` TO `app`@`%` AND MORE",
        "DENY SELECT ON `shop`.* TO `app`@`%`",
        "",
    ] {
        refused(row, MYSQL);
    }
}

#[test]
fn a_digest_is_nowhere_in_what_is_read() {
    let privileges = format!("{:?}", read(&ON_MARIADB, MARIADB));
    assert!(privileges.contains("SLAVE MONITOR") && !privileges.contains("B69027"), "{privileges}");
}
