//! Rotations of local keys over several generations.

use ring::hmac;
use serde_json::{Value, json};
use turnlock::{Document, PasswordPolicy, Passwords, Sensitive};

use super::Kind;
use super::encoding::Encoding;
use super::private_key::PrivateKey;
use super::public_key::PublicKey;

mod generations;
mod hand_made;
mod refusals;

/// A secret with nothing but its settings.
fn fresh(rotation: Value) -> Document {
    document(&json!({ "rotation": rotation }))
}

fn document(secret: &Value) -> Document {
    Document::parse(Sensitive::new(secret.to_string())).unwrap()
}

fn value(document: &Document) -> Value {
    serde_json::from_str(document.text().expose()).unwrap()
}

/// The document with one field set to another value, or without it where that is null.
fn with(document: &Document, field: &str, new: Value) -> Document {
    let mut secret = value(document);
    let all = secret.as_object_mut().unwrap();
    if new.is_null() {
        all.remove(field)
    } else {
        all.insert(field.to_owned(), new)
    };
    self::document(&secret)
}

fn kind(document: &Document) -> Kind {
    let provider = document.section("rotation").unwrap().unwrap().string("provider").unwrap();
    Kind::read(&provider, document).unwrap().unwrap()
}

/// The document after a rotation, whose keys are whole.
fn rotated(current: &Document) -> Document {
    let next = rotated_unchecked(current).unwrap();
    kind(&next).check(&next).unwrap();
    next
}

fn rotated_unchecked(current: &Document) -> Result<Document, String> {
    let passwords = Passwords::new(PasswordPolicy::default());
    let edit = kind(current).next(current, &passwords).map_err(|error| error.to_string())?;
    Ok(current.edited(&edit).unwrap())
}

/// A message that is signed the way a program with this document does it.
struct Signed {
    kid: String,
    alg: String,
    signature: Vec<u8>,
}

const MESSAGE: &[u8] = b"header.payload";

fn sign(by: &Document) -> Signed {
    let alg = by.string("alg").unwrap();
    let signature = if alg.starts_with("HS") {
        let key = Encoding::Text.decode(&by.string("key").unwrap()).unwrap();
        hmac::sign(&hmac::Key::new(hash(&alg), &key), MESSAGE).as_ref().to_vec()
    } else {
        PrivateKey::read(&by.string("private_key").unwrap()).unwrap().sign(MESSAGE).unwrap()
    };
    Signed { kid: by.string("kid").unwrap(), alg, signature }
}

/// Whether a program that only has the key set of this document accepts what was signed.
fn verifies(set_of: &Document, signed: &Signed) -> bool {
    let shared = signed.alg.starts_with("HS");
    let field = if shared { "symmetric_jwks" } else { "jwks" };
    let set: Value = serde_json::from_str(&set_of.string(field).unwrap()).unwrap();
    let keys = set["keys"].as_array().unwrap();
    let Some(jwk) = keys.iter().find(|key| key["kid"] == *signed.kid) else { return false };
    assert_eq!(jwk["alg"], *signed.alg);
    if shared {
        let key = Encoding::Base64Url.decode(jwk["k"].as_str().unwrap()).unwrap();
        let key = hmac::Key::new(hash(&signed.alg), &key);
        return hmac::verify(&key, MESSAGE, &signed.signature).is_ok();
    }
    let key = PublicKey::of_jwk(jwk.as_object().unwrap()).unwrap();
    key.verifies(MESSAGE, &signed.signature)
}

fn hash(alg: &str) -> hmac::Algorithm {
    match alg {
        "HS256" => hmac::HMAC_SHA256,
        "HS384" => hmac::HMAC_SHA384,
        "HS512" => hmac::HMAC_SHA512,
        other => panic!("{other} is not HMAC"),
    }
}

/// Whoever holds one of two documents understands whoever holds the other.
fn assert_understand_each_other(one: &Document, other: &Document) {
    assert!(verifies(one, &sign(one)) && verifies(other, &sign(other)));
    assert!(verifies(one, &sign(other)), "the older document does not know the newer key");
    assert!(verifies(other, &sign(one)), "the newer document does not know the older key");
}
