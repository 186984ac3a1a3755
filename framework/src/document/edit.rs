//! The edit that makes the next version of a secret of the current one.

use super::{Document, Malformed};
use crate::Sensitive;

/// The fields of the current document that the next one changes; every other field stays.
#[derive(Debug, Default)]
pub struct Edit(Vec<(String, Change)>);

#[derive(Debug)]
enum Change {
    /// Another text instead of whatever was there.
    Text(Sensitive),
    /// An edit of the object that is there.
    Section(Edit),
}

impl Edit {
    /// Changes nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one text field, which is appended where the document does not have it.
    #[must_use]
    pub fn set(mut self, field: impl Into<String>, value: Sensitive) -> Self {
        self.put(field.into(), Change::Text(value));
        self
    }

    /// Sets one text field of an object inside the document, such as `rotation`.
    ///
    /// An object that is absent or null is made with the field in it. Where the section is no object,
    /// [`Document::edited`] fails.
    #[must_use]
    pub fn set_in(
        mut self,
        section: impl Into<String>,
        field: impl Into<String>,
        value: Sensitive,
    ) -> Self {
        let (section, field) = (section.into(), field.into());
        let known = self.0.iter_mut().find(|(name, _)| *name == section);
        match known {
            Some((_, Change::Section(edit))) => edit.put(field, Change::Text(value)),
            Some((_, Change::Text(_))) | None => {
                self.put(section, Change::Section(Self::new().set(field, value)));
            }
        }
        self
    }

    /// The names of the fields and sections that are changed.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    fn put(&mut self, name: String, change: Change) {
        self.0.retain(|(known, _)| *known != name);
        self.0.push((name, change));
    }
}

impl Document {
    /// The next version: the edited fields replaced or appended, all other bytes kept.
    pub fn edited(&self, edit: &Edit) -> Result<Self, Malformed> {
        self.spliced(&edit.0).and_then(Self::parse)
    }

    /// The same, but for one field or section, which stays as it is.
    pub(crate) fn edited_without(&self, edit: &Edit, name: &str) -> Result<Self, Malformed> {
        let changes = edit.0.iter().filter(|(changed, _)| changed != name);
        self.spliced(changes).and_then(Self::parse)
    }

    /// The text of this object, edited.
    fn spliced<'e>(
        &self,
        changes: impl IntoIterator<Item = &'e (String, Change)>,
    ) -> Result<Sensitive, Malformed> {
        let mut splices = Vec::new();
        let mut comma = if self.fields.is_empty() { "" } else { "," };
        for (name, change) in changes {
            let value = match change {
                Change::Text(text) => quoted(text.expose()),
                Change::Section(edit) => match self.section(name)? {
                    Some(section) => section.spliced(&edit.0)?,
                    None => Self::empty().spliced(&edit.0)?,
                },
            };
            if let Some(field) = self.find(name)? {
                splices.push((field.value.clone(), value));
            } else {
                let (end, name) = (self.end(), quoted(name));
                splices.push((end..end, joined(&[comma, name.expose(), ":", value.expose()])));
                comma = ",";
            }
        }
        splices.sort_by_key(|(range, _)| range.start);

        let old = self.text.expose();
        let (mut parts, mut done) = (Vec::new(), 0);
        for (range, value) in &splices {
            parts.extend([&old[done..range.start], value.expose()]);
            done = range.end;
        }
        parts.push(&old[done..]);
        Ok(joined(&parts))
    }

    fn empty() -> Self {
        Self { text: Sensitive::new("{}"), fields: Vec::new(), path: String::new() }
    }

    /// Where a field is appended: after the last value, before the closing brace.
    fn end(&self) -> usize {
        match self.fields.iter().map(|f| f.value.end).max() {
            Some(end) => end,
            None => self.text.expose().find('{').map_or(0, |brace| brace + 1),
        }
    }
}

/// One text of many, made at its full length: a string that grows leaves copies of itself behind.
fn joined(parts: &[&str]) -> Sensitive {
    Sensitive::new(parts.concat())
}

