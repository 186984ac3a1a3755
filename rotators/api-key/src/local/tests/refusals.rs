use turnlock::Class;

use super::super::algorithm::Algorithm;
use super::*;

fn read(rotation: Value) -> String {
    let document = fresh(rotation);
    let provider = document.section("rotation").unwrap().unwrap().string("provider").unwrap();
    Kind::read(&provider, &document).unwrap_err().to_string()
}

#[test]
fn settings_that_mean_nothing_are_refused_by_name() {
    for (rotation, text) in [
        (
            json!({"provider": "signing-key", "algorithm": "PS256"}),
            "field `rotation.algorithm` is not EdDSA, ES256, RS256, HS256, HS384 or HS512",
        ),
        (
            json!({"provider": "signing-key", "algorithm": "RS256", "bits": 1024}),
            "field `rotation.bits` is not 2048, 3072 or 4096",
        ),
        (
            json!({"provider": "signing-key", "algorithm": "ES256", "bits": 2048}),
            "field `rotation.bits` has no meaning for this kind of key",
        ),
        (
            json!({"provider": "signing-key", "algorithm": "HS256", "bytes": 32}),
            "field `rotation.bytes` has no meaning for this kind of key",
        ),
        (json!({"provider": "aes", "bits": 512}), "field `rotation.bits` is not 128, 192 or 256"),
        (
            json!({"provider": "aes", "encoding": "text"}),
            "field `rotation.encoding` is not base64url, base64 or hex",
        ),
        (
            json!({"provider": "random-token", "algorithm": "HS256"}),
            "field `rotation.algorithm` has no meaning for this kind of key",
        ),
        (
            json!({"provider": "random-token", "bytes": 8}),
            "field `rotation.bytes` is not a whole number from 16 to 1024",
        ),
        (
            json!({"provider": "random-token", "encoding": "base32"}),
            "field `rotation.encoding` is not base64url, base64, hex or text",
        ),
    ] {
        assert_eq!(read(rotation), text);
    }
}

#[test]
fn the_name_of_another_provider_is_no_local_key() {
    let document = fresh(json!({"provider": "jupyterhub", "bits": 7}));
    assert!(Kind::read("jupyterhub", &document).unwrap().is_none());
}

/// What `check` says of a rotated secret in which one field was changed.
fn damaged(rotation: Value, field: &str, new: Value) -> String {
    let whole = rotated(&rotated(&fresh(rotation)));
    let damaged = with(&whole, field, new);
    let error = kind(&damaged).check(&damaged).unwrap_err();
    assert_eq!(error.class(), Class::MalformedSecret);
    error.to_string()
}

#[test]
fn signing_keys_that_are_not_whole_are_refused_by_field() {
    let check = |field: &str, new: Value| damaged(json!({"provider": "signing-key"}), field, new);
    let (_, foreign) = PrivateKey::draw(Algorithm::Es256, 0).unwrap();
    let foreign = json!(foreign.expose());
    let (_, rsa) = PrivateKey::draw(Algorithm::Rs256, 2048).unwrap();
    for (field, new, text) in [
        ("private_key", json!(null), "field `private_key` is missing"),
        ("private_key", json!("hunter2"), "field `private_key` is not a private key in PEM"),
        ("private_key", foreign.clone(), "field `jwks` does not verify what `private_key` signs"),
        ("private_key", json!(rsa.expose()), "field `alg` is not the algorithm of `private_key`"),
        ("next_private_key", foreign, "field `jwks` lacks the key of `next_private_key`"),
        ("kid", json!(null), "field `kid` is missing"),
        ("kid", json!("hunter2"), "field `jwks` lacks the key of `private_key`"),
        ("alg", json!(null), "field `alg` is missing"),
        ("jwks", json!(null), "field `jwks` is missing"),
        ("jwks", json!("hunter2"), "field `jwks` is not a JWK set as a JSON text"),
        ("jwks", json!({"keys": []}), "field `jwks` is not a string"),
        ("jwks", json!("{\"keys\":[]}"), "field `jwks` lacks the key of `private_key`"),
        (
            "jwks",
            json!("{\"keys\":[{\"kid\":\"a\"},{\"kid\":\"a\"}]}"),
            "field `jwks` has two keys of one `kid`",
        ),
        (
            "jwks",
            json!("{\"keys\":[{\"kty\":\"oct\",\"k\":\"hunter2\"}]}"),
            "field `jwks` has the private part of a key, and is there to be published",
        ),
    ] {
        assert_eq!(check(field, new), text);
    }
}

