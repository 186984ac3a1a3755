//! Two PostgreSQL users that take turns on a server with many roles, memberships and settings.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use turnlock_tests::postgres::{Setup, Version};
use turnlock_tests::world::{ADMIN, World};

const SETTINGS_A_DATABASE: [&str; 20] = [
    "work_mem = '5MB'",
    "statement_timeout = '61s'",
    "lock_timeout = '9s'",
    "search_path = \"$user\", public, \"Odd, name\"",
    "timezone = 'Asia/Kolkata'",
    "datestyle = 'ISO, DMY'",
    "intervalstyle = 'iso_8601'",
    "extra_float_digits = 0",
    "bytea_output = 'escape'",
    "default_transaction_isolation = 'repeatable read'",
    "enable_seqscan = off",
    "enable_hashjoin = off",
    "enable_mergejoin = off",
    "random_page_cost = 1.1",
    "seq_page_cost = 0.9",
    "effective_cache_size = '1GB'",
    "maintenance_work_mem = '65MB'",
    "temp_buffers = '9MB'",
    "join_collapse_limit = 12",
    "from_collapse_limit = 12",
];
const DATABASES: [&str; 5] = ["one", "two", "three", "four", "five"];

/// The server's log of durations, of statements one after the other.
fn timed(version: Version) -> Setup {
    let configuration =
        vec!["log_min_duration_statement = 0".to_owned(), "log_statement = none".to_owned()];
    Setup { version, configuration, ..Setup::default() }
}

/// A thousand roles, of which the user is a member of two hundred, and a hundred settings.
async fn crowd(world: &World) {
    let roles = format!(
        "DO $$ BEGIN FOR n IN 1..1000 LOOP EXECUTE 'CREATE ROLE crowd_' || n; \
         IF n <= 200 THEN EXECUTE 'GRANT crowd_' || n || ' TO app'; END IF; \
         IF n > 900 THEN EXECUTE 'GRANT crowd_' || n || ' TO crowd_' || n - 800; END IF; \
         IF n > 800 THEN EXECUTE 'GRANT crowd_' || n || ' TO {ADMIN} WITH ADMIN OPTION'; END IF; \
         END LOOP; END $$"
    );
    world.server.sql(&roles).await;
    for database in DATABASES {
        world.server.sql(&format!("CREATE DATABASE {database}")).await;
        let alter = format!("ALTER ROLE app IN DATABASE {database} SET");
        let statements = SETTINGS_A_DATABASE.map(|setting| format!("{alter} {setting}"));
        world.server.sql(&statements.join("; ")).await;
    }
}

/// The milliseconds of each message of the function's to the server in one rotation, whoever logged in.
async fn messages(world: &World) -> Vec<f64> {
    let mark = world.mark();
    world.rotate().await.expect("the rotation succeeds");
    let log = world.server.log_since(mark);
    let took = |line: &str| line.split_once(" LOG:  duration: ")?.1.split(' ').next()?.parse().ok();
    let superuser = |line: &&str| line.contains(" postgres@");
    log.lines().filter(|line| !superuser(line)).filter_map(took).collect()
}

#[tokio::test]
async fn a_thousand_roles_and_a_hundred_settings_take_as_many_messages_as_none_and_under_a_second()
{
    for version in Version::ALL {
        let plain = World::start_alternating(timed(version)).await;
        let mut expected = Vec::new();
        for _ in 0..4 {
            expected.push(messages(&plain).await.len());
        }
        assert!(expected.iter().all(|count| *count == expected[0] && *count > 0), "{expected:?}");
        let world = World::start_alternating(timed(version)).await;
        crowd(&world).await;
        let mut fastest = f64::MAX;
        for turn in 0..4 {
            let times = messages(&world).await;
            assert_eq!(times.len(), expected[0], "{version:?}, turn {turn}: {times:?}");
            fastest = fastest.min(times.iter().sum());
        }
        assert!(fastest < 1000.0, "{version:?}: {fastest} ms");
        let (_, mut session) = world.log_in("AWSPREVIOUS", "five").await;
        let reached: String = sqlx::query_scalar(
            "SELECT count(*) FILTER (WHERE pg_has_role(current_user, oid, 'USAGE'))::text || ' ' || \
             current_setting('search_path') FROM pg_roles WHERE rolname LIKE 'crowd_%'",
        )
        .fetch_one(&mut session)
        .await
        .unwrap_or_else(|error| panic!("{version:?}: {error}"));
        assert_eq!(reached, "300 \"$user\", public, \"Odd, name\"", "{version:?}");
    }
}
