//! The algorithms of signing keys, by their names in RFC 7518 and RFC 8037.

/// An algorithm with a private and a public key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Algorithm {
    /// Ed25519.
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
}

impl Algorithm {
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::EdDsa, Self::Es256, Self::Rs256].into_iter().find(|known| known.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Rs256 => "RS256",
        }
    }
}

/// HMAC with a member of SHA-2: one key, shared by those who sign and those who verify.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Hmac {
    Hs256,
    Hs384,
    Hs512,
}

impl Hmac {
    pub(super) fn named(name: &str) -> Option<Self> {
        [Self::Hs256, Self::Hs384, Self::Hs512].into_iter().find(|known| known.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        }
    }

    /// How many random bytes a new key has: as many as the hash, below which RFC 7518, section 3.2, does not go.
    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Hs256 => 32,
            Self::Hs384 => 48,
            Self::Hs512 => 64,
        }
    }
}