#[test]
fn shared_keys_that_are_not_whole_are_refused_by_field() {
    let hmac = || json!({"provider": "signing-key", "algorithm": "HS256"});
    let set = "field `symmetric_jwks` is not made of the keys beside it: where `rotation.encoding` was changed, change it back; where a key was, remove this field";
    for (rotation, field, new, text) in [
        (json!({"provider": "random-token"}), "token", json!(null), "field `token` is missing"),
        (json!({"provider": "random-token"}), "token", json!(""), "field `token` is empty"),
        (json!({"provider": "aes"}), "kid", json!(null), "field `kid` is missing"),
        (
            json!({"provider": "aes"}),
            "previous_key",
            json!("hunter2"),
            "field `previous_key` is not 16, 24 or 32 bytes in the encoding of `rotation.encoding`",
        ),
        (hmac(), "alg", json!("ES256"), "field `alg` is not HS256, HS384 or HS512"),
        (hmac(), "previous_key", json!("hunter2"), set),
        (hmac(), "symmetric_jwks", json!("{}"), set),
        (hmac(), "symmetric_jwks", json!(null), "field `symmetric_jwks` is missing"),
    ] {
        assert_eq!(damaged(rotation, field, new), text);
    }
}

#[test]
fn a_next_key_that_is_the_current_one_is_refused() {
    for (rotation, field) in [
        (json!({"provider": "random-token"}), "token"),
        (json!({"provider": "signing-key"}), "private_key"),
    ] {
        let whole = rotated(&fresh(rotation));
        let next = format!("next_{field}");
        let same = with(&whole, &next, json!(whole.string(field).unwrap()));
        let error = kind(&same).check(&same).unwrap_err().to_string();
        assert_eq!(error, format!("field `{next}` is the key that is in use"));
    }
}

#[test]
fn a_rotation_of_what_cannot_be_read_is_refused_and_shows_nothing_of_it() {
    let signing = json!({"provider": "signing-key"});
    for (secret, field) in [
        (json!({"private_key": "hunter2", "rotation": signing}), "private_key"),
        (json!({"next_private_key": "hunter2", "rotation": signing}), "next_private_key"),
        (json!({"jwks": "hunter2", "rotation": signing}), "jwks"),
        (json!({"key": "hunter2", "rotation": {"provider": "aes"}}), "key"),
    ] {
        let error = rotated_unchecked(&document(&secret)).unwrap_err();
        assert!(error.starts_with(&format!("field `{field}` ")), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}

#[test]
fn an_hmac_key_does_not_turn_into_a_signing_key_nor_the_other_way_round() {
    let hmac = json!({"provider": "signing-key", "algorithm": "HS256"});
    let private = json!({"provider": "signing-key", "algorithm": "ES256"});
    for (from, to) in [(&hmac, &private), (&private, &hmac)] {
        let secret = with(&rotated(&fresh(from.clone())), "rotation", to.clone());
        let error = rotated_unchecked(&secret).unwrap_err();
        assert!(error.starts_with("field `alg` is not "), "{error}");
    }
}

#[test]
fn a_shared_key_that_was_changed_by_hand_is_rotated_once_its_key_set_is_removed() {
    let rotation = json!({"provider": "signing-key", "algorithm": "HS256"});
    let changed = with(&rotated(&fresh(rotation)), "key", json!("hunter2"));
    let error = rotated_unchecked(&changed).unwrap_err();
    assert!(error.starts_with("field `symmetric_jwks` is not made of the keys"), "{error}");
    let next = rotated(&with(&changed, "symmetric_jwks", json!(null)));
    assert_eq!(next.string("previous_key").unwrap(), "hunter2");
    assert_eq!(next.string("key"), changed.string("next_key"));
}

#[test]
fn an_encoding_that_changes_under_the_keys_is_refused() {
    let text = json!({"provider": "signing-key", "algorithm": "HS256"});
    let bytes = json!({"provider": "signing-key", "algorithm": "HS256", "encoding": "base64url"});
    let secret = with(&rotated(&fresh(text)), "rotation", bytes);
    let error = rotated_unchecked(&secret).unwrap_err();
    assert!(error.starts_with("field `symmetric_jwks` is not made of the keys"), "{error}");
}

#[test]
fn debug_shows_no_key() {
    let (key, pem) = PrivateKey::draw(Algorithm::EdDsa, 0).unwrap();
    let shown = format!("{key:?}");
    assert_eq!(shown, format!("PrivateKey(\"{}\")", key.public().thumbprint()));
    assert!(!shown.contains(pem.expose().lines().nth(1).unwrap()));
}
