use proptest::collection::btree_map;
use proptest::prelude::*;
use serde_json::json;

use crate::fuzzing;
use crate::fuzzing::strategies::{cases, text};
use crate::percent_encoded;

/// A piece of a template of the fields that the secret has.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z:/?&=@. ]{0,8}",
        4 => Just("{username}".to_owned()),
        4 => Just("{password|percent}".to_owned()),
        2 => Just("{port}".to_owned()),
        1 => Just("{{".to_owned()),
        1 => Just("}}".to_owned()),
        1 => "[{}|a-z]{0,5}",
        1 => text(),
    ]
}

fn template() -> impl Strategy<Value = String> {
    proptest::collection::vec(piece(), 0..6).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn what_templates_make_is_made_again_as_it_was_and_all_else_stays(
        templates in btree_map("[a-z]{1,4}|port|url", template(), 0..3),
        username in text(),
        password in any::<String>(),
    ) {
        let rotation = json!({"derived": templates});
        let secret = json!({"username": username, "password": password, "port": 5432, "rotation": rotation});
        fuzzing::derived(secret.to_string().as_bytes());
    }

    #[test]
    fn percent_encoding_is_read_back_and_leaves_nothing_reserved(text in any::<String>()) {
        fuzzing::derived(text.as_bytes());
        let encoded = percent_encoded(&text);
        let pair = format!("a={}", encoded.expose());
        let (_, read) = form(&pair);
        prop_assert_eq!(read, text);
    }
}

/// As a reader of forms has it, who takes `+` for a space.
fn form(pair: &str) -> (String, String) {
    let (name, value) = pair.split_once('=').unwrap();
    let mut bytes = Vec::new();
    let mut rest = value.as_bytes();
    while let [first, tail @ ..] = rest {
        if let (b'%', [a, b, ..]) = (first, tail) {
            let digits = [*a, *b];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            rest = &tail[2..];
        } else {
            bytes.push(if *first == b'+' { b' ' } else { *first });
            rest = tail;
        }
    }
    (name.to_owned(), String::from_utf8(bytes).unwrap())
}
