//! What holds for every input, for fuzzers and tests: each function panics where it does not.
//!
//! Input is a text; where it has several parts, a line of three hyphens is between two of them.

#![expect(clippy::expect_used, reason = "a broken promise should panic")]

mod derived;
mod document;
mod event;
#[cfg(test)]
pub(crate) mod strategies;
#[cfg(test)]
mod tests;

pub use derived::derived;
pub use document::document;
pub use event::event;

/// The text of an input, and nothing of what is not UTF-8.
fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// The parts of a text.
fn parts<const N: usize>(data: &[u8]) -> Option<[&str; N]> {
    let parts: Vec<&str> = text(data)?.splitn(N, "\n---\n").collect();
    parts.try_into().ok()
}
