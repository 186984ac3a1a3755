use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A string that must never be seen.
///
/// It has no `Display`, no `Serialize` and no `Clone`, its `Debug` is fixed, it compares in constant
/// time and its memory is wiped on drop. Copies that a driver or an SDK makes are beyond its reach.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Sensitive(String);

impl Sensitive {
    /// Takes ownership of a secret text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Shows the text itself: every call is a place to review.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PartialEq for Sensitive {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl Eq for Sensitive {}

impl fmt::Debug for Sensitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_the_text() {
        assert_eq!(format!("{:?}", Sensitive::new("hunter2")), "[redacted]");
    }

    #[test]
    fn equal_texts_are_equal_and_others_are_not() {
        assert_eq!(Sensitive::new("a"), Sensitive::new("a"));
        assert_ne!(Sensitive::new("a"), Sensitive::new("ab"));
    }
}
