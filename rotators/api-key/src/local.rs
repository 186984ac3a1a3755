//! Keys that no provider issues: random tokens, signing keys, AES keys. They are only stored.
//!
//! A secret has three keys at a time, each for one period between rotations: the next one, the current one, the
//! previous one. What begins to be used today has been in the secret for a whole period, and what ended today stays
//! for one. So whoever holds the secret as it was before the last rotation and whoever holds it as it is now
//! understand each other, in both directions.

mod algorithm;
mod der;
mod encoding;
mod jwks;
mod pem;
mod private_key;
mod public_key;
mod random;
mod rsa;
mod settings;
mod shared;
mod signing;

use turnlock::{Document, Edit, Malformed, Passwords, Sensitive, TargetError};

use self::encoding::Encoding;
use self::settings::{Settings, Signature, problem};
use self::shared::Shared;
use self::signing::Signing;

const RANDOM_TOKEN: &str = "random-token";
const SIGNING_KEY: &str = "signing-key";
const AES: &str = "aes";

/// The names of all kinds, as `rotation.provider` has them.
pub(crate) const NAMES: [&str; 3] = [RANDOM_TOKEN, SIGNING_KEY, AES];

/// A kind of key that is drawn here, and what the secret's `rotation` says of it.
#[derive(Clone, Debug)]
pub(crate) struct Kind(Form);

#[derive(Clone, Debug)]
enum Form {
    Shared(Shared),
    Signing(Signing),
}

impl Kind {
    /// Reads the settings of a secret whose `rotation.provider` has this name; none where the name is not of a local key.
    ///
    /// # Errors
    ///
    /// A setting that is wrong, or has no meaning for this kind of key.
    pub(crate) fn read(provider: &str, document: &Document) -> Result<Option<Self>, Malformed> {
        let form = match provider {
            RANDOM_TOKEN => Form::Shared(token(&Settings::read(document)?)?),
            SIGNING_KEY => signing_key(&Settings::read(document)?)?,
            AES => Form::Shared(aes(&Settings::read(document)?)?),
            _ => return Ok(None),
        };
        Ok(Some(Self(form)))
    }

    /// Draws a key and moves the others on; asked for once a version.
    ///
    /// The prepared key becomes the current one, and the current one the previous one. Where none was prepared, as in
    /// a secret that was made by hand, the current one stays current for a period more, and one is prepared. An RSA key
    /// takes a while, and blocks the thread.
    ///
    /// # Errors
    ///
    /// Class `malformed-secret` where the keys that are there cannot be read, `policy` where the policy allows no token.
    pub(crate) fn next(
        &self,
        current: &Document,
        passwords: &Passwords,
    ) -> Result<Edit, TargetError> {
        match &self.0 {
            Form::Shared(shared) => shared.next(current, passwords),
            Form::Signing(signing) => signing.next(current),
        }
    }

    /// Whether the keys of a version are whole: each can be read, signs, and is verified by its public key.
    ///
    /// A secret that was never rotated may lack any of them.
    ///
    /// # Errors
    ///
    /// Class `malformed-secret`, with the field.
    pub(crate) fn check(&self, document: &Document) -> Result<(), TargetError> {
        match &self.0 {
            Form::Shared(shared) => shared.check(document),
            Form::Signing(signing) => signing.check(document),
        }
    }

    /// The names of all fields that rotations write.
    #[cfg(test)]
    fn fields(&self) -> Vec<String> {
        match &self.0 {
            Form::Shared(shared) => shared.fields(),
            Form::Signing(_) => signing::FIELDS.map(str::to_owned).to_vec(),
        }
    }

    /// What tells one version's keys from another's: the current and the next one, as they are stored.
    ///
    /// # Errors
    ///
    /// A field of theirs that is no text.
    pub(crate) fn fingerprint(&self, document: &Document) -> Result<Sensitive, Malformed> {
        let (current, next) = match &self.0 {
            Form::Shared(shared) => (shared.value(), shared.next_value()),
            Form::Signing(_) => (signing::CURRENT, signing::NEXT.to_owned()),
        };
        let (current, next) = (secret(document, current)?, secret(document, &next)?);
        let texts = [&current, &next].map(|key| key.as_ref().map_or("", Sensitive::expose));
        Ok(Sensitive::new(texts.join("\n")))
    }
}

/// A field that holds a secret and may be absent, but not empty.
fn secret(document: &Document, field: &str) -> Result<Option<Sensitive>, Malformed> {
    match document.optional_string(field)? {
        Some(text) if text.is_empty() => Err(document.problem(field, "is empty")),
        text => Ok(text.map(Sensitive::new)),
    }
}

fn token(settings: &Settings) -> Result<Shared, Malformed> {
    settings.none_but(&["bytes", "encoding"])?;
    if settings.bytes.is_none() && settings.encoding.is_none() {
        return Ok(Shared::Password);
    }
    let bytes = settings.bytes.unwrap_or(32) as usize;
    Ok(Shared::Token { bytes, encoding: settings.encoding.unwrap_or(Encoding::Base64Url) })
}

fn aes(settings: &Settings) -> Result<Shared, Malformed> {
    settings.none_but(&["bits", "encoding"])?;
    let encoding = settings.encoding.unwrap_or(Encoding::Base64Url);
    if encoding == Encoding::Text {
        return Err(problem("encoding", "is not base64url, base64 or hex"));
    }
    Ok(Shared::Aes { bits: settings.bits_of([128, 192, 256])?, encoding })
}

fn signing_key(settings: &Settings) -> Result<Form, Malformed> {
    let algorithm = match settings.algorithm {
        // Those that are there are texts as a rule, and libraries take a text as its bytes.
        Some(Signature::Shared(algorithm)) => {
            settings.none_but(&["algorithm", "encoding"])?;
            let encoding = settings.encoding.unwrap_or(Encoding::Text);
            return Ok(Form::Shared(Shared::Hmac { algorithm, encoding }));
        }
        Some(Signature::Private(algorithm)) => Some(algorithm),
        None => None,
    };
    match algorithm {
        Some(algorithm::Algorithm::Rs256) => settings.none_but(&["algorithm", "bits"])?,
        Some(_) | None => settings.none_but(&["algorithm"])?,
    }
    let bits = settings.bits_of([2048, 3072, 4096])?;
    Ok(Form::Signing(Signing { algorithm, bits }))
}

#[cfg(test)]
mod tests;
