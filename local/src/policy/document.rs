//! A policy document as JSON.
//!
//! The grammar is AWS's (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>), of which an
//! identity's policy has all but principals. A member that is there twice is refused, as IAM does.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::arn::ArnPattern;
use super::condition::Condition;
use super::{Action, Effect, PolicyError, Resource, Statement};

#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Document {
    #[serde(rename = "Version")]
    _version: Option<Version>,
    #[serde(rename = "Id")]
    _id: Option<IgnoredAny>,
    statement: List<Written>,
}

/// They differ in variables alone, which are refused.
#[derive(serde::Deserialize)]
enum Version {
    #[serde(rename = "2008-10-17")]
    First,
    #[serde(rename = "2012-10-17")]
    Second,
}

/// A statement as it is written.
#[derive(serde::Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Written {
    #[serde(rename = "Sid")]
    _sid: Option<String>,
    effect: Effect,
    action: List<String>,
    resource: List<String>,
    condition: Option<Members<Members<List<String>>>>,
}

/// Reads the statements of a document.
pub(super) fn read(document: &str) -> Result<Vec<Statement>, PolicyError> {
    let document: Document =
        serde_json::from_str(document).map_err(|error| PolicyError(error.to_string()))?;
    document.statement.0.into_iter().map(statement).collect()
}

fn statement(written: Written) -> Result<Statement, PolicyError> {
    let actions: Vec<_> = each("Action", &written.action.0, action)?;
    let resources = each("Resource", &written.resource.0, resource)?;
    let mut conditions = Vec::new();
    for (operator, keys) in written.condition.map(|members| members.0).unwrap_or_default() {
        for (key, values) in keys.0 {
            conditions.push(Condition::parse(&operator, &key, values.0, &actions)?);
        }
    }
    Ok(Statement { effect: written.effect, actions, resources, conditions })
}

fn each<T>(
    element: &str,
    texts: &[String],
    parse: fn(&str) -> Result<T, PolicyError>,
) -> Result<Vec<T>, PolicyError> {
    if texts.is_empty() {
        return Err(PolicyError(format!("{element} is an empty list")));
    }
    texts.iter().map(|text| parse(text)).collect()
}

fn action(text: &str) -> Result<Action, PolicyError> {
    if text == "*" {
        return Ok(Action::Any);
    }
    let is_name = |text: &str, more: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || more.contains(c);
        !text.is_empty() && text.chars().all(fits)
    };
    let lower = text.to_ascii_lowercase();
    match lower.split_once(':') {
        Some((service, name)) if is_name(service, "-") && is_name(name, "*?") => {
            Ok(Action::Of { service: service.to_owned(), name: name.to_owned() })
        }
        Some(_) | None => Err(PolicyError(format!("`{text}` is no action"))),
    }
}

fn resource(text: &str) -> Result<Resource, PolicyError> {
    without_variable(text)?;
    if text == "*" {
        return Ok(Resource::Any);
    }
    ArnPattern::parse(text).map(Resource::Arn)
}

/// Refuses `${…}`, whose value is not known here.
pub(super) fn without_variable(text: &str) -> Result<(), PolicyError> {
    if text.contains("${") {
        return Err(PolicyError(format!("`{text}` has a variable")));
    }
    Ok(())
}

/// One, or a list of them.
struct List<T>(Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

struct ListVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
    type Value = List<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("one or a list")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        T::deserialize(StrDeserializer::new(text)).map(|one| List(vec![one]))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|one| List(vec![one]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element()? {
            all.push(one);
        }
        Ok(List(all))
    }
}

/// The members of an object, each of which is there once.
struct Members<T>(Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Members<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor(PhantomData))
    }
}

struct MembersVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for MembersVisitor<T> {
    type Value = Members<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut all: Vec<(String, T)> = Vec::new();
        while let Some((name, value)) = map.next_entry::<String, T>()? {
            if all.iter().any(|(other, _)| *other == name) {
                return Err(serde::de::Error::custom(format!("`{name}` is there twice")));
            }
            all.push((name, value));
        }
        Ok(Members(all))
    }
}
