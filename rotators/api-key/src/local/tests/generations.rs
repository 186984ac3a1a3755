use super::*;

/// Five rotations, by which every key has been in every place.
fn generations(rotation: Value) -> Vec<Document> {
    let mut all = vec![fresh(rotation)];
    for _ in 0..5 {
        let next = rotated(all.last().unwrap());
        all.push(next);
    }
    all
}

#[test]
fn neighbours_understand_each_other_in_both_directions_by_every_algorithm() {
    for algorithm in ["EdDSA", "ES256", "RS256", "HS256", "HS384", "HS512"] {
        let all = generations(json!({"provider": "signing-key", "algorithm": algorithm}));
        for pair in all[1..].windows(2) {
            assert_understand_each_other(&pair[0], &pair[1]);
            assert_eq!(pair[1].string("alg").unwrap(), algorithm);
            assert_ne!(sign(&pair[0]).kid, sign(&pair[1]).kid);
        }
        // Two rotations later a key is gone, so that what was signed with it ends.
        for apart in all[1..].windows(3) {
            assert!(!verifies(&apart[2], &sign(&apart[0])), "{algorithm}");
        }
    }
}

#[test]
fn neighbours_understand_each_other_while_the_algorithm_changes() {
    let mut now = rotated(&fresh(json!({"provider": "signing-key", "algorithm": "RS256"})));
    for algorithm in ["ES256", "EdDSA", "RS256", "ES256"] {
        let before = sign(&now).alg;
        now = with(&now, "rotation", json!({"provider": "signing-key", "algorithm": algorithm}));
        let prepared = rotated(&now);
        assert_understand_each_other(&now, &prepared);
        // The key that verifiers have already been told of comes first.
        assert_eq!(sign(&prepared).alg, before);
        let changed = rotated(&prepared);
        assert_understand_each_other(&prepared, &changed);
        assert_eq!(sign(&changed).alg, algorithm);
        now = changed;
    }
}

#[test]
fn neighbours_understand_each_other_while_the_length_of_hmac_keys_changes() {
    let mut now = rotated(&fresh(json!({"provider": "signing-key", "algorithm": "HS256"})));
    for algorithm in ["HS512", "HS384"] {
        now = with(&now, "rotation", json!({"provider": "signing-key", "algorithm": algorithm}));
        for _ in 0..3 {
            let next = rotated(&now);
            assert_understand_each_other(&now, &next);
            now = next;
        }
        assert_eq!(sign(&now).alg, algorithm);
    }
}

#[test]
fn each_shared_key_is_next_then_current_then_previous() {
    for (rotation, field) in [
        (json!({"provider": "random-token"}), "token"),
        (json!({"provider": "random-token", "bytes": 48, "encoding": "hex"}), "token"),
        (json!({"provider": "aes"}), "key"),
        (json!({"provider": "signing-key", "algorithm": "HS256"}), "key"),
    ] {
        let all = generations(rotation);
        let named = field == "key";
        for pair in all[1..].windows(2) {
            for name in [Some(field), named.then_some("kid")].into_iter().flatten() {
                let text = |at: usize, slot: &str| pair[at].string(&format!("{slot}{name}"));
                assert_eq!(text(0, "next_"), text(1, ""));
                assert_eq!(text(0, ""), text(1, "previous_"));
                assert_ne!(text(1, "next_"), text(1, ""));
            }
        }
    }
}

