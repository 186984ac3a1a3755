//! As much of DER (ITU-T X.690) as a private key takes, written at its full length: a buffer that grows leaves copies.

use zeroize::Zeroizing;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const SEQUENCE: u8 = 0x30;

/// `id-Ed25519`, RFC 8410.
pub(super) const ED25519: &[u8] = &[0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70];
/// `id-ecPublicKey` with `secp256r1`, RFC 5480.
pub(super) const P256: &[u8] = &[
    0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
    0xce, 0x3d, 0x03, 0x01, 0x07,
];
/// `rsaEncryption` with its null, RFC 8017.
pub(super) const RSA: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// A private key of an algorithm as PKCS#8, version 1: version 2, with the public key beside it, is not read everywhere.
pub(super) fn pkcs8(algorithm: &[u8], key: &[u8]) -> Zeroizing<Vec<u8>> {
    value(SEQUENCE, &[&unsigned(&[]), algorithm, &value(OCTET_STRING, &[key])])
}

/// A value whose contents are the parts, one after the other.
pub(super) fn value(tag: u8, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut der = Zeroizing::new(Vec::with_capacity(length + 10));
    der.push(tag);
    let bytes = length.to_be_bytes();
    let bytes = without_zeros(&bytes);
    match bytes {
        [] => der.push(0),
        [one] if *one < 0x80 => der.push(*one),
        // At most eight, so the first byte is below 0x89.
        _ => {
            der.push(0x80 | u8::try_from(bytes.len()).unwrap_or_default());
            der.extend_from_slice(bytes);
        }
    }
    for part in parts {
        der.extend_from_slice(part);
    }
    der
}

/// A number that is not negative, of its bytes, the highest first.
pub(super) fn unsigned(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    let bytes = without_zeros(bytes);
    match bytes.first() {
        Some(first) if *first < 0x80 => value(INTEGER, &[bytes]),
        // The highest bit would be a sign, and zero has one byte.
        Some(_) | None => value(INTEGER, &[&[0], bytes]),
    }
}

/// The bytes of a number without the zeros before it.
pub(super) fn without_zeros(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    &bytes[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_written_in_as_few_bytes_as_they_take() {
        for (length, head) in [
            (0, &[4, 0][..]),
            (127, &[4, 127]),
            (128, &[4, 0x81, 128]),
            (255, &[4, 0x81, 255]),
            (256, &[4, 0x82, 1, 0]),
            (65_536, &[4, 0x83, 1, 0, 0]),
        ] {
            let der = value(OCTET_STRING, &[&vec![7; length]]);
            assert_eq!(der[..head.len()], *head);
            assert_eq!(der.len(), head.len() + length);
        }
    }

    #[test]
    fn a_number_is_never_negative_and_has_no_zero_too_many() {
        assert_eq!(*unsigned(&[]), [2, 1, 0]);
        assert_eq!(*unsigned(&[0, 0, 1, 0]), [2, 2, 1, 0]);
        assert_eq!(*unsigned(&[0x80]), [2, 2, 0, 0x80]);
    }
}
