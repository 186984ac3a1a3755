//! The contract finds the mistakes that rotators make, and tells the shortest way to each.

use std::sync::Arc;
use std::time::SystemTime;

use turnlock::testing::{
    CounterExample, Fuse, MemoryVault, Promise, Report, Secret, World, contract,
};
use turnlock::vault::{Description, Label, Stored, Version, Write, Written};
use turnlock::{Document, SecretId, Vault, VaultError, VersionId};

use crate::world::database::{Database, Flaw, Strategy};
use crate::world::keys::Keys;
use crate::world::tried::{Tried, database, keys};

/// The counter-example to a promise; the search has to have found one.
fn counter_example(report: &Report, promise: &str) -> CounterExample {
    let found = report.counter_examples().find(|example| example.promise() == Some(promise));
    found.unwrap_or_else(|| panic!("nothing broke {promise:?}:\n{report}")).clone()
}

/// It breaks the same promise when its text is replayed, and none where the mistake is not made.
async fn assert_replayed<W: World, G: World>(
    example: &CounterExample,
    flawed: impl AsyncFn(Arc<Fuse>) -> W,
    good: impl AsyncFn(Arc<Fuse>) -> G,
) {
    let text = example.trace().to_string();
    let again = contract::replay(flawed, &text).await.unwrap().expect("it breaks a promise");
    assert_eq!(again.promise(), example.promise(), "{again}");
    assert_eq!(again.trace(), example.trace());
    let calm = contract::replay(good, &text).await.unwrap();
    assert_eq!(calm.and_then(|example| example.promise()), None, "{text}");
}

fn flawed(fuse: Arc<Fuse>, strategy: Strategy, flaw: Flaw) -> Tried<Database> {
    let mut tried = database(fuse, strategy, strategy == Strategy::AlternatingUsers);
    tried.rotator.flaw = Some(flaw);
    tried
}

#[tokio::test]
async fn a_second_retain_is_found() {
    let start = async |fuse| flawed(fuse, Strategy::DualPassword, Flaw::RetainsAgain);
    let report = contract::run(start).await;
    let example = counter_example(&report, "AWSCURRENT works");
    let lines = ["RotateSecret v1", "createSecret v1", "setSecret v1", "setSecret v1"];
    assert_eq!(example.trace().to_string().lines().collect::<Vec<_>>(), lines);
    let good = async |fuse| database(fuse, Strategy::DualPassword, false);
    assert_replayed(&example, start, good).await;
}

#[tokio::test]
async fn an_error_that_is_taken_for_rejected_is_found() {
    let start = async |fuse| flawed(fuse, Strategy::SingleUser, Flaw::TakesErrorsForRejected);
    let report = contract::run(start).await;
    let example = counter_example(&report, "not knowing is an error, never a verdict");
    assert_eq!(example.trace().to_string(), "AWSCURRENT is tried: fails call 1\n");
    let good = async |fuse| database(fuse, Strategy::SingleUser, false);
    assert_replayed(&example, start, good).await;
}

#[tokio::test]
async fn grants_after_the_password_are_found() {
    let start = async |fuse| flawed(fuse, Strategy::AlternatingUsers, Flaw::GrantsLast);
    let report = contract::run(start).await;
    let example = counter_example(&report, "AWSCURRENT works");
    let text = example.trace().to_string();
    assert!(text.contains("(grant)") && text.lines().count() <= 8, "{text}");
    let good = async |fuse| database(fuse, Strategy::AlternatingUsers, true);
    assert_replayed(&example, start, good).await;
}

/// Moves `AWSCURRENT` to where it wants it, wherever it is.
struct PromotesAnyway(Arc<MemoryVault>);

impl Vault for PromotesAnyway {
    async fn describe(&self, secret: &SecretId) -> Result<Description, VaultError> {
        self.0.describe(secret).await
    }

    async fn value(
        &self,
        secret: &SecretId,
        version: Version<'_>,
    ) -> Result<Option<Stored>, VaultError> {
        self.0.value(secret, version).await
    }

    async fn versions(
        &self,
        secret: &SecretId,
    ) -> Result<Vec<(VersionId, Option<SystemTime>)>, VaultError> {
        self.0.versions(secret).await
    }

    async fn put(&self, write: Write<'_>) -> Result<Written, VaultError> {
        self.0.put(write).await
    }

    async fn promote(
        &self,
        secret: &SecretId,
        from: Option<&VersionId>,
        to: &VersionId,
    ) -> Result<(), VaultError> {
        let moved = self.0.promote(secret, from, to).await;
        let holder = |s: &mut Secret| s.labels.get(Label::Current.name()).cloned();
        let now = self.0.with(secret.as_str(), holder);
        if moved.is_err() && now.as_ref() != from {
            return self.0.promote(secret, now.as_ref(), to).await;
        }
        moved
    }
}

/// A world in which the framework does without compare-and-swap.
struct Hasty(Tried<Database>);

impl World for Hasty {
    type Rotator = Database;

    fn rotator(&self) -> &Database {
        &self.0.rotator
    }

    fn secret(&self) -> String {
        self.0.secret()
    }

    fn vault(&self, vault: Arc<MemoryVault>) -> impl Vault {
        PromotesAnyway(vault)
    }

    fn promise(&self) -> Promise {
        self.0.promise()
    }

    async fn accepts(&self, version: &Document) -> bool {
        self.0.accepts(version).await
    }
}

#[tokio::test]
async fn a_label_that_is_moved_without_compare_and_swap_is_found() {
    let start = async |fuse| Hasty(database(fuse, Strategy::SingleUser, false));
    let report = contract::run(start).await;
    let example = counter_example(&report, "what somebody writes stays AWSCURRENT");
    let text = example.trace().to_string();
    let lines = [
        "RotateSecret v1",
        "createSecret v1",
        "setSecret v1",
        "testSecret v1",
        "finishSecret v1: is overwritten by by-hand-1 before call 2 (UpdateSecretVersionStage secret)",
    ];
    assert_eq!(text.lines().collect::<Vec<_>>(), lines);
    let good = async |fuse| database(fuse, Strategy::SingleUser, false);
    assert_replayed(&example, start, good).await;
}

fn mints_again(fuse: Arc<Fuse>) -> Tried<Keys> {
    let mut tried = keys(fuse, 3, false);
    tried.rotator.lists = false;
    tried
}

#[tokio::test]
async fn a_key_that_is_minted_twice_for_one_token_is_found() {
    let start = async |fuse| mints_again(fuse);
    let report = contract::run(start).await;
    let example = counter_example(&report, "nothing is left over at the target");
    let text = example.trace().to_string();
    assert!(text.contains("createSecret v1: ") && text.lines().count() < 30, "{text}");
    assert_replayed(&example, start, async |fuse| keys(fuse, 3, false)).await;
}
