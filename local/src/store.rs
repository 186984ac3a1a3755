//! All secrets, found the way the service finds them.

use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::error::ApiError;
use crate::secret::Secret;

/// The letters at the end of an ARN, and the hyphen before them.
const SUFFIX_LENGTH: usize = 7;

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Store {
    /// In the order of creation.
    pub(crate) secrets: Vec<Secret>,
}

impl Store {
    pub(crate) fn find(&self, id: &str) -> Result<&Secret, ApiError> {
        let found = self.secrets.iter().find(|secret| answers_to(secret, id));
        found.ok_or_else(ApiError::secret_not_found)
    }

    pub(crate) fn find_mut(&mut self, id: &str) -> Result<&mut Secret, ApiError> {
        let found = self.secrets.iter_mut().find(|secret| answers_to(secret, id));
        found.ok_or_else(ApiError::secret_not_found)
    }

    pub(crate) fn remove(&mut self, arn: &str) {
        self.secrets.retain(|secret| secret.arn != arn);
    }

    /// Removes what has outlived its recovery window.
    pub(crate) fn purge(&mut self, now: SystemTime) {
        self.secrets.retain(|secret| secret.deleted.is_none_or(|(_, end)| end > now));
    }
}

/// Whether a secret is meant by a name, an ARN, or an ARN without the letters at its end.
///
/// An id that looks as if it had those letters is taken as complete, so a name that ends in a
/// hyphen and six characters cannot be found by a partial ARN; the service has the same trap.
fn answers_to(secret: &Secret, id: &str) -> bool {
    if secret.arn == id || secret.name == id {
        return true;
    }
    let stem = secret.arn.len().checked_sub(SUFFIX_LENGTH).and_then(|end| secret.arn.get(..end));
    id.starts_with("arn:") && stem == Some(id) && !has_suffix(id)
}

fn has_suffix(id: &str) -> bool {
    id.rsplit_once('-').is_some_and(|(_, tail)| {
        tail.len() == SUFFIX_LENGTH - 1 && tail.chars().all(|c| c.is_ascii_alphanumeric())
    })
}
