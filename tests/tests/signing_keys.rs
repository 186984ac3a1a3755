//! Signing keys that are drawn here, used by programs that are not ours.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use serde_json::{Value, json};
use turnlock::{Document, PasswordPolicy, Passwords, Sensitive};
use turnlock_api_key::local::Kind;
use turnlock_tests::jwt::{accepted, openssl};

const PRIVATE: [&str; 3] = ["EdDSA", "ES256", "RS256"];
const SHARED: [&str; 3] = ["HS256", "HS384", "HS512"];

fn document(secret: &Value) -> Document {
    Document::parse(Sensitive::new(secret.to_string())).expect("an object")
}

fn rotated(current: &Document) -> Document {
    let kind = Kind::read("signing-key", current).expect("settings").expect("a local key");
    let passwords = Passwords::new(PasswordPolicy::default());
    let next = current.edited(&kind.next(current, &passwords).expect("an edit")).expect("a text");
    kind.check(&next).expect("whole keys");
    next
}

/// The documents of so many rotations.
fn generations(first: &Value, count: usize) -> Vec<Document> {
    let mut all = vec![rotated(&document(first))];
    while all.len() < count {
        all.push(rotated(&all[all.len() - 1]));
    }
    all
}

fn text(document: &Document, field: &str) -> String {
    document.string(field).expect("a text")
}

/// Asserts that each accepts exactly the tokens of its own generation, of the one before and of the one after.
fn assert_neighbours_accept_each_other(all: &[Document], shared: bool) {
    let (key, set) = if shared { ("key", "symmetric_jwks") } else { ("private_key", "jwks") };
    let signer = |secret: &Document| json!({"key": text(secret, key), "kid": text(secret, "kid"), "alg": text(secret, "alg")});
    let signers: Vec<Value> = all.iter().map(signer).collect();
    let sets: Vec<String> = all.iter().map(|secret| text(secret, set)).collect();
    for (verifier, row) in accepted(&signers, &sets).into_iter().enumerate() {
        for (signer, accepts) in row.into_iter().enumerate() {
            let near = verifier.abs_diff(signer) <= 1;
            assert_eq!(accepts, near, "generation {verifier} and the key of {signer}");
        }
    }
}

#[test]
fn pyjwt_verifies_by_one_generation_what_it_signed_with_its_neighbours() {
    for algorithm in PRIVATE.iter().chain(&SHARED) {
        let rotation = json!({"provider": "signing-key", "algorithm": algorithm});
        let all = generations(&json!({ "rotation": rotation }), 4);
        assert!(all.iter().all(|secret| text(secret, "alg") == *algorithm));
        assert_neighbours_accept_each_other(&all, SHARED.contains(algorithm));
    }
}

#[test]
fn pyjwt_verifies_while_the_algorithm_changes() {
    let mut all = generations(&json!({"rotation": {"provider": "signing-key"}}), 1);
    for algorithm in ["RS256", "EdDSA", "ES256"] {
        let last = &all[all.len() - 1];
        let mut secret: Value = serde_json::from_str(last.text().expose()).expect("JSON");
        secret["rotation"]["algorithm"] = json!(algorithm);
        let next = rotated(&document(&secret));
        all.push(next);
    }
    let last = rotated(&all[all.len() - 1]);
    all.push(last);
    let algorithms: Vec<String> = all.iter().map(|secret| text(secret, "alg")).collect();
    assert_eq!(algorithms, ["ES256", "ES256", "RS256", "EdDSA", "ES256"]);
    assert_neighbours_accept_each_other(&all, false);
}

#[test]
fn openssl_finds_every_key_valid() {
    for (rotation, about) in [
        (json!({"provider": "signing-key", "algorithm": "EdDSA"}), "ED25519 Private-Key:"),
        (json!({"provider": "signing-key", "algorithm": "ES256"}), "Private-Key: (256 bit"),
        (
            json!({"provider": "signing-key", "algorithm": "RS256"}),
            "Private-Key: (2048 bit, 2 primes",
        ),
        (
            json!({"provider": "signing-key", "algorithm": "RS256", "bits": 4096}),
            "Private-Key: (4096 bit, 2 primes",
        ),
    ] {
        let secret = rotated(&document(&json!({ "rotation": rotation })));
        for field in ["private_key", "next_private_key"] {
            let output = openssl(&["pkey", "-check", "-text", "-noout"], &text(&secret, field));
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && said.contains("Key is valid"), "{rotation}");
            assert!(said.contains(about), "{rotation}");
        }
    }
}

#[test]
fn keys_that_openssl_made_go_on_in_whatever_form_they_are() {
    let p256 = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
    let rsa = ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"];
    for (arguments, label, algorithm) in [
        (vec!["genpkey", "-algorithm", "ed25519"], "BEGIN PRIVATE KEY", "EdDSA"),
        ([&["genpkey"], &p256[..]].concat(), "BEGIN PRIVATE KEY", "ES256"),
        (vec!["ecparam", "-name", "prime256v1", "-genkey"], "BEGIN EC PRIVATE KEY", "ES256"),
        ([&["genpkey"], &rsa[..]].concat(), "BEGIN PRIVATE KEY", "RS256"),
        (vec!["genrsa", "-traditional", "2048"], "BEGIN RSA PRIVATE KEY", "RS256"),
    ] {
        let output = openssl(&arguments, "");
        let pem = String::from_utf8(output.stdout).expect("a text");
        assert!(pem.contains(label), "{arguments:?}");
        let secret = json!({"private_key": pem, "rotation": {"provider": "signing-key"}});
        let all = generations(&secret, 3);
        assert_eq!(text(&all[0], "private_key"), pem);
        assert!(all.iter().all(|secret| text(secret, "alg") == algorithm));
        assert_neighbours_accept_each_other(&all, false);
    }
}

#[test]
fn keys_that_openssl_made_and_nobody_here_can_use_are_refused() {
    let encrypted = ["genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:hunter2"];
    let p384 = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"];
    let short = ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"];
    let unusable = "is not a private key of Ed25519, of P-256 with its public key, or of RSA with 2048 to 4096 bits";
    for (arguments, problem) in
        [(&encrypted[..], "is encrypted"), (&p384, unusable), (&short, unusable)]
    {
        let pem = String::from_utf8(openssl(arguments, "").stdout).expect("a text");
        assert!(pem.contains("PRIVATE KEY"), "{arguments:?}");
        let secret =
            document(&json!({"private_key": pem, "rotation": {"provider": "signing-key"}}));
        let kind = Kind::read("signing-key", &secret).expect("settings").expect("a local key");
        let passwords = Passwords::new(PasswordPolicy::default());
        let error = kind.next(&secret, &passwords).expect_err("a refusal");
        assert_eq!(error.to_string(), format!("field `private_key` {problem}"));
    }
}
