//! On rows as MariaDB 10.11 and 11.8 and MySQL 9.7 print them; those of MySQL 5.7 and 8.0 are from its manual.

use turnlock::Sensitive;

use super::statements::{creation, difference, letting_in};
use super::{Digest, Rule, Settings, compare};
use crate::account::Account;
use crate::privileges::Role;
use crate::version::tests::{MARIADB, MYSQL, MYSQL_5_7};
use crate::version::{Product, Version};

const DIGEST: &str = "2441243030412403";

fn app() -> Account {
    Account::new("app", "%")
}

fn read(row: &str, attribute: Option<&str>, version: Version) -> Settings {
    Settings::read(row, attribute, &app(), version).expect(row)
}

/// A row of MySQL 9.7 with these clauses in place of the defaults.
fn mysql(requirement: &str, rest: &str) -> String {
    format!(
        "CREATE USER `app`@`%` IDENTIFIED WITH 'caching_sha2_password' AS 0x{DIGEST} REQUIRE {requirement} {rest}"
    )
}

const DEFAULTS: &str = "PASSWORD EXPIRE DEFAULT ACCOUNT UNLOCK PASSWORD HISTORY DEFAULT PASSWORD REUSE INTERVAL DEFAULT PASSWORD REQUIRE CURRENT DEFAULT";
const FULL: &str = "WITH MAX_QUERIES_PER_HOUR 1 MAX_UPDATES_PER_HOUR 2 MAX_CONNECTIONS_PER_HOUR 3 MAX_USER_CONNECTIONS 4 PASSWORD EXPIRE INTERVAL 3 DAY ACCOUNT LOCK PASSWORD HISTORY 5 PASSWORD REUSE INTERVAL 6 DAY PASSWORD REQUIRE CURRENT OPTIONAL FAILED_LOGIN_ATTEMPTS 3 PASSWORD_LOCK_TIME UNBOUNDED";

fn change(from: &Settings, to: &Settings, mark: Option<&str>, version: Version) -> Vec<String> {
    let all = difference(from, to, &app(), mark, version);
    all.iter().map(|statement| statement.replace("ALTER USER IF EXISTS `app`@`%`", "A")).collect()
}

#[test]
fn all_that_mysql_prints_is_set_again_and_reset_again() {
    // Its texts have quotes in them that are not escaped, and its attribute has lost what is not in it here.
    let row = mysql("SUBJECT '/CN=o'ne\\two' ISSUER 'a' CIPHER 'b'", FULL)
        + r#" ATTRIBUTE '{"comment": "o'ne\\two \"q\" ????"}'"#;
    let full = read(&row, Some("{\"comment\": \"o'ne\\\\two 😀\"}"), MYSQL);
    let plain = read(&mysql("NONE", DEFAULTS), None, MYSQL);
    assert!(full.is_locked && !plain.is_locked);
    assert_eq!(
        change(&plain, &full, None, MYSQL),
        [
            "A REQUIRE CIPHER 'b' AND ISSUER 'a' AND SUBJECT '/CN=o''ne\\two' WITH MAX_QUERIES_PER_HOUR 1 MAX_UPDATES_PER_HOUR 2 MAX_CONNECTIONS_PER_HOUR 3 MAX_USER_CONNECTIONS 4 PASSWORD EXPIRE INTERVAL 3 DAY PASSWORD HISTORY 5 PASSWORD REUSE INTERVAL 6 DAY PASSWORD REQUIRE CURRENT OPTIONAL FAILED_LOGIN_ATTEMPTS 3 PASSWORD_LOCK_TIME UNBOUNDED ATTRIBUTE '{\"comment\": \"o''ne\\\\two 😀\"}'"
        ]
    );
    assert_eq!(
        change(&full, &plain, None, MYSQL),
        [
            // The default alone would leave the three days in memory.
            "A PASSWORD EXPIRE NEVER",
            "A REQUIRE NONE WITH MAX_QUERIES_PER_HOUR 0 MAX_UPDATES_PER_HOUR 0 MAX_CONNECTIONS_PER_HOUR 0 MAX_USER_CONNECTIONS 0 PASSWORD EXPIRE DEFAULT PASSWORD HISTORY DEFAULT PASSWORD REUSE INTERVAL DEFAULT PASSWORD REQUIRE CURRENT DEFAULT FAILED_LOGIN_ATTEMPTS 0 PASSWORD_LOCK_TIME 0 ATTRIBUTE '{\"comment\": null}'"
        ]
    );
    assert!(change(&full, &full, None, MYSQL).is_empty());
    assert!(compare(&full, &full).is_empty());
}

