//! What `rotation` says of the keys to draw.

use turnlock::{Document, Malformed};

use super::algorithm::{Algorithm, Hmac};
use super::encoding::Encoding;

/// The settings of local keys, read and not yet asked whether they go together.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) algorithm: Option<Signature>,
    pub(super) bits: Option<u32>,
    pub(super) bytes: Option<u32>,
    pub(super) encoding: Option<Encoding>,
}

#[derive(Debug)]
pub(super) enum Signature {
    Private(Algorithm),
    Shared(Hmac),
}

const ALGORITHM: &str = "algorithm";
const BITS: &str = "bits";
const BYTES: &str = "bytes";
const ENCODING: &str = "encoding";
/// From what nobody guesses to what an HTTP header holds.
const TOKEN_BYTES: std::ops::Range<u32> = 16..1025;

impl Settings {
    pub(super) fn read(document: &Document) -> Result<Self, Malformed> {
        let Some(rotation) = document.section("rotation")? else { return Ok(Self::default()) };
        let algorithm = rotation.optional_string(ALGORITHM)?.map(|name| {
            let private = Algorithm::named(&name).map(Signature::Private);
            let known = private.or_else(|| Hmac::named(&name).map(Signature::Shared));
            known.ok_or_else(|| {
                rotation.problem(ALGORITHM, "is not EdDSA, ES256, RS256, HS256, HS384 or HS512")
            })
        });
        let encoding = rotation.optional_string(ENCODING)?.map(|name| {
            Encoding::named(&name)
                .ok_or_else(|| rotation.problem(ENCODING, "is not base64url, base64, hex or text"))
        });
        Ok(Self {
            algorithm: algorithm.transpose()?,
            bits: rotation.number(BITS, 1..65_537)?,
            bytes: rotation.number(BYTES, TOKEN_BYTES)?,
            encoding: encoding.transpose()?,
        })
    }

    /// The bits, which have to be one of these.
    pub(super) fn bits_of(&self, allowed: [u32; 3]) -> Result<Option<u32>, Malformed> {
        let [one, two, three] = allowed;
        match self.bits {
            Some(bits) if !allowed.contains(&bits) => {
                Err(problem(BITS, format!("is not {one}, {two} or {three}")))
            }
            bits => Ok(bits),
        }
    }

    /// A setting that has no effect is a misunderstanding, and perhaps of how strong a key is.
    pub(super) fn none_but(&self, known: &[&str]) -> Result<(), Malformed> {
        for (name, set) in [
            (ALGORITHM, self.algorithm.is_some()),
            (BITS, self.bits.is_some()),
            (BYTES, self.bytes.is_some()),
            (ENCODING, self.encoding.is_some()),
        ] {
            if set && !known.contains(&name) {
                return Err(problem(name, "has no meaning for this kind of key"));
            }
        }
        Ok(())
    }
}

pub(super) fn problem(setting: &str, problem: impl Into<String>) -> Malformed {
    Malformed::field(format!("rotation.{setting}"), problem.into())
}
