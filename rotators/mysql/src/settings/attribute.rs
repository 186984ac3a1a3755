//! The attribute of a user of MySQL 8.0.21 and later: a JSON object, with the comment and our mark among its keys.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// The key that is ours.
const MARK: &str = "turnlock";

/// The keys and the texts of their values. The server writes equal values in equal texts.
#[derive(Debug, Default)]
pub(super) struct Attribute(BTreeMap<String, Box<RawValue>>);

impl Attribute {
    /// Reads an object.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut keys: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).ok()?;
        // Nobody can set a key to null by ALTER USER: it takes the key away.
        keys.retain(|_, value| value.get() != "null");
        Some(Self(keys))
    }

    pub(super) fn mark(&self) -> Option<&str> {
        self.0.get(MARK).map(|value| value.get())
    }

    /// What `ALTER USER … ATTRIBUTE` has to merge into this one to make it `wanted`, with `mark` for its mark, if one is
    /// given; `None` if there is nothing to do.
    pub(super) fn patch(&self, wanted: &Self, mark: Option<&str>) -> Option<String> {
        let mut entries = entries(&self.0, &wanted.0);
        entries.retain(|(key, _)| key != MARK);
        if let Some(mark) = mark.filter(|mark| self.mark() != Some(*mark)) {
            entries.push((MARK.to_owned(), mark.to_owned()));
        }
        object(entries)
    }
}

type Keys = BTreeMap<String, Box<RawValue>>;

/// The merge would keep what only the old value has, in every object at every depth: that is set to null.
fn entries(from: &Keys, to: &Keys) -> Vec<(String, String)> {
    let mut entries = Vec::new();
    for key in from.keys().filter(|key| !to.contains_key(*key)) {
        entries.push((key.clone(), "null".to_owned()));
    }
    for (key, wanted) in to {
        let Some(known) = from.get(key) else {
            entries.push((key.clone(), wanted.get().to_owned()));
            continue;
        };
        if known.get() == wanted.get() {
            continue;
        }
        let value = match (Attribute::read(known.get()), Attribute::read(wanted.get())) {
            (Some(known), Some(wanted)) => object(self::entries(&known.0, &wanted.0)),
            _ => Some(wanted.get().to_owned()),
        };
        entries.extend(value.map(|value| (key.clone(), value)));
    }
    entries
}

fn object(entries: Vec<(String, String)>) -> Option<String> {
    let written = |(key, value)| format!("{}: {value}", serde_json::Value::String(key));
    let text = entries.into_iter().map(written).collect::<Vec<_>>().join(", ");
    (!text.is_empty()).then(|| format!("{{{text}}}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(from: &str, to: &str, mark: Option<&str>) -> Option<String> {
        let read = |text| Attribute::read(text).expect("an object");
        read(from).patch(&read(to), mark)
    }

    #[test]
    fn a_patch_makes_one_attribute_of_the_other() {
        for (from, to, expected) in [
            ("{}", r#"{"comment": "o'ne\n"}"#, Some(r#"{"comment": "o'ne\n"}"#)),
            (r#"{"a": 1, "b": 1.50}"#, r#"{"b": 1.50}"#, Some(r#"{"a": null}"#)),
            (
                r#"{"a": {"x": 1, "y": {"z": 1}}}"#,
                r#"{"a": {"x": 1, "y": {"w": 1}}}"#,
                Some(r#"{"a": {"y": {"z": null, "w": 1}}}"#),
            ),
            (
                r#"{"a": {"x": 1}}"#,
                r#"{"a": [12345678901234567890]}"#,
                Some(r#"{"a": [12345678901234567890]}"#),
            ),
            (r#"{"a": {"x": null}}"#, r#"{"a": {}, "b": null}"#, None),
        ] {
            assert_eq!(patch(from, to, None).as_deref(), expected, "{from} {to}");
        }
    }

    #[test]
    fn the_mark_is_neither_copied_nor_lost() {
        let marked = r#"{"turnlock": {"x": 1}}"#;
        assert_eq!(patch(marked, "{}", None), None);
        assert_eq!(patch("{}", marked, None), None);
        assert_eq!(patch(marked, "{}", Some(r#"{"x": 1}"#)), None);
        assert_eq!(patch(marked, "{}", Some("2")).as_deref(), Some(r#"{"turnlock": 2}"#));
    }
}
