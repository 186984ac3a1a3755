//! What an answer means, by the description's rules.

use serde_json::Value;
use turnlock::{Class, Sensitive, TargetError};

use crate::description::{Format, Meaning, Request, Rule};
use crate::http::{Answer, Unanswered, retry_after};
use crate::values::Fields;

mod link;
mod xml;

/// An answer that is not success.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) meaning: Meaning,
    pub(crate) error: TargetError,
    /// Whether the provider may have done what it was asked.
    pub(crate) uncertain: bool,
}

/// An answer that is success.
#[derive(Debug, Default)]
pub(crate) struct Success {
    /// Its body; null where there is none.
    body: Value,
    /// The address that the header `Link` has as `next` (RFC 8288).
    next: Option<String>,
}

impl Success {
    /// The value at a JSON pointer.
    pub(crate) fn at(&self, pointer: &str) -> Option<&Value> {
        self.body.pointer(pointer).filter(|value| !value.is_null())
    }

    /// The text of the value at a JSON pointer.
    pub(crate) fn text(&self, pointer: &str) -> Option<Sensitive> {
        self.at(pointer).and_then(text)
    }

    /// The address of the next page, by the header `Link`.
    pub(crate) fn next_link(&self) -> Option<String> {
        self.next.clone()
    }

    /// The fields that the description takes from it.
    ///
    /// What is optional at the provider, such as the end of a key that has none, may be null; that the key itself is
    /// not, is for the caller to see.
    pub(crate) fn fields(&self, request: &Request) -> Result<Fields, (String, Fields)> {
        let (mut fields, mut problem) = (Fields::default(), None);
        for (field, pointer) in &request.fields {
            match self.text(pointer) {
                Some(value) if value.expose().chars().any(char::is_control) => {
                    problem.get_or_insert_with(|| format!("has control characters at {pointer}"));
                }
                Some(value) => fields.put(field, value),
                None if self.body.pointer(pointer).is_some_and(Value::is_null) => {
                    fields.put(field, Sensitive::new(""));
                }
                None => {
                    problem.get_or_insert_with(|| format!("has no text at {pointer}"));
                }
            }
        }
        match problem {
            None => Ok(fields),
            Some(problem) => Err((problem, fields)),
        }
    }
}

/// A scalar as text.
pub(crate) fn text(value: &Value) -> Option<Sensitive> {
    match value {
        Value::String(text) => Some(Sensitive::new(text.as_str())),
        Value::Number(number) => Some(Sensitive::new(number.to_string())),
        Value::Bool(flag) => Some(Sensitive::new(flag.to_string())),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Tells what an answer means.
pub(crate) fn read(
    request: &Request,
    name: &str,
    answer: Result<Answer, Unanswered>,
) -> Result<Success, Fault> {
    let answer = answer.map_err(|unanswered| Fault {
        meaning: Meaning::Unavailable,
        error: unanswered.error,
        uncertain: unanswered.uncertain,
    })?;
    let status = answer.status;
    let body = parsed(request.answer, &answer.body);
    let ruled = request.when.iter().find(|rule| fits(rule, status, body.as_ref().ok()));
    let succeeded = if request.success.is_empty() {
        (200..300).contains(&status)
    } else {
        request.success.contains(&status)
    };
    let meaning = match ruled {
        Some(rule) => rule.means,
        None if succeeded => Meaning::Success,
        None => by_status(status),
    };
    let class = match meaning {
        Meaning::Success if is_empty(&answer.body) => return Ok(Success::default()),
        Meaning::Success => match body {
            Ok(body) => return Ok(Success { body, next: link::next(&answer.headers) }),
            Err(what) => {
                let text = format!("{name} answered {status} with {what}");
                let error = TargetError::new(Class::Unexpected, text);
                return Err(Fault { meaning: Meaning::Refused, error, uncertain: true });
            }
        },
        Meaning::Rejected => Class::AuthRejected,
        Meaning::Permission => Class::Permission,
        Meaning::Throttled => Class::Throttled,
        Meaning::Full => Class::Refused,
        Meaning::Unavailable => Class::Unavailable,
        Meaning::Gone | Meaning::Refused => Class::Unexpected,
    };
    let what = match meaning {
        Meaning::Success | Meaning::Refused if (300..400).contains(&status) => {
            "redirects, which is not followed: is the address right?"
        }
        Meaning::Success | Meaning::Refused => "does not take the request",
        Meaning::Rejected => "rejects the key",
        Meaning::Permission => "does not permit it to this key",
        Meaning::Throttled => "asks for fewer requests",
        Meaning::Full => "has as many keys as it allows",
        Meaning::Gone => "does not know what the request is about",
        Meaning::Unavailable => "cannot answer now",
    };
    let passes = matches!(meaning, Meaning::Throttled | Meaning::Unavailable);
    let wait = retry_after(&answer.headers).filter(|_| passes);
    // A date is in the middle of a second.
    let wait = wait.map(|wait| wait.as_secs() + u64::from(wait.subsec_nanos() > 0));
    let wait = wait.map(|seconds| format!(", and says to wait {seconds} s before the next try"));
    let text = format!("{name}: the provider {what}{}", wait.unwrap_or_default());
    let error = TargetError::new(class, text);
    // What redirects may have done it before.
    let uncertain = meaning == Meaning::Unavailable || status < 400;
    Err(Fault { meaning, error: error.with_code(status.to_string()), uncertain })
}

fn is_empty(body: &Result<Sensitive, &'static str>) -> bool {
    body.as_ref().is_ok_and(|text| text.expose().trim().is_empty())
}

fn by_status(status: u16) -> Meaning {
    match status {
        401 => Meaning::Rejected,
        403 => Meaning::Permission,
        404 | 410 => Meaning::Gone,
        429 => Meaning::Throttled,
        408 | 500.. => Meaning::Unavailable,
        _ => Meaning::Refused,
    }
}

fn fits(rule: &Rule, status: u16, body: Option<&Value>) -> bool {
    if rule.status != status {
        return false;
    }
    let Some(pointer) = &rule.at else { return true };
    let found = body.and_then(|body| body.pointer(pointer));
    let is = rule.is.as_ref().is_none_or(|expected| found == Some(expected));
    let contains = rule.contains.as_ref().is_none_or(|piece| {
        found.and_then(Value::as_str).is_some_and(|text| text.contains(piece.as_str()))
    });
    found.is_some() && is && contains
}

fn parsed(format: Format, body: &Result<Sensitive, &'static str>) -> Result<Value, &'static str> {
    if format == Format::Any {
        return Ok(Value::Null);
    }
    let text = body.as_ref().map_err(|problem| *problem)?.expose();
    if format == Format::Xml {
        return xml::parse(text).ok_or("what is not XML");
    }
    serde_json::from_str(text).map_err(|_| "what is not JSON")
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
