//! How the bytes of a shared key are written as text.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use turnlock::Sensitive;
use zeroize::Zeroizing;

/// How a text stands for bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Encoding {
    /// RFC 4648, section 5, without padding: as a JWK has it.
    Base64Url,
    /// RFC 4648, section 4, with padding.
    Base64,
    /// Lowercase digits.
    Hex,
    /// The bytes of the text itself; a new one is random bytes in base64url.
    Text,
}

impl Encoding {
    /// The names in `rotation.encoding`.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "base64url" => Some(Self::Base64Url),
            "base64" => Some(Self::Base64),
            "hex" => Some(Self::Hex),
            "text" => Some(Self::Text),
            _ => None,
        }
    }

    /// Random bytes as a text.
    pub(super) fn encode(self, bytes: &[u8]) -> Sensitive {
        Sensitive::new(match self {
            Self::Base64Url | Self::Text => URL_SAFE_NO_PAD.encode(bytes),
            Self::Base64 => STANDARD.encode(bytes),
            Self::Hex => hex(bytes),
        })
    }

    /// The bytes that a text stands for, unless it is not written this way.
    pub(super) fn decode(self, text: &str) -> Option<Zeroizing<Vec<u8>>> {
        match self {
            Self::Base64Url => URL_SAFE_NO_PAD.decode(text).ok(),
            Self::Base64 => STANDARD.decode(text).ok(),
            Self::Hex => from_hex(text),
            Self::Text => Some(text.as_bytes().to_vec()),
        }
        .map(Zeroizing::new)
    }
}

fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    let digit = |four: u8| char::from(b"0123456789abcdef"[usize::from(four)]);
    for byte in bytes {
        text.extend([digit(byte >> 4), digit(byte & 15)]);
    }
    text
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, odd) = text.as_bytes().as_chunks::<2>();
    if !odd.is_empty() {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|four| u8::try_from(four).ok());
    let mut bytes = Vec::with_capacity(pairs.len());
    for [high, low] in pairs {
        bytes.push(digit(*high)? << 4 | digit(*low)?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_decoded_to_the_same_bytes() {
        let bytes: Vec<u8> = (0..=255).collect();
        for (name, start) in [("base64url", "AAECAw"), ("base64", "AAECAw"), ("hex", "00010203")] {
            let encoding = Encoding::named(name).unwrap();
            let text = encoding.encode(&bytes);
            assert!(text.expose().starts_with(start));
            assert_eq!(*encoding.decode(text.expose()).unwrap(), bytes);
        }
    }

    #[test]
    fn a_text_stands_for_its_own_bytes() {
        assert_eq!(Encoding::Text.encode(&[0, 1, 2]).expose(), "AAEC");
        assert_eq!(*Encoding::Text.decode("AAEC").unwrap(), b"AAEC");
    }

    #[test]
    fn a_text_of_another_encoding_is_not_decoded() {
        let odd = [(Encoding::Hex, "0"), (Encoding::Hex, "+1"), (Encoding::Base64, "_w==")];
        for (encoding, text) in odd.into_iter().chain([(Encoding::Base64Url, "_w==")]) {
            assert!(encoding.decode(text).is_none(), "{text}");
        }
    }
}
