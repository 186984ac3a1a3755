use proptest::prelude::*;

use super::*;
use crate::fuzzing::strategies::cases;

fn policy() -> impl Strategy<Value = PasswordPolicy> {
    let excluded = prop_oneof![
        Just(None),
        "[ -~é]{0,20}".prop_map(Some),
        Just(Some(PUNCTUATION.to_owned())),
        Just(Some(format!("{UPPERCASE}{NUMBERS}"))),
        "[!-~]{60,90}".prop_map(Some),
    ];
    let length = prop_oneof![3 => 1..40_u32, 1 => Just(4096)];
    (length, excluded, any::<[bool; 5]>()).prop_map(|(length, exclude_characters, flags)| {
        let [numbers, punctuation, uppercase, lowercase, require_each_included_type] = flags;
        PasswordPolicy {
            length,
            exclude_characters,
            exclude_numbers: numbers,
            exclude_punctuation: punctuation,
            exclude_uppercase: uppercase,
            exclude_lowercase: lowercase,
            require_each_included_type,
        }
    })
}

/// The included types and their characters, by the words of the policy and not by its code.
fn allowed(policy: &PasswordPolicy) -> Vec<String> {
    let excluded = policy.exclude_characters.as_deref();
    let punctuation = if excluded.is_some() { PUNCTUATION } else { UNRESERVED };
    let mut types = Vec::new();
    for (is_excluded, all) in [
        (policy.exclude_uppercase, UPPERCASE),
        (policy.exclude_lowercase, LOWERCASE),
        (policy.exclude_numbers, NUMBERS),
        (policy.exclude_punctuation, punctuation),
    ] {
        let left: String =
            all.chars().filter(|c| !excluded.unwrap_or_default().contains(*c)).collect();
        if !is_excluded && !left.is_empty() {
            types.push(left);
        }
    }
    types
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn a_drawn_password_obeys_its_policy_and_one_that_cannot_be_met_is_refused(policy in policy()) {
        let types = allowed(&policy);
        let each = policy.require_each_included_type;
        let length = policy.length as usize;
        let drawn = Passwords::new(policy).draw();
        let can_be_met = !types.is_empty() && (!each || types.len() <= length);
        prop_assert_eq!(drawn.is_ok(), can_be_met);
        match drawn {
            Err(error) => prop_assert_eq!(error.class(), Class::Policy),
            Ok(password) => {
                let password = password.expose();
                prop_assert_eq!(password.chars().count(), length);
                prop_assert!(password.chars().all(|c| types.iter().any(|of| of.contains(c))));
                prop_assert!(!each || types.iter().all(|of| password.contains(|c| of.contains(c))));
            }
        }
    }

    #[test]
    fn a_secrets_own_settings_come_before_the_environments(policy in policy(), length in 1..4097_u32) {
        let text = format!(r#"{{"rotation":{{"password":{{"length":"{length}","exclude_numbers":"FALSE"}}}}}}"#);
        let secret = Document::parse(Sensitive::new(text)).unwrap();
        let own = policy.for_secret(&secret).unwrap();
        let expected = PasswordPolicy { length, exclude_numbers: false, ..policy };
        prop_assert_eq!(own, expected);
    }

    #[test]
    fn variables_are_a_policy_or_refused(length in "[0-9]{1,5}| ?[0-9]{1,4} ?|.{0,6}", flag in ".{0,5}") {
        let variable = |name: &str| match name {
            "PASSWORD_LENGTH" => Some(length.clone()),
            "EXCLUDE_NUMBERS" => Some(flag.clone()),
            _ => None,
        };
        let number = length.trim().parse::<u32>().ok().filter(|number| (1..=4096).contains(number));
        match PasswordPolicy::from_variables(variable) {
            Ok(policy) => {
                prop_assert_eq!(Some(policy.length), number);
                let told = ["true", "1", "y", "yes"].iter().any(|yes| flag.trim().eq_ignore_ascii_case(yes));
                prop_assert_eq!(policy.exclude_numbers, told);
            }
            Err(error) => {
                prop_assert_eq!(number, None);
                prop_assert_eq!(error.class(), Class::Refused);
            }
        }
    }
}
