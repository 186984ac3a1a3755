//! Which strategies' metrics tell of a dead key.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use serde_json::{Value, json};
use turnlock_tests::descriptions::{REGENERATE, SINGLE_USER, described};
use turnlock_tests::metrics::lines;
use turnlock_tests::provider::Setup;
use turnlock_tests::world::keys::{Without, World, overlapping};

/// The steps of two rotations of which the function has told that a key is dead.
async fn told(description: &str) -> Vec<Value> {
    let accept = |secret: &mut Value| secret["rotation"]["accept_loss"] = json!(true);
    let world = World::described(Setup::default(), description, accept).await;
    for _ in 0..2 {
        world.rotate().await.expect("a rotation");
    }
    let lines = lines(&world.output());
    assert_eq!(lines.len(), 8);
    let dead = lines.iter().filter(|line| line.get("DeadPasswordTime").is_some());
    dead.map(|line| line["Step"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_key_that_is_overwritten_is_told_of_as_dead() {
    let ends = ["finishSecret", "finishSecret"];
    assert_eq!(told(&described(SINGLE_USER)).await, ends);
    assert_eq!(told(&described(REGENERATE)).await, ends);
    let overlaps = overlapping(&Setup::default(), Without::default());
    assert_eq!(told(&overlaps).await, [] as [&str; 0]);
}