#[test]
fn all_that_mariadb_prints_is_set_again_and_reset_again() {
    let full = read(
        r"CREATE USER `app`@`%` IDENTIFIED BY PASSWORD '*B69027' REQUIRE SUBJECT '/CN=o''ne\\two' WITH MAX_QUERIES_PER_HOUR 10 MAX_USER_CONNECTIONS 3 MAX_STATEMENT_TIME 1.500000 ACCOUNT LOCK PASSWORD EXPIRE INTERVAL 3 DAY",
        None,
        MARIADB,
    );
    let plain = read("CREATE USER `app`@`%` IDENTIFIED BY PASSWORD '*B69027'", None, MARIADB);
    assert!(full.is_locked);
    assert_eq!(
        change(&plain, &full, None, MARIADB),
        [
            r"A REQUIRE SUBJECT '/CN=o''ne\two' WITH MAX_QUERIES_PER_HOUR 10 MAX_USER_CONNECTIONS 3 MAX_STATEMENT_TIME 1.500000 PASSWORD EXPIRE INTERVAL 3 DAY"
        ]
    );
    assert_eq!(
        change(&full, &plain, None, MARIADB),
        [
            "A REQUIRE NONE WITH MAX_QUERIES_PER_HOUR 0 MAX_USER_CONNECTIONS 0 MAX_STATEMENT_TIME 0 PASSWORD EXPIRE DEFAULT"
        ]
    );
}

#[test]
fn an_old_mysql_is_told_nothing_that_it_does_not_know() {
    let row = |rest| {
        format!(
            "CREATE USER 'app'@'%' IDENTIFIED WITH 'mysql_native_password' AS '*2470' REQUIRE SSL {rest}"
        )
    };
    let old = read(&row("PASSWORD EXPIRE NEVER ACCOUNT UNLOCK"), None, MYSQL_5_7);
    assert_eq!(
        creation(&old, &app(), &old.rules, None, MYSQL_5_7).expose(),
        "CREATE USER `app`@`%` IDENTIFIED WITH 'mysql_native_password' AS '*2470' REQUIRE SSL ACCOUNT LOCK PASSWORD EXPIRE NEVER"
    );
    // 8.0.13 has no limit of failed logins yet, and 8.0.16 prints a salt as it is.
    let early = Version { product: Product::MySql, number: (8, 0, 16) };
    let row = format!(
        "CREATE USER 'app'@'%' IDENTIFIED WITH 'caching_sha2_password' AS '$A$005$a'b\nc' REQUIRE NONE {DEFAULTS}"
    );
    let settings = read(&row, None, early);
    assert_eq!(settings.rules[0].digest, Digest::Text(Sensitive::new("$A$005$a'b\nc")));
    assert_eq!(
        creation(&settings, &app(), &settings.rules, None, early).expose(),
        "CREATE USER `app`@`%` IDENTIFIED WITH 'caching_sha2_password' AS '$A$005$a''b\nc' ACCOUNT LOCK"
    );
}

#[test]
fn an_account_is_made_locked_and_let_in_last() {
    let first = read(&mysql("X509", DEFAULTS), Some("{\"team\": 1, \"turnlock\": 0}"), MYSQL);
    let rules = [Rule {
        plugin: "caching_sha2_password".into(),
        digest: Digest::Hex(Sensitive::new("2441")),
    }];
    assert_eq!(
        creation(&first, &app(), &rules, Some("{\"v\": 1}"), MYSQL).expose(),
        "CREATE USER `app`@`%` IDENTIFIED WITH 'caching_sha2_password' AS 0x2441 REQUIRE X509 ACCOUNT LOCK ATTRIBUTE '{\"team\": 1, \"turnlock\": {\"v\": 1}}'"
    );
    assert_eq!(
        letting_in(&app(), &rules, MYSQL).expose(),
        "ALTER USER IF EXISTS `app`@`%` IDENTIFIED WITH 'caching_sha2_password' AS 0x2441 ACCOUNT UNLOCK"
    );
    let rules = ["one", "two"].map(|digest| Rule {
        plugin: "ed25519".into(),
        digest: Digest::Text(Sensitive::new(digest)),
    });
    assert_eq!(
        letting_in(&app(), &rules, MARIADB).expose(),
        "ALTER USER IF EXISTS `app`@`%` IDENTIFIED VIA 'ed25519' USING 'one' OR 'ed25519' USING 'two' ACCOUNT UNLOCK"
    );
}

