use proptest::prelude::*;

use crate::fuzzing;
use crate::fuzzing::strategies::{cases, object, string, text};

/// A document with a field in it, the section `rotation` too, and how that field is called.
fn with_field() -> impl Strategy<Value = (String, String)> {
    (text(), string(), object(), object()).prop_map(|(field, value, object, section)| {
        let name = serde_json::Value::from(field.as_str());
        let rest = object.trim().trim_start_matches('{').trim();
        let comma = if rest == "}" { "" } else { "," };
        (field, format!("{{ {name}\n:{value} ,\"rotation\":{section}{comma} {rest}"))
    })
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn an_edit_of_any_document_sets_its_field_and_keeps_every_other_byte(
        stored in object(), field in text(), value in any::<String>(),
    ) {
        fuzzing::document(format!("{field}\n---\n{value}\n---\n{stored}").as_bytes());
    }

    #[test]
    fn an_edit_of_a_field_that_is_there_keeps_every_other_byte(
        (field, stored) in with_field(), value in text(),
    ) {
        fuzzing::document(format!("{field}\n---\n{value}\n---\n{stored}").as_bytes());
    }
}
