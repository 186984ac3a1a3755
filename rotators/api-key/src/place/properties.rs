use proptest::prelude::*;

use crate::fuzzing;
use crate::fuzzing::cases;
use crate::providers::BUILT_IN;

/// What tries to be more than a value.
fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9._~-]{1,20}",
        "[/?#&=%.:@;,+ \"'\\\\{}\\[\\]<>]{1,8}",
        "(\\.|%2e|%2f|/){1,4}",
        "[ -~]{0,20}",
        any::<String>(),
    ]
}

proptest! {
    #![proptest_config(cases(384))]

    #[test]
    fn no_value_leaves_its_place_in_the_requests_of_a_provider(
        (_, text) in proptest::sample::select(BUILT_IN),
        value in value(),
    ) {
        fuzzing::provider(format!("{value}\n---\n{text}").as_bytes());
    }
}