#[test]
fn a_digest_that_is_hidden_makes_no_account_without_a_password() {
    let row = format!(
        "CREATE USER `app`@`%` IDENTIFIED WITH 'caching_sha2_password' AS <secret> REQUIRE NONE {DEFAULTS}"
    );
    let settings = read(&row, None, MYSQL);
    assert_eq!(
        letting_in(&app(), &settings.rules, MYSQL).expose(),
        "ALTER USER IF EXISTS `app`@`%` IDENTIFIED WITH 'caching_sha2_password' AS <secret> ACCOUNT UNLOCK"
    );
}

#[test]
fn every_way_to_log_in_is_read() {
    let rules = |how: &str, version| -> Vec<(String, Digest)> {
        let row = format!("CREATE USER `app`@`%`{how}");
        let rules = read(&row, None, version).rules;
        rules.into_iter().map(|rule| (rule.plugin, rule.digest)).collect()
    };
    let text = |text: &str| Digest::Text(Sensitive::new(text));
    let native = || "mysql_native_password".to_owned();
    assert_eq!(rules("", MARIADB), [(native(), Digest::Nothing)]);
    assert_eq!(rules(" IDENTIFIED BY PASSWORD '*B6'", MARIADB), [(native(), text("*B6"))]);
    assert_eq!(
        rules(
            " IDENTIFIED VIA ed25519 USING 'Gv' OR mysql_native_password USING '*F3' OR unix_socket",
            MARIADB
        ),
        [
            ("ed25519".to_owned(), text("Gv")),
            (native(), text("*F3")),
            ("unix_socket".to_owned(), Digest::Nothing),
        ]
    );
    assert_eq!(
        rules(r" IDENTIFIED VIA unix_socket USING 'o''n\\e'", MARIADB),
        [("unix_socket".to_owned(), text(r"o'n\e"))]
    );
    let sha2 = || "caching_sha2_password".to_owned();
    assert_eq!(
        rules(" IDENTIFIED WITH 'caching_sha2_password' AS <secret> REQUIRE NONE", MYSQL),
        [(sha2(), Digest::Hidden)]
    );
    assert_eq!(
        rules(" IDENTIFIED WITH 'caching_sha2_password' AS 0x24412430 REQUIRE NONE", MYSQL),
        [(sha2(), Digest::Hex(Sensitive::new("24412430")))]
    );
    assert_eq!(
        rules(" IDENTIFIED WITH 'caching_sha2_password' REQUIRE NONE", MYSQL),
        [(sha2(), Digest::Nothing)]
    );
}

#[test]
fn default_roles_of_mysql_are_among_the_settings() {
    let row = format!(
        "CREATE USER `app`@`%` IDENTIFIED WITH 'caching_sha2_password' AS <secret> DEFAULT ROLE `r``q`@`localhost`,`reader`@`%` REQUIRE NONE {DEFAULTS}"
    );
    let settings = read(&row, None, MYSQL);
    let role = |name: &str, host: &str| Role { name: name.into(), host: Some(host.into()) };
    assert_eq!(
        settings.default_roles.iter().cloned().collect::<Vec<_>>(),
        [role("r`q", "localhost"), role("reader", "%")]
    );
    let without = read(&mysql("NONE", DEFAULTS), None, MYSQL);
    assert_eq!(compare(&settings, &without), ["DEFAULT ROLE"]);
    // A role has to be granted first, so it is set with the privileges.
    assert!(change(&without, &settings, None, MYSQL).is_empty());
}

#[test]
fn an_expiry_by_hand_is_not_copied() {
    let expired = DEFAULTS.replace("EXPIRE DEFAULT", "EXPIRE");
    let never = DEFAULTS.replace("EXPIRE DEFAULT", "EXPIRE NEVER");
    let [expired, never, plain] =
        [&expired, &never, DEFAULTS].map(|rest| read(&mysql("NONE", rest), None, MYSQL));
    assert!(expired.is_expired && !never.is_expired);
    for other in [&never, &plain] {
        assert!(change(other, &expired, None, MYSQL).is_empty());
        assert!(compare(other, &expired).is_empty() && compare(&expired, other).is_empty());
    }
    // What it was before the expiry, the server does not say.
    assert_eq!(change(&expired, &never, None, MYSQL), ["A PASSWORD EXPIRE NEVER"]);
    let both = ["A PASSWORD EXPIRE NEVER", "A PASSWORD EXPIRE DEFAULT"];
    assert_eq!(change(&expired, &plain, None, MYSQL), both);
    let mariadb = |rest: &str| read(&format!("CREATE USER `app`@`%`{rest}"), None, MARIADB);
    assert_eq!(
        change(&mariadb(" PASSWORD EXPIRE"), &mariadb(""), None, MARIADB),
        ["A PASSWORD EXPIRE DEFAULT"]
    );
}

