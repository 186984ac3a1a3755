//! Keys that all who use them hold: tokens, AES keys, HMAC keys. The previous and the next one are beside the current.

use turnlock::{Document, Edit, Malformed, Passwords, Sensitive, TargetError};
use zeroize::Zeroizing;

use super::algorithm::Hmac;
use super::encoding::Encoding;
use super::{random, secret};

/// The field that holds all keys of HMAC as one JWK set: not `jwks`, which is for all the world to see.
pub(super) const KEY_SET: &str = "symmetric_jwks";
const KID: &str = "kid";
const ALG: &str = "alg";
const CURRENT: &str = "";
const NEXT: &str = "next_";
const PREVIOUS: &str = "previous_";
const AES_BITS: u32 = 256;

/// What the secret's settings say of keys to draw.
#[derive(Clone, Debug)]
pub(super) enum Shared {
    /// A text that nobody guesses, by the policy for passwords.
    Password,
    /// Random bytes as a text.
    Token { bytes: usize, encoding: Encoding },
    /// 128, 192 or 256 bits; of the length of the current key where they are not set, else 256.
    Aes { bits: Option<u32>, encoding: Encoding },
    /// A key of HMAC.
    Hmac { algorithm: Hmac, encoding: Encoding },
}

/// One of the three keys.
struct Slot {
    value: Sensitive,
    kid: Option<String>,
    alg: Option<Hmac>,
}

impl Shared {
    /// All that a rotation writes.
    #[cfg(test)]
    pub(super) fn fields(&self) -> Vec<String> {
        let mut names = vec![self.value()];
        names.extend(self.has_kid().then_some(KID));
        names.extend(self.hmac().is_some().then_some(ALG));
        let slots = [CURRENT, NEXT, PREVIOUS].iter();
        let mut fields: Vec<String> =
            slots.flat_map(|slot| names.iter().map(move |name| format!("{slot}{name}"))).collect();
        fields.extend(self.hmac().is_some().then(|| KEY_SET.to_owned()));
        fields
    }

