//! Texts in which `$name` stands for what cannot be known before.
//!
//! What a request has there is kept, and put into the answers that have the same name. `$label` has to be a label of
//! ours, `$date` a day, `$time` a time, `$day` the day of a signature, `$seconds` a number; `$role` and `$any` are any text.

use std::collections::BTreeMap;

use serde_json::Value;

/// What was found, by its name.
pub(super) type Found = BTreeMap<String, String>;

const NAMES: [&str; 7] = ["label", "date", "time", "day", "seconds", "role", "any"];

/// Whether a text is as the pattern has it; what stands for the names goes to `found`.
pub(super) fn fits(pattern: &str, text: &str, found: &mut Found) -> bool {
    let Some((before, rest)) = pattern.split_once('$') else { return pattern == text };
    let Some(text) = text.strip_prefix(before) else { return false };
    let name = NAMES.iter().find(|name| rest.starts_with(*name));
    let name = *name.unwrap_or_else(|| panic!("{pattern} has a name that is none"));
    let after = &rest[name.len()..];
    let fixed = after.split('$').next().unwrap_or_default();
    let ends = match fixed {
        "" if after.is_empty() => vec![text.len()],
        "" => Vec::new(),
        fixed => text.match_indices(fixed).map(|(at, _)| at).collect(),
    };
    ends.into_iter().any(|at| {
        let (value, text) = text.split_at(at);
        let mut more = found.clone();
        more.insert(name.to_owned(), value.to_owned());
        let fits = is_one(name, value) && fits(after, text, &mut more);
        if fits {
            *found = more;
        }
        fits
    })
}

fn is_one(name: &str, value: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let shaped = |shape: &str| {
        value.len() == shape.len()
            && value.chars().zip(shape.chars()).all(|(c, s)| match s {
                '0' => c.is_ascii_digit(),
                s => s == c,
            })
    };
    match name {
        "label" => value.len() == 64 && value.starts_with("turnlock-"),
        "date" => shaped("0000-00-00"),
        "time" => shaped("0000-00-00T00:00:00Z"),
        "day" => shaped("00000000"),
        "seconds" => digits(value),
        _ => !value.is_empty(),
    }
}

/// The same of JSON, whose numbers can be told by a name too.
pub(super) fn fits_json(pattern: &Value, json: &Value, found: &mut Found) -> bool {
    match (pattern, json) {
        (Value::String(pattern), Value::String(text)) => fits(pattern, text, found),
        (Value::String(pattern), Value::Number(number)) if pattern.starts_with('$') => {
            fits(pattern, &number.to_string(), found)
        }
        (Value::Array(patterns), Value::Array(items)) => {
            patterns.len() == items.len()
                && patterns.iter().zip(items).all(|(p, item)| fits_json(p, item, found))
        }
        (Value::Object(patterns), Value::Object(members)) => {
            patterns.len() == members.len()
                && patterns.iter().all(|(name, pattern)| {
                    members.get(name).is_some_and(|member| fits_json(pattern, member, found))
                })
        }
        (pattern, json) => pattern == json,
    }
}

/// Puts what was found into a text.
pub(super) fn fill(text: &str, found: &Found) -> String {
    let mut text = text.to_owned();
    for (name, value) in found.iter().rev() {
        text = text.replace(&format!("${name}"), value);
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_name_stands_for_what_the_text_has_there() {
        let mut found = Found::new();
        assert!(fits("Credential=A/$date/x, $any", "Credential=A/2024-01-02/x, y", &mut found));
        assert_eq!((&*found["date"], &*found["any"]), ("2024-01-02", "y"));
        assert_eq!(fill("on $date", &found), "on 2024-01-02");
        for other in ["Credential=A/20240102/x, y", "Credential=A/2024-01-02/x, ", ""] {
            assert!(!fits("Credential=A/$date/x, $any", other, &mut Found::new()), "{other}");
        }
    }

    #[test]
    fn json_fits_where_it_has_neither_more_nor_less() {
        let pattern = json!({"a": ["$any"], "n": "$seconds"});
        assert!(fits_json(&pattern, &json!({"a": ["x"], "n": 86400}), &mut Found::new()));
        for other in [json!({"a": ["x"]}), json!({"a": [], "n": 1}), json!({"a": ["x"], "n": "b"})]
        {
            assert!(!fits_json(&pattern, &other, &mut Found::new()), "{other}");
        }
    }
}
