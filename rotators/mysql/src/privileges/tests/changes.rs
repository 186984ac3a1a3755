//! What is done about a difference, and how it is told.

use super::{app, change, read, shortened};
use crate::account::Account;
use crate::privileges::comparison::compare;
use crate::privileges::difference::statements;
use crate::privileges::{Privileges, Role};
use crate::version::tests::{MARIADB, MARIADB_11, MYSQL, MYSQL_5_7};
use crate::version::{Product, Version};

const USAGE: &str = "GRANT USAGE ON *.* TO `app`@`%`";

#[test]
fn what_is_missing_is_granted_before_anything_is_taken_away() {
    let from = ["GRANT SELECT, DELETE ON `a`.* TO `app`@`%`", "GRANT `old` TO `app`@`%`"];
    let to = ["GRANT SELECT, INSERT ON `a`.* TO `app`@`%`", "GRANT `new` TO `app`@`%`"];
    assert_eq!(
        change(&from, &to, MARIADB),
        [
            "GRANT INSERT ON `a`.* TO A",
            "GRANT `new` TO A",
            "REVOKE DELETE ON `a`.* FROM A",
            "REVOKE `old` FROM A",
        ]
    );
}

#[test]
fn grant_makes_no_account_where_a_server_would_let_it() {
    let mode = "SET sql_mode = 'NO_BACKSLASH_ESCAPES,NO_AUTO_CREATE_USER'";
    for (version, expected) in [(MYSQL, false), (MYSQL_5_7, true), (MARIADB, true)] {
        let to = read(&["GRANT SELECT ON `a`.* TO `app`@`%`"], version);
        let all = statements(&Privileges::default(), &to, &app(), version);
        assert_eq!(all.first().map(String::as_str) == Some(mode), expected, "{version:?}");
        assert!(statements(&to, &to, &app(), version).is_empty());
    }
}

#[test]
fn all_privileges_become_less_without_a_gap_where_they_are_known() {
    let all = ["GRANT ALL PRIVILEGES ON `a`.`t` TO `app`@`%` WITH GRANT OPTION"];
    let less = ["GRANT SELECT, INSERT (`b`) ON `a`.`t` TO `app`@`%`"];
    let known = "REVOKE ALTER, CREATE, CREATE VIEW, DELETE, DROP, INDEX, INSERT, REFERENCES, SHOW VIEW, TRIGGER, UPDATE, GRANT OPTION ON `a`.`t` FROM A";
    let columns = "GRANT INSERT (`b`) ON `a`.`t` TO A";
    assert_eq!(change(&all, &less, MYSQL), [known, columns]);
    assert_eq!(change(&all, &less, MYSQL_5_7), [known, columns]);
    let with_history = known.replace("DELETE,", "DELETE, DELETE HISTORY,");
    assert_eq!(change(&all, &less, MARIADB), [with_history.as_str(), columns]);
    for later in [
        Version { product: Product::MySql, number: (10, 0, 0) },
        Version { product: Product::MariaDb, number: (12, 0, 0) },
    ] {
        assert_eq!(
            change(&all, &less, later),
            [
                "REVOKE ALL PRIVILEGES ON `a`.`t` FROM A",
                "REVOKE GRANT OPTION ON `a`.`t` FROM A",
                "GRANT SELECT, INSERT (`b`) ON `a`.`t` TO A",
            ]
        );
    }
}

#[test]
fn all_privileges_on_a_database_are_those_of_the_version() {
    let all = ["GRANT ALL PRIVILEGES ON `a`.* TO `app`@`%`"];
    let taken = |version| change(&all, &[USAGE], version).join("\n");
    assert!(taken(MARIADB_11).contains("SHOW CREATE ROUTINE"));
    assert!(taken(MARIADB).contains("DELETE HISTORY") && !taken(MARIADB).contains("SHOW CREATE"));
    assert!(!taken(MYSQL).contains("DELETE HISTORY"));
    let everywhere = ["GRANT ALL PRIVILEGES ON *.* TO 'app'@'%' WITH GRANT OPTION"];
    assert_eq!(
        change(&everywhere, &["GRANT SELECT ON *.* TO 'app'@'%' WITH GRANT OPTION"], MYSQL_5_7),
        ["REVOKE ALL PRIVILEGES ON *.* FROM A", "GRANT SELECT ON *.* TO A WITH GRANT OPTION",]
    );
}

