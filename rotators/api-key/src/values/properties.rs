use proptest::prelude::*;

use super::*;
use crate::fuzzing::cases;
use crate::template::Template;

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn a_name_is_read_as_it_was_written(text in prop_oneof!["((next|admin|login|new)\\.)?[a-zA-Z0-9_-]{1,8}", "\\PC{0,12}"]) {
        match Name::parse(&text) {
            Some(name) => prop_assert_eq!(name.to_string(), text),
            None => {
                let is_refused = Template::parse(&format!("{{{text}}}")).is_err();
                // Else it is more than a name.
                let is_more = text.contains(['|', '?', '{']);
                prop_assert!(is_refused || is_more);
            }
        }
    }

    #[test]
    fn a_template_is_its_text_with_the_values_in_it(
        pieces in proptest::collection::vec(("[^{}]{0,6}", "[a-z]{1,5}", any::<String>()), 0..5),
        end in "[^{}]{0,6}",
    ) {
        let (mut template, mut expected, mut fields) = (String::new(), String::new(), Fields::default());
        for (number, (text, name, value)) in pieces.iter().enumerate() {
            let name = format!("{name}{number}");
            template += &format!("{text}{{{{{{{name}}}}}}}");
            expected += &format!("{text}{{{value}}}");
            fields.put(&name, Sensitive::new(value.as_str()));
        }
        let template = Template::parse(&(template + &end)).unwrap();
        let filled = template.plain(&Values::of(&fields)).unwrap().unwrap();
        prop_assert_eq!(filled.expose(), expected + &end);
    }

    #[test]
    fn a_template_that_is_any_text_is_read_or_refused(text in "[a-z{}|?.]{0,16}|\\PC{0,16}") {
        if let Ok(template) = Template::parse(&text) {
            let nothing = Fields::default();
            let filled = template.plain(&Values::of(&nothing));
            prop_assert_eq!(filled.is_err(), template.names().next().is_some() && first_is_needed(&template));
        }
    }
}

/// Filling stops at the first placeholder: one that is optional leaves all out, one that is not is missed.
fn first_is_needed(template: &Template) -> bool {
    template.names().next() == template.needed().next()
}
