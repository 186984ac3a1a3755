use proptest::prelude::*;
use reqwest::header::{HeaderMap, LINK};

use crate::fuzzing;
use crate::fuzzing::cases;

fn parameter() -> impl Strategy<Value = String> {
    prop_oneof![
        "title=\"[^\"]{0,8}\""
            .prop_filter("in a header", |text| text.chars().all(|c| (' '..='~').contains(&c))),
        "type=[a-z/]{1,8}",
        Just("rel=prev".to_owned()),
        Just("rel=\"last first\"".to_owned()),
    ]
}

fn link() -> impl Strategy<Value = String> {
    ("[a-z/?=&,;.]{0,12}", proptest::collection::vec(parameter(), 1..4))
        .prop_map(|(address, parameters)| format!("<{address}>; {}", parameters.join("; ")))
}

fn nothing_next(links: &[String]) -> bool {
    // In a title it is a word like others.
    links.iter().all(|link| !link.contains("next"))
}

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn the_next_page_is_found_wherever_it_stands(
        before in proptest::collection::vec(link(), 0..3),
        address in "[a-z/?=&,;.]{1,12}",
        after in proptest::collection::vec(link(), 0..3),
    ) {
        prop_assume!(nothing_next(&before));
        let mut all = before;
        all.push(format!("<{address}>;title=\"a, b\" ; rel=\"next\""));
        all.extend(after);
        let mut headers = HeaderMap::new();
        headers.append(LINK, all.join(", ").parse().unwrap());
        prop_assert_eq!(super::link::next(&headers), Some(address));
    }

    #[test]
    fn any_answer_has_a_meaning(
        status in 100..600_u16,
        link in "[ -~]{0,30}",
        xml in any::<bool>(),
        body in prop_oneof!["\\{\"a\":(\"[a-z]{0,5}\"|null|\\[\\]|7|\"\\\\u0007\")\\}", "<a>(<b>[a-z]?</b>){0,3}</a>", any::<String>()],
    ) {
        let format = if xml { "answer = \"xml\"" } else { "" };
        let rules = format!("method = \"GET\"\npath = \"/\"\nfields = {{ a = \"/a\" }}\n{format}");
        fuzzing::answer(format!("{rules}\n---\n{status}\nlink: {link}\n---\n{body}").as_bytes());
    }
}
