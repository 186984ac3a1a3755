//! Consumers that never pause while two users of MySQL or MariaDB take turns: AWSCURRENT can do all it could before.

#![expect(clippy::expect_used, clippy::panic, reason = "a failed test should panic")]

use std::sync::{Arc, Mutex};

use serde_json::Value;
use sqlx::mysql::MySqlConnection;
use sqlx::{AssertSqlSafe, Connection as _};
use turnlock_local::Hook;
use turnlock_tests::mysql::{Product, Setup};
use turnlock_tests::tally::Tally;
use turnlock_tests::turns::Turns;

const FRESH: usize = 3;
const HOLDERS: usize = 2;
const ROTATIONS: usize = 10;

/// What the application has: privileges at every level, and a role that is active without its asking.
const APPLICATION: &str = "CREATE DATABASE shop; CREATE TABLE shop.orders (id int, who text); \
     CREATE DATABASE other; CREATE TABLE other.prices (id int, cost int, note text); \
     CREATE TABLE other.stock (id int); INSERT INTO other.prices VALUES (1, 2, 'n'); \
     CREATE PROCEDURE other.count_prices() SQL SECURITY DEFINER SELECT count(*) FROM other.prices; \
     CREATE ROLE stock_keeper; GRANT SELECT, INSERT ON other.stock TO stock_keeper; \
     GRANT stock_keeper TO turnlock_admin@'%' WITH ADMIN OPTION; \
     GRANT SELECT, INSERT, DELETE, UPDATE, CREATE, DROP ON shop.* TO app@'%'; \
     GRANT SELECT (id), UPDATE (cost) ON other.prices TO app@'%'; \
     GRANT EXECUTE ON PROCEDURE other.count_prices TO app@'%'; GRANT stock_keeper TO app@'%'";

async fn with_application(product: Product) -> Arc<Turns> {
    let turns = Turns::start_on(Setup { max_connections: 40, ..Setup::of(product) }).await;
    turns.server.sql(APPLICATION).await;
    turns
        .server
        .sql(match product {
            Product::MySql => "SET DEFAULT ROLE stock_keeper TO app@'%'",
            Product::MariaDb => "SET DEFAULT ROLE stock_keeper FOR app@'%'",
        })
        .await;
    Arc::new(turns)
}

/// What every session of the application can do, whoever logs in.
async fn work(session: &mut MySqlConnection) {
    for statement in [
        "INSERT INTO shop.orders VALUES (1, USER())",
        "DELETE FROM shop.orders WHERE id > 3",
        "SELECT id FROM other.prices",
        "UPDATE other.prices SET cost = 3",
        "CALL other.count_prices()",
        "INSERT INTO other.stock VALUES (1)",
    ] {
        let done = sqlx::raw_sql(AssertSqlSafe(statement)).fetch_all(&mut *session).await;
        if let Err(error) = done {
            panic!("{statement}: {error}");
        }
    }
}

async fn work_with(turns: &Turns, secret: &Value) {
    let text = |field: &str| secret[field].as_str().expect("a text");
    let user = text("username");
    let session = turns.server.log_in(user, text("password")).await;
    let mut session = session.unwrap_or_else(|error| panic!("{user}: {error}"));
    work(&mut session).await;
    session.close().await.expect("a session can be ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_every_moment_of_ten_rotations_awscurrent_can_do_all_it_could_before() {
    for product in Product::ALL {
        let turns = with_application(product).await;
        let tally = Tally::of(FRESH);
        let consumers: Vec<_> = (0..FRESH)
            .map(|number| {
                let (turns, consumer) = (Arc::clone(&turns), tally.consumer(number));
                tokio::spawn(async move {
                    while consumer.goes_on() {
                        work_with(&turns, &turns.document("AWSCURRENT")).await;
                        consumer.finish();
                    }
                })
            })
            .collect();
        tally.advance(2).await;
        for rotation in 1..=ROTATIONS {
            turns.rotate().await.unwrap_or_else(|error| panic!("{rotation}: {error:?}"));
            // A value that was read before is good until its user's own next turn, no longer.
            tally.advance(2).await;
        }
        tally.end();
        for consumer in consumers {
            consumer.await.expect("every session did all of its work");
        }
        assert!(tally.sessions().iter().all(|sessions| *sessions > 2 * ROTATIONS), "{product:?}");
    }
}

/// A value that was current a rotation ago is used until the moment in which setSecret begins.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_of_one_rotation_ago_can_do_it_all_until_setsecret_begins() {
    for product in Product::ALL {
        let turns = with_application(product).await;
        let tally = Tally::of(HOLDERS);
        // Held while it is used, so that setSecret begins between two uses.
        let held = Arc::new(tokio::sync::RwLock::new(Some(turns.document("AWSCURRENT"))));
        let consumers: Vec<_> = (0..HOLDERS)
            .map(|number| {
                let (turns, held) = (Arc::clone(&turns), Arc::clone(&held));
                let consumer = tally.consumer(number);
                tokio::spawn(async move {
                    while consumer.goes_on() {
                        if let Some(secret) = held.read().await.as_ref() {
                            work_with(&turns, secret).await;
                            consumer.finish();
                        }
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        let users = Arc::new(Mutex::new(Vec::new()));
        let before_step = {
            let (held, users) = (Arc::clone(&held), Arc::clone(&users));
            Hook::new(move |context| {
                let (held, users) = (Arc::clone(&held), Arc::clone(&users));
                async move {
                    if context.step == "setSecret" {
                        let gone = held.write().await.take().expect("a value in use");
                        users.lock().expect("a list").push(gone["username"].clone());
                    }
                }
            })
        };
        tally.advance(2).await;
        turns.rotate().await.expect("the first rotation makes the second user");
        turns.local.set_knobs(|knobs| knobs.before_step = Some(before_step));
        for rotation in 2..=ROTATIONS {
            tally.advance(2).await;
            let current = turns.document("AWSCURRENT");
            turns.rotate().await.unwrap_or_else(|error| panic!("{rotation}: {error:?}"));
            *held.write().await = Some(current);
        }
        tally.advance(2).await;
        tally.end();
        for consumer in consumers {
            consumer.await.expect("every session did all of its work");
        }
        let users = users.lock().expect("a list").clone();
        assert_eq!(users.len(), ROTATIONS - 1, "{product:?}");
        assert!(users.windows(2).all(|pair| pair[0] != pair[1]), "{users:?}");
    }
}

#[tokio::test]
async fn open_sessions_go_on_through_their_users_next_turns() {
    for product in Product::ALL {
        let turns = with_application(product).await;
        let mut sessions = vec![turns.log_in("AWSCURRENT").await];
        for _ in 0..5 {
            turns.rotate().await.expect("the rotation succeeds");
            sessions.push(turns.log_in("AWSCURRENT").await);
            sessions.push(turns.log_in("AWSPREVIOUS").await);
            for session in &mut sessions {
                work(session).await;
            }
        }
        for session in sessions {
            session.close().await.expect("a session that is still open");
        }
    }
}
