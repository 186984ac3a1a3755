//! What holds for every input, for fuzzers and tests: each function panics where it does not.
//!
//! Input is a text; where it has several parts, a line of three hyphens is between two of them.

#![expect(clippy::expect_used, reason = "a broken promise should panic")]

mod answer;
mod provider;
mod signature;
#[cfg(test)]
mod tests;

pub use answer::answer;
pub use provider::provider;
pub use signature::signature;

/// The parts of a text.
fn parts<const N: usize>(data: &[u8]) -> Option<[&str; N]> {
    let parts: Vec<&str> = std::str::from_utf8(data).ok()?.splitn(N, "\n---\n").collect();
    parts.try_into().ok()
}

/// So many cases, of which a failure is printed and nothing is kept on disk.
#[cfg(test)]
pub(crate) fn cases(cases: u32) -> proptest::test_runner::Config {
    proptest::test_runner::Config { cases, failure_persistence: None, ..Default::default() }
}
