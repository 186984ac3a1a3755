//! The label of a minted key: whose it is, of which version, and when it was minted.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand::TryRng;
use rand::rngs::SysRng;
use sha2::{Digest, Sha256};
use turnlock::{Class, SecretId, TargetError, VersionId};

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
const SECRET: u32 = 7;
const TIME: u32 = 6;
const RANDOM: u32 = 4;

/// `turnlock-<secret>-<version>-<when><random>`, of 64 characters where the version's id is a UUID.
///
/// `secret` is of a digest of the secret's ARN, `when` the seconds since 1970; both, and the random end, are in base 36.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Label {
    secret: String,
    version: String,
    minted: Duration,
    random: String,
}

impl Label {
    /// The label of a key that is minted now.
    pub(crate) fn new(secret: &SecretId, version: &VersionId) -> Result<Self, TargetError> {
        let random = SysRng.try_next_u64().map_err(|_| {
            TargetError::new(Class::Unexpected, "the operating system gives no random numbers")
        })?;
        Ok(Self {
            secret: digest(secret),
            version: version.to_string(),
            // As it will be read: a label that is found again has to be equal.
            minted: Duration::from_secs(since_1970().as_secs()),
            random: digits(random, RANDOM),
        })
    }

    /// Reads a label, if it is one of a key of this secret.
    pub(crate) fn parse(text: &str, secret: &SecretId) -> Option<Self> {
        let (own, rest) = text.strip_prefix("turnlock-")?.split_once('-')?;
        let (version, end) = rest.rsplit_once('-')?;
        let time = usize::try_from(TIME).ok()?;
        let (when, random) = end.split_at_checked(time)?;
        // The reader of numbers takes a sign and capitals, too, which nobody here writes.
        if !when.bytes().all(|digit| DIGITS.contains(&digit)) {
            return None;
        }
        let seconds = u64::from_str_radix(when, 36).ok()?;
        let fits = own == digest(secret) && random.len() == usize::try_from(RANDOM).ok()?;
        fits.then(|| Self {
            secret: own.to_owned(),
            version: version.to_owned(),
            minted: Duration::from_secs(seconds),
            random: random.to_owned(),
        })
    }

    /// How long ago the key was minted, at least; of one minted in the future, by a clock that is ahead, no time.
    pub(crate) fn age(&self) -> Duration {
        // It may have been at the end of that second.
        since_1970().saturating_sub(self.minted + Duration::from_secs(1))
    }

    /// The text that the provider keeps.
    pub(crate) fn text(&self) -> String {
        let when = digits(self.minted.as_secs(), TIME);
        format!("turnlock-{}-{}-{when}{}", self.secret, self.version, self.random)
    }
}

fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn digest(secret: &SecretId) -> String {
    let digest = Sha256::digest(secret.to_string().as_bytes());
    let first = digest.iter().take(8).fold(0, |sum, byte| sum << 8 | u64::from(*byte));
    digits(first, SECRET)
}

/// The last digits of a number, in base 36.
fn digits(mut number: u64, count: u32) -> String {
    let mut digits = Vec::new();
    for _ in 0..count {
        let place = usize::try_from(number % 36).unwrap_or_default();
        digits.push(char::from(DIGITS[place]));
        number /= 36;
    }
    digits.into_iter().rev().collect()
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;

    const VERSION: &str = "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9";

    fn secret(name: &str) -> SecretId {
        SecretId::new(format!("arn:aws:secretsmanager:eu-west-1:111122223333:secret:{name}"))
    }

    #[test]
    fn a_label_tells_its_secret_version_and_age_in_64_characters() {
        let version = VersionId::new(VERSION);
        let label = Label::new(&secret("app-a1b2c3"), &version).unwrap();
        let text = label.text();
        assert_eq!(text.len(), 64, "{text}");
        assert!(text.contains(VERSION));
        let read = Label::parse(&text, &secret("app-a1b2c3")).unwrap();
        assert!(read.version == VERSION && read.age() < Duration::from_secs(60));
        assert_eq!((&read, read.text()), (&label, text));
    }

    #[test]
    fn labels_of_other_secrets_and_other_people_are_not_ours() {
        let label = Label::new(&secret("app-a1b2c3"), &VersionId::new(VERSION)).unwrap().text();
        assert_eq!(Label::parse(&label, &secret("other-a1b2c3")), None);
        for other in ["", "turnlock", "turnlock-", "turnlock-x-y-z", "my laptop", &label[1..]] {
            assert_eq!(Label::parse(other, &secret("app-a1b2c3")), None, "{other}");
        }
    }

    #[test]
    fn a_time_that_is_not_written_as_here_makes_no_label() {
        let own = digest(&secret("app"));
        for (when, is_ours) in [("0aaaa0", true), ("+aaaa0", false), ("0AAAA0", false)] {
            let text = format!("turnlock-{own}-{VERSION}-{when}0a00");
            assert_eq!(Label::parse(&text, &secret("app")).is_some(), is_ours, "{when}");
        }
    }

    #[test]
    fn two_labels_of_one_version_differ() {
        let label = || Label::new(&secret("app"), &VersionId::new(VERSION)).unwrap().text();
        assert_ne!(label(), label());
    }
}
