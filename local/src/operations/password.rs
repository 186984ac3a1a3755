//! `GetRandomPassword`.

use rand::RngExt as _;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::input::Input;

const LENGTH_BY_DEFAULT: i64 = 32;
const LOWERCASE: &str = "abcdefghijklmnopqrstuvwxyz";
const UPPERCASE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const NUMBERS: &str = "0123456789";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

pub(super) fn random(input: &Input) -> Result<Value, ApiError> {
    let excluded = input.text("ExcludeCharacters").unwrap_or_default();
    let types: Vec<Vec<char>> = [
        (LOWERCASE, "ExcludeLowercase"),
        (UPPERCASE, "ExcludeUppercase"),
        (NUMBERS, "ExcludeNumbers"),
        (PUNCTUATION, "ExcludePunctuation"),
    ]
    .into_iter()
    .filter(|(_, switch)| !input.flag(switch).unwrap_or(false))
    .map(|(characters, _)| characters.chars().filter(|c| !excluded.contains(*c)).collect())
    .filter(|characters: &Vec<char>| !characters.is_empty())
    .collect();
    let mut alphabet: Vec<char> = types.iter().flatten().copied().collect();
    if input.flag("IncludeSpace").unwrap_or(false) && !excluded.contains(' ') {
        alphabet.push(' ');
    }
    if alphabet.is_empty() {
        return Err(ApiError::invalid_parameter(
            "The password policy excludes all characters. Include at least one type of character.",
        ));
    }
    let length = input.integer("PasswordLength").unwrap_or(LENGTH_BY_DEFAULT);
    let length = usize::try_from(length).unwrap_or_default();
    let required = input.flag("RequireEachIncludedType").unwrap_or(true);
    if required && length < types.len() {
        return Err(ApiError::invalid_parameter(
            "Password length is too short based on the required types.",
        ));
    }
    let required = if required { types.as_slice() } else { &[] };
    Ok(json!({ "RandomPassword": draw(length, &alphabet, required) }))
}

/// One of each required type, the rest of all, in random order.
fn draw(length: usize, alphabet: &[char], required: &[Vec<char>]) -> String {
    let mut random = rand::rng();
    let mut pick = |characters: &[char]| {
        characters.get(random.random_range(0..characters.len())).copied().unwrap_or_default()
    };
    let mut password: Vec<char> = required.iter().map(|characters| pick(characters)).collect();
    while password.len() < length {
        password.push(pick(alphabet));
    }
    for last in (1..password.len()).rev() {
        password.swap(last, random.random_range(0..=last));
    }
    password.into_iter().collect()
}