#[test]
fn the_mark_is_read_and_written_and_no_difference() {
    let row = mysql("NONE", DEFAULTS);
    let with = read(&row, Some("{\"turnlock\": {\"v\": 1}, \"team\": 1}"), MYSQL);
    let without = read(&row, Some("{\"team\": 1}"), MYSQL);
    assert_eq!(with.mark(), Some("{\"v\": 1}"));
    assert_eq!(without.mark(), None);
    assert!(compare(&with, &without).is_empty());
    assert!(change(&with, &without, Some("{\"v\": 1}"), MYSQL).is_empty());
    assert_eq!(
        change(&without, &with, Some("{\"v\": 2}"), MYSQL),
        ["A ATTRIBUTE '{\"turnlock\": {\"v\": 2}}'"]
    );
}

#[test]
fn differences_are_named_without_a_value() {
    let plain = read(&mysql("NONE", DEFAULTS), None, MYSQL);
    let full = read(&mysql("SUBJECT '/CN=x'", FULL), Some("{\"a\": 1}"), MYSQL);
    assert_eq!(
        compare(&plain, &full).join(", "),
        "REQUIRE, MAX_QUERIES_PER_HOUR, MAX_UPDATES_PER_HOUR, MAX_CONNECTIONS_PER_HOUR, MAX_USER_CONNECTIONS, \
         PASSWORD EXPIRE, PASSWORD HISTORY, PASSWORD REUSE INTERVAL, PASSWORD REQUIRE CURRENT, \
         FAILED_LOGIN_ATTEMPTS, PASSWORD_LOCK_TIME, ATTRIBUTE"
    );
    let other = mysql("NONE", DEFAULTS).replace("caching_sha2", "sha256");
    assert_eq!(compare(&plain, &read(&other, None, MYSQL)), ["the authentication plugin"]);
    let current = DEFAULTS.replace("REQUIRE CURRENT DEFAULT", "REQUIRE CURRENT");
    let current = read(&mysql("NONE", &current), None, MYSQL);
    assert_eq!(compare(&plain, &current), ["PASSWORD REQUIRE CURRENT"]);
    assert_eq!(change(&plain, &current, None, MYSQL), ["A PASSWORD REQUIRE CURRENT"]);
}

#[test]
fn what_cannot_be_read_is_refused_without_a_digest() {
    for (row, part, version) in [
        (
            mysql("NONE", DEFAULTS)
                .replace(" REQUIRE NONE", " AND IDENTIFIED WITH 'ldap' AS 'uid' REQUIRE NONE"),
            "more than one factor",
            MYSQL,
        ),
        (mysql("NONE", DEFAULTS) + " NEW_THING 3", "begins with NEW_THING", MYSQL),
        (mysql("NONE", DEFAULTS) + " PASSWORD NEW THING", "begins with PASSWORD", MYSQL),
        (mysql("A SMILE", DEFAULTS), "begins with REQUIRE", MYSQL),
        (mysql("SUBJECT 'o", ""), "a text without an end", MYSQL),
        (mysql("NONE", DEFAULTS).replace("app", "other"), "another account", MYSQL),
        (
            format!("CREATE USER `app`@`%` IDENTIFIED BY MAGIC '{DIGEST}'"),
            "begins with IDENTIFIED",
            MARIADB,
        ),
    ] {
        let error = Settings::read(&row, None, &app(), version).expect_err(&row);
        assert_eq!(error.class(), turnlock::Class::Refused);
        let text = error.to_string();
        assert!(text.contains(part) && !text.contains(DIGEST), "{text}");
    }
    assert!(Settings::read(&mysql("NONE", DEFAULTS), Some("[1]"), &app(), MYSQL).is_err());
}

#[test]
fn a_digest_is_nowhere_in_what_is_printed_of_settings() {
    let settings = format!("{:?}", read(&mysql("NONE", DEFAULTS), None, MYSQL));
    assert!(settings.contains("caching_sha2_password") && !settings.contains(DIGEST), "{settings}");
}
