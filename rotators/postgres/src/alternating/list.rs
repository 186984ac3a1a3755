//! Settings that hold a list of names, which can be spelt in more than one way.

use crate::sql::{literal, quoted};

/// Their text has to be taken apart, or it would be one long name. PostgreSQL allows no extension to add to
/// them.
const LISTS_OF_NAMES: [&str; 4] =
    ["local_preload_libraries", "search_path", "session_preload_libraries", "temp_tablespaces"];
/// Those whose names are identifiers, in which only quotes keep capital letters.
const LISTS_OF_IDENTIFIERS: [&str; 2] = ["search_path", "temp_tablespaces"];

/// A setting's text in the one spelling that can be compared.
///
/// `SET … FROM CURRENT` stores a list as somebody typed it, and it cannot be copied with its spaces and cases.
pub(crate) fn uniform(setting: &str, text: &str) -> String {
    if !LISTS_OF_NAMES.contains(&setting) {
        return text.to_owned();
    }
    let names: Vec<String> = names(setting, text).iter().map(|name| quoted(name)).collect();
    names.join(", ")
}

/// A setting's text as the right side of `SET`.
pub(crate) fn assigned(setting: &str, text: &str) -> String {
    if !LISTS_OF_NAMES.contains(&setting) {
        return literal(text);
    }
    let names: Vec<String> = names(setting, text).iter().map(|name| literal(name)).collect();
    names.join(", ")
}

/// The names in a list as PostgreSQL stores it: `"$user", public`. An empty list has an empty name, since
/// `SET` knows no other.
fn names(setting: &str, text: &str) -> Vec<String> {
    let folds = LISTS_OF_IDENTIFIERS.contains(&setting);
    let (mut names, mut name, mut quoted) = (Vec::new(), String::new(), false);
    let mut rest = text.trim().chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => {
                rest.next();
                name.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => names.push(std::mem::take(&mut name)),
            c if !quoted && c.is_whitespace() => {}
            c if !quoted && folds => name.push(c.to_ascii_lowercase()),
            c => name.push(c),
        }
    }
    names.push(name);
    names
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_names_are_taken_apart_and_other_texts_are_not() {
        assert_eq!(assigned("search_path", r#""$user", public"#), "E'$user', E'public'");
        assert_eq!(assigned("search_path", r#""a""b, c","D""#), r#"E'a"b, c', E'D'"#);
        assert_eq!(assigned("search_path", r#""""#), "E''");
        assert_eq!(assigned("search_path", ""), "E''");
        assert_eq!(assigned("datestyle", "ISO, MDY"), "E'ISO, MDY'");
    }

    #[test]
    fn one_list_in_two_spellings_is_the_same() {
        let uniform = |text| uniform("search_path", text);
        assert_eq!(
            uniform(r#"Store,"Odd, Name" ,public"#),
            uniform(r#"store, "Odd, Name", public"#)
        );
        assert_eq!(uniform(""), uniform(r#""""#));
        assert_ne!(uniform(r#""Store""#), uniform("Store"));
        assert_ne!(uniform(r#""a, b""#), uniform("a, b"));
    }

    #[test]
    fn only_identifiers_lose_their_capitals() {
        assert_eq!(assigned("temp_tablespaces", "Fast"), "E'fast'");
        assert_eq!(assigned("session_preload_libraries", "Audit"), "E'Audit'");
        assert_eq!(uniform("application_name", "My App"), "My App");
    }
}
