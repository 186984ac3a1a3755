//! A rotation on a calm day: what it changes, what it leaves alone, what it costs.

use std::time::Duration;

use turnlock_local::serial_round_trips;
use turnlock_tests::postgres::{Authentication, Logins, Setup, Version};
use turnlock_tests::world::{ADMIN, ADMIN_PASSWORD, FIRST_PASSWORD, USER, World};

fn of(version: Version) -> Setup {
    Setup { version, ..Setup::default() }
}

/// Has every call take so long that calls made at once overlap also on a busy machine.
fn slow_down(world: &World) {
    world.local.set_knobs(|knobs| knobs.latency = Duration::from_millis(400));
}

#[tokio::test]
async fn a_rotation_by_the_user_itself_takes_two_logins_and_eleven_calls_in_six_round_trips() {
    for version in Version::ALL {
        let world = World::start(of(version)).await;
        slow_down(&world);
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
        slow_down(&world);
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

/// A role as it is stored now, on a server whose `password_encryption` has become md5 since.
async fn on_a_server_that_turned_to_md5(authentication: Authentication, stored: &str) -> World {
    let world = World::start(Setup { authentication, ..Setup::default() }).await;
    let again = format!(
        "SET password_encryption = '{stored}'; ALTER ROLE {USER} PASSWORD '{FIRST_PASSWORD}'"
    );
    world.server.sql(&again).await;
    world.server.sql("ALTER SYSTEM SET password_encryption = 'md5'").await;
    world.server.sql("SELECT pg_reload_conf()").await;
    world
}

#[tokio::test]
async fn md5_is_stored_again_only_for_a_role_that_logs_in_by_md5() {
    for (authentication, stored, then) in [
        (Authentication::Md5, "md5", "md5"),
        (Authentication::Md5, "scram-sha-256", "SCRAM-SHA-256$4096:"),
        (Authentication::ScramSha256, "scram-sha-256", "SCRAM-SHA-256$4096:"),
    ] {
        let world = on_a_server_that_turned_to_md5(authentication, stored).await;
        let mark = world.mark();
        world.rotate().await.expect("the rotation succeeds");
        assert!(world.stored_password().await.starts_with(then));
        assert!(world.accepts(&world.password("AWSCURRENT")).await);
        // Stored once, so that there is no moment at which a crash leaves the other kind.
        let log = world.server.log_since(mark);
        assert_eq!(log.matches("PASSWORD 'md5").count(), usize::from(then == "md5"), "{log}");
        assert_eq!(log.matches("PASSWORD 'SCRAM").count(), usize::from(then != "md5"), "{log}");
        assert_eq!(world.server.logins_since(mark, USER).await.plaintext, 0);
    }
}
