//! The change of two users of MySQL or MariaDB is many statements: what a server is left with after each of them.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use serde_json::json;
use sqlx::AssertSqlSafe;
use turnlock_tests::mysql::{Product, Server};
use turnlock_tests::turns::{CLONE, Turns, answer, state};
use turnlock_tests::world::mysql::{
    ADMIN, FIRST_PASSWORD, FUNCTION, USER, secret_of, server_with_admin,
};

/// Something at each level.
const RIGHTS: &str = "CREATE DATABASE shop; CREATE TABLE shop.orders (id int); CREATE TABLE shop.prices (id int); \
     CREATE ROLE reader; GRANT SELECT ON shop.prices TO reader; CREATE PROCEDURE shop.one() SELECT 1; \
     GRANT reader TO turnlock_admin@'%' WITH ADMIN OPTION; \
     GRANT PROCESS ON *.* TO app@'%'; GRANT INSERT ON shop.* TO app@'%' WITH GRANT OPTION; \
     GRANT SELECT ON shop.orders TO app@'%'; GRANT UPDATE (id) ON shop.prices TO app@'%'; \
     GRANT EXECUTE ON PROCEDURE shop.one TO app@'%'; GRANT reader TO app@'%'; \
     ALTER USER app@'%' WITH MAX_QUERIES_PER_HOUR 9000";

async fn with_rights(product: Product) -> Turns {
    let turns = Turns::after(product, RIGHTS).await;
    turns
        .server
        .sql(match product {
            Product::MySql => {
                "SET DEFAULT ROLE reader TO app@'%'; ALTER USER app@'%' COMMENT 'of the shop'"
            }
            Product::MariaDb => "SET DEFAULT ROLE reader FOR app@'%'",
        })
        .await;
    turns
}

/// A place in what a server tells its replicas.
async fn place(server: &Server) -> String {
    let status = match server.product() {
        Product::MySql => "SHOW BINARY LOG STATUS",
        Product::MariaDb => "SHOW MASTER STATUS",
    };
    let rows = server.query_all(status).await;
    let mut fields = rows[0].split('\t');
    let (file, at) = (fields.next().expect("a file"), fields.next().expect("a position"));
    format!("SHOW BINLOG EVENTS IN '{file}' FROM {at}")
}

/// The statements that changed accounts since a place, one by one.
async fn changes_since(server: &Server, place: &str) -> Vec<String> {
    let kinds = ["CREATE USER", "ALTER USER", "GRANT", "REVOKE", "SET DEFAULT ROLE"];
    let events = server.query_all(place).await;
    let statement = |event: &String| {
        let (_, statement) = event.rsplit_once('\t')?;
        let statement = statement.split(" /* xid=").next()?;
        let at = kinds.iter().filter_map(|kind| statement.find(kind)).min()?;
        Some(statement[at..].to_owned())
    };
    events.iter().filter_map(statement).collect()
}

/// Runs one statement after the other as root, with texts as the function writes them.
async fn run(server: &Server, statements: &[String]) {
    for statement in statements {
        server.sql(&format!("SET sql_mode = 'NO_BACKSLASH_ESCAPES'; {statement}")).await;
    }
}

/// Begins a rotation and makes the second user, anew.
async fn made_anew(turns: &Turns) -> (String, String, Vec<String>) {
    if turns.labels().contains_key("AWSPREVIOUS") {
        let other = turns.user("AWSPREVIOUS");
        turns.server.sql(&format!("DROP USER {other}@'%'")).await;
    }
    let pending = turns.begin().await;
    turns.step("createSecret", &pending).await.expect("a version is made");
    let place = place(&turns.server).await;
    turns.step("setSecret", &pending).await.expect("the change is made");
    let other = turns.user(&pending);
    let made = changes_since(&turns.server, &place).await;
    let of_other: Vec<String> = made
        .iter()
        .filter(|statement| {
            statement.contains(&format!("{other}`@")) || statement.contains(&format!("'{other}'@"))
        })
        .cloned()
        .collect();
    assert!(of_other.len() > 8, "{made:?}");
    (pending, other, of_other)
}

#[tokio::test]
async fn after_each_statement_of_the_change_the_second_user_is_locked_or_complete() {
    for product in Product::ALL {
        let turns = with_rights(product).await;
        let wanted = state(&turns.server, USER, "%").await;
        let (pending, other, made) = made_anew(&turns).await;
        assert_eq!(other, CLONE);
        for count in 0..=made.len() {
            turns.server.sql("DROP USER app_clone@'%'").await;
            run(&turns.server, &made[..count]).await;
            let when = format!("{product:?}, after {count} of {}", made.len());
            assert!(turns.logs_in("AWSCURRENT").await, "{when}");
            assert_eq!(turns.logs_in(&pending).await, count == made.len(), "{when}");
            for step in ["setSecret", "testSecret"] {
                let done = turns.step(step, &pending).await;
                done.unwrap_or_else(|error| panic!("{when}: {error:?}"));
            }
            assert_eq!(state(&turns.server, CLONE, "%").await, wanted, "{when}");
            assert!(turns.logs_in(&pending).await, "{when}");
        }
        turns.step("finishSecret", &pending).await.expect("consumers change over");
        turns.rotate_calmly().await;
        turns.assert_equal().await;
    }
}

