//! Signing keys that are drawn here, used by programs that are not ours.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use serde_json::{Value, json};
use turnlock_local::Function;
use turnlock_tests::binaries;
use turnlock_tests::jwt::{accepted, openssl};
use turnlock_tests::scene::Scene;
use turnlock_tests::world::keys::FUNCTION;

const PRIVATE: [&str; 3] = ["EdDSA", "ES256", "RS256"];
const SHARED: [&str; 3] = ["HS256", "HS384", "HS512"];

/// A secret whose keys the real function makes, with no pause between rotations.
async fn scene(mut secret: Value) -> Scene {
    secret["rotation"]["provider"] = json!("signing-key");
    secret["rotation"]["overlap_minutes"] = json!(0);
    let function = Function::binary(binaries::turnlock_api_key());
    Scene::start(FUNCTION, function, &secret.to_string()).await
}

async fn rotated(scene: &Scene) -> Value {
    scene.rotate().await.expect("a rotation");
    scene.document("AWSCURRENT")
}

/// The documents of so many rotations.
async fn generations(first: Value, count: usize) -> Vec<Value> {
    let scene = scene(first).await;
    let mut all = Vec::new();
    while all.len() < count {
        all.push(rotated(&scene).await);
    }
    all
}

fn text(document: &Value, field: &str) -> String {
    document[field].as_str().expect("a text").to_owned()
}

/// Asserts that each accepts exactly the tokens of its own generation, of the one before and of the one after.
fn assert_neighbours_accept_each_other(all: &[Value], shared: bool) {
    let (key, set) = if shared { ("key", "symmetric_jwks") } else { ("private_key", "jwks") };
    let signer = |secret: &Value| json!({"key": text(secret, key), "kid": text(secret, "kid"), "alg": text(secret, "alg")});
    let signers: Vec<Value> = all.iter().map(signer).collect();
    let sets: Vec<String> = all.iter().map(|secret| text(secret, set)).collect();
    for (verifier, row) in accepted(&signers, &sets).into_iter().enumerate() {
        for (signer, accepts) in row.into_iter().enumerate() {
            let near = verifier.abs_diff(signer) <= 1;
            assert_eq!(accepts, near, "generation {verifier} and the key of {signer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pyjwt_verifies_by_one_generation_what_it_signed_with_its_neighbours() {
    for algorithm in PRIVATE.iter().chain(&SHARED) {
        let all = generations(json!({"rotation": {"algorithm": algorithm}}), 4).await;
        assert!(all.iter().all(|secret| text(secret, "alg") == *algorithm));
        assert_neighbours_accept_each_other(&all, SHARED.contains(algorithm));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pyjwt_verifies_while_the_algorithm_changes() {
    let scene = scene(json!({})).await;
    let mut all = vec![rotated(&scene).await];
    for algorithm in ["RS256", "EdDSA", "ES256"] {
        scene.edit(|secret| secret["rotation"]["algorithm"] = json!(algorithm));
        all.push(rotated(&scene).await);
    }
    all.push(rotated(&scene).await);
    let algorithms: Vec<String> = all.iter().map(|secret| text(secret, "alg")).collect();
    assert_eq!(algorithms, ["ES256", "ES256", "RS256", "EdDSA", "ES256"]);
    assert_neighbours_accept_each_other(&all, false);
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_finds_every_key_valid() {
    for (rotation, about) in [
        (json!({"algorithm": "EdDSA"}), "ED25519 Private-Key:"),
        (json!({"algorithm": "ES256"}), "Private-Key: (256 bit"),
        (json!({"algorithm": "RS256"}), "Private-Key: (2048 bit, 2 primes"),
        (json!({"algorithm": "RS256", "bits": 4096}), "Private-Key: (4096 bit, 2 primes"),
    ] {
        let all = generations(json!({"rotation": rotation}), 1).await;
        for field in ["private_key", "next_private_key"] {
            let output = openssl(&["pkey", "-check", "-text", "-noout"], &text(&all[0], field));
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success() && said.contains("Key is valid"), "{rotation}");
            assert!(said.contains(about), "{rotation}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_openssl_made_go_on_in_whatever_form_they_are() {
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
        let all = generations(json!({"private_key": pem}), 3).await;
        assert_eq!(text(&all[0], "private_key"), pem);
        assert!(all.iter().all(|secret| text(secret, "alg") == algorithm));
        assert_neighbours_accept_each_other(&all, false);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_openssl_made_and_nobody_here_can_use_are_refused() {
    let encrypted = ["genpkey", "-algorithm", "ed25519", "-aes256", "-pass", "pass:hunter2"];
    let p384 = ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"];
    let short = ["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"];
    let unusable = "is not a private key of Ed25519, of P-256 with its public key, or of RSA with 2048 to 4096 bits";
    for (arguments, problem) in
        [(&encrypted[..], "is encrypted"), (&p384, unusable), (&short, unusable)]
    {
        let pem = String::from_utf8(openssl(arguments, "").stdout).expect("a text");
        assert!(pem.contains("PRIVATE KEY"), "{arguments:?}");
        let error = scene(json!({"private_key": pem})).await.rotate().await.expect_err("a refusal");
        assert_eq!((&*error.step, &*error.class), ("createSecret", "malformed-secret"));
        assert!(error.message.contains(&format!("field `private_key` {problem}")), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_that_would_cut_off_consumers_with_the_version_before_is_refused() {
    let scene = scene(json!({})).await;
    rotated(&scene).await;
    scene.edit(|secret| secret["rotation"]["overlap_minutes"] = json!(60));
    let before = scene.document("AWSCURRENT");
    let error = scene.rotate().await.expect_err("the one before was current a moment ago");
    assert_eq!(error.class, "refused");
    assert!(error.message.contains("`rotation.overlap_minutes`"), "{error:?}");
    assert_eq!(scene.document("AWSCURRENT"), before);
}
