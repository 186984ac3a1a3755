//! What MySQL and MariaDB store of a password, made and checked here, so that the password itself is not sent.

use sha1::Sha1;
use sha2::{Digest, Sha256};
use turnlock::{Sensitive, VersionId};

use crate::account::Account;
use crate::sha_crypt;

const SALT: usize = 20;
/// What `sha256_password` takes, and `caching_sha2_password` before it had a setting.
const ROUNDS: u32 = 5000;
/// The rounds of `caching_sha2_password` are stored in thousands.
pub(crate) const STEP: u32 = 1000;
/// `caching_sha2_password_digest_rounds` can be set to more; then a login takes seconds.
pub(crate) const MOST_ROUNDS: u32 = 1_000_000;

/// The authentication plugins whose passwords can be set by digest.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Plugin {
    Native,
    CachingSha2,
    Sha256,
}

impl Plugin {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "mysql_native_password" => Some(Self::Native),
            "caching_sha2_password" => Some(Self::CachingSha2),
            "sha256_password" => Some(Self::Sha256),
            _ => None,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Native => "mysql_native_password",
            Self::CachingSha2 => "caching_sha2_password",
            Self::Sha256 => "sha256_password",
        }
    }

    /// What the server is to store of a password.
    ///
    /// The salt comes from the version and the account: it is new for every password, is no secret, and is the
    /// same when a step is repeated.
    pub(crate) fn digest(
        self,
        password: &Sensitive,
        account: &Account,
        version: &VersionId,
        rounds: u32,
    ) -> Sensitive {
        let salt = salt(account, version);
        match self {
            Self::Native => native(password),
            Self::CachingSha2 => caching_sha2(password, &salt, rounds),
            Self::Sha256 => sha256(password, &salt),
        }
    }

    /// Whether what the server has stored is this password's.
    pub(crate) fn accepts(self, stored: &Sensitive, password: &Sensitive) -> bool {
        let own = match self {
            Self::Native => Some(native(password)),
            Self::CachingSha2 => {
                rounds_and_salt(stored).map(|(rounds, salt)| caching_sha2(password, salt, rounds))
            }
            Self::Sha256 => stored
                .expose()
                .strip_prefix("$5$")
                .and_then(|rest| rest.get(..SALT))
                .map(|salt| sha256(password, salt)),
        };
        own.is_some_and(|own| own == *stored)
    }
}

fn salt(account: &Account, version: &VersionId) -> String {
    let digest = Sha256::new()
        .chain_update(b"turnlock salt\0")
        .chain_update(version.as_str())
        .chain_update(b"\0")
        .chain_update(account.quoted())
        .finalize();
    digest.iter().take(SALT).map(|byte| sha_crypt::character(u32::from(*byte))).collect()
}

/// What `mysql_native_password` stores: `*` and SHA-1 twice, in capitals.
pub(crate) fn native(password: &Sensitive) -> Sensitive {
    if password.expose().is_empty() {
        return Sensitive::new("");
    }
    let digest = Sha1::digest(Sha1::digest(password.expose()));
    let digits: String = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    Sensitive::new(format!("*{digits}"))
}

/// `$A$`, the rounds in thousands as three digits of base 16, `$`, salt and digest.
///
/// The server checks with whole thousands, as no others can be stored.
fn caching_sha2(password: &Sensitive, salt: &str, rounds: u32) -> Sensitive {
    let rounds = rounds - rounds % STEP;
    let digest = sha_crypt::sha256(password.expose().as_bytes(), salt.as_bytes(), rounds);
    Sensitive::new(format!("$A${:03X}${salt}{digest}", rounds / STEP))
}

fn rounds_and_salt(stored: &Sensitive) -> Option<(u32, &str)> {
    let (rounds, rest) = stored.expose().strip_prefix("$A$")?.split_once('$')?;
    let rounds = u32::from_str_radix(rounds, 16).ok()?.checked_mul(STEP)?;
    (rounds <= MOST_ROUNDS).then_some((rounds, rest.get(..SALT)?))
}

/// `$5$`, salt, `$` and digest.
fn sha256(password: &Sensitive, salt: &str) -> Sensitive {
    let digest = sha_crypt::sha256(password.expose().as_bytes(), salt.as_bytes(), ROUNDS);
    Sensitive::new(format!("$5${salt}${digest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(hex: &str) -> Sensitive {
        let bytes = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16));
        Sensitive::new(String::from_utf8(bytes.map(Result::unwrap).collect()).unwrap())
    }

    /// As MySQL 9.7 stored them, with its own random salts.
    #[test]
    fn a_digest_is_what_the_server_would_store() {
        let long = "pass-word_1 with a rather long text that exceeds thirty-two bytes";
        let caching = stored(
            "244124303041246B0448266D46157F4D6B4114433426514F16690B4977577532466574797449735836374C4A396B53\
             494D4868616F61396D2E455A4945445132633442654D2E",
        );
        assert!(Plugin::CachingSha2.accepts(&caching, &Sensitive::new(long)));
        assert!(!Plugin::CachingSha2.accepts(&caching, &Sensitive::new("another")));
        let sha256 = stored(
            "24352465212A32226F30700975317C170F15786A2501542473784F5538642E6E637169674551316147754F534F512F\
             61695770587A777A6E2E77796D31774C33703943",
        );
        assert!(Plugin::Sha256.accepts(&sha256, &Sensitive::new("p")));
        assert!(!Plugin::Sha256.accepts(&sha256, &Sensitive::new("q")));
        let native = Sensitive::new("*89063080929868A5DFEC18596EC951918DC26DB5");
        assert!(Plugin::Native.accepts(&native, &Sensitive::new("p2")));
    }

    #[test]
    fn a_digest_made_here_is_accepted_here_and_the_same_each_time() {
        let (account, version) = (Account::new("app", "%"), VersionId::new("1"));
        let (password, other) = (Sensitive::new("p"), Sensitive::new("q"));
        for plugin in [Plugin::Native, Plugin::CachingSha2, Plugin::Sha256] {
            let digest = plugin.digest(&password, &account, &version, 10_000);
            assert!(plugin.accepts(&digest, &password));
            assert!(!plugin.accepts(&digest, &other));
            assert_eq!(digest, plugin.digest(&password, &account, &version, 10_000));
        }
        let digest = |version: &str| {
            let version = VersionId::new(version);
            Plugin::CachingSha2.digest(&password, &account, &version, 5000)
        };
        assert_ne!(digest("1"), digest("2"));
    }

    #[test]
    fn rounds_between_thousands_are_those_that_are_stored() {
        let password = Sensitive::new("p");
        let digest = caching_sha2(&password, "12345678901234567890", 12_345);
        assert!(digest.expose().starts_with("$A$00C$"));
        assert!(Plugin::CachingSha2.accepts(&digest, &password));
    }

    #[test]
    fn what_is_no_digest_accepts_nothing() {
        for text in ["", "x", "$A$", "$A$FFF$aaaaaaaaaaaaaaaaaaaab", "$A$005$short", "$5$short"] {
            let stored = Sensitive::new(text);
            for plugin in [Plugin::Native, Plugin::CachingSha2, Plugin::Sha256] {
                assert!(!plugin.accepts(&stored, &Sensitive::new("p")), "{text}");
            }
        }
    }
}