    /// The field of the current key.
    pub(super) fn value(&self) -> &'static str {
        match self {
            Self::Password | Self::Token { .. } => "token",
            Self::Aes { .. } | Self::Hmac { .. } => "key",
        }
    }

    /// The field of the key to come.
    pub(super) fn next_value(&self) -> String {
        format!("{NEXT}{}", self.value())
    }

    /// The edit that has each key move on; where nobody has seen a next one yet, the current one stays for a period.
    pub(super) fn next(
        &self,
        document: &Document,
        passwords: &Passwords,
    ) -> Result<Edit, TargetError> {
        let [current, next, previous] = self.slots(document)?;
        if self.hmac().is_some() && document.optional_string(KEY_SET)?.is_some() {
            self.check_key_set(document)?;
        }
        let drawn = self.draw(current.as_ref(), passwords)?;
        let (current, previous) = match (current, next) {
            (current, Some(next)) => (next, current),
            (Some(current), None) => (current, previous),
            (None, None) => (self.draw(None, passwords)?, previous),
        };
        let (current, previous) = (self.named(current)?, previous.map(|slot| self.named(slot)));
        let previous = previous.transpose()?;
        let mut edit = Edit::new();
        if let Some(algorithm) = self.hmac() {
            let all = [Some(&current), Some(&drawn), previous.as_ref()];
            edit = edit.set(KEY_SET, self.key_set(all, algorithm));
        }
        let slots = [(CURRENT, Some(current)), (NEXT, Some(drawn)), (PREVIOUS, previous)];
        for (prefix, slot) in slots {
            let Some(slot) = slot else { continue };
            edit = edit.set(format!("{prefix}{}", self.value()), slot.value);
            if let Some(kid) = slot.kid {
                edit = edit.set(format!("{prefix}{KID}"), Sensitive::new(kid));
            }
            if let Some(alg) = slot.alg {
                edit = edit.set(format!("{prefix}{ALG}"), Sensitive::new(alg.name()));
            }
        }
        Ok(edit)
    }

    /// Whether every key is what it has to be, and nothing is missing once a rotation has been here.
    pub(super) fn check(&self, document: &Document) -> Result<(), TargetError> {
        let [current, next, _] = self.slots(document)?;
        let Some(next) = next else { return Ok(()) };
        let Some(current) = current else {
            return Err(document.problem(self.value(), "is missing").into());
        };
        for prefix in [CURRENT, NEXT] {
            if self.has_kid() {
                document.string(&format!("{prefix}{KID}"))?;
            }
            if self.hmac().is_some() {
                document.string(&format!("{prefix}{ALG}"))?;
            }
        }
        if next.value == current.value {
            return Err(document.problem(&self.next_value(), "is the key that is in use").into());
        }
        if self.hmac().is_some() {
            self.check_key_set(document)?;
        }
        Ok(())
    }

    fn check_key_set(&self, document: &Document) -> Result<(), TargetError> {
        let Some(algorithm) = self.hmac() else { return Ok(()) };
        let slots = self.slots(document)?;
        let all = [slots[0].as_ref(), slots[1].as_ref(), slots[2].as_ref()];
        if document.sensitive(KEY_SET)? != self.key_set(all, algorithm) {
            let problem = "is not made of the keys beside it: where `rotation.encoding` was changed, change it \
                back; where a key was, remove this field";
            return Err(document.problem(KEY_SET, problem).into());
        }
        Ok(())
    }

    fn slots(&self, document: &Document) -> Result<[Option<Slot>; 3], Malformed> {
        Ok([
            self.slot(document, CURRENT)?,
            self.slot(document, NEXT)?,
            self.slot(document, PREVIOUS)?,
        ])
    }

    fn slot(&self, document: &Document, prefix: &str) -> Result<Option<Slot>, Malformed> {
        let field = |name: &str| format!("{prefix}{name}");
        let alg = if self.hmac().is_some() { document.optional_string(&field(ALG))? } else { None };
        let alg = match alg {
            Some(name) => Some(
                Hmac::named(&name)
                    .ok_or_else(|| document.problem(&field(ALG), "is not HS256, HS384 or HS512"))?,
            ),
            None => self.hmac(),
        };
        let Some(value) = secret(document, &field(self.value()))? else { return Ok(None) };
        if let Some(problem) = self.problem(&value) {
            return Err(document.problem(&field(self.value()), problem));
        }
        let kid = if self.has_kid() { document.optional_string(&field(KID))? } else { None };
        Ok(Some(Slot { value, kid, alg }))
    }

    /// What is wrong with a key.
    fn problem(&self, value: &Sensitive) -> Option<&'static str> {
        match self {
            Self::Password | Self::Token { .. } => None,
            Self::Aes { encoding, .. } => {
                let length = encoding.decode(value.expose()).map(|bytes| bytes.len());
                (!length.is_some_and(|length| [16, 24, 32].contains(&length)))
                    .then_some("is not 16, 24 or 32 bytes in the encoding of `rotation.encoding`")
            }
            Self::Hmac { encoding, .. } => encoding
                .decode(value.expose())
                .is_none()
                .then_some("is not in the encoding of `rotation.encoding`"),
        }
    }

    fn draw(&self, current: Option<&Slot>, passwords: &Passwords) -> Result<Slot, TargetError> {
        let value = match self {
            Self::Password => passwords.draw()?,
            Self::Token { bytes, encoding } => encoding.encode(&random::bytes(*bytes)?),
            Self::Aes { bits, encoding } => {
                let now = || Some(encoding.decode(current?.value.expose())?.len());
                let bytes = bits.unwrap_or(AES_BITS) as usize / 8;
                let bytes = if bits.is_none() { now().unwrap_or(bytes) } else { bytes };
                encoding.encode(&random::bytes(bytes)?)
            }
            Self::Hmac { algorithm, encoding } => {
                encoding.encode(&random::bytes(algorithm.bytes())?)
            }
        };
        self.named(Slot { value, kid: None, alg: self.hmac() })
    }

    /// The key with a name, where it has to have one and has none.
    fn named(&self, mut slot: Slot) -> Result<Slot, TargetError> {
        if self.has_kid() && slot.kid.is_none() {
            slot.kid = Some(random::id()?);
        }
        Ok(slot)
    }

    /// The keys as a JWK set, in one piece.
    fn key_set(&self, slots: [Option<&Slot>; 3], algorithm: Hmac) -> Sensitive {
        let keys = slots.into_iter().flatten().filter_map(|slot| {
            let bytes = self.encoding().decode(slot.value.expose())?;
            let k = Encoding::Base64Url.encode(&bytes);
            let kid = serde_json::Value::from(slot.kid.as_deref().unwrap_or_default());
            let alg = slot.alg.unwrap_or(algorithm).name();
            Some(Zeroizing::new(
                [
                    r#"{"alg":""#,
                    alg,
                    r#"","k":""#,
                    k.expose(),
                    r#"","kid":"#,
                    &kid.to_string(),
                    r#","kty":"oct","use":"sig"}"#,
                ]
                .concat(),
            ))
        });
        let keys: Vec<_> = keys.collect();
        let keys: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
        let list = Zeroizing::new(keys.join(","));
        Sensitive::new([r#"{"keys":["#, list.as_str(), "]}"].concat())
    }

    fn hmac(&self) -> Option<Hmac> {
        match self {
            Self::Hmac { algorithm, .. } => Some(*algorithm),
            Self::Password | Self::Token { .. } | Self::Aes { .. } => None,
        }
    }

    /// A token is the same text to whoever sends it and whoever checks it; there is no place for a name.
    fn has_kid(&self) -> bool {
        match self {
            Self::Aes { .. } | Self::Hmac { .. } => true,
            Self::Password | Self::Token { .. } => false,
        }
    }

    fn encoding(&self) -> Encoding {
        match self {
            Self::Password => Encoding::Text,
            Self::Token { encoding, .. }
            | Self::Aes { encoding, .. }
            | Self::Hmac { encoding, .. } => *encoding,
        }
    }
}
