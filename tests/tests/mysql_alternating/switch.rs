//! A secret of MySQL or MariaDB whose strategy changes between two rotations, to two users that take turns and back.

use serde_json::json;
use turnlock_tests::mysql::{Product, Setup};
use turnlock_tests::turns::{CLONE, Turns};
use turnlock_tests::world::mysql::{FIRST_PASSWORD, USER, World};

#[tokio::test]
async fn a_user_with_two_passwords_begins_to_take_turns_and_has_one_from_its_next_turn_on() {
    for product in Product::ALL {
        let turns = Turns { world: World::start_dual(Setup::of(product)).await };
        turns.rotate().await.expect("the first rotation of one user");
        let second = turns.password("AWSCURRENT");
        assert!(turns.accepts(FIRST_PASSWORD).await && turns.accepts(&second).await);
        turns.edit(|secret| secret["rotation"] = json!({}));
        turns.tested().await.unwrap_or_else(|error| panic!("{product:?}: {error:?}"));
        turns.rotate_calmly().await;
        assert_eq!(turns.user("AWSCURRENT"), CLONE);
        // It is not its turn yet: consumers may have either.
        assert!(turns.accepts(FIRST_PASSWORD).await && turns.accepts(&second).await);
        turns.rotate_calmly().await;
        assert_eq!(turns.user("AWSCURRENT"), USER);
        assert!(!turns.accepts(FIRST_PASSWORD).await, "{product:?}: the oldest is alive");
        assert!(!turns.accepts(&second).await, "{product:?}: the old one is alive");
        turns.assert_equal().await;
        turns.rotate_calmly().await;
    }
}

#[tokio::test]
async fn one_of_two_that_took_turns_goes_on_alone_and_comes_back() {
    for product in Product::ALL {
        for strategy in ["single-user", "dual-password"] {
            let turns = Turns::start(product).await;
            turns.rotate_calmly().await;
            turns.edit(|secret| secret["rotation"] = json!({"strategy": strategy}));
            for _ in 0..2 {
                turns.rotate().await.unwrap_or_else(|error| panic!("{strategy}: {error:?}"));
                assert_eq!(turns.user("AWSCURRENT"), CLONE);
                assert!(turns.logs_in("AWSCURRENT").await);
            }
            turns.edit(|secret| secret["rotation"] = json!({}));
            // On MariaDB the version that has its password is one without a label by now.
            turns.rotate_calmly().await;
            assert_eq!(turns.user("AWSCURRENT"), USER, "{product:?}, {strategy}");
            turns.rotate_calmly().await;
            turns.assert_equal().await;
        }
    }
}
