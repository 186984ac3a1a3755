//! Random names and ids.

use rand::RngExt as _;

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const KEY_CHARACTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn pick(alphabet: &[u8], length: usize) -> String {
    let mut random = rand::rng();
    (0..length)
        .map(|_| alphabet.get(random.random_range(0..alphabet.len())).copied().unwrap_or(b'A'))
        .map(char::from)
        .collect()
}

/// The six letters at the end of a secret's ARN.
pub(crate) fn arn_suffix() -> String {
    pick(LETTERS, 6)
}

/// An access key id that looks like a role's and is of no use anywhere.
pub(crate) fn access_key_id() -> String {
    format!("ASIALOCAL{}", pick(KEY_CHARACTERS, 11))
}

/// A version 4 UUID.
pub(crate) fn uuid() -> String {
    let mut bytes: [u8; 16] = rand::random();
    if let Some(byte) = bytes.get_mut(6) {
        *byte = (*byte & 0x0f) | 0x40;
    }
    if let Some(byte) = bytes.get_mut(8) {
        *byte = (*byte & 0x3f) | 0x80;
    }
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let cut = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    [cut(0, 8), cut(8, 12), cut(12, 16), cut(16, 20), cut(20, 32)].join("-")
}