#[test]
fn the_grant_option_comes_and_goes_alone() {
    let without = ["GRANT SELECT ON `a`.* TO `app`@`%`"];
    let with = ["GRANT SELECT ON `a`.* TO `app`@`%` WITH GRANT OPTION"];
    assert_eq!(change(&without, &with, MYSQL), ["GRANT USAGE ON `a`.* TO A WITH GRANT OPTION"]);
    assert_eq!(change(&with, &without, MYSQL), ["REVOKE GRANT OPTION ON `a`.* FROM A"]);
    let alone = ["GRANT USAGE ON FUNCTION `a`.`f` TO `app`@`%` WITH GRANT OPTION"];
    assert_eq!(
        change(&[USAGE], &alone, MYSQL),
        ["GRANT USAGE ON FUNCTION `a`.`f` TO A WITH GRANT OPTION"]
    );
    let all = ["GRANT ALL PRIVILEGES ON `a`.* TO `app`@`%`"];
    let all_with = ["GRANT ALL PRIVILEGES ON `a`.* TO `app`@`%` WITH GRANT OPTION"];
    assert_eq!(change(&all_with, &all, MYSQL), ["REVOKE GRANT OPTION ON `a`.* FROM A"]);
}

#[test]
fn columns_outlive_the_privilege_on_their_table() {
    let table = ["GRANT SELECT, DELETE ON `a`.`t` TO `app`@`%`"];
    let columns = ["GRANT SELECT (`x`), DELETE ON `a`.`t` TO `app`@`%`"];
    // The server takes a privilege on columns away with the one on the table.
    assert_eq!(
        change(&table, &columns, MYSQL),
        ["REVOKE SELECT ON `a`.`t` FROM A", "GRANT SELECT (`x`) ON `a`.`t` TO A"]
    );
    assert_eq!(change(&columns, &table, MYSQL), ["GRANT SELECT ON `a`.`t` TO A"]);
    let both = ["GRANT SELECT, SELECT (`x`), DELETE ON `a`.`t` TO `app`@`%`"];
    assert!(change(&table, &both, MYSQL).is_empty());
}

#[test]
fn columns_are_the_same_in_capitals_and_revoked_as_they_were_spelt() {
    let small = ["GRANT SELECT (`x`) ON `a`.`t` TO `app`@`%`"];
    let capital = ["GRANT SELECT (`X`) ON `a`.`t` TO `app`@`%`"];
    assert!(change(&small, &capital, MYSQL).is_empty());
    assert_eq!(change(&capital, &[USAGE], MYSQL), ["REVOKE SELECT (`X`) ON `a`.`t` FROM A"]);
}

#[test]
fn partial_revokes_come_and_go() {
    let everywhere = "GRANT SELECT, INSERT ON *.* TO `app`@`%`";
    let but = "REVOKE SELECT ON `a`.* FROM `app`@`%`";
    assert_eq!(change(&[everywhere], &[everywhere, but], MYSQL), ["REVOKE SELECT ON `a`.* FROM A"]);
    assert_eq!(change(&[everywhere, but], &[everywhere], MYSQL), ["GRANT SELECT ON `a`.* TO A"]);
    // It ends with the privilege itself.
    assert_eq!(
        change(&[everywhere, but], &[USAGE], MYSQL),
        ["REVOKE INSERT, SELECT ON *.* FROM A"]
    );
    // The first grant only ends it, and the second is one on the database.
    let on_database = "GRANT SELECT ON `a`.* TO `app`@`%`";
    assert_eq!(
        change(&[everywhere, but], &[USAGE, on_database], MYSQL),
        [
            "GRANT SELECT ON `a`.* TO A",
            "GRANT SELECT ON `a`.* TO A",
            "REVOKE INSERT, SELECT ON *.* FROM A",
        ]
    );
    // A privilege on the database would be what is revoked first.
    assert_eq!(
        change(&[everywhere, on_database], &[everywhere, but], MYSQL),
        ["REVOKE SELECT ON `a`.* FROM A", "REVOKE SELECT ON `a`.* FROM A"]
    );
}

