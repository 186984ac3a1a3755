//! Which strategies' metrics tell of a dead password, and for how long.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use turnlock_tests::metrics::lines;
use turnlock_tests::mysql::{Product, Setup};
use turnlock_tests::world::mysql::World;

/// How often the function has told of one, after some rotations that succeed.
async fn told(world: &World) -> usize {
    for _ in 0..2 {
        world.rotate().await.expect("a rotation");
    }
    let lines = lines(&world.output());
    assert_eq!(lines.len(), 8);
    let dead = lines.iter().filter_map(|line| line.get("DeadPasswordTime"));
    dead.map(|millis| assert!(millis.as_u64() > Some(0), "{millis}")).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_password_that_is_overwritten_is_told_of_as_dead() {
    for product in Product::ALL {
        assert_eq!(told(&World::start(Setup::of(product)).await).await, 2);
        assert_eq!(told(&World::start_with_admin(Setup::of(product)).await).await, 2);
        assert_eq!(told(&World::start_alternating(Setup::of(product)).await).await, 0);
        assert_eq!(told(&World::start_dual(Setup::of(product)).await).await, 0);
    }
}
