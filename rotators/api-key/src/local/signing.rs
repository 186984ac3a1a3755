//! Signing keys: a private key that signs, one that will, and the public keys of all that may be met.

use serde_json::{Map, Value};
use turnlock::{Document, Edit, Malformed, Sensitive, TargetError};

use super::algorithm::Algorithm;
use super::jwks::{self, KeySet};
use super::private_key::PrivateKey;
use super::secret;

pub(super) const CURRENT: &str = "private_key";
pub(super) const NEXT: &str = "next_private_key";
pub(super) const KID: &str = "kid";
pub(super) const ALG: &str = "alg";

/// All that a rotation writes.
#[cfg(test)]
pub(super) const FIELDS: [&str; 5] = [CURRENT, KID, ALG, NEXT, jwks::FIELD];

const DEFAULT_BITS: u32 = 2048;

/// What the secret's settings say of keys to draw.
#[derive(Clone, Debug)]
pub(super) struct Signing {
    /// That of the current key where it is not set, else ES256: small, fast, and known to every library.
    pub(super) algorithm: Option<Algorithm>,
    /// The length of RSA keys: that of the current key where it is not set, else 2048.
    pub(super) bits: Option<u32>,
}

/// A private key and its name.
struct Named {
    key: PrivateKey,
    kid: String,
}

impl Named {
    fn jwk(&self) -> Map<String, Value> {
        self.key.public().jwk(&self.kid)
    }
}

impl Signing {
    pub(super) fn next(&self, document: &Document) -> Result<Edit, TargetError> {
        let (current, set) = (current(document)?, KeySet::read(document)?);
        // A next key that verifiers have not seen does not begin to sign: another is drawn and published first.
        let next = next(document)?.filter(|next| {
            set.as_ref().and_then(|set| set.find(&next.kid)) == Some(next.key.public())
        });
        let (drawn, pem) = self.draw(current.as_ref())?;
        let edit = Edit::new().set(NEXT, pem);
        match (current, next) {
            // A key that was prepared signs for one period also where the algorithm has changed since: verifiers know
            // it already, and signers read `alg` beside the key. Keys of the new algorithm take the same way after it.
            (current, Some(next)) => {
                let previous = current.as_ref().map(Named::jwk);
                let keys = [next.jwk(), drawn.jwk()].into_iter().chain(previous);
                let edit = edit.set(CURRENT, document.sensitive(NEXT)?);
                Ok(described(edit, &next).set(jwks::FIELD, KeySet::new(keys).text()))
            }
            // Made by hand, so no verifier knows another yet: it goes on, and the one after it is published.
            (Some(current), None) => {
                let others = set.map(|set| set.without(&[&current.kid, &drawn.kid]));
                let keys = [current.jwk(), drawn.jwk()].into_iter();
                let keys = KeySet::new(keys.chain(others.into_iter().flatten()));
                Ok(described(edit, &current).set(jwks::FIELD, keys.text()))
            }
            (None, None) => {
                let (first, pem) = self.draw(None)?;
                let keys = KeySet::new([first.jwk(), drawn.jwk()]);
                Ok(described(edit.set(CURRENT, pem), &first).set(jwks::FIELD, keys.text()))
            }
        }
    }

    pub(super) fn check(&self, document: &Document) -> Result<(), TargetError> {
        let (current, next) = (current(document)?, next(document)?);
        let set = KeySet::read(document)?;
        let (next, set) = match (next, set) {
            // No rotation has been here yet.
            (None, _) => return Ok(()),
            (Some(next), Some(set)) => (next, set),
            (Some(_), None) => return Err(document.problem(jwks::FIELD, "is missing").into()),
        };
        let current = current.ok_or_else(|| document.problem(CURRENT, "is missing"))?;
        document.string(KID)?;
        document.string(ALG)?;
        for (named, field) in [(&current, CURRENT), (&next, NEXT)] {
            let public = set.find(&named.kid).ok_or_else(|| {
                document.problem(jwks::FIELD, format!("lacks the key of `{field}`"))
            })?;
            if public != named.key.public() || !named.key.belongs_to(&public)? {
                let problem = format!("does not verify what `{field}` signs");
                return Err(document.problem(jwks::FIELD, problem).into());
            }
        }
        if current.kid == next.kid {
            return Err(document.problem(NEXT, "is the key that is in use").into());
        }
        Ok(())
    }

    fn draw(&self, current: Option<&Named>) -> Result<(Named, Sensitive), TargetError> {
        let algorithm = self.algorithm.or_else(|| Some(current?.key.public().algorithm()));
        let bits = self.bits.or_else(|| current?.key.bits());
        let (key, pem) =
            PrivateKey::draw(algorithm.unwrap_or(Algorithm::Es256), bits.unwrap_or(DEFAULT_BITS))?;
        let kid = key.public().thumbprint();
        Ok((Named { key, kid }, pem))
    }
}

fn described(edit: Edit, key: &Named) -> Edit {
    let alg = key.key.public().algorithm().name();
    edit.set(KID, Sensitive::new(key.kid.as_str())).set(ALG, Sensitive::new(alg))
}

/// The key in use; its name may be one that somebody chose.
fn current(document: &Document) -> Result<Option<Named>, Malformed> {
    let named = read(document, CURRENT)?;
    let alg = document.optional_string(ALG)?;
    let Some(mut named) = named else {
        // Else an HMAC key's secret would turn into one of signing keys, and its verifiers would be left behind.
        return match alg.as_deref() {
            Some(alg) if Algorithm::named(alg).is_none() => {
                Err(document.problem(ALG, "is not the algorithm of a signing key of this kind"))
            }
            Some(_) | None => Ok(None),
        };
    };
    if alg.is_some_and(|alg| alg != named.key.public().algorithm().name()) {
        return Err(document.problem(ALG, format!("is not the algorithm of `{CURRENT}`")));
    }
    if document.optional_string(KID)?.is_some() {
        named.kid = document.string(KID)?;
    }
    Ok(Some(named))
}

fn next(document: &Document) -> Result<Option<Named>, Malformed> {
    read(document, NEXT)
}

fn read(document: &Document, field: &str) -> Result<Option<Named>, Malformed> {
    let Some(text) = secret(document, field)? else { return Ok(None) };
    let key =
        PrivateKey::read(text.expose()).map_err(|problem| document.problem(field, problem))?;
    let kid = key.public().thumbprint();
    Ok(Some(Named { key, kid }))
}
