//! A canary is seen in every dress, and its absence is believed only of texts without it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use turnlock_tests::canary::{Canary, assert_absent};

fn dress(canary: &Canary, text: &str) -> Option<&'static str> {
    canary.sightings("text", text).first().map(|sighting| sighting.dress)
}

fn letters(canary: &Canary) -> &str {
    canary.value().trim_end_matches(|c: char| !c.is_ascii_alphanumeric())
}

#[test]
fn a_canary_is_seen_in_every_dress() {
    let canary = Canary::new("password");
    let value = canary.value();
    let json = serde_json::json!({ "password": value }).to_string();
    assert_eq!(dress(&canary, &format!("x{value}y")), Some("plain"));
    for text in [
        json.clone(),
        serde_json::Value::from(json.as_str()).to_string(),
        format!("{value:?}"),
        format!("{:?}", value.as_bytes()),
        value.replace('\'', "''"),
        value.bytes().map(|byte| format!("{byte:02X}")).collect(),
        format!("{}%27%22%5c%2f%25%2b%20%26%3c%3e", letters(&canary)),
        format!("{}%27%22%5C%2F%25%2B+%26%3C%3E", letters(&canary)),
    ] {
        assert!(dress(&canary, &text).is_some(), "{text}");
    }
}

#[test]
fn a_canary_is_seen_in_base64_whatever_stands_before_it() {
    let canary = Canary::new("password");
    for before in ["", "a", "ab", "abc", "user:"] {
        let text = format!("{before}{} and more", canary.value());
        assert_eq!(dress(&canary, &STANDARD.encode(&text)), Some("base64"));
        assert_eq!(dress(&canary, &URL_SAFE_NO_PAD.encode(&text)), Some("base64"));
    }
}

#[test]
fn a_piece_of_a_canary_is_enough_to_see_it() {
    let canary = Canary::new("password");
    assert_eq!(dress(&canary, &format!("near '{}'", &canary.value()[4..18])), Some("a piece"));
}

#[test]
fn a_canary_is_not_seen_where_it_is_not() {
    let [canary, other] = [Canary::new("one"), Canary::new("other")];
    // All end alike, and one in a thousand pairs has a piece with that end in common.
    assert_absent(&[canary], &[("log", letters(&other)), ("empty", "")]);
}

#[test]
#[should_panic(expected = "password in server log:2, plain")]
fn a_leak_is_named_by_secret_and_place() {
    let canary = Canary::new("password");
    let leaking = format!("start\n{}", canary.value());
    assert_absent(&[canary], &[("server log", &leaking)]);
}
