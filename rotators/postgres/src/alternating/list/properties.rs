use proptest::prelude::*;
use proptest::test_runner::Config;

use super::*;

proptest! {
    #![proptest_config(Config { cases: 512, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_list_is_taken_apart_into_the_names_that_it_was_made_of(
        all in proptest::collection::vec(prop_oneof!["[a-z]{1,4}", "[a-zA-Z\", ]{1,6}", "\\PC{1,6}"], 1..5),
    ) {
        let text: Vec<String> = all.iter().map(|name| quoted(name)).collect();
        for setting in LISTS_OF_NAMES {
            prop_assert_eq!(&names(setting, &text.join(", ")), &all);
            prop_assert_eq!(&names(setting, &text.join(" ,")), &all);
        }
    }

    #[test]
    fn the_one_spelling_of_a_setting_is_its_own(
        setting in proptest::sample::select(&["search_path", "temp_tablespaces", "local_preload_libraries", "datestyle"][..]),
        text in prop_oneof!["[a-zA-Z\", ]{0,12}", any::<String>()],
    ) {
        // An open quote is in no list that a server stores.
        prop_assume!(text.matches('"').count() % 2 == 0);
        let once = uniform(setting, &text);
        prop_assert_eq!(assigned(setting, &once), assigned(setting, &text));
        prop_assert_eq!(uniform(setting, &once), once);
    }
}
