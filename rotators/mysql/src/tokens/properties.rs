use proptest::prelude::*;

use super::*;
use crate::account::Account;
use crate::fuzzing::cases;
use crate::sql::{literal, quoted};
use crate::version::tests::{MARIADB, MYSQL, MYSQL_5_7};

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,8}", "[`'\"\\\\ .,@()*;-]{0,6}", any::<String>()]
}

/// As a server reads a text behind the guard, where only quotes are doubled.
fn as_read(literal: &str) -> Option<String> {
    let inside = literal.strip_prefix('\'')?.strip_suffix('\'')?;
    let single = inside.replace("''", "").contains('\'');
    (!single).then(|| inside.replace("''", "'"))
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn a_quoted_name_is_one_token_with_that_name(names in proptest::collection::vec(name(), 1..4)) {
        let line = names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(".");
        for version in [MYSQL, MYSQL_5_7, MARIADB] {
            let mut tokens = Tokens::of(&line, version).unwrap();
            for name in &names {
                let read = tokens.name();
                prop_assert_eq!(read.as_ref(), Some(name));
                tokens.takes_sign('.');
            }
            prop_assert!(tokens.is_at_end());
        }
    }

    #[test]
    fn an_account_is_read_as_it_stands_in_statements(user in name(), host in name()) {
        let account = Account::new(user, host);
        for version in [MYSQL, MYSQL_5_7, MARIADB] {
            let mut tokens = Tokens::of(&account.quoted(), version).unwrap();
            let read = tokens.account();
            prop_assert_eq!(read.as_ref(), Some(&account));
            prop_assert!(tokens.is_at_end());
        }
    }

    #[test]
    fn a_text_in_a_statement_ends_where_it_should(text in name()) {
        prop_assert_eq!(as_read(&literal(&text)), Some(text));
    }

    #[test]
    fn mariadbs_texts_are_read_as_they_were(text in name()) {
        let mut printed = String::from("'");
        for c in text.chars() {
            match c {
                '\'' => printed += "''",
                '\\' => printed += "\\\\",
                '\0' => printed += "\\0",
                '\n' => printed += "\\n",
                '\r' => printed += "\\r",
                '\x1a' => printed += "\\Z",
                c => printed.push(c),
            }
        }
        let mut tokens = Tokens::of(&(printed + "' X"), MARIADB).unwrap();
        let read = tokens.text().unwrap();
        prop_assert_eq!(read.expose(), text);
        prop_assert!(tokens.takes("X"));
    }

    #[test]
    fn any_line_is_taken_apart_or_refused(line in "[A-Z `'\"@.,()*0x<>\\\\]{0,24}|\\PC{0,24}") {
        for version in [MYSQL, MYSQL_5_7, MARIADB] {
            let quotes = line.contains(['\'', '`', '"']);
            prop_assert!(Tokens::of(&line, version).is_some() || quotes);
        }
        prop_assert!(!kind(&line).contains(['\'', '`', '"', '0']));
    }
}
