//! The public part of a signing key, and its form as a JWK.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde_json::{Map, Value};

use super::algorithm::Algorithm;

/// What verifies signatures.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum PublicKey {
    /// 32 bytes, RFC 8032.
    Ed25519(Vec<u8>),
    /// The uncompressed point: 4, x, y.
    P256(Vec<u8>),
    /// Modulus and exponent, the highest byte first.
    Rsa { n: Vec<u8>, e: Vec<u8> },
}

impl PublicKey {
    pub(super) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Ed25519(_) => Algorithm::EdDsa,
            Self::P256(_) => Algorithm::Es256,
            Self::Rsa { .. } => Algorithm::Rs256,
        }
    }

    /// The key of a JWK, unless it is of another kind.
    pub(super) fn of_jwk(jwk: &Map<String, Value>) -> Option<Self> {
        let member = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(member(name)?).ok();
        match (member("kty")?, member("crv")) {
            ("OKP", Some("Ed25519")) => bytes("x").map(Self::Ed25519),
            ("EC", Some("P-256")) => Some(Self::P256([vec![4], bytes("x")?, bytes("y")?].concat())),
            ("RSA", None) => Some(Self::Rsa { n: bytes("n")?, e: bytes("e")? }),
            _ => None,
        }
    }

    /// The JWK, RFC 7517, under a name.
    pub(super) fn jwk(&self, kid: &str) -> Map<String, Value> {
        let about = [("alg", self.algorithm().name()), ("kid", kid), ("use", "sig")];
        let about = about.into_iter().map(|(name, value)| (name, value.to_owned()));
        self.required().into_iter().chain(about).map(|(n, v)| (n.to_owned(), v.into())).collect()
    }

    /// The SHA-256 thumbprint of RFC 7638: the name of a key that has no other.
    pub(super) fn thumbprint(&self) -> String {
        // Only these members, in the order of their names and without white space; none needs an escape.
        let members: Vec<String> =
            self.required().iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
        let json = format!("{{{}}}", members.join(","));
        URL_SAFE_NO_PAD.encode(digest(&SHA256, json.as_bytes()))
    }

    /// Whether a signature of a message is this key's.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Ed25519(x) => UnparsedPublicKey::new(&ED25519, x).verify(message, signature),
            Self::P256(point) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            Self::Rsa { n, e } => RsaPublicKeyComponents { n, e }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
        }
        .is_ok()
    }

    /// The members that make the key, in the order of their names.
    fn required(&self) -> Vec<(&'static str, String)> {
        let base64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let name = |name: &str| name.to_owned();
        match self {
            Self::Ed25519(x) => {
                vec![("crv", name("Ed25519")), ("kty", name("OKP")), ("x", base64(x))]
            }
            Self::P256(point) => {
                let (x, y) = point.get(1..).unwrap_or_default().split_at(point.len() / 2);
                vec![
                    ("crv", name("P-256")),
                    ("kty", name("EC")),
                    ("x", base64(x)),
                    ("y", base64(y)),
                ]
            }
            Self::Rsa { n, e } => vec![("e", base64(e)), ("kty", name("RSA")), ("n", base64(n))],
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(jwk: &Value) -> PublicKey {
        PublicKey::of_jwk(jwk.as_object().unwrap()).unwrap()
    }

    #[test]
    fn thumbprints_are_those_of_the_standards() {
        // RFC 7638, section 3.1.
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
        let rsa = key(&json!({"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256"}));
        assert_eq!(rsa.thumbprint(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        // RFC 8037, appendix A.3.
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let ed25519 = key(&json!({"kty": "OKP", "crv": "Ed25519", "x": x}));
        assert_eq!(ed25519.thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_key_comes_back_from_its_jwk() {
        for key in [
            PublicKey::Ed25519(vec![7; 32]),
            PublicKey::P256([vec![4], vec![1; 32], vec![2; 32]].concat()),
            PublicKey::Rsa { n: vec![0x80; 256], e: vec![1, 0, 1] },
        ] {
            let jwk = key.jwk("name");
            assert_eq!((&jwk["kid"], &jwk["use"]), (&json!("name"), &json!("sig")));
            assert_eq!(PublicKey::of_jwk(&jwk), Some(key));
        }
    }

    #[test]
    fn a_jwk_of_another_kind_is_no_key() {
        for jwk in [
            json!({"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"}),
            json!({"kty": "oct", "k": "AA"}),
            json!({"kty": "RSA", "n": "*", "e": "AQAB"}),
            json!({"kid": "name"}),
        ] {
            assert_eq!(PublicKey::of_jwk(jwk.as_object().unwrap()), None, "{jwk}");
        }
    }
}
