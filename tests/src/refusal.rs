//! Rotations that fail, and what they must not have changed.

mod keys;
mod mysql;
mod postgres;

use turnlock_local::Operation;

use crate::canary::{Canary, assert_absent};
use crate::scene::Scene;
use crate::servers::Mark;
use crate::world::{ADMIN_PASSWORD, FIRST_PASSWORD, StepError};

/// A world, as far as its kind of server has nothing to do with it.
trait Target {
    /// What begins each statement that changes an account.
    const CHANGES: &[&str];

    fn scene(&self) -> &Scene;

    /// Everything that the server has of accounts, as text.
    async fn accounts(&self) -> String;

    fn mark(&self) -> Mark;

    fn log_since(&self, mark: Mark) -> String;
}

/// Rotates, which has to fail before anything is written anywhere; returns how it failed.
async fn refused(target: &impl Target) -> StepError {
    let error = failing(target).await;
    let scene = target.scene();
    let put = scene.calls_of(Operation::PutSecretValue);
    assert_eq!(put, 0, "a version was written before: {error:?}");
    let pending = scene.local.value_of(&scene.secret, "AWSPENDING");
    assert!(pending.is_none(), "the pending version has a value");
    error
}

/// Rotates, which has to fail before anything is changed for consumers; returns how it failed.
async fn failing(target: &impl Target) -> StepError {
    let scene = target.scene();
    let (labels, mark) = (scene.settled_labels(), target.mark());
    let value = scene.local.value_of(&scene.secret, "AWSCURRENT");
    let accounts = target.accounts().await;
    scene.local.clear_calls();
    let error = scene.rotate().await.expect_err("the rotation fails");
    assert_eq!(scene.calls_of(Operation::UpdateSecretVersionStage), 0, "{error:?}");
    assert_eq!(scene.settled_labels(), labels, "{error:?}");
    assert!(scene.local.value_of(&scene.secret, "AWSCURRENT") == value, "{error:?}");
    assert!(target.accounts().await == accounts, "the server was changed: {error:?}");
    let where_from = format!("Rotation failed in {} of {}: ", error.step, scene.secret);
    assert!(error.message.starts_with(&where_from), "{error:?}");
    assert!(error.message.ends_with(&format!(" ({})", error.class)), "{error:?}");
    let log = target.log_since(mark);
    scene.assert_silent_on_passwords(&[("the error", &error.message), ("the server", &log)]);
    error
}

/// Runs testSecret alone, as attaching without rotating does; it has to leave everything as it was.
async fn tested<T: Target>(target: &T) -> Result<(), StepError> {
    let scene = target.scene();
    let state = || {
        let versions = scene.local.versions(&scene.secret);
        (versions, scene.labels(), scene.local.value_of(&scene.secret, "AWSCURRENT"))
    };
    let (before, accounts, mark) = (state(), target.accounts().await, target.mark());
    scene.local.clear_calls();
    let result = scene.test_only().await;
    assert!(state() == before, "a version was changed");
    assert!(target.accounts().await == accounts, "the server was changed");
    let log = target.log_since(mark);
    for statement in T::CHANGES {
        assert!(!log.contains(statement), "{log}");
    }
    let reads =
        [Operation::DescribeSecret, Operation::GetSecretValue, Operation::ListSecretVersionIds];
    let calls = scene.function_calls();
    assert!(calls.iter().all(|call| reads.contains(&call.operation)), "{calls:?}");
    result
}

/// The three ways in which a world is asked to fail.
macro_rules! ways_to_fail {
    ($world:ty) => {
        impl $world {
            /// Rotates, which has to fail before anything is written anywhere; returns how it failed.
            ///
            /// # Panics
            ///
            /// If the rotation succeeds, writes, changes the server or tells a secret.
            pub async fn rotate_refused(&self) -> StepError {
                super::refused(self).await
            }

            /// Rotates, which has to fail before anything is changed for consumers; returns how it failed.
            ///
            /// # Panics
            ///
            /// If the rotation succeeds, moves `AWSCURRENT`, changes the server or tells a secret.
            pub async fn rotate_failing(&self) -> StepError {
                super::failing(self).await
            }

            /// Runs testSecret alone, as attaching without rotating does; it has to leave everything as it was.
            ///
            /// # Errors
            ///
            /// Whatever the test names.
            ///
            /// # Panics
            ///
            /// If a version, a label or an account is changed, or the function asks for more than it needs to
            /// read.
            pub async fn tested(&self) -> Result<(), StepError> {
                super::tested(self).await
            }
        }
    };
}
use ways_to_fail;

impl Scene {
    /// Fails if the function's output or one of these texts holds a password that tests start with.
    ///
    /// # Panics
    ///
    /// If one does.
    pub fn assert_silent_on_passwords(&self, texts: &[(&str, &str)]) {
        let output = self.output();
        let canaries =
            [Canary::of("the user's", FIRST_PASSWORD), Canary::of("the admin's", ADMIN_PASSWORD)];
        assert_absent(&canaries, &[texts, &[("the function's output", &output)]].concat());
    }

    /// How many calls of an operation the function made.
    pub fn calls_of(&self, operation: Operation) -> usize {
        self.function_calls().iter().filter(|call| call.operation == operation).count()
    }

    /// The labels but for `AWSPENDING`, which the service itself puts on a version without a value.
    fn settled_labels(&self) -> Vec<(String, String)> {
        self.labels().into_iter().filter(|(label, _)| label != "AWSPENDING").collect()
    }
}

impl StepError {
    /// Fails unless this is the step, the class, and a text with all of these words.
    ///
    /// # Panics
    ///
    /// If it is something else.
    pub fn assert_is(&self, step: &str, class: &str, words: &[&str]) {
        assert_eq!((self.step.as_str(), self.class.as_str()), (step, class), "{}", self.message);
        for word in words {
            assert!(self.message.contains(word), "no `{word}` in: {}", self.message);
        }
    }
}
