//! What somebody may not do.

use turnlock::{Class, TargetError};

/// The missing privileges as an error, if there are any; `what` they are missing for.
///
/// # Errors
///
/// Class `permission`, with all of them named.
pub fn lacking(server: &str, what: &str, missing: &[String]) -> Result<(), TargetError> {
    if missing.is_empty() {
        return Ok(());
    }
    let text = format!("at {server} {what}; missing: {}", missing.join(", "));
    Err(TargetError::new(Class::Permission, text))
}
