//! SHA-crypt with SHA-256, as MySQL has it: the salt counts with all of its 20 bytes.
//!
//! Libraries cut the salt to 16 bytes, as crypt(3) does. The algorithm is Ulrich Drepper's "Unix crypt using
//! SHA-256 and SHA-512"; the steps are numbered as there.

use sha2::{Digest, Sha256};

const SIZE: usize = 32;
const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Which bytes go together into four characters; step 22.
const GROUPS: [[usize; 3]; 10] = [
    [0, 10, 20],
    [21, 1, 11],
    [12, 22, 2],
    [3, 13, 23],
    [24, 4, 14],
    [15, 25, 5],
    [6, 16, 26],
    [27, 7, 17],
    [18, 28, 8],
    [9, 19, 29],
];

/// The 43 characters that a password comes to.
pub(crate) fn sha256(password: &[u8], salt: &[u8], rounds: u32) -> String {
    encoded(&digest(password, salt, rounds))
}

fn digest(password: &[u8], salt: &[u8], rounds: u32) -> [u8; SIZE] {
    // 4 to 8
    let b = Sha256::new().chain_update(password).chain_update(salt).chain_update(password);
    let b: [u8; SIZE] = b.finalize().into();
    // 1 to 3, 9 to 12
    let mut a = Sha256::new().chain_update(password).chain_update(salt);
    a.update(repeated(&b, password.len()));
    let mut bits = password.len();
    while bits > 0 {
        a.update(if bits & 1 == 1 { &b } else { password });
        bits >>= 1;
    }
    let mut result: [u8; SIZE] = a.finalize().into();
    // 13 to 16
    let p = repeated(&many(password, password.len()), password.len());
    // 17 to 20
    let s = repeated(&many(salt, 16 + usize::from(result[0])), salt.len());
    // 21
    for round in 0..rounds {
        let (first, last) = if round % 2 == 1 {
            (p.as_slice(), result.as_slice())
        } else {
            (result.as_slice(), p.as_slice())
        };
        let mut c = Sha256::new().chain_update(first);
        if round % 3 != 0 {
            c.update(&s);
        }
        if round % 7 != 0 {
            c.update(&p);
        }
        result = c.chain_update(last).finalize().into();
    }
    result
}

/// The digest of a text that stands there so many times.
fn many(text: &[u8], times: usize) -> [u8; SIZE] {
    let mut digest = Sha256::new();
    for _ in 0..times {
        digest.update(text);
    }
    digest.finalize().into()
}

/// A digest again and again, to a length.
fn repeated(digest: &[u8; SIZE], length: usize) -> Vec<u8> {
    digest.iter().copied().cycle().take(length).collect()
}

fn encoded(digest: &[u8; SIZE]) -> String {
    let mut text = String::with_capacity(43);
    for group in GROUPS {
        push(&mut text, group.map(|index| digest[index]), 4);
    }
    push(&mut text, [0, digest[31], digest[30]], 3);
    text
}

/// Three bytes as characters of six bits each, the lowest first.
fn push(text: &mut String, [high, middle, low]: [u8; 3], characters: usize) {
    let mut bits = u32::from_be_bytes([0, high, middle, low]);
    for _ in 0..characters {
        text.push(character(bits));
        bits >>= 6;
    }
}

/// The character for the six lowest bits.
pub(crate) fn character(bits: u32) -> char {
    char::from(ALPHABET[(bits & 63) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As crypt(3) has them, where the salt is not longer than 16 bytes.
    #[test]
    fn it_is_the_algorithm_of_the_specification() {
        for (password, salt, rounds, expected) in [
            ("Hello world!", "saltstring", 5000, "5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
            (
                "we have a short salt string but not a short password",
                "short",
                77777,
                "JiO1O3ZpDAxGJeaDIuqCoEFysAe1mZNJRs3pw0KQRd/",
            ),
        ] {
            let digest = sha256(password.as_bytes(), salt.as_bytes(), rounds);
            assert_eq!(digest, expected, "{password}");
        }
    }
}
