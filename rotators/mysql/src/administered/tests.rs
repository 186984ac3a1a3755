use turnlock::{Credential as _, Document};

use super::*;
use crate::accounts::Rule;
use crate::digest;

fn login(password: &str) -> Login {
    let text = format!(r#"{{"host":"db","username":"app","password":"{password}"}}"#);
    Login::read(&Document::parse(Sensitive::new(text)).unwrap()).unwrap()
}

fn native(password: &str) -> Sensitive {
    digest::native(&Sensitive::new(password))
}

fn held(passwords: &[&str], retained: Option<&str>) -> Held {
    let rule = |password: &&str| {
        let plugin = "mysql_native_password".to_owned();
        Rule { plugin, digest: native(password) }
    };
    Held {
        account: Account::new("app", "10.%"),
        rules: passwords.iter().map(rule).collect(),
        retained: retained.map(native),
        requires: Requirement::Nothing,
    }
}

/// The statement by which an account gets the password `new` after `now`, with digests as passwords.
fn statement(
    held: &Held,
    change: impl for<'a> Fn(&Next<'a>) -> Option<Sensitive>,
) -> Option<String> {
    let (current, pending, digest) = (login("now"), login("new"), native("new"));
    let (current, pending, digest) = (&current, &pending, &digest);
    let next = Next { held, plugin: Plugin::Native, digest, current, pending };
    let mut text = alter(&[change(&next)?]).expose().to_owned();
    for password in ["new", "now", "old", "else"] {
        text = text.replace(native(password).expose(), password);
    }
    let (start, rest) = text.split_once("`app`@`10.%` ").unwrap();
    assert_eq!(start, "ALTER USER IF EXISTS ", "a replica may be without the account");
    Some(rest.replace("mysql_native_password", "native"))
}

/// MySQL has it so from 5.7.8 on.
#[test]
fn a_password_is_replaced_by_its_digest_with_the_same_plugin() {
    let text = statement(&held(&["now"], None), |next| Some(next.replace()));
    assert_eq!(text.as_deref(), Some("IDENTIFIED WITH 'native' AS 'new'"));
}

#[test]
fn mysql_retains_the_current_password_where_it_is_the_first_one_and_not_twice() {
    let retain = |first, second| statement(&held(&[first], second), |next| next.retain());
    let plain = Some("IDENTIFIED WITH 'native' AS 'new'".to_owned());
    let retaining = plain.as_ref().map(|plain| format!("{plain} RETAIN CURRENT PASSWORD"));
    assert_eq!(retain("now", Some("old")), retaining);
    assert_eq!(retain("now", None), retaining);
    // Of a rotation that was given up.
    assert_eq!(retain("else", Some("now")), plain);
    // Somebody has set it by hand.
    assert_eq!(retain("else", Some("old")), retaining);
    assert_eq!(retain("new", Some("now")), None);
}

#[test]
fn mariadb_has_a_rule_for_the_next_password_and_one_for_the_current() {
    let add = |rules: &[&str]| statement(&held(rules, None), |next| Some(next.add_rule()));
    let both = Some("IDENTIFIED VIA `native` USING 'new' OR `native` USING 'now'".to_owned());
    for rules in [&["now"][..], &["now", "old"], &["else", "now"], &["new", "now"]] {
        assert_eq!(add(rules), both, "{rules:?}");
    }
    let by_hand = "IDENTIFIED VIA `native` USING 'new' OR `native` USING 'else'";
    assert_eq!(add(&["else"]).as_deref(), Some(by_hand));
}

#[test]
fn mariadb_replaces_the_rule_of_the_secrets_password_alone() {
    let replace = |rules: &[&str]| statement(&held(rules, None), |next| Some(next.replace_rule()));
    let one = Some("IDENTIFIED VIA `native` USING 'new'".to_owned());
    assert_eq!(replace(&["now"]), one);
    assert_eq!(replace(&["else"]), one);
    let beside = "IDENTIFIED VIA `native` USING 'else' OR `native` USING 'new'";
    assert_eq!(replace(&["else", "now"]).as_deref(), Some(beside));
}
