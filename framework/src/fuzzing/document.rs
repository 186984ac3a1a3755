use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::RawValue;

use super::parts;
use crate::{Document, Edit, Sensitive};

/// Numbers may be larger than any that a reader of numbers has.
type Members = BTreeMap<String, Box<RawValue>>;

/// An edit of a stored secret: a field, its new value and the document.
///
/// What is not edited keeps its bytes, and the field reads as it was set.
pub fn document(data: &[u8]) {
    let Some([field, value, stored]) = parts(data) else { return };
    let Ok(before) = Document::parse(Sensitive::new(stored)) else {
        assert!(serde_json::from_str::<Members>(stored).is_err(), "{stored}");
        return;
    };
    assert_eq!(before.text().expose(), stored);
    for name in before.names() {
        let read = (before.text_of(name), before.flag(name), before.number(name, 0..10));
        drop((read, before.section(name), before.scalar(name)));
    }
    let unchanged = before.edited(&Edit::new()).expect("no edit");
    assert_eq!(unchanged.text().expose(), stored);
    set(&before, field, value);
    set_in(&before, field, value);
}

fn set(before: &Document, field: &str, value: &str) {
    let edit = || Edit::new().set(field, Sensitive::new(value));
    let times = before.names().filter(|name| *name == field).count();
    let Ok(after) = before.edited(&edit()) else {
        assert!(times > 1, "one field cannot be set");
        return;
    };
    assert_eq!(after.optional_string(field), Ok(Some(value.to_owned())));
    assert_eq!(values(&after, field), values(before, field));
    assert_eq!(after.names().count(), before.names().count() + usize::from(times == 0));
    keeps_what_is_around(before, &after, field);
    // As anybody else reads it.
    let read: Members = serde_json::from_str(after.text().expose()).expect("JSON");
    let read: Option<Value> = read.get(field).and_then(|raw| serde_json::from_str(raw.get()).ok());
    assert_eq!(read, Some(Value::from(value)));
    let again = after.edited(&edit()).expect("an edit");
    assert_eq!(again.text(), after.text());
}

fn set_in(before: &Document, field: &str, value: &str) {
    const SECTION: &str = "rotation";
    let edit = Edit::new().set_in(SECTION, field, Sensitive::new(value));
    let Ok(after) = before.edited(&edit) else { return };
    let section = after.section(SECTION).expect("a section").expect("is there");
    assert_eq!(section.optional_string(field), Ok(Some(value.to_owned())));
    assert_eq!(values(&after, SECTION), values(before, SECTION));
    if let Ok(Some(old)) = before.section(SECTION) {
        assert_eq!(values(&section, field), values(&old, field));
        keeps_what_is_around(&old, &section, field);
    }
    keeps_what_is_around(before, &after, SECTION);
}

/// The other fields, each with the text of its value, in their order.
fn values<'a>(document: &'a Document, field: &str) -> Vec<(&'a str, Option<&'a str>)> {
    let others = document.names().filter(|name| *name != field);
    others.map(|name| (name, document.raw(name).ok().flatten())).collect()
}

/// An edit puts one value in another's place, or a field where none was.
fn keeps_what_is_around(before: &Document, after: &Document, field: &str) {
    let (old, new) = (before.text().expose(), after.text().expose());
    let start = |document: &Document, raw: &str| {
        raw.as_ptr() as usize - document.text().expose().as_ptr() as usize
    };
    if let (Ok(Some(out)), Ok(Some(put))) = (before.raw(field), after.raw(field)) {
        let (at, there) = (start(before, out), start(after, put));
        assert_eq!(
            (&old[..at], &old[at + out.len()..]),
            (&new[..there], &new[there + put.len()..])
        );
    } else if before.names().all(|name| name != field) {
        let same = old.bytes().zip(new.bytes()).take_while(|(old, new)| old == new).count();
        assert!(new.as_bytes().ends_with(&old.as_bytes()[same..]), "{old} {new}");
    }
}
