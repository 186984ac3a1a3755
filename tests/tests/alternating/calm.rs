//! Two PostgreSQL users that take turns, where nothing goes wrong.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use turnlock_tests::postgres::{Logins, Setup, Version};
use turnlock_tests::world::{ADMIN, USER, World};

const CLONE: &str = "app_clone";

fn of(version: Version) -> Setup {
    Setup { version, ..Setup::default() }
}

#[tokio::test]
async fn the_two_take_turns_and_the_password_of_awscurrent_always_works() {
    for version in Version::ALL {
        let world = World::start_alternating(of(version)).await;
        for expected in [CLONE, USER, CLONE, USER] {
            world.rotate().await.expect("the rotation succeeds");
            assert_eq!(world.user("AWSCURRENT"), expected);
            for label in ["AWSCURRENT", "AWSPREVIOUS"] {
                let (user, password) = (world.user(label), world.password(label));
                let mut session =
                    world.server.log_in(&user, &password, "postgres").await.expect("a login");
                let role: String = sqlx::query_scalar("SELECT current_user::text")
                    .fetch_one(&mut session)
                    .await
                    .expect("an answer");
                assert_eq!(role, USER, "{label}");
            }
        }
    }
}

#[tokio::test]
async fn a_calm_rotation_takes_three_logins_of_which_none_fails() {
    let world = World::start_alternating(Setup::default()).await;
    world.rotate().await.expect("the rotation succeeds");
    world.rotate().await.expect("the rotation succeeds");
    let mark = world.mark();
    world.rotate().await.expect("the rotation succeeds");
    for user in [USER, CLONE, ADMIN] {
        let logins = world.server.logins_since(mark, user).await;
        assert_eq!(logins, Logins { accepted: 1, failed: 0, plaintext: 0 }, "{user}");
    }
}

/// How many other sessions of a user this one may see into, and whether it may cancel them.
async fn powers_over(session: &mut sqlx::PgConnection, user: &str) -> (bool, bool) {
    let seen = "SELECT count(*) > 0 FROM pg_stat_activity WHERE usename = $1 \
         AND query <> '<insufficient privilege>' AND pid <> pg_backend_pid()";
    let seen = sqlx::query_scalar(seen).bind(user).fetch_one(&mut *session).await.expect("a count");
    let cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE usename = $1 \
         AND pid <> pg_backend_pid()";
    let cancelled = sqlx::query(cancel).bind(user).fetch_all(session).await;
    (seen, cancelled.is_ok())
}

#[tokio::test]
async fn what_is_not_the_same_is_what_the_readme_says() {
    for version in Version::ALL {
        let world = World::start_alternating(of(version)).await;
        world.rotate().await.expect("the rotation succeeds");
        let mut others = Vec::new();
        for label in ["AWSCURRENT", "AWSPREVIOUS"] {
            let (user, password) = (world.user(label), world.password(label));
            let log_in = || world.server.log_in(&user, &password, "postgres");
            others.push(log_in().await.expect("a login"));
            let mut session = log_in().await.expect("a login");
            let name: String = sqlx::query_scalar("SELECT session_user::text")
                .fetch_one(&mut session)
                .await
                .expect("an answer");
            assert_eq!(name, user);
            assert_eq!(powers_over(&mut session, USER).await, (label == "AWSPREVIOUS", true));
        }
        let (user, password) = (world.user("AWSCURRENT"), world.password("AWSCURRENT"));
        let mut session = world.server.log_in(&user, &password, "postgres").await.expect("a login");
        assert_eq!(powers_over(&mut session, CLONE).await, (false, false));
        sqlx::query("SET ROLE NONE").execute(&mut session).await.expect("allowed");
        assert_eq!(powers_over(&mut session, CLONE).await, (true, true));
    }
}
