//! Bytes from the operating system's randomness.

use rand::TryRng;
use rand::rngs::SysRng;
use turnlock::{Class, TargetError};
use zeroize::Zeroizing;

use super::encoding::Encoding;

/// Bytes that nobody has ever seen.
pub(super) fn bytes(count: usize) -> Result<Zeroizing<Vec<u8>>, TargetError> {
    let mut bytes = Zeroizing::new(vec![0; count]);
    SysRng.try_fill_bytes(&mut bytes).map_err(|_| {
        TargetError::new(Class::Unexpected, "the operating system gives no randomness")
    })?;
    Ok(bytes)
}

/// A name for a key that tells nothing of it: one made of a shared key would be a check for guesses.
pub(super) fn id() -> Result<String, TargetError> {
    Ok(Encoding::Base64Url.encode(&bytes(12)?).expose().to_owned())
}
