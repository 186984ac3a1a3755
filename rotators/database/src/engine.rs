use std::fmt;

/// A database product, as far as reading a secret has to know it.
pub trait Engine: Copy + fmt::Debug + Eq + Send + Sync + 'static {
    /// Of a secret without `engine`.
    const DEFAULT: Self;
    /// The values of `engine` that the function rotates, for an error's text.
    const NAMES: &'static str;

    /// Of a secret with this `engine`; `None` where it is another function's.
    fn named(name: &str) -> Option<Self>;

    /// Whether an admin's secret with the other engine can be for the same server.
    fn agrees(self, other: Self) -> bool {
        self == other
    }

    /// The port that AWS's functions take where the secret names none.
    fn port(self) -> u16;

    /// The database that AWS's functions take where the secret names none, if they take one.
    fn database(self) -> Option<&'static str>;

    /// The limit that a user's name exceeds, such as `63 bytes that PostgreSQL allows`.
    fn limit_exceeded(self, name: &str) -> Option<&'static str>;

    /// Why a name cannot be used, besides its length: the end of a sentence that begins with the field.
    fn problem(self, name: &str) -> Option<&'static str> {
        let _ = name;
        None
    }
}