/// A text as a JSON string.
fn quoted(text: &str) -> Sensitive {
    // The longest escape is six characters, of a control character.
    let mut json = String::with_capacity(2 + 6 * text.len());
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\0'..' ' => json.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => json.push(c),
        }
    }
    json.push('"');
    Sensitive::new(json)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        Document::parse(Sensitive::new(text)).unwrap()
    }

    fn edited(text: &str, edit: Edit) -> String {
        document(text).edited(&edit).unwrap().text().expose().to_owned()
    }

    fn refused(text: &str, edit: Edit) -> String {
        document(text).edited(&edit).unwrap_err().to_string()
    }

    /// The edit of a rotation that takes turns, in small.
    fn turn() -> Edit {
        Edit::new().set("p", Sensitive::new("2")).set_in("rotation", "name", Sensitive::new("b"))
    }

    #[test]
    fn an_edit_keeps_every_other_byte() {
        let odd = "{ \"z\" : 1.0e+2,\n\t\"password\":\"old\", \"a\\u00e9\": [1, {\"x\" : null}], \"n\":123456789012345678901234567890 }";
        let next = edited(odd, Edit::new().set("password", Sensitive::new("n\"e\\w")));
        assert_eq!(next, odd.replace("\"old\"", r#""n\"e\\w""#));
    }

    #[test]
    fn a_field_that_is_not_there_is_appended() {
        let set = |value: &str| Edit::new().set("password", Sensitive::new(value));
        assert_eq!(edited(r#"{"a":1}"#, set("p")), r#"{"a":1,"password":"p"}"#);
        assert_eq!(edited(" {} ", set("p")), r#" {"password":"p"} "#);
        let two = set("p").set("url", Sensitive::new("u"));
        assert_eq!(edited("{}", two), r#"{"password":"p","url":"u"}"#);
    }

    #[test]
    fn the_last_of_two_edits_of_a_field_counts() {
        let edit = Edit::new().set("a", Sensitive::new("1")).set("a", Sensitive::new("2"));
        assert_eq!(edited(r#"{"a":"0"}"#, edit), r#"{"a":"2"}"#);

        let edit = turn().set_in("rotation", "name", Sensitive::new("c"));
        assert_eq!(edited("{}", edit), r#"{"p":"2","rotation":{"name":"c"}}"#);

        let edit = turn().set("rotation", Sensitive::new("t"));
        assert_eq!(edited("{}", edit), r#"{"p":"2","rotation":"t"}"#);
        let edit = Edit::new().set("rotation", Sensitive::new("t"));
        let edit = edit.set_in("rotation", "name", Sensitive::new("c"));
        assert_eq!(edited("{}", edit), r#"{"rotation":{"name":"c"}}"#);
    }

    #[test]
    fn an_edit_inside_a_section_keeps_every_other_byte() {
        let odd = "{ \"rotation\" :\t{ \"n\": 1.0e+2 ,\"name\"\n: \"a\" , \"\\u00e9\": {\"name\" : \"a\"} } , \"p\":\"1\",\r\n\"name\":\"a\" }";
        let next = odd.replacen("\"a\"", "\"b\"", 1).replace("\"1\"", "\"2\"");
        assert_eq!(edited(odd, turn()), next);
    }

    #[test]
    fn a_field_that_a_section_does_not_have_is_appended_to_it() {
        for (section, next) in [
            ("{}", r#"{"name":"b"}"#),
            ("{ }", r#"{"name":"b" }"#),
            ("{\n \"x\" : 1 \n}", "{\n \"x\" : 1,\"name\":\"b\" \n}"),
            ("{\"name\" : null}", "{\"name\" : \"b\"}"),
            ("{\"name\" : {\"x\": [1]}}", "{\"name\" : \"b\"}"),
        ] {
            let text = format!("{{\"p\":\"1\", \"rotation\" : {section} , \"z\":0}}");
            let next = text.replace(section, next).replace("\"1\"", "\"2\"");
            assert_eq!(edited(&text, turn()), next);
        }
    }

    #[test]
    fn a_section_that_is_not_there_is_appended_with_all_its_fields() {
        let edit = turn().set_in("rotation", "x\"é", Sensitive::new("y"));
        let section = r#"{"name":"b","x\"é":"y"}"#;
        let appended = format!(r#"{{"a":1,"p":"2","rotation":{section}}}"#);
        assert_eq!(edited(r#"{"a":1}"#, edit), appended);
        let null = edited(r#"{"rotation": null ,"p":"1"}"#, turn());
        assert_eq!(null, r#"{"rotation": {"name":"b"} ,"p":"2"}"#);
    }

    #[test]
    fn several_sections_are_edited_at_once() {
        let edit = turn().set_in("a", "x", Sensitive::new("1")).set_in(
            "rotation",
            "z",
            Sensitive::new("3"),
        );
        let next = edited(r#"{"rotation":{"name":"a"},"a":{"x":0}}"#, edit);
        assert_eq!(next, r#"{"rotation":{"name":"b","z":"3"},"a":{"x":"1"},"p":"2"}"#);
    }

    #[test]
    fn names_are_found_however_they_are_written() {
        let text = r#"{"rot\u0061tion":{"n\u0061me":"a"},"\u00e9":{"日本":"a"},"p":"1"}"#;
        let edit = turn().set_in("é", "日本", Sensitive::new("b"));
        assert_eq!(edited(text, edit), text.replace("\"a\"", "\"b\"").replace("\"1\"", "\"2\""));
    }

    #[test]
    fn a_section_that_is_no_object_is_refused_and_named() {
        for value in ["\"hunter2\"", "[\"hunter2\"]", "7", "true"] {
            let error = refused(&format!(r#"{{"rotation":{value}}}"#), turn());
            assert_eq!(error, "field `rotation` is not an object");
        }
    }

    #[test]
    fn a_section_or_its_field_that_is_there_twice_is_refused_and_named() {
        let error = refused(r#"{"rotation":{},"rotation":{}}"#, turn());
        assert_eq!(error, "field `rotation` is there twice");
        let error = refused(r#"{"rotation":{"name":"a","n\u0061me":"a"}}"#, turn());
        assert_eq!(error, "field `rotation.name` is there twice");
        let other = edited(r#"{"rotation":{"x":1,"x":2}}"#, turn());
        assert_eq!(other, r#"{"rotation":{"x":1,"x":2,"name":"b"},"p":"2"}"#);
    }

    #[test]
    fn every_character_comes_back_as_it_was_set() {
        let all: String = ('\0'..='\u{2ff}').chain(['\u{2028}', '\u{ffff}', '😀']).collect();
        let edit = Edit::new().set("a", Sensitive::new(all.as_str()));
        let edit = edit.set_in("rotation", all.as_str(), Sensitive::new(all.as_str()));
        let next = document("{}").edited(&edit).unwrap();
        assert_eq!(next.string("a").unwrap(), all);
        assert_eq!(next.section("rotation").unwrap().unwrap().string(&all).unwrap(), all);
    }
}