#[tokio::test]
async fn a_second_user_that_was_left_after_any_statement_is_completed_by_another_rotation() {
    for product in Product::ALL {
        let turns = with_rights(product).await;
        let wanted = state(&turns.server, USER, "%").await;
        let mut count = 0;
        loop {
            let (pending, other, made) = made_anew(&turns).await;
            turns.server.sql(&format!("DROP USER {other}@'%'")).await;
            run(&turns.server, &made[..count]).await;
            turns.clear_pending(&pending);
            let when = format!("{product:?}, after {count} of {}", made.len());
            assert!(turns.logs_in("AWSCURRENT").await, "{when}");
            turns.rotate().await.unwrap_or_else(|error| panic!("{when}: {error:?}"));
            for user in [USER, CLONE] {
                assert_eq!(state(&turns.server, user, "%").await, wanted, "{when}: {user}");
            }
            assert!(turns.logs_in("AWSCURRENT").await, "{when}");
            if count == made.len() {
                break;
            }
            count += 1;
        }
        turns.rotate_calmly().await;
    }
}

/// Each grant that the admin may not make is one where the change ends; on MariaDB, nobody marks what was made.
#[tokio::test]
async fn a_change_that_the_server_refuses_in_the_middle_goes_on_where_it_ended() {
    const TABLES: usize = 5;
    for product in Product::ALL {
        let make: Vec<String> = (0..TABLES)
            .map(|n| {
                format!("CREATE TABLE shop.t{n} (id int); GRANT SELECT ON shop.t{n} TO app@'%'")
            })
            .collect();
        let revoke = format!("REVOKE ALL PRIVILEGES, GRANT OPTION FROM {ADMIN}@'%'");
        let turns =
            Turns::after(product, &format!("CREATE DATABASE shop; {}; {revoke}", make.join("; ")))
                .await;
        turns
            .server
            .sql(&format!(
                "GRANT CREATE USER ON *.* TO {ADMIN}@'%'; GRANT SELECT ON mysql.* TO {ADMIN}@'%'; \
                 GRANT USAGE ON shop.* TO {ADMIN}@'%' WITH GRANT OPTION"
            ))
            .await;
        for n in 0..TABLES {
            let error = turns.retry().await.expect_err("the admin may not make them all");
            error.assert_is("setSecret", "permission", &["changing app_clone at localhost"]);
            assert!(turns.logs_in("AWSCURRENT").await);
            assert!(!turns.logs_in("AWSPENDING").await, "it is let in with {n} of {TABLES}");
            let held = state(&turns.server, CLONE, "%").await.join("\n");
            assert_eq!(held.matches("GRANT SELECT").count(), n, "{held}");
            assert!(held.contains("ACCOUNT LOCK"), "{held}");
            // Every other time somebody gives it up, and a new version is made.
            if n % 2 == 1 {
                turns.clear_pending(&turns.labels()["AWSPENDING"]);
            }
            turns.server.sql(&format!("GRANT SELECT ON shop.t{n} TO {ADMIN}@'%'")).await;
        }
        turns.retry().await.expect("nothing is missing now");
        assert_eq!(turns.user("AWSCURRENT"), CLONE);
        turns.assert_equal().await;
        turns.rotate_calmly().await;
    }
}

/// The name of the lock that the function takes, as the server's log has it.
fn lock(log: &str) -> &str {
    let (_, rest) = log.split_once("SELECT GET_LOCK(").expect("a lock is taken");
    rest.split(',').next().expect("its name")
}

#[tokio::test]
async fn a_change_that_is_going_on_is_waited_for_and_not_for_ever() {
    for product in Product::ALL {
        let turns = with_rights(product).await;
        let mark = turns.mark();
        turns.rotate_calmly().await;
        let log = turns.server.log_since(mark);
        let mut another = turns.log_in("AWSCURRENT").await;
        let take = format!("DO GET_LOCK({}, 0)", lock(&log));
        assert_eq!(answer(&mut another, &take).await, "done");
        let error = turns.rotate_failing().await;
        let words = ["another rotation is changing", "has not ended"];
        error.assert_is("setSecret", "timeout", &words);
        let waiting = tokio::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
            sqlx::raw_sql(AssertSqlSafe("DO RELEASE_ALL_LOCKS()")).execute(&mut another).await
        });
        turns.retry().await.expect("it ends soon enough");
        waiting.await.expect("a task").expect("a lock is given back");
        turns.assert_equal().await;
    }
}

#[tokio::test]
async fn two_secrets_of_one_server_are_rotated_at_once() {
    for product in Product::ALL {
        let server = server_with_admin(turnlock_tests::mysql::Setup {
            max_connections: 60,
            ..turnlock_tests::mysql::Setup::of(product)
        })
        .await;
        let make = format!(
            "CREATE DATABASE shop; GRANT SELECT ON shop.* TO app@'%'; \
             CREATE USER web@'%' IDENTIFIED BY '{FIRST_PASSWORD}'; GRANT INSERT ON shop.* TO web@'%'"
        );
        server.sql(&make).await;
        let world = turnlock_tests::world::mysql::World::administered(server, |_| ()).await;
        let turns = Turns { world };
        let mut other = secret_of(&turns.server, "web", &json!(FIRST_PASSWORD));
        other["masterarn"] = turns.document("AWSCURRENT")["masterarn"].clone();
        let other = turns.local.create_secret("web", &other.to_string()).expect("a secret");
        turns.local.set_rotation(&other, FUNCTION).expect("rotation");
        for _ in 0..4 {
            turns.local.rotate(&other).expect("a rotation begins");
            turns.rotate().await.expect("the rotation succeeds");
            let patience = std::time::Duration::from_secs(60);
            let ended = turns.local.wait_for_rotation(&other, patience).await;
            assert!(ended.is_ok(), "{ended:?}");
        }
        turns.assert_equal().await;
        let web = state(&turns.server, "web", "%").await;
        assert_eq!(state(&turns.server, "web_clone", "%").await, web);
        assert!(web.join("\n").contains("INSERT") && !web.join("\n").contains("SELECT"), "{web:?}");
    }
}
