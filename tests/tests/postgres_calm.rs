//! A rotation on a calm day: what it changes, what it leaves alone, what it costs.

use turnlock_local::serial_round_trips;
use turnlock_tests::postgres::{Logins, Setup, Version};
use turnlock_tests::world::{ADMIN, ADMIN_PASSWORD, FIRST_PASSWORD, USER, World};

fn of(version: Version) -> Setup {
    Setup { version, ..Setup::default() }
}

#[tokio::test]
async fn a_rotation_by_the_user_itself_takes_two_logins_and_eleven_calls_in_six_round_trips() {
    for version in Version::ALL {
        let world = World::start(of(version)).await;
        // The first one starts the function's process; the second is warm.
        for _ in 0..2 {
            let (mark, old) = (world.mark(), world.password("AWSCURRENT"));
            world.local.clear_calls();
            world.rotate().await.expect("a calm rotation succeeds");

            let logins = world.server.logins_since(mark, USER).await;
            assert_eq!(logins, Logins { accepted: 2, failed: 0, plaintext: 0 });
            let calls = world.function_calls();
            assert_eq!(calls.len(), 11, "{calls:#?}");
            assert_eq!(serial_round_trips(&calls), 6);

            let new = world.password("AWSCURRENT");
            assert_ne!(new, old);
            assert_eq!(world.password("AWSPREVIOUS"), old);
            assert!(!world.labels().contains_key("AWSPENDING"));
            assert!(world.accepts(&new).await);
            assert!(!world.accepts(&old).await);
        }
    }
}

#[tokio::test]
async fn a_rotation_by_the_admin_takes_two_logins_and_none_of_the_old_password() {
    for version in Version::ALL {
        let world = World::start_with_admin(of(version)).await;
        let mark = world.mark();
        world.local.clear_calls();
        world.rotate().await.expect("a calm rotation succeeds");
        let of_user = world.server.logins_since(mark, USER).await;
        let of_admin = world.server.logins_since(mark, ADMIN).await;
        assert_eq!(of_user, Logins { accepted: 1, failed: 0, plaintext: 0 });
        assert_eq!(of_admin, Logins { accepted: 1, failed: 0, plaintext: 0 });
        let calls = world.function_calls();
        assert_eq!((calls.len(), serial_round_trips(&calls)), (13, 8));
        assert!(world.accepts(&world.password("AWSCURRENT")).await);
        assert!(!world.accepts(FIRST_PASSWORD).await);
        assert!(world.server.can_log_in(ADMIN, ADMIN_PASSWORD, "postgres").await);
    }
}
