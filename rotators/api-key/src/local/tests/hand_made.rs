//! Secrets that somebody else began.

use super::super::algorithm::Algorithm;
use super::*;

const ALGORITHMS: [Algorithm; 3] = [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Rs256];

fn hand_made(algorithm: Algorithm) -> Document {
    let (_, pem) = PrivateKey::draw(algorithm, 2048).unwrap();
    document(&json!({"private_key": pem.expose(), "rotation": {"provider": "signing-key"}}))
}

#[test]
fn a_key_that_is_there_goes_on_for_a_period_and_the_next_one_is_published() {
    for algorithm in ALGORITHMS {
        let before = hand_made(algorithm);
        let first = rotated(&before);
        assert_eq!(first.string("private_key"), before.string("private_key"));
        assert_eq!(first.string("alg").unwrap(), algorithm.name());
        let second = rotated(&first);
        assert_ne!(second.string("private_key"), before.string("private_key"));
        assert_eq!(second.string("private_key"), first.string("next_private_key"));
        assert_understand_each_other(&first, &second);
    }
}

#[test]
fn the_next_key_is_of_the_kind_of_the_one_that_is_there_unless_another_is_asked_for() {
    for algorithm in ALGORITHMS {
        let before = hand_made(algorithm);
        assert_eq!(rotated(&rotated(&before)).string("alg").unwrap(), algorithm.name());
        let asked = json!({"provider": "signing-key", "algorithm": "EdDSA"});
        let first = rotated(&with(&before, "rotation", asked));
        let second = rotated(&first);
        assert_understand_each_other(&first, &second);
        assert_eq!(second.string("alg").unwrap(), "EdDSA");
    }
}

#[test]
fn a_name_that_somebody_chose_stays_with_its_key() {
    let before = with(&hand_made(Algorithm::Es256), "kid", json!("2024 \"prod\""));
    let first = rotated(&before);
    assert_eq!(first.string("kid").unwrap(), "2024 \"prod\"");
    let second = rotated(&first);
    assert_understand_each_other(&first, &second);
    assert_ne!(second.string("kid").unwrap(), "2024 \"prod\"");
}

#[test]
fn public_keys_that_somebody_else_published_stay_while_the_key_beside_them_does() {
    let other = PrivateKey::draw(Algorithm::EdDsa, 0).unwrap().0.public().jwk("elsewhere");
    let set = json!({"keys": [other, {"kty": "EC", "crv": "P-521", "x": "AA", "y": "AA"}]});
    let before = with(&hand_made(Algorithm::Es256), "jwks", json!(set.to_string()));
    let count = |document: &Document| {
        let set: Value = serde_json::from_str(&document.string("jwks").unwrap()).unwrap();
        set["keys"].as_array().unwrap().len()
    };
    let first = rotated(&before);
    assert_eq!(count(&first), 4);
    assert_eq!(count(&rotated(&first)), 3);
}

#[test]
fn a_next_key_that_was_never_published_does_not_begin_to_sign() {
    let (_, pem) = PrivateKey::draw(Algorithm::Es256, 0).unwrap();
    let whole = rotated(&fresh(json!({"provider": "signing-key"})));
    let before = with(&whole, "next_private_key", json!(pem.expose()));
    let next = rotated(&before);
    assert_eq!(next.string("private_key"), before.string("private_key"));
    assert_ne!(next.string("next_private_key").unwrap(), pem.expose());
    assert_understand_each_other(&whole, &next);
}

#[test]
fn a_shared_key_that_is_there_goes_on_for_a_period_and_gets_a_name() {
    for (rotation, field, made) in [
        (json!({"provider": "random-token"}), "token", "hunter2"),
        (json!({"provider": "aes"}), "key", "AAAAAAAAAAAAAAAAAAAAAA"),
        (json!({"provider": "signing-key", "algorithm": "HS256"}), "key", "not \"random\""),
    ] {
        let before = document(&json!({field: made, "rotation": rotation}));
        let first = rotated(&before);
        assert_eq!(first.string(field).unwrap(), made);
        assert_eq!(first.optional_string("kid").unwrap().is_some(), field == "key");
        assert_eq!(first.optional_string(&format!("previous_{field}")), Ok(None));
        let second = rotated(&first);
        assert_eq!(second.string(&format!("previous_{field}")).unwrap(), made);
        assert_eq!(second.string(field), first.string(&format!("next_{field}")));
    }
}

#[test]
fn the_name_of_a_shared_key_tells_nothing_of_it() {
    let secret =
        json!({"key": "hunter2", "rotation": {"provider": "signing-key", "algorithm": "HS256"}});
    let name = || rotated(&document(&secret)).string("kid").unwrap();
    assert_ne!(name(), name());
}

#[test]
fn an_aes_key_is_as_long_as_the_one_before_unless_another_is_asked_for() {
    let length = |rotation: Value| {
        let secret = json!({"key": "AAAAAAAAAAAAAAAAAAAAAA", "rotation": rotation});
        let next = rotated(&document(&secret)).string("next_key").unwrap();
        Encoding::Base64Url.decode(&next).unwrap().len()
    };
    assert_eq!(length(json!({"provider": "aes"})), 16);
    assert_eq!(length(json!({"provider": "aes", "bits": 256})), 32);
}

#[test]
fn a_secret_that_was_never_rotated_is_whole_with_and_without_a_key() {
    for secret in [
        fresh(json!({"provider": "signing-key"})),
        fresh(json!({"provider": "random-token"})),
        hand_made(Algorithm::Rs256),
        document(&json!({"token": "hunter2", "rotation": {"provider": "random-token"}})),
    ] {
        kind(&secret).check(&secret).unwrap();
    }
}
