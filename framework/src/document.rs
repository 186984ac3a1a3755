//! A version of a secret as it is stored.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::Sensitive;

pub use self::edit::Edit;

mod edit;

/// One version of a secret: the text of a JSON object, of which a rotator reads a part.
///
/// The text itself is kept, so that whatever is not edited stays as it was to the byte: order, white
/// space, numbers of any size, and fields that nobody here knows.
pub struct Document {
    text: Sensitive,
    fields: Vec<Field>,
    /// Where this object is in the secret, for messages: empty, or `rotation.` and the like.
    path: String,
}

struct Field {
    name: String,
    value: Range<usize>,
}

/// What a document lacks: the field and the problem, never the value.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{}{problem}", field.as_ref().map(|f| format!("field `{f}` ")).unwrap_or_default())]
pub struct Malformed {
    field: Option<String>,
    problem: Cow<'static, str>,
}

impl Malformed {
    /// The whole document has a problem, such as `is not JSON`.
    pub fn document(problem: impl Into<Cow<'static, str>>) -> Self {
        Self { field: None, problem: problem.into() }
    }

    /// One field has a problem, such as `is missing`.
    pub fn field(name: impl Into<String>, problem: impl Into<Cow<'static, str>>) -> Self {
        Self { field: Some(name.into()), problem: problem.into() }
    }
}

impl Document {
    /// Reads a stored secret, which has to be a JSON object.
    pub fn parse(text: Sensitive) -> Result<Self, Malformed> {
        Self::at(String::new(), text).map_err(|problem| {
            Malformed::document(format!(
                "the secret {problem}; store a JSON object as SecretString"
            ))
        })
    }

    fn at(path: String, text: Sensitive) -> Result<Self, &'static str> {
        let Fields(found) = serde_json::from_str(text.expose()).map_err(problem)?;
        let start = text.expose().as_ptr() as usize;
        let fields = found
            .into_iter()
            .map(|(name, raw)| {
                let begin = raw.get().as_ptr() as usize - start;
                Field { name: name.into_owned(), value: begin..begin + raw.get().len() }
            })
            .collect();
        Ok(Self { text, fields, path })
    }

    /// The text to store.
    pub fn text(&self) -> &Sensitive {
        &self.text
    }

    /// Reads a text field that has to be there and not be empty.
    pub fn string(&self, field: &str) -> Result<String, Malformed> {
        match self.optional_string(field)? {
            Some(text) if text.is_empty() => Err(self.problem(field, "is empty")),
            Some(text) => Ok(text),
            None => Err(self.problem(field, "is missing")),
        }
    }

    /// Reads a text field that may be absent or null.
    pub fn optional_string(&self, field: &str) -> Result<Option<String>, Malformed> {
        self.read(field, "is not a string")
    }

    /// Reads a field that holds a secret and has to be there.
    pub fn sensitive(&self, field: &str) -> Result<Sensitive, Malformed> {
        self.string(field).map(Sensitive::new)
    }

    /// Reads a whole number from `range`, written as a number or as a string.
    pub fn number(&self, field: &str, range: Range<u32>) -> Result<Option<u32>, Malformed> {
        let Some(raw) = self.raw(field)? else { return Ok(None) };
        let digits = raw.trim_matches('"');
        match digits.parse() {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => {
                let (from, to) = (range.start, range.end - 1);
                Err(self.problem(field, format!("is not a whole number from {from} to {to}")))
            }
        }
    }

    /// Reads a flag: a boolean, or `"true"`/`"false"` in any case.
    pub fn flag(&self, field: &str) -> Result<Option<bool>, Malformed> {
        let Some(raw) = self.raw(field)? else { return Ok(None) };
        match raw.trim_matches('"').to_ascii_lowercase().as_str() {
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => Err(self.problem(field, "is not true or false")),
        }
    }

    /// Reads a string, a number as it is written or a boolean, as the text that a consumer would print.
    pub(crate) fn scalar(&self, field: &str) -> Result<Option<Sensitive>, Malformed> {
        const PROBLEM: &str = "is not a string, a number or a boolean";
        match self.raw(field)? {
            Some(raw) if raw.starts_with(['{', '[']) => Err(self.problem(field, PROBLEM)),
            Some(raw) if !raw.starts_with('"') => Ok(Some(Sensitive::new(raw))),
            Some(_) | None => Ok(self.read::<String>(field, PROBLEM)?.map(Sensitive::new)),
        }
    }

    /// Reads a field of any type: a string as its text, else the JSON as it is written.
    pub fn text_of(&self, field: &str) -> Result<Option<Sensitive>, Malformed> {
        match self.raw(field)? {
            Some(raw) if !raw.starts_with('"') => Ok(Some(Sensitive::new(raw))),
            Some(_) | None => Ok(self.optional_string(field)?.map(Sensitive::new)),
        }
    }

    /// Reads an object inside this one, such as `rotation`.
    pub fn section(&self, field: &str) -> Result<Option<Self>, Malformed> {
        let Some(raw) = self.raw(field)? else { return Ok(None) };
        Self::at(format!("{}{field}.", self.path), Sensitive::new(raw))
            .map(Some)
            .map_err(|_| self.problem(field, "is not an object"))
    }

    /// The names of all fields, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| field.name.as_str())
    }

    /// Names a field of this object together with what is wrong with it.
    pub fn problem(&self, field: &str, problem: impl Into<Cow<'static, str>>) -> Malformed {
        Malformed::field(format!("{}{field}", self.path), problem)
    }

    fn read<'a, T: Deserialize<'a>>(
        &'a self,
        field: &str,
        problem: &'static str,
    ) -> Result<Option<T>, Malformed> {
        match self.raw(field)? {
            Some(raw) => {
                serde_json::from_str(raw).map(Some).map_err(|_| self.problem(field, problem))
            }
            None => Ok(None),
        }
    }

    /// The JSON text of a value that is there and not null.
    pub(crate) fn raw(&self, field: &str) -> Result<Option<&str>, Malformed> {
        let found = self.find(field)?.map(|f| &self.text.expose()[f.value.clone()]);
        Ok(found.filter(|raw| *raw != "null"))
    }

    fn find(&self, field: &str) -> Result<Option<&Field>, Malformed> {
        let mut found = self.fields.iter().filter(|f| f.name == field);
        let first = found.next();
        // Readers disagree on which of two counts, so neither is right.
        match found.next() {
            Some(_) => Err(self.problem(field, "is there twice")),
            None => Ok(first),
        }
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

fn problem(error: serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Data => "is not a JSON object",
        serde_json::error::Category::Io
        | serde_json::error::Category::Syntax
        | serde_json::error::Category::Eof => "is not JSON",
    }
}

