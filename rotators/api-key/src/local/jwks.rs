//! The public keys of a secret as a JWK set, RFC 7517, in one text field: ECS and others hand over single fields.

use serde_json::{Map, Value, json};
use turnlock::{Document, Malformed, Sensitive};

use super::public_key::PublicKey;

/// The field's name.
pub(super) const FIELD: &str = "jwks";

/// The members that a public key never has: RFC 7518, sections 6.2.2, 6.3.2 and 6.4, and RFC 8037.
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// The keys of the set, in their order.
#[derive(Debug)]
pub(super) struct KeySet(Vec<Map<String, Value>>);

impl KeySet {
    /// The set of these keys.
    pub(super) fn new(keys: impl IntoIterator<Item = Map<String, Value>>) -> Self {
        Self(keys.into_iter().collect())
    }

    /// Reads the field, if it is there.
    pub(super) fn read(document: &Document) -> Result<Option<Self>, Malformed> {
        let Some(text) = document.optional_string(FIELD)? else { return Ok(None) };
        let problem = |problem: &'static str| document.problem(FIELD, problem);
        let set: Value =
            serde_json::from_str(&text).map_err(|_| problem("is not a JWK set as a JSON text"))?;
        let keys = set.get("keys").and_then(Value::as_array);
        let keys = keys.and_then(|keys| keys.iter().map(|key| key.as_object().cloned()).collect());
        let set = Self(keys.ok_or_else(|| problem("is not a JWK set as a JSON text"))?);
        if set.0.iter().any(|key| PRIVATE.iter().any(|member| key.contains_key(*member))) {
            return Err(problem("has the private part of a key, and is there to be published"));
        }
        let named: Vec<&str> = set.0.iter().filter_map(kid).collect();
        if named.iter().enumerate().any(|(place, kid)| named[..place].contains(kid)) {
            return Err(problem("has two keys of one `kid`"));
        }
        Ok(Some(set))
    }

    /// The public key of a name, if it is one of ours.
    pub(super) fn find(&self, name: &str) -> Option<PublicKey> {
        self.0.iter().find(|key| kid(key) == Some(name)).and_then(PublicKey::of_jwk)
    }

    /// The keys but those of these names.
    pub(super) fn without(mut self, names: &[&str]) -> Vec<Map<String, Value>> {
        self.0.retain(|key| kid(key).is_none_or(|kid| !names.contains(&kid)));
        self.0
    }

    /// The text to store; it holds nothing secret.
    pub(super) fn text(&self) -> Sensitive {
        Sensitive::new(json!({"keys": self.0}).to_string())
    }
}

fn kid(key: &Map<String, Value>) -> Option<&str> {
    key.get("kid").and_then(Value::as_str)
}
