use proptest::prelude::*;
use proptest::test_runner::Config;

use super::*;

fn comment() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(prop_oneof!["[ -~\n]{0,40}", any::<String>()])
}

proptest! {
    #![proptest_config(Config { cases: 512, failure_persistence: None, ..Config::default() })]

    #[test]
    fn a_mark_is_read_as_it_was_written_beside_any_comment(
        name in prop_oneof!["[ -~]{1,30}", "\\PC{1,20}"],
        (first, second) in ("[0-9a-f]{8}", "[0-9a-f]{8}"),
        version in "[a-zA-Z0-9-]{32,64}",
        is_adopted in any::<bool>(),
        comment in comment(),
    ) {
        let mark = Mark { first, second, version: version.clone(), is_adopted };
        let written = mark.written(comment.as_deref(), &name);
        let read = Mark::read(Some(&written), &name);
        prop_assert_eq!(read.as_ref(), Some(&mark));
        prop_assert_eq!(Mark::read(Some(&written), &format!("{name}x")), None);
        let line = line(&written).unwrap();
        let ends_with_version = line.ends_with(&format!(" {version}]"));
        prop_assert!(ends_with_version);
        let newer = Mark { version: "v-2".into(), ..mark };
        let again = newer.written(Some(&written), &name);
        prop_assert_eq!(again.matches(BEGINNING).count(), 1 + name.matches(BEGINNING).count());
        prop_assert_eq!(Mark::read(Some(&again), &name), Some(newer));
    }

    #[test]
    fn any_comment_is_a_mark_or_none(comment in comment(), name in "\\PC{0,10}") {
        if let Some(mark) = Mark::read(comment.as_deref(), &name) {
            prop_assert!(comment.unwrap().contains(&mark.version));
        }
    }
}
