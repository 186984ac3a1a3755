//! Templates: a text in which values of the secret stand, and nothing is computed.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use turnlock::{Sensitive, percent_encoded};

use crate::values::{Name, Values};

pub(crate) use self::json::{Json, Unfit};

mod json;

/// A text with placeholders: `{field}` is a field of the secret, `{{` and `}}` are braces.
///
/// Before the name may stand where it is from: `{admin.key}` is of the admin's secret, `{next.password}` the value that
/// shall come, `{login.access_token}` what the login answered; `{new.label}`, `{new.version}`, `{new.expires_at}`
/// (RFC 3339), `{new.expires_date}`, `{new.expires_in}` (seconds) and `{new.expires_unix}` are of the key to be minted.
/// `{name?}` may be without a value: what it stands in is then left out. Filters follow a bar: `{name|base64}`, `percent`,
/// `json` (as inside a JSON string); and in a JSON body, where the placeholder is the whole text: `number`, `list` (words
/// between commas or spaces, or an array of strings) and `raw` (the JSON that the value holds).
///
/// A value is encoded for the place where it stands, so that none can leave it; the filters come before.
pub(crate) struct Template {
    source: String,
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Text(String),
    Value { name: Name, optional: bool, filters: Vec<Filter> },
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Filter {
    Base64,
    Percent,
    Json,
    Typed(Type),
}

/// What a text becomes in a JSON body, instead of a string.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Type {
    Number,
    List,
    Raw,
}

/// A template that could not be filled: the placeholder that has no value.
#[derive(Debug)]
pub(crate) struct Missing(pub(crate) Name);

impl Template {
    /// Reads a template; a problem names it, since descriptions hold no secrets.
    pub(crate) fn parse(source: &str) -> Result<Self, String> {
        let problem = |what: &str| Err(format!("`{source}` {what}"));
        let (mut parts, mut text, mut rest) = (Vec::new(), String::new(), source);
        while let Some(brace) = rest.find(['{', '}']) {
            text.push_str(&rest[..brace]);
            rest = &rest[brace..];
            if rest.starts_with("{{") || rest.starts_with("}}") {
                text.push_str(&rest[..1]);
                rest = &rest[2..];
                continue;
            }
            let Some((inside, after)) = rest.strip_prefix('{').and_then(|r| r.split_once('}'))
            else {
                return problem(
                    "has a brace without its other; as a character it is written twice",
                );
            };
            let mut pieces = inside.split('|');
            let (name, optional) = match pieces.next().unwrap_or_default() {
                name if name.ends_with('?') => (&name[..name.len() - 1], true),
                name => (name, false),
            };
            let Some(name) = Name::parse(name) else {
                return problem(&format!("has a placeholder, {{{inside}}}, that is no name"));
            };
            let Some(filters) = pieces.map(Filter::parse).collect() else {
                return problem(
                    "has a filter that is not base64, percent, json, number, list or raw",
                );
            };
            if !text.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut text)));
            }
            parts.push(Part::Value { name, optional, filters });
            rest = after;
        }
        text.push_str(rest);
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Ok(Self { source: source.to_owned(), parts })
    }

    /// The template as it is written: what messages show of a request.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// The names in its placeholders.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Value { name, .. } => Some(name),
        })
    }

    /// The names that have to have a value.
    pub(crate) fn needed(&self) -> impl Iterator<Item = &Name> {
        self.parts.iter().filter_map(|part| match part {
            Part::Value { name, optional: false, .. } => Some(name),
            Part::Text(_) | Part::Value { .. } => None,
        })
    }

    /// What it becomes in a JSON body, where that is no string.
    pub(crate) fn kind(&self) -> Option<Type> {
        let [Part::Value { filters, .. }] = &*self.parts else { return None };
        match filters.last() {
            Some(Filter::Typed(kind)) => Some(*kind),
            Some(Filter::Base64 | Filter::Percent | Filter::Json) | None => None,
        }
    }

    /// Whether a filter stands where it can mean nothing.
    pub(crate) fn misplaced(&self, in_json: bool) -> bool {
        let typed = |filter: &&Filter| matches!(filter, Filter::Typed(_));
        let count = self.filters().filter(typed).count();
        count > usize::from(in_json && self.kind().is_some())
    }

    fn filters(&self) -> impl Iterator<Item = &Filter> {
        self.parts.iter().flat_map(|part| match part {
            Part::Text(_) => &[][..],
            Part::Value { filters, .. } => filters,
        })
    }

    /// Fills the placeholders, each value encoded by `place`; `None` where an optional one has no value.
    pub(crate) fn fill(
        &self,
        values: &Values<'_>,
        place: impl Fn(&str) -> Sensitive,
    ) -> Result<Option<Sensitive>, Missing> {
        let mut pieces = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => pieces.push(Sensitive::new(text.as_str())),
                Part::Value { name, optional, filters } => {
                    let Some(value) = values.value(name) else {
                        return if *optional { Ok(None) } else { Err(Missing(name.clone())) };
                    };
                    let mut value = Sensitive::new(value);
                    for filter in filters {
                        value = filter.apply(value.expose());
                    }
                    pieces.push(place(value.expose()));
                }
            }
        }
        // In one go: a string that grows leaves copies of itself behind.
        let pieces: Vec<&str> = pieces.iter().map(Sensitive::expose).collect();
        Ok(Some(Sensitive::new(pieces.concat())))
    }

    /// The same, as it is.
    pub(crate) fn plain(&self, values: &Values<'_>) -> Result<Option<Sensitive>, Missing> {
        self.fill(values, |value| Sensitive::new(value))
    }
}

impl Filter {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "base64" => Some(Self::Base64),
            "percent" => Some(Self::Percent),
            "json" => Some(Self::Json),
            "number" => Some(Self::Typed(Type::Number)),
            "list" => Some(Self::Typed(Type::List)),
            "raw" => Some(Self::Typed(Type::Raw)),
            _ => None,
        }
    }

    fn apply(self, value: &str) -> Sensitive {
        match self {
            Self::Base64 => Sensitive::new(STANDARD.encode(value)),
            Self::Percent => percent_encoded(value),
            Self::Json => {
                let quoted = Sensitive::new(serde_json::Value::from(value).to_string());
                Sensitive::new(&quoted.expose()[1..quoted.expose().len() - 1])
            }
            Self::Typed(_) => Sensitive::new(value),
        }
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.source, f)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
impl schemars::JsonSchema for Template {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Template".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A text with placeholders: `{field}` is a field of the secret, `{{` and `}}` are braces."
        })
    }
}

#[cfg(test)]
mod tests;