struct Fields<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(entry) = map.next_entry::<String, &'de RawValue>()? {
                    fields.push((Cow::Owned(entry.0), entry.1));
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> Document {
        Document::parse(Sensitive::new(text)).unwrap()
    }

    #[test]
    fn what_is_not_an_object_is_refused_without_being_quoted() {
        for (text, problem) in [
            ("hunter2", "is not JSON"),
            ("\"hunter2\"", "is not a JSON object"),
            ("[\"hunter2\"]", "is not a JSON object"),
            ("{\"password\":\"hunter2\"", "is not JSON"),
            ("", "is not JSON"),
        ] {
            let error = Document::parse(Sensitive::new(text)).unwrap_err().to_string();
            assert!(error.contains(problem), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn a_field_is_named_with_its_path_and_its_problem() {
        let secret = document(r#"{"port":"abc","rotation":{"password":{"length":0}},"h":""}"#);
        let error = secret.number("port", 1..65_536).unwrap_err();
        assert_eq!(error.to_string(), "field `port` is not a whole number from 1 to 65535");
        let section = secret.section("rotation").unwrap().unwrap();
        let section = section.section("password").unwrap().unwrap();
        let error = section.number("length", 1..5).unwrap_err();
        assert!(error.to_string().starts_with("field `rotation.password.length` is not"));
        assert_eq!(secret.string("h").unwrap_err().to_string(), "field `h` is empty");
        assert_eq!(secret.string("x").unwrap_err().to_string(), "field `x` is missing");
    }

    #[test]
    fn a_field_that_is_there_twice_is_refused_only_when_it_is_read() {
        let secret = document(r#"{"a":1,"a":2,"b":"x"}"#);
        assert_eq!(secret.string("b").unwrap(), "x");
        assert_eq!(
            secret.optional_string("a").unwrap_err().to_string(),
            "field `a` is there twice"
        );
    }

    #[test]
    fn numbers_and_flags_are_read_from_strings_too() {
        let secret = document(r#"{"port":"5432","p":5432,"ssl":"False","s":true,"n":null}"#);
        assert_eq!(secret.number("port", 1..65_536), Ok(Some(5432)));
        assert_eq!(secret.number("p", 1..65_536), Ok(Some(5432)));
        assert_eq!(secret.flag("ssl"), Ok(Some(false)));
        assert_eq!(secret.flag("s"), Ok(Some(true)));
        assert_eq!(secret.flag("n"), Ok(None));
    }

    #[test]
    fn debug_shows_names_only() {
        let secret = document(r#"{"user":"app","password":"hunter2"}"#);
        assert_eq!(format!("{secret:?}"), r#"["user", "password"]"#);
    }
}
