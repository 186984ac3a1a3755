//! What a sweep asks of a target, whatever it is.

use std::time::Duration;

use crate::scene::Scene;

/// A target, the stand-in with the real function behind wires, and one secret.
pub(crate) trait Stage {
    /// The secret.
    fn scene(&self) -> &Scene;

    /// What consumers are promised.
    fn keeps(&self) -> Keeps;

    /// Brings accounts and secret to where a point begins.
    async fn begin(&self);

    /// How often a rotation is tried, and after how long from the third time on.
    fn attempts(&self) -> (u32, Duration) {
        (4, Duration::ZERO)
    }

    /// Whether a consumer of this value of the secret is let in.
    async fn accepts(&self, value: &serde_json::Value) -> bool;

    /// What is there, but for the credentials of the secret's own accounts.
    async fn state(&self) -> State;

    /// What an attempt has left at work: sessions and locks; empty if nothing is.
    async fn left_over(&self) -> String;

    /// Does what is left to people after an attempt, by what the log tells them; what it does not tell.
    fn tidy_by_hand(&self) -> Vec<String> {
        Vec::new()
    }

    /// The credentials in a value of the secret.
    fn secrets(&self, value: &serde_json::Value) -> Vec<String>;

    /// All that the target has logged.
    fn log(&self) -> String;
}

/// Which versions work, and when.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Keeps {
    /// Some version works at any time.
    pub(crate) any: bool,
    /// `AWSCURRENT` works at any time, else after every rotation.
    pub(crate) current: bool,
    /// Whether `AWSPREVIOUS` works after every rotation, or is dead then; it may be either where nothing is said.
    pub(crate) previous: Option<bool>,
}

/// What there is at a target, in words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct State {
    /// What the secret's accounts may.
    pub(crate) own: String,
    /// Everything of all other accounts.
    pub(crate) others: String,
}
