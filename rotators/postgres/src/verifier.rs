//! What PostgreSQL stores of a password, computed here, so that the password itself is never sent and
//! never in the server's log.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha2::{Digest, Sha256};
use turnlock::{Sensitive, VersionId};

const SALT_BYTES: usize = 16;

/// The forms in which PostgreSQL and Redshift store a password.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// `scram-sha-256`
    Scram,
    /// `md5`
    Md5,
    /// Redshift's `sha256|digest|salt`
    Sha256,
}

/// The text to put after `PASSWORD` for `md5`.
pub(crate) fn md5(username: &str, password: &Sensitive) -> Sensitive {
    let digest = Md5::new().chain_update(password.expose()).chain_update(username);
    Sensitive::new(format!("md5{}", hex(&digest.finalize())))
}

/// The text to put after `PASSWORD` for `scram-sha-256`, with so many rounds of PBKDF2.
///
/// The salt comes from the version and the role: it is new for every password, is no secret, and is the
/// same when a step is repeated, so that the repetition changes nothing.
pub(crate) fn scram(
    username: &str,
    password: &Sensitive,
    version: &VersionId,
    iterations: u32,
) -> Sensitive {
    salted(password, &salt(username, version), iterations)
}

fn salt(username: &str, version: &VersionId) -> [u8; SALT_BYTES] {
    let digest = Sha256::new()
        .chain_update(b"turnlock scram salt\0")
        .chain_update(version.as_str())
        .chain_update(b"\0")
        .chain_update(username)
        .finalize();
    std::array::from_fn(|i| digest[i])
}

/// RFC 5803's form, as PostgreSQL writes it.
fn salted(password: &Sensitive, salt: &[u8], iterations: u32) -> Sensitive {
    // As the server: a password that SASLprep does not allow is taken as it is.
    let prepared = stringprep::saslprep(password.expose());
    let prepared = prepared.as_deref().unwrap_or_else(|_| password.expose());
    let salted: [u8; 32] =
        pbkdf2::pbkdf2_hmac_array::<Sha256, 32>(prepared.as_bytes(), salt, iterations);
    let stored_key = Sha256::digest(mac(&salted, b"Client Key"));
    let server_key = mac(&salted, b"Server Key");
    Sensitive::new(format!(
        "SCRAM-SHA-256${iterations}:{}${}:{}",
        STANDARD.encode(salt),
        STANDARD.encode(stored_key),
        STANDARD.encode(server_key),
    ))
}

fn mac(key: &[u8; 32], message: &[u8]) -> [u8; 32] {
    // A key is filled up with zeros to a block by definition.
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7677: user `user`, password `pencil`; its `StoredKey` and `ServerKey` as other
    /// implementations derive them.
    #[test]
    fn the_scram_verifier_is_that_of_the_rfc() {
        let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let verifier = salted(&Sensitive::new("pencil"), &salt, 4096);
        assert_eq!(
            verifier.expose(),
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
             WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:\
             wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        );
    }

    #[test]
    fn the_md5_verifier_is_that_of_the_documentation() {
        let verifier = md5("joe", &Sensitive::new("xyzzy"));
        assert_eq!(verifier.expose(), "md5b5f5ba1a423792b526f799ae4eb3d59e");
    }

    #[test]
    fn a_repetition_gives_the_same_verifier_and_another_version_another_one() {
        let of = |user: &str, version: &str| {
            let version = VersionId::new(version);
            scram(user, &Sensitive::new("p"), &version, 2).expose().to_owned()
        };
        assert_eq!(of("app", "1"), of("app", "1"));
        assert_ne!(of("app", "1"), of("app", "2"));
        assert_ne!(of("app", "1"), of("web", "1"));
    }
}
