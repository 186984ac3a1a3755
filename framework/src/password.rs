//! Passwords: which characters, how many, drawn from the operating system's randomness.

use std::collections::BTreeSet;

use rand::TryRng;
use rand::rngs::SysRng;

use crate::{Class, Document, Malformed, Sensitive, TargetError};

const UPPERCASE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWERCASE: &str = "abcdefghijklmnopqrstuvwxyz";
const NUMBERS: &str = "0123456789";
/// What `GetRandomPassword` calls punctuation.
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
/// The punctuation that needs no escape in a URL, a connection string or a shell.
const UNRESERVED: &str = "-._~";
/// As `GetRandomPassword` allows.
const LENGTHS: std::ops::Range<u32> = 1..4097;

/// How new passwords look: by AWS's environment variables, and per secret by `rotation.password`.
///
/// With nothing set: 32 characters, of them at least one letter of each case, one digit and one of
/// `-._~`. Whoever sets excluded characters, even to none, gets all other punctuation.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PasswordPolicy {
    length: u32,
    exclude_characters: Option<String>,
    exclude_numbers: bool,
    exclude_punctuation: bool,
    exclude_uppercase: bool,
    exclude_lowercase: bool,
    require_each_included_type: bool,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self {
            length: 32,
            exclude_characters: None,
            exclude_numbers: false,
            exclude_punctuation: false,
            exclude_uppercase: false,
            exclude_lowercase: false,
            require_each_included_type: true,
        }
    }
}

impl PasswordPolicy {
    /// Reads `PASSWORD_LENGTH`, `EXCLUDE_CHARACTERS`, `EXCLUDE_NUMBERS`, `EXCLUDE_PUNCTUATION`,
    /// `EXCLUDE_UPPERCASE`, `EXCLUDE_LOWERCASE` and `REQUIRE_EACH_INCLUDED_TYPE`.
    ///
    /// Booleans are true as `true`, `1`, `y` or `yes` in any case, else false, as AWS's functions have it.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, TargetError> {
        let base = Self::default();
        let flag = |name: &str, default: bool| {
            variable(name).map_or(default, |value| {
                ["true", "1", "y", "yes"].contains(&value.trim().to_ascii_lowercase().as_str())
            })
        };
        let length = match variable("PASSWORD_LENGTH") {
            Some(text) => text.trim().parse().ok().filter(|n| LENGTHS.contains(n)),
            None => Some(base.length),
        };
        let length = length.ok_or_else(|| {
            let problem = "the variable PASSWORD_LENGTH is not a whole number from 1 to 4096";
            TargetError::new(Class::Refused, problem)
        })?;
        Ok(Self {
            length,
            exclude_characters: variable("EXCLUDE_CHARACTERS"),
            exclude_numbers: flag("EXCLUDE_NUMBERS", base.exclude_numbers),
            exclude_punctuation: flag("EXCLUDE_PUNCTUATION", base.exclude_punctuation),
            exclude_uppercase: flag("EXCLUDE_UPPERCASE", base.exclude_uppercase),
            exclude_lowercase: flag("EXCLUDE_LOWERCASE", base.exclude_lowercase),
            require_each_included_type: flag(
                "REQUIRE_EACH_INCLUDED_TYPE",
                base.require_each_included_type,
            ),
        })
    }

    /// What the secret itself says under `rotation.password`, and this policy where it says nothing.
    pub fn for_secret(&self, secret: &Document) -> Result<Self, Malformed> {
        let mut policy = self.clone();
        let Some(rotation) = secret.section("rotation")? else { return Ok(policy) };
        let Some(own) = rotation.section("password")? else { return Ok(policy) };
        for name in own.names() {
            match name {
                "length" => set(&mut policy.length, own.number(name, LENGTHS)?),
                "exclude_characters" => {
                    policy.exclude_characters =
                        own.optional_string(name)?.or(policy.exclude_characters);
                }
                "exclude_numbers" => set(&mut policy.exclude_numbers, own.flag(name)?),
                "exclude_punctuation" => set(&mut policy.exclude_punctuation, own.flag(name)?),
                "exclude_uppercase" => set(&mut policy.exclude_uppercase, own.flag(name)?),
                "exclude_lowercase" => set(&mut policy.exclude_lowercase, own.flag(name)?),
                "require_each_included_type" => {
                    set(&mut policy.require_each_included_type, own.flag(name)?);
                }
                // A misspelt limit would otherwise be no limit.
                _ => return Err(own.problem(name, "is not a setting of passwords")),
            }
        }
        Ok(policy)
    }

    /// The characters of each included type.
    fn types(&self) -> Vec<Vec<u8>> {
        let (punctuation, excluded) = match &self.exclude_characters {
            Some(excluded) => (PUNCTUATION, excluded.as_str()),
            None => (UNRESERVED, ""),
        };
        let excluded: BTreeSet<u8> = excluded.bytes().collect();
        [
            (self.exclude_uppercase, UPPERCASE),
            (self.exclude_lowercase, LOWERCASE),
            (self.exclude_numbers, NUMBERS),
            (self.exclude_punctuation, punctuation),
        ]
        .into_iter()
        .filter(|(left_out, _)| !left_out)
        .map(|(_, all)| all.bytes().filter(|c| !excluded.contains(c)).collect())
        .filter(|characters: &Vec<u8>| !characters.is_empty())
        .collect()
    }
}

fn set<T>(setting: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *setting = value;
    }
}

/// The only source of new passwords; a rotator meets it in [`create`](crate::Rotator::create) alone.
#[derive(Clone, Debug)]
pub struct Passwords(PasswordPolicy);

impl Passwords {
    /// Passwords by a policy; outside tests, the framework makes them of the secret's and the environment's.
    pub fn new(policy: PasswordPolicy) -> Self {
        Self(policy)
    }