#[test]
fn dynamic_privileges_lose_their_option_for_good() {
    let with = [USAGE, "GRANT BACKUP_ADMIN ON *.* TO `app`@`%` WITH GRANT OPTION"];
    let without = [USAGE, "GRANT BACKUP_ADMIN ON *.* TO `app`@`%`"];
    let revoke = "REVOKE BACKUP_ADMIN ON *.* FROM A";
    assert_eq!(change(&with, &without, MYSQL), [revoke, revoke, "GRANT BACKUP_ADMIN ON *.* TO A"]);
    assert_eq!(
        change(&without, &with, MYSQL),
        ["GRANT BACKUP_ADMIN ON *.* TO A WITH GRANT OPTION"]
    );
    assert_eq!(change(&with, &[USAGE], MYSQL), [revoke, revoke]);
    assert_eq!(change(&without, &[USAGE], MYSQL), [revoke]);
}

#[test]
fn dynamic_privileges_keep_their_option_when_it_is_taken_from_the_others() {
    let dynamic = "GRANT BACKUP_ADMIN ON *.* TO `app`@`%` WITH GRANT OPTION";
    let from = ["GRANT SELECT ON *.* TO `app`@`%` WITH GRANT OPTION", dynamic];
    assert_eq!(
        change(&from, &["GRANT SELECT ON *.* TO `app`@`%`", dynamic], MYSQL),
        ["REVOKE GRANT OPTION ON *.* FROM A", "GRANT BACKUP_ADMIN ON *.* TO A WITH GRANT OPTION",]
    );
}

#[test]
fn a_proxy_that_may_be_passed_on_gives_no_option_for_anything_else() {
    let to = [USAGE, "GRANT PROXY ON `t`@`%` TO `app`@`%` WITH GRANT OPTION"];
    let grant = "GRANT PROXY ON `t`@`%` TO A WITH GRANT OPTION";
    assert_eq!(change(&[USAGE], &to, MYSQL), [grant, "REVOKE GRANT OPTION ON *.* FROM A"]);
    let with = ["GRANT USAGE ON *.* TO `app`@`%` WITH GRANT OPTION", to[1]];
    assert_eq!(change(&with[..1], &with, MYSQL), [grant]);
}

#[test]
fn a_proxy_is_granted_anew_with_another_option() {
    let go = "GRANT USAGE ON *.* TO `app`@`%` WITH GRANT OPTION";
    let without = [go, "GRANT PROXY ON `t`@`%` TO `app`@`%`"];
    let with = [go, "GRANT PROXY ON `t`@`%` TO `app`@`%` WITH GRANT OPTION"];
    let revoke = "REVOKE PROXY ON `t`@`%` FROM A";
    assert_eq!(
        change(&without, &with, MARIADB),
        [revoke, "GRANT PROXY ON `t`@`%` TO A WITH GRANT OPTION"]
    );
    assert_eq!(change(&with, &without, MARIADB), [revoke, "GRANT PROXY ON `t`@`%` TO A"]);
    assert_eq!(change(&with, &[go], MARIADB), [revoke]);
}

#[test]
fn the_admin_option_of_a_role_comes_and_goes() {
    let with = ["GRANT `r` TO `app`@`%` WITH ADMIN OPTION", "SET DEFAULT ROLE `r` FOR `app`@`%`"];
    let without = ["GRANT `r` TO `app`@`%`", "SET DEFAULT ROLE `r` FOR `app`@`%`"];
    assert_eq!(change(&without, &with, MARIADB), ["GRANT `r` TO A WITH ADMIN OPTION"]);
    assert_eq!(change(&with, &without, MARIADB), ["REVOKE ADMIN OPTION FOR `r` FROM A"]);
    // MySQL knows no such statement, and a role that is taken away is no default any more.
    let role = || [Role { name: "r".into(), host: Some("%".into()) }];
    let read = |row| read(&[row], MYSQL).with_default_roles(role());
    let with = read("GRANT `r`@`%` TO `app`@`%` WITH ADMIN OPTION");
    let without = read("GRANT `r`@`%` TO `app`@`%`");
    assert_eq!(
        shortened(&with, &without, MYSQL),
        [
            "REVOKE `r`@`%` FROM A",
            "GRANT `r`@`%` TO A",
            "ALTER USER IF EXISTS A DEFAULT ROLE `r`@`%`",
        ]
    );
}

