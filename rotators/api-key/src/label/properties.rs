use proptest::prelude::*;

use super::*;
use crate::fuzzing::cases;

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn a_label_is_read_as_it_was_written(name in "[ -~]{1,60}", version in "[a-zA-Z0-9-]{32,64}") {
        let secret = SecretId::new(format!("arn:aws:secretsmanager:eu-west-1:111122223333:secret:{name}"));
        let label = Label::new(&secret, &VersionId::new(version)).unwrap();
        let text = label.text();
        prop_assert_eq!(Label::parse(&text, &secret), Some(label));
        prop_assert_eq!(Label::parse(&text, &SecretId::new(format!("{name}2"))), None);
    }

    #[test]
    fn what_is_read_as_a_label_is_written_as_it_came(
        version in "[a-z0-9-]{0,40}",
        when in prop_oneof!["[0-9a-z]{6}", "[ -~]{6}", "[+-][0-9a-zA-Z]{5}", "\\PC{1,6}"],
        random in prop_oneof!["[0-9a-z]{4}", "\\PC{0,4}"],
    ) {
        let secret = SecretId::new("app");
        let text = format!("turnlock-{}-{version}-{when}{random}", digest(&secret));
        if let Some(label) = Label::parse(&text, &secret) {
            prop_assert_eq!(label.text(), text);
        }
    }
}
