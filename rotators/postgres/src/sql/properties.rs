use proptest::prelude::*;
use proptest::test_runner::Config;

use super::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[\"'\\\\;E -]{0,8}", "[ -~]{0,12}", any::<String>()]
}

/// Reads a literal as PostgreSQL does, and what stands behind it.
fn read(literal: &str) -> Option<(String, &str)> {
    let mut rest = literal.strip_prefix("E'")?;
    let mut text = String::new();
    loop {
        let c = rest.chars().next()?;
        rest = &rest[c.len_utf8()..];
        match c {
            '\'' if rest.starts_with('\'') => {
                text.push('\'');
                rest = &rest[1..];
            }
            '\'' => return Some((text, rest)),
            '\\' => {
                let escaped = rest.chars().next()?;
                // Any other escape would mean something else than its character.
                if escaped != '\\' {
                    return None;
                }
                text.push(escaped);
                rest = &rest[1..];
            }
            c => text.push(c),
        }
    }
}

proptest! {
    #![proptest_config(Config { cases: 1024, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_literal_is_read_as_the_text_that_it_was_made_of(text in text()) {
        let literal = literal(&text) + " VALID";
        prop_assert_eq!(read(&literal), Some((text, " VALID")));
    }

    #[test]
    fn an_identifier_ends_where_it_should(name in text()) {
        let quoted = quoted(&name);
        let inside = quoted.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
        prop_assert!(!inside.replace("\"\"", "").contains('"'));
        prop_assert_eq!(inside.replace("\"\"", "\""), name);
    }
}
