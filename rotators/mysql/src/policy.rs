//! What a server asks of passwords, checked here where it is sent a digest, into which it cannot look.

use turnlock::{Class, Sensitive, TargetError};

/// The rules of a server; without a check, all are zero.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct Rules {
    length: usize,
    /// As many of each case.
    letters: usize,
    digits: usize,
    /// What is neither a letter nor a digit.
    others: usize,
    /// The name of the user is no password, forwards or backwards.
    not_the_name: bool,
}

impl Rules {
    /// Reads the server's variables; `None` where a number is none.
    pub(crate) fn read<'v>(variable: impl Fn(&str) -> Option<&'v str>) -> Option<Self> {
        let number = |name: &str| variable(name).map_or(Some(0), |text| text.parse().ok());
        let simple = |name: &str| number(&format!("simple_password_check_{name}"));
        let mut rules = Self {
            length: simple("minimal_length")?,
            letters: simple("letters_same_case")?,
            digits: simple("digits")?,
            others: simple("other_characters")?,
            not_the_name: variable("simple_password_check_digits").is_some(),
        };
        // Component and plugin can be loaded both, and then both count.
        for prefix in ["validate_password.", "validate_password_"] {
            let variable = |name: &str| variable(&format!("{prefix}{name}"));
            let number = |name: &str| variable(name).map_or(Some(0), |text| text.parse().ok());
            rules.length = rules.length.max(number("length")?);
            rules.not_the_name |= variable("check_user_name") == Some("ON");
            if !matches!(variable("policy"), None | Some("LOW" | "0")) {
                rules.letters = rules.letters.max(number("mixed_case_count")?);
                rules.digits = rules.digits.max(number("number_count")?);
                rules.others = rules.others.max(number("special_char_count")?);
            }
        }
        Some(rules)
    }

    /// Fails in class `policy`, with all that the password lacks, and where each is set.
    pub(crate) fn check(
        &self,
        password: &Sensitive,
        user: &str,
        server: &str,
    ) -> Result<(), TargetError> {
        let password = password.expose();
        let count = |is: fn(&char) -> bool| password.chars().filter(is).count();
        let other = |c: &char| !c.is_ascii_alphanumeric();
        let pieces = [
            (count(|_| true), self.length, "characters", "`length`"),
            (
                count(char::is_ascii_uppercase),
                self.letters,
                "uppercase letters",
                "`exclude_uppercase`",
            ),
            (
                count(char::is_ascii_lowercase),
                self.letters,
                "lowercase letters",
                "`exclude_lowercase`",
            ),
            (count(char::is_ascii_digit), self.digits, "digits", "`exclude_numbers`"),
            (
                count(other),
                self.others,
                "other characters",
                "`exclude_punctuation`, `exclude_characters`",
            ),
        ];
        let mut missing: Vec<String> = pieces
            .into_iter()
            .filter(|(has, asked, ..)| has < asked)
            .map(|(_, asked, what, field)| format!("at least {asked} {what} ({field})"))
            .collect();
        if self.not_the_name && (password == user || password.chars().eq(user.chars().rev())) {
            missing.push("another text than the user's name".to_owned());
        }
        if missing.is_empty() {
            return Ok(());
        }
        let text = format!(
            "{server} asks of passwords what the pending one of {user} lacks: {}; set rotation.password in the \
             secret to make such passwords",
            missing.join(", ")
        );
        Err(TargetError::new(Class::Policy, text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &'static str)]) -> Rules {
        let variable =
            |name: &str| variables.iter().find(|(is, _)| *is == name).map(|found| found.1);
        Rules::read(variable).unwrap()
    }

    fn lacks(rules: &Rules, password: &str) -> String {
        let error = rules.check(&Sensitive::new(password), "app", "db:3306");
        error.map_or_else(|error| error.to_string(), |()| String::new())
    }

    /// As MySQL 9.7 has them when the component is installed.
    const COMPONENT: [(&str, &str); 6] = [
        ("validate_password.check_user_name", "ON"),
        ("validate_password.length", "8"),
        ("validate_password.mixed_case_count", "1"),
        ("validate_password.number_count", "2"),
        ("validate_password.policy", "MEDIUM"),
        ("validate_password.special_char_count", "1"),
    ];

    #[test]
    fn a_server_without_a_check_takes_every_password() {
        let rules = read(&[]);
        assert_eq!(rules, Rules::default());
        assert_eq!(lacks(&rules, ""), "");
    }

    #[test]
    fn all_that_a_password_lacks_is_named_with_the_field_that_sets_it() {
        let rules = read(&COMPONENT);
        assert_eq!(lacks(&rules, "abCd12-x"), "");
        let error = lacks(&rules, "äbc1");
        for piece in [
            "at least 8 characters (`length`)",
            "1 uppercase letters (`exclude_uppercase`)",
            "2 digits (`exclude_numbers`)",
        ] {
            assert!(error.contains(piece), "{error}");
        }
        assert!(!error.contains("lowercase") && !error.contains("other characters"), "{error}");
        assert!(!error.contains("äbc1"), "{error}");
    }

    #[test]
    fn the_lowest_policy_asks_for_the_length_alone() {
        let mut variables = COMPONENT;
        for low in ["LOW", "0"] {
            variables[4].1 = low;
            assert_eq!(lacks(&read(&variables), "aaaaaaaa"), "");
        }
        for high in ["STRONG", "2", "1"] {
            variables[4].1 = high;
            assert!(lacks(&read(&variables), "aaaaaaaa").contains("digits"));
        }
    }

    #[test]
    fn the_plugin_of_mysql_5_7_counts_as_the_component_does() {
        let plugin = [("validate_password_length", "9"), ("validate_password_policy", "LOW")];
        assert!(lacks(&read(&plugin), "12345678").contains("at least 9 characters"));
    }

    #[test]
    fn the_users_name_is_no_password() {
        let rules = read(&[("validate_password.check_user_name", "ON")]);
        for name in ["app", "ppa"] {
            assert!(lacks(&rules, name).contains("another text than the user's name"));
        }
        assert_eq!(lacks(&rules, "App"), "");
    }

    #[test]
    fn the_plugin_of_mariadb_counts_letters_of_each_case() {
        let rules = read(&[
            ("simple_password_check_digits", "1"),
            ("simple_password_check_letters_same_case", "2"),
            ("simple_password_check_minimal_length", "8"),
            ("simple_password_check_other_characters", "1"),
        ]);
        assert_eq!(lacks(&rules, "abCD1-efg"), "");
        assert!(lacks(&rules, "abcD1-efg").contains("at least 2 uppercase letters"));
    }
}
