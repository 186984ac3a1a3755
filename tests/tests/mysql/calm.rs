//! A rotation with nothing in its way, on MySQL and on MariaDB.

use serde_json::json;
use turnlock_tests::mysql::{Product, Setup};
use turnlock_tests::world::mysql::{ADMIN, FIRST_PASSWORD, USER, World};

/// The other of the two users that take turns.
const CLONE: &str = "app_clone";
/// The privilege by which a user of MySQL may keep its own second password.
const RETAIN: &str = "GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO app@'%'";

#[tokio::test(flavor = "multi_thread")]
async fn single_user_takes_two_logins_of_which_none_fails() {
    for product in Product::ALL {
        let world = World::start(Setup::of(product)).await;
        let mark = world.mark();
        world.rotate().await.expect("a rotation");
        let logins = world.server.logins_since(mark, USER).await;
        assert_eq!((logins.accepted, logins.failed, logins.plaintext), (2, 0, 0), "{product:?}");
        assert!(world.accepts(&world.password("AWSCURRENT")).await);
        assert!(!world.accepts(FIRST_PASSWORD).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_changes_the_password_of_a_single_user() {
    for product in Product::ALL {
        let world = World::start_with_admin(Setup::of(product)).await;
        let mark = world.mark();
        world.rotate().await.expect("a rotation");
        let logins = world.server.logins_of(mark, &[USER, ADMIN]).await;
        assert_eq!((logins.accepted, logins.failed, logins.plaintext), (2, 0, 0), "{product:?}");
        assert!(world.accepts(&world.password("AWSCURRENT")).await);
        assert!(!world.accepts(FIRST_PASSWORD).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_takes_fewer_than_twenty_queries_of_a_users_own() {
    for product in Product::ALL {
        for world in [
            World::start(Setup::of(product)).await,
            World::start_with_admin(Setup::of(product)).await,
            World::start_alternating(Setup::of(product)).await,
        ] {
            world.server.sql("ALTER USER app@'%' WITH MAX_QUERIES_PER_HOUR 19").await;
            world.rotate().await.expect("a rotation");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dual_password_keeps_the_password_of_before_until_the_next_rotation() {
    for product in Product::ALL {
        let world = World::start_dual(Setup::of(product)).await;
        let mut before = FIRST_PASSWORD.to_owned();
        for _ in 0..3 {
            let mark = world.mark();
            world.rotate().await.expect("a rotation");
            let logins = world.server.logins_of(mark, &[USER, ADMIN]).await;
            assert_eq!((logins.accepted, logins.failed), (2, 0), "{product:?}");
            let (previous, current) = (world.password("AWSPREVIOUS"), world.password("AWSCURRENT"));
            assert!(world.accepts(&previous).await && world.accepts(&current).await);
            assert!(previous == before || !world.accepts(&before).await);
            before = previous;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dual_password_by_the_user_itself_takes_two_logins_of_which_none_fails() {
    let world = World::start_with(Setup::default(), |secret| {
        secret["rotation"] = json!({"strategy": "dual-password"});
    })
    .await;
    world.server.sql(RETAIN).await;
    for _ in 0..3 {
        let mark = world.mark();
        world.rotate().await.expect("a rotation");
        let logins = world.server.logins_since(mark, USER).await;
        assert_eq!((logins.accepted, logins.failed, logins.plaintext), (2, 0, 0));
        assert!(world.accepts(&world.password("AWSPREVIOUS")).await);
        assert!(world.accepts(&world.password("AWSCURRENT")).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn alternating_users_take_four_logins_of_which_none_fails() {
    for product in Product::ALL {
        let world = World::start_alternating(Setup::of(product)).await;
        for turn in 0..4 {
            let mark = world.mark();
            world.rotate().await.expect("a rotation");
            let logins = world.server.logins_of(mark, &[USER, CLONE, ADMIN]).await;
            assert_eq!(
                (logins.accepted, logins.failed, logins.plaintext),
                (4, 0, 0),
                "{product:?}"
            );
            assert_eq!(world.user("AWSCURRENT"), if turn % 2 == 0 { CLONE } else { USER });
            for label in ["AWSCURRENT", "AWSPREVIOUS"] {
                let (user, password) = (world.user(label), world.password(label));
                assert!(world.server.can_log_in(&user, &password).await, "{label}");
            }
        }
    }
}
