//! Secret values that are recognised wherever they leak to, in whatever dress.

use std::fmt;

use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use rand::TryRng as _;
use rand::rngs::SysRng;

/// A secret value with a name to blame.
#[derive(Clone)]
pub struct Canary {
    name: String,
    value: String,
}

/// One place where a canary was seen. It prints without the secret.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Sighting {
    /// The canary's name.
    pub canary: String,
    /// The name of the text.
    pub text: String,
    /// Number of the line in it, from 1.
    pub line: usize,
    /// How the value was written there.
    pub dress: &'static str,
}

/// So many of a value's bytes are taken for the value: messages quote pieces.
const PIECE: usize = 12;

impl Canary {
    /// Draws a new value that needs escaping in URLs, JSON, SQL and base64, but is plain ASCII.
    pub fn new(name: impl Into<String>) -> Self {
        const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
        let mut bytes = [0; 24];
        SysRng.try_fill_bytes(&mut bytes).expect("the system has randomness");
        let letters: String =
            bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
        Self::of(name, format!("{letters}'\"\\/%+ &<>"))
    }

    /// Watches for a value that was made elsewhere.
    ///
    /// # Panics
    ///
    /// If it is so short that it would be found by chance.
    pub fn of(name: impl Into<String>, value: impl Into<String>) -> Self {
        let (name, value) = (name.into(), value.into());
        assert!(value.len() >= PIECE, "{name} is too short to be recognised");
        Self { name, value }
    }

    /// The secret value.
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Every place in a text where the value or a large piece of it stands.
    pub fn sightings(&self, text_name: &str, text: &str) -> Vec<Sighting> {
        let dresses = self.dresses();
        let mut found = Vec::new();
        for (index, line) in text.lines().enumerate() {
            for (pattern, dress) in &dresses {
                if line.contains(pattern.as_str()) {
                    found.push(Sighting {
                        canary: self.name.clone(),
                        text: text_name.to_owned(),
                        line: index + 1,
                        dress,
                    });
                    break;
                }
            }
        }
        found
    }

    fn dresses(&self) -> Vec<(String, &'static str)> {
        let value = self.value.as_str();
        let mut dresses = vec![(value.to_owned(), "plain")];
        dresses.push((json_escaped(value), "JSON-escaped"));
        dresses.push((json_escaped(&json_escaped(value)), "JSON-escaped twice"));
        dresses.push((value.escape_debug().to_string(), "debug-escaped"));
        dresses.push((value.replace('\'', "''"), "SQL-quoted"));
        dresses.push((value.replace('\\', "\\\\").replace('\'', "''"), "SQL-quoted"));
        for (space, upper) in [("%20", true), ("%20", false), ("+", true), ("+", false)] {
            dresses.push((url_encoded(value, space, upper), "URL-encoded"));
        }
        let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
        dresses.push((hex.to_uppercase(), "hex"));
        dresses.push((hex, "hex"));
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            dresses.extend((0..3).map(|before| (base64_within(&engine, value, before), "base64")));
        }
        dresses.push((format!("{:?}", value.as_bytes()), "list of bytes"));
        dresses.extend(pieces(value).into_iter().map(|piece| (piece, "a piece")));
        dresses
    }
}

impl fmt::Debug for Canary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canary").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Fails if any of the texts, given by name, holds any of the canaries.
///
/// # Panics
///
/// With the list of all places, but without the values.
pub fn assert_absent(canaries: &[Canary], texts: &[(&str, &str)]) {
    let sightings: Vec<String> = canaries
        .iter()
        .flat_map(|canary| texts.iter().flat_map(|(name, text)| canary.sightings(name, text)))
        .map(|Sighting { canary, text, line, dress }| format!("{canary} in {text}:{line}, {dress}"))
        .collect();
    assert!(sightings.is_empty(), "secrets leaked:\n{}", sightings.join("\n"));
}

fn json_escaped(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn url_encoded(value: &str, space: &str, upper: bool) -> String {
    let encode = |byte: u8| match byte {
        b' ' => space.to_owned(),
        b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ if upper => format!("%{byte:02X}"),
        _ => format!("%{byte:02x}"),
    };
    value.bytes().map(encode).collect()
}

/// What stays the same of the value's base64 when so many bytes, modulo three, stand before it, whatever they and the next ones are.
fn base64_within(engine: &impl base64::Engine, value: &str, before: usize) -> String {
    let mut bytes = vec![0; before];
    bytes.extend(value.as_bytes());
    bytes.truncate(bytes.len() / 3 * 3);
    let encoded = engine.encode(&bytes);
    encoded[if before == 0 { 0 } else { 4 }..].to_owned()
}

fn pieces(value: &str) -> Vec<String> {
    let characters: Vec<char> = value.chars().collect();
    characters.windows(PIECE).map(|window| window.iter().collect()).collect()
}