    /// Draws a password that nobody has ever seen.
    ///
    /// # Errors
    ///
    /// Class `policy` where the policy allows no password: no character left, or fewer places than types.
    pub fn draw(&self) -> Result<Sensitive, TargetError> {
        let types = self.0.types();
        let length = self.0.length as usize;
        let all: Vec<u8> = types.concat();
        if all.is_empty() {
            return Err(refused("leaves no character to choose from"));
        }
        let required = if self.0.require_each_included_type { types.as_slice() } else { &[] };
        if required.len() > length {
            return Err(refused("is too short to have one character of each included type"));
        }

        // One of each required type, the rest from all, then in an order that tells nothing.
        let mut password = String::with_capacity(length);
        for place in 0..length {
            let characters = required.get(place).unwrap_or(&all);
            password.push(char::from(characters[below(characters.len())?]));
        }
        let mut bytes = password.into_bytes();
        for last in (1..bytes.len()).rev() {
            bytes.swap(last, below(last + 1)?);
        }
        // All types are ASCII.
        String::from_utf8(bytes).map(Sensitive::new).map_err(|_| refused("is not ASCII"))
    }
}

fn refused(problem: &'static str) -> TargetError {
    TargetError::new(
        Class::Policy,
        format!(
            "the password policy {problem} (the variables PASSWORD_LENGTH and EXCLUDE_*, `rotation.password`)"
        ),
    )
}

/// A number below `bound`, each with equal chance, from the operating system.
fn below(bound: usize) -> Result<usize, TargetError> {
    let bound = u64::try_from(bound).unwrap_or(u64::MAX);
    let zone = u64::MAX - u64::MAX % bound;
    loop {
        let drawn = SysRng.try_next_u64().map_err(|_| {
            TargetError::new(Class::Unexpected, "the operating system gives no randomness")
        })?;
        if drawn < zone {
            return Ok(usize::try_from(drawn % bound).unwrap_or(0));
        }
    }
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    fn variables<'a>(set: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned())
    }

    fn policy(set: &[(&str, &str)]) -> PasswordPolicy {
        PasswordPolicy::from_variables(variables(set)).unwrap()
    }

    fn draw(policy: PasswordPolicy) -> String {
        Passwords::new(policy).draw().unwrap().expose().to_owned()
    }

    fn count(password: &str, of: &str) -> usize {
        password.chars().filter(|c| of.contains(*c)).count()
    }

    #[test]
    fn with_nothing_set_a_password_survives_a_connection_string() {
        for _ in 0..200 {
            let password = draw(policy(&[]));
            assert_eq!(password.len(), 32);
            let allowed = [UPPERCASE, LOWERCASE, NUMBERS, UNRESERVED];
            assert_eq!(allowed.iter().map(|of| count(&password, of)).sum::<usize>(), 32);
            assert!(allowed.iter().all(|of| count(&password, of) > 0), "{password}");
        }
    }

    #[test]
    fn every_character_of_the_alphabet_is_drawn_in_every_place() {
        let short = policy(&[("PASSWORD_LENGTH", "4")]);
        let drawn: Vec<String> = (0..4000).map(|_| draw(short.clone())).collect();
        for place in 0..4 {
            let seen: BTreeSet<char> = drawn.iter().filter_map(|p| p.chars().nth(place)).collect();
            assert_eq!(seen.len(), 26 + 26 + 10 + 4);
        }
    }

    #[test]
    fn aws_variables_mean_what_they_mean_there() {
        let aws = policy(&[
            ("PASSWORD_LENGTH", "64"),
            ("EXCLUDE_CHARACTERS", ":/@\"'\\"),
            ("EXCLUDE_NUMBERS", "Yes"),
            ("EXCLUDE_UPPERCASE", "1"),
        ]);
        let drawn = draw(aws);
        assert_eq!(drawn.len(), 64);
        assert_eq!(
            count(&drawn, NUMBERS) + count(&drawn, UPPERCASE) + count(&drawn, ":/@\"'\\"),
            0
        );
        assert!(count(&drawn, LOWERCASE) > 0 && count(&drawn, PUNCTUATION) > 0);
        assert!(PasswordPolicy::from_variables(variables(&[("PASSWORD_LENGTH", "many")])).is_err());
    }

    #[test]
    fn a_secret_sets_its_own_policy_over_that_of_the_environment() {
        let secret = |own: &str| {
            let text = format!(r#"{{"rotation":{{"password":{own}}}}}"#);
            Document::parse(Sensitive::new(text)).unwrap()
        };
        let base = policy(&[("PASSWORD_LENGTH", "64"), ("EXCLUDE_NUMBERS", "true")]);
        let own = base.for_secret(&secret(r#"{"length":12,"exclude_punctuation":true}"#)).unwrap();
        let drawn = draw(own);
        assert_eq!(drawn.len(), 12);
        assert_eq!(count(&drawn, NUMBERS) + count(&drawn, PUNCTUATION), 0);

        let error = base.for_secret(&secret(r#"{"lenght":12}"#)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "field `rotation.password.lenght` is not a setting of passwords"
        );
    }

    #[test]
    fn a_policy_that_allows_no_password_is_refused() {
        let none = [("EXCLUDE_CHARACTERS", PUNCTUATION), ("EXCLUDE_NUMBERS", "true")];
        let letters = [("EXCLUDE_UPPERCASE", "true"), ("EXCLUDE_LOWERCASE", "true")];
        let none = policy(&[none, letters].concat());
        assert_eq!(Passwords::new(none).draw().unwrap_err().class(), Class::Policy);
        let short = policy(&[("PASSWORD_LENGTH", "3")]);
        assert_eq!(Passwords::new(short).draw().unwrap_err().class(), Class::Policy);
    }
}
