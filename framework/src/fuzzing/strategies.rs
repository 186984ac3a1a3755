//! Input for property tests.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::Config;

/// So many cases, of which a failure is printed and nothing is kept on disk.
pub(crate) fn cases(cases: u32) -> Config {
    Config { cases, failure_persistence: None, ..Config::default() }
}

/// Any text, and often what matters in JSON, addresses and logs.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => "[a-z_]{1,6}",
        2 => "[ -~]{0,12}",
        1 => r#"["\\{}|%/:,\u{0}-\u{1f} ]{0,8}"#,
        1 => any::<String>(),
    ]
}

fn space() -> impl Strategy<Value = &'static str> {
    prop_oneof![4 => Just(""), 1 => Just(" "), 1 => Just("\n\t"), 1 => Just("\r\n  ")]
}

/// A text as JSON, some of its characters escaped though they need not be.
pub(crate) fn string() -> impl Strategy<Value = String> {
    (text(), any::<u64>()).prop_map(|(text, escaped)| written(&text, escaped))
}

/// `escaped` has a bit for each character that is escaped.
pub(crate) fn written(text: &str, escaped: u64) -> String {
    let mut json = String::from("\"");
    for (place, c) in text.chars().enumerate() {
        if c < ' ' || "\"\\".contains(c) || escaped >> (place % 64) & 1 == 1 {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                json += &format!("\\u{unit:04X}");
            }
        } else {
            json.push(c);
        }
    }
    json + "\""
}

/// Any JSON, as somebody may have typed it.
pub(crate) fn json() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        string(),
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        "-?(0|[1-9][0-9]{0,30})(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,2})?",
    ];
    scalar.prop_recursive(3, 16, 4, |inner| {
        let items = vec((space(), inner.clone(), space()), 0..4).prop_map(|items| {
            let items = items.iter().map(|(a, item, b)| format!("{a}{item}{b}"));
            format!("[{}]", items.collect::<Vec<_>>().join(","))
        });
        prop_oneof![items, members(inner)]
    })
}

fn members(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let member = (space(), string(), space(), space(), value, space());
    (vec(member, 0..5), space()).prop_map(|(members, inside)| {
        let members = members
            .iter()
            .map(|(a, name, b, c, value, d)| format!("{a}{name}{b}:{c}{value}{d}"))
            .collect::<Vec<_>>();
        if members.is_empty() {
            format!("{{{inside}}}")
        } else {
            format!("{{{}}}", members.join(","))
        }
    })
}

/// A JSON object with any fields, some of them twice, with white space around it.
pub(crate) fn object() -> impl Strategy<Value = String> {
    (space(), members(json()), space()).prop_map(|(a, object, b)| format!("{a}{object}{b}"))
}
