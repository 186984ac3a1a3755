//! Consumers that never pause while two PostgreSQL users take turns: AWSCURRENT can do all it could before.

#![expect(clippy::expect_used, clippy::panic, reason = "a failed test should panic")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use turnlock_tests::postgres::{Setup, Version};
use turnlock_tests::tally::Tally;
use turnlock_tests::world::{USER, World};

const CLONE: &str = "app_clone";
const CONSUMERS: usize = 4;
const ROTATIONS: usize = 10;

/// What the application has: everything in the schema that has the user's name, and one elsewhere.
const APPLICATION: &str = "CREATE SCHEMA app AUTHORIZATION app; CREATE SCHEMA store AUTHORIZATION app; \
     SET ROLE app; \
     CREATE TABLE app.ledger (id int, who text); CREATE SEQUENCE app.numbers; \
     CREATE FUNCTION app.twice(n int) RETURNS int LANGUAGE sql AS 'SELECT 2 * n'; \
     CREATE TABLE store.shelf (id int)";

/// What poolers and drivers do to a session before they give it to the next.
const RESETS: [&str; 5] = [
    "SET search_path TO DEFAULT",
    "RESET ROLE",
    "RESET SESSION AUTHORIZATION",
    "SET SESSION AUTHORIZATION DEFAULT; RESET ALL",
    "DISCARD ALL",
];

/// A role-level search path, so that the second schema is found without its name too.
const PATH: &str = r#"ALTER ROLE app SET search_path = "$user", store, public"#;

/// A consumer, with what it has to do in each of its many sessions.
struct Consumer {
    world: Arc<World>,
    number: usize,
    /// Whether names of the schema `store` are found without it.
    has_path: bool,
}

async fn run(session: &mut PgConnection, statements: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(statements)).execute(session).await;
    if let Err(error) = done {
        panic!("{statements}: {error}");
    }
}

async fn text(session: &mut PgConnection, query: &str) -> String {
    // DISCARD ALL takes prepared statements away, and the driver would not know.
    let query_once = sqlx::query_scalar(AssertSqlSafe(query)).persistent(false);
    let answer = query_once.fetch_one(session).await;
    answer.unwrap_or_else(|error| panic!("{query}: {error}"))
}

/// Logs in with the value that has a label at this moment.
async fn log_in(world: &World, label: &str) -> (String, PgConnection) {
    let value = world.local.value_of(&world.secret, label).expect("a value");
    let value: Value = serde_json::from_str(&value).expect("JSON");
    let field = |name: &str| value[name].as_str().expect("a text").to_owned();
    let user = field("username");
    let session = world.server.log_in(&user, &field("password"), "postgres").await;
    let session = session.unwrap_or_else(|error| panic!("{label}, {user}: {error}"));
    (user, session)
}

/// What every session of the application can do, whoever logs in.
async fn work(session: &mut PgConnection, has_path: bool) {
    assert_eq!(text(session, "SELECT current_user::text").await, USER);
    run(session, "INSERT INTO ledger VALUES (1, session_user); UPDATE ledger SET id = id + 1")
        .await;
    run(session, "SELECT id FROM app.ledger; DELETE FROM ledger WHERE id > 3").await;
    assert_eq!(text(session, "SELECT twice(21)::text").await, "42");
    run(session, "SELECT nextval('numbers')").await;
    let shelf = if has_path { "shelf" } else { "store.shelf" };
    run(session, &format!("INSERT INTO {shelf} VALUES (1)")).await;
}

impl Consumer {
    async fn use_until_the_end(self, tally: Arc<Tally>, handed_over: Arc<AtomicUsize>) {
        let consumer = tally.consumer(self.number);
        while consumer.goes_on() {
            let found = self.use_once().await;
            handed_over.fetch_add(usize::from(found), Ordering::SeqCst);
            consumer.finish();
        }
    }

