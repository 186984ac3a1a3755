//! A JSON body whose texts are templates.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value};
use turnlock::Sensitive;

use super::{Missing, Template, Type};
use crate::values::{Name, Values};

/// JSON whose texts are templates.
///
/// A member or an element whose optional placeholder has no value is left out.
#[derive(Debug)]
pub(crate) enum Json {
    /// A text.
    Text(Template),
    /// A number, a boolean or null.
    Other(Value),
    /// An array.
    Array(Vec<Self>),
    /// An object.
    Object(Vec<(String, Self)>),
}

/// Why a body cannot be made.
#[derive(Debug)]
pub(crate) enum Unfit {
    /// A placeholder has no value.
    Missing(Name),
    /// What a template makes is to be a number, or JSON, and is none.
    Mistyped(String),
}

impl From<Missing> for Unfit {
    fn from(missing: Missing) -> Self {
        Self::Missing(missing.0)
    }
}

impl Json {
    fn of(value: Value) -> Result<Self, String> {
        Ok(match value {
            Value::String(text) => Self::Text(Template::parse(&text)?),
            Value::Array(items) => {
                Self::Array(items.into_iter().map(Self::of).collect::<Result<_, _>>()?)
            }
            Value::Object(members) => {
                let members = members.into_iter().map(|(name, value)| Ok((name, Self::of(value)?)));
                Self::Object(members.collect::<Result<_, String>>()?)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Other(value),
        })
    }

    /// The templates in it.
    pub(crate) fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Text(template) => vec![template],
            Self::Other(_) => Vec::new(),
            Self::Array(items) => items.iter().flat_map(Self::templates).collect(),
            Self::Object(members) => members.iter().flat_map(|(_, v)| v.templates()).collect(),
        }
    }

    /// The text to send.
    pub(crate) fn fill(&self, values: &Values<'_>) -> Result<Sensitive, Unfit> {
        Ok(Sensitive::new(self.value(values)?.unwrap_or_default().to_string()))
    }

    fn value(&self, values: &Values<'_>) -> Result<Option<Value>, Unfit> {
        Ok(match self {
            Self::Text(template) => match template.plain(values)? {
                None => None,
                Some(text) => Some(typed(text.expose(), template)?),
            },
            Self::Other(value) => Some(value.clone()),
            Self::Array(items) => {
                let filled = items.iter().filter_map(|item| item.value(values).transpose());
                Some(Value::Array(filled.collect::<Result<_, _>>()?))
            }
            Self::Object(members) => {
                let mut object = Map::new();
                for (name, member) in members {
                    if let Some(value) = member.value(values)? {
                        object.insert(name.clone(), value);
                    }
                }
                Some(Value::Object(object))
            }
        })
    }
}

fn typed(text: &str, template: &Template) -> Result<Value, Unfit> {
    let mistyped = || Unfit::Mistyped(template.source().to_owned());
    match template.kind() {
        None => Ok(Value::String(text.to_owned())),
        Some(Type::Number) => text.parse::<Number>().map(Value::Number).map_err(|_| mistyped()),
        Some(Type::Raw) => serde_json::from_str(text).map_err(|_| mistyped()),
        // A secret has it as words, or as an array of JSON.
        Some(Type::List) if text.starts_with('[') => {
            serde_json::from_str::<Vec<String>>(text).map(Value::from).map_err(|_| mistyped())
        }
        Some(Type::List) => {
            Ok(text.split([',', ' ']).filter(|word| !word.is_empty()).map(Value::from).collect())
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::of(Value::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
impl schemars::JsonSchema for Json {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Json".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({"description": "Any JSON; its texts are templates."})
    }
}
