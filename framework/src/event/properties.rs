use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::fuzzing;
use crate::fuzzing::strategies::{cases, object, text};

const NAMES: [&str; 8] = [
    "createSecret",
    "setSecret",
    "testSecret",
    "finishSecret",
    "create_secret",
    "set_secret",
    "test_secret",
    "finish_secret",
];

proptest! {
    #![proptest_config(cases(256))]

    #[test]
    fn what_secrets_manager_sends_is_read_whatever_else_is_in_it(
        name in proptest::sample::select(&NAMES[..]),
        secret in "[ -~]{1,80}",
        token in "[a-zA-Z0-9-]{32,64}",
        rotation_token in proptest::option::of("[a-zA-Z0-9-]{36,256}"),
        later in object(),
    ) {
        let mut event: Value = serde_json::from_str(&later).unwrap();
        event["Step"] = json!(name);
        event["SecretId"] = json!(secret);
        event["ClientRequestToken"] = json!(token);
        event["RotationToken"] = json!(rotation_token);
        fuzzing::event(event.to_string().as_bytes());
        let read = RotationEvent::parse(event).unwrap();
        prop_assert_eq!(read.rotation_token.map(|t| t.expose().to_owned()), rotation_token);
    }

    #[test]
    fn any_other_object_is_refused_in_our_words(event in object(), name in text()) {
        fuzzing::event(event.as_bytes());
        fuzzing::event(format!("{{\"Step\":{}}}", json!(name)).as_bytes());
        let event: Value = serde_json::from_str(&event).unwrap();
        prop_assert!(RotationEvent::parse(event).is_err());
    }
}