    /// One session from login to goodbye; whether it found a table that the other login had made.
    async fn use_once(&self) -> bool {
        let (user, mut session) = log_in(&self.world, "AWSCURRENT").await;
        let session = &mut session;
        work(session, self.has_path).await;
        let other = if user == USER { CLONE } else { USER };
        let table = |user: &str| format!("made_by_{user}_for_{}", self.number);
        let (own, others) = (table(&user), table(other));
        let found = format!("SELECT (to_regclass('{others}') IS NOT NULL)::text");
        let found = text(session, &found).await == "true";
        if found {
            run(
                session,
                &format!(
                    "INSERT INTO {others} VALUES (2); ALTER TABLE {others} ADD COLUMN note text; \
                     CREATE INDEX ON {others} (note); GRANT SELECT ON {others} TO PUBLIC; \
                     ALTER TABLE {others} RENAME TO {others}_2; DROP TABLE {others}_2"
                ),
            )
            .await;
        }
        run(session, &format!("CREATE TABLE IF NOT EXISTS {own} (id int PRIMARY KEY)")).await;
        for statement in RESETS {
            run(session, statement).await;
            work(session, self.has_path).await;
        }
        found
    }
}

/// Rotates while consumers work; returns the world for a last look.
async fn hammer(version: Version, has_path: bool) -> Arc<World> {
    let setup = Setup { version, max_connections: 40, ..Setup::default() };
    let world = Arc::new(World::start_alternating(setup).await);
    world.server.sql(APPLICATION).await;
    if has_path {
        world.server.sql(PATH).await;
    }
    let tally = Tally::of(CONSUMERS);
    // How many tables were altered and dropped by the login that had not made them.
    let handed_over = Arc::new(AtomicUsize::new(0));
    let consumers: Vec<_> = (0..CONSUMERS)
        .map(|number| {
            let consumer = Consumer { world: Arc::clone(&world), number, has_path };
            tokio::spawn(consumer.use_until_the_end(Arc::clone(&tally), Arc::clone(&handed_over)))
        })
        .collect();
    tally.advance(2).await;
    for rotation in 1..=ROTATIONS {
        world.rotate().await.unwrap_or_else(|error| panic!("rotation {rotation}: {error:?}"));
        // A value that was read before the rotation is good until its user's own next turn, no longer.
        tally.advance(2).await;
    }
    tally.end();
    for consumer in consumers {
        consumer.await.expect("every session did all of its work");
    }
    let handed_over = handed_over.load(Ordering::SeqCst);
    assert!(handed_over >= CONSUMERS * ROTATIONS, "{handed_over} tables changed hands");
    world
}

/// How many objects a role owns, in all databases.
async fn owned(world: &World, role: &str) -> usize {
    let count = format!(
        "SELECT count(*) FROM pg_shdepend WHERE deptype = 'o' AND refobjid = '{role}'::regrole"
    );
    world.server.query_one(&count).await.parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_every_moment_of_ten_rotations_awscurrent_can_do_all_it_could_before() {
    for version in Version::ALL {
        let world = hammer(version, false).await;
        assert_eq!(owned(&world, CLONE).await, 0, "{version:?}");
        assert!(owned(&world, USER).await > CONSUMERS, "{version:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_path_of_the_roles_own_is_there_at_every_moment_too() {
    for version in Version::ALL {
        let world = hammer(version, true).await;
        assert_eq!(owned(&world, CLONE).await, 0, "{version:?}");
    }
}

#[tokio::test]
async fn open_sessions_go_on_until_their_users_next_turn_and_beyond() {
    for version in Version::ALL {
        let world = World::start_alternating(Setup { version, ..Setup::default() }).await;
        world.server.sql(APPLICATION).await;
        let mut sessions = vec![log_in(&world, "AWSCURRENT").await.1];
        for _ in 0..5 {
            world.rotate().await.expect("the rotation succeeds");
            sessions.push(log_in(&world, "AWSCURRENT").await.1);
            sessions.push(log_in(&world, "AWSPREVIOUS").await.1);
            for session in &mut sessions {
                work(session, false).await;
                run(session, "DISCARD ALL").await;
                work(session, false).await;
            }
        }
        for session in sessions {
            session.close().await.expect("a session that is still open");
        }
    }
}

#[tokio::test]
async fn a_value_that_was_read_before_a_rotation_logs_in_until_its_users_next_turn() {
    for version in Version::ALL {
        let world = World::start_alternating(Setup { version, ..Setup::default() }).await;
        world.server.sql(APPLICATION).await;
        for _ in 0..4 {
            let read = world.document("AWSCURRENT");
            world.rotate().await.expect("the rotation succeeds");
            let field = |name: &str| read[name].as_str().expect("a text");
            let session = world.server.log_in(field("username"), field("password"), "postgres");
            work(&mut session.await.expect("a login"), false).await;
        }
    }
}
