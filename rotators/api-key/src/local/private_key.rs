//! The private part of a signing key: drawn, read from PEM, proved by a signature.

use std::fmt;

use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use turnlock::{Class, Sensitive, TargetError};
use zeroize::Zeroizing;

use super::algorithm::Algorithm;
use super::public_key::PublicKey;
use super::{der, pem, random, rsa};

/// What signs.
pub(super) struct PrivateKey(Pair);

enum Pair {
    Ed25519(Box<Ed25519KeyPair>),
    P256(Box<EcdsaKeyPair>),
    Rsa(Box<RsaKeyPair>),
}

impl PrivateKey {
    /// Draws a key and gives its PEM; the bits count for RSA alone.
    pub(super) fn draw(algorithm: Algorithm, bits: u32) -> Result<(Self, Sensitive), TargetError> {
        let pkcs8 = match algorithm {
            Algorithm::EdDsa => {
                der::pkcs8(der::ED25519, &der::value(der::OCTET_STRING, &[&random::bytes(32)?]))
            }
            Algorithm::Es256 => {
                let drawn = EcdsaKeyPair::generate_pkcs8(
                    &ECDSA_P256_SHA256_FIXED_SIGNING,
                    &SystemRandom::new(),
                );
                Zeroizing::new(drawn.map_err(|_| unusable())?.as_ref().to_vec())
            }
            Algorithm::Rs256 => rsa::generate(bits)?,
        };
        let key = Self::of_pkcs8(&pkcs8).ok_or_else(unusable)?;
        Ok((key, pem::write(&pkcs8)))
    }

    /// Reads PEM: PKCS#8, PKCS#1 or SEC 1.
    ///
    /// The error is what is wrong, to be told with the field's name.
    pub(super) fn read(text: &str) -> Result<Self, &'static str> {
        let Some((label, der)) = pem::read(text) else { return Err("is not a private key in PEM") };
        match label {
            "PRIVATE KEY" => Self::of_pkcs8(&der),
            "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der).ok().map(Self::rsa),
            "EC PRIVATE KEY" => Self::p256(&der::pkcs8(der::P256, &der)),
            "ENCRYPTED PRIVATE KEY" => return Err("is encrypted"),
            _ => None,
        }
        .ok_or(
            "is not a private key of Ed25519, of P-256 with its public key, or of RSA with 2048 to 4096 bits",
        )
    }

    fn of_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        let ed25519 = Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).ok();
        ed25519
            .map(|pair| Self(Pair::Ed25519(Box::new(pair))))
            .or_else(|| Self::p256(pkcs8))
            .or_else(|| RsaKeyPair::from_pkcs8(pkcs8).ok().map(Self::rsa))
    }

    fn p256(pkcs8: &[u8]) -> Option<Self> {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &random).ok();
        pair.map(|pair| Self(Pair::P256(Box::new(pair))))
    }

    fn rsa(pair: RsaKeyPair) -> Self {
        Self(Pair::Rsa(Box::new(pair)))
    }

    pub(super) fn public(&self) -> PublicKey {
        match &self.0 {
            Pair::Ed25519(pair) => PublicKey::Ed25519(pair.public_key().as_ref().to_vec()),
            Pair::P256(pair) => PublicKey::P256(pair.public_key().as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let public =
                    ring::signature::RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                PublicKey::Rsa { n: public.n, e: public.e }
            }
        }
    }

    /// The bits of an RSA key; none of another.
    pub(super) fn bits(&self) -> Option<u32> {
        match &self.0 {
            Pair::Rsa(pair) => u32::try_from(8 * pair.public().modulus_len()).ok(),
            Pair::Ed25519(_) | Pair::P256(_) => None,
        }
    }

    /// Whether the public key verifies what this one signs.
    pub(super) fn belongs_to(&self, public: &PublicKey) -> Result<bool, TargetError> {
        let message = random::bytes(32)?;
        Ok(public.verifies(&message, &self.sign(&message)?))
    }

    /// A signature as JWS has it.
    pub(super) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, TargetError> {
        let random = SystemRandom::new();
        match &self.0 {
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::P256(pair) => {
                let signature = pair.sign(&random, message).map_err(|_| unusable())?;
                Ok(signature.as_ref().to_vec())
            }
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature)
                    .map_err(|_| unusable())?;
                Ok(signature)
            }
        }
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PrivateKey").field(&self.public().thumbprint()).finish()
    }
}

fn unusable() -> TargetError {
    TargetError::new(Class::Unexpected, "a signing key that was drawn or read does not sign")
}