#[test]
fn the_default_role_is_let_go_before_its_role() {
    let with = ["GRANT `r` TO `app`@`%`", "SET DEFAULT ROLE `r` FOR `app`@`%`"];
    assert_eq!(
        change(&with, &[USAGE], MARIADB),
        ["SET DEFAULT ROLE NONE FOR A", "REVOKE `r` FROM A"]
    );
}

#[test]
fn packages_are_granted_in_the_mode_that_knows_them() {
    let to = ["GRANT EXECUTE ON PACKAGE `shop`.`pk` TO `app`@`%`"];
    let grant = "GRANT EXECUTE ON PACKAGE `shop`.`pk` TO A";
    for version in [MARIADB, MARIADB_11] {
        assert_eq!(
            change(&[USAGE], &to, version),
            [
                "SET sql_mode = 'ORACLE,NO_BACKSLASH_ESCAPES,NO_AUTO_CREATE_USER'",
                grant,
                "SET sql_mode = 'NO_BACKSLASH_ESCAPES,NO_AUTO_CREATE_USER'",
            ]
        );
    }
}

#[test]
fn at_most_three_differences_are_named_and_the_rest_is_counted() {
    let first = read(
        &[
            "GRANT SELECT ON *.* TO `app`@`%` WITH GRANT OPTION",
            "GRANT BACKUP_ADMIN ON *.* TO `app`@`%`",
            "GRANT SELECT (`a`, `b`, `c`, `d`) ON `shop`.`t` TO `app`@`%`",
            "GRANT `reader`@`%`,`r`@`localhost` TO `app`@`%`",
        ],
        MYSQL,
    );
    let second = read(&["GRANT INSERT ON `two\nlines`.* TO `app`@`%`"], MYSQL);
    let other = Account::new("app_clone", "%");
    assert_eq!(
        compare((&app(), &first), (&other, &second)),
        [
            "app@% has SELECT on *.*, GRANT OPTION on *.*, SELECT (a, b, c and 1 more) on shop.t and 3 more, \
             app_clone@% has not",
            "app_clone@% has INSERT on two?lines.*, app@% has not",
        ]
    );
}

#[test]
fn every_kind_of_difference_has_words() {
    let words = |rows: &[&str], other: &[&str], version| {
        let (one, two) = (read(rows, version), read(other, version));
        compare((&app(), &one), (&Account::new("b", "%"), &two)).join("; ")
    };
    for (has, lacks, expected, version) in [
        ("GRANT ALL PRIVILEGES ON `a`.* TO `app`@`%`", USAGE, "ALL PRIVILEGES on a.*", MYSQL),
        ("GRANT EXECUTE ON FUNCTION `a`.`f` TO `app`@`%`", USAGE, "EXECUTE on function a.f", MYSQL),
        ("GRANT `r`@`h` TO `app`@`%`", USAGE, "the role r@h", MYSQL),
        (
            "GRANT `r`@`%` TO `app`@`%` WITH ADMIN OPTION",
            "GRANT `r`@`%` TO `app`@`%`",
            "ADMIN OPTION for the role r",
            MYSQL,
        ),
        ("GRANT PROXY ON `t`@`%` TO `app`@`%`", USAGE, "PROXY on t@%", MYSQL),
        ("SET DEFAULT ROLE `r` FOR `app`@`%`", USAGE, "the default role r", MARIADB),
    ] {
        let expected = format!("app@% has {expected}, b@% has not");
        assert_eq!(words(&[has], &[lacks], version), expected);
    }
    let everywhere = "GRANT SELECT ON *.* TO `app`@`%`";
    let but = "REVOKE SELECT ON `a`.* FROM `app`@`%`";
    assert_eq!(
        words(&[everywhere], &[everywhere, but], MYSQL),
        "app@% has SELECT on a.*, b@% has not"
    );
}