#[test]
fn keys_have_the_length_and_the_encoding_that_are_asked_for() {
    for (rotation, field, encoding, bytes) in [
        (json!({"provider": "random-token", "bytes": 16}), "token", Encoding::Base64Url, 16),
        (json!({"provider": "random-token", "encoding": "hex"}), "token", Encoding::Hex, 32),
        (json!({"provider": "aes"}), "key", Encoding::Base64Url, 32),
        (json!({"provider": "aes", "bits": 128, "encoding": "hex"}), "key", Encoding::Hex, 16),
        (
            json!({"provider": "aes", "bits": 192, "encoding": "base64"}),
            "key",
            Encoding::Base64,
            24,
        ),
        (
            json!({"provider": "signing-key", "algorithm": "HS384", "encoding": "base64"}),
            "key",
            Encoding::Base64,
            48,
        ),
        // Random bytes in base64url, of which the text counts.
        (json!({"provider": "signing-key", "algorithm": "HS512"}), "key", Encoding::Base64Url, 64),
    ] {
        let text = rotated(&fresh(rotation)).string(field).unwrap();
        assert_eq!(encoding.decode(&text).unwrap().len(), bytes, "{text}");
    }
    let token = rotated(&fresh(json!({"provider": "random-token"}))).string("token").unwrap();
    assert_eq!(token.len(), 32);
}

#[test]
fn rsa_keys_have_the_bits_that_are_asked_for_and_else_those_of_the_one_before() {
    let bits = |document: &Document, field: &str| {
        PrivateKey::read(&document.string(field).unwrap()).unwrap().bits()
    };
    let ask = |bits: u32| json!({"provider": "signing-key", "algorithm": "RS256", "bits": bits});
    let first = rotated(&fresh(ask(3072)));
    assert_eq!(bits(&first, "private_key"), Some(3072));
    let unsaid = with(&first, "rotation", json!({"provider": "signing-key"}));
    assert_eq!(bits(&rotated(&unsaid), "next_private_key"), Some(3072));
    let other = with(&first, "rotation", ask(2048));
    assert_eq!(bits(&rotated(&other), "next_private_key"), Some(2048));
}

#[test]
fn a_key_set_to_be_published_has_no_private_part() {
    for algorithm in ["EdDSA", "ES256", "RS256"] {
        let secret = rotated(&fresh(json!({"provider": "signing-key", "algorithm": algorithm})));
        let set: Value = serde_json::from_str(&secret.string("jwks").unwrap()).unwrap();
        for key in set["keys"].as_array().unwrap() {
            let members: Vec<&str> = key.as_object().unwrap().keys().map(String::as_str).collect();
            let public: &[&str] = match algorithm {
                "EdDSA" => &["alg", "crv", "kid", "kty", "use", "x"],
                "ES256" => &["alg", "crv", "kid", "kty", "use", "x", "y"],
                _ => &["alg", "e", "kid", "kty", "n", "use"],
            };
            assert_eq!(members, public);
        }
    }
}

#[test]
fn rotations_write_their_own_fields_and_no_other() {
    for rotation in [
        json!({"provider": "random-token"}),
        json!({"provider": "aes"}),
        json!({"provider": "signing-key"}),
        json!({"provider": "signing-key", "algorithm": "HS256"}),
    ] {
        let last = generations(rotation).pop().unwrap();
        let mut written: Vec<&str> = last.names().filter(|name| *name != "rotation").collect();
        let mut fields = kind(&last).fields();
        written.sort_unstable();
        fields.sort_unstable();
        assert_eq!(written, fields);
    }
}

#[test]
fn every_generation_has_a_fingerprint_of_its_own() {
    for rotation in [
        json!({"provider": "random-token"}),
        json!({"provider": "aes"}),
        json!({"provider": "signing-key"}),
        json!({"provider": "signing-key", "algorithm": "HS256"}),
    ] {
        let all = generations(rotation);
        let prints: Vec<Sensitive> =
            all.iter().map(|secret| kind(secret).fingerprint(secret).unwrap()).collect();
        for (place, print) in prints.iter().enumerate() {
            assert!(!prints[..place].contains(print), "{place}");
        }
    }
}

#[test]
fn what_a_rotation_does_not_write_stays_as_it_was() {
    let secret =
        json!({"issuer": "https://issuer.example", "rotation": {"provider": "signing-key"}});
    let next = value(&rotated(&rotated(&document(&secret))));
    assert_eq!(next["issuer"], secret["issuer"]);
    assert_eq!(next["rotation"], secret["rotation"]);
}
