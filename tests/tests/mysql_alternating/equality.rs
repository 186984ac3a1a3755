//! Two users of MySQL or MariaDB have the same after each rotation, whatever was done to either in between.

use turnlock_tests::dice::Dice;
use turnlock_tests::mysql::Product;
use turnlock_tests::turns::{Turns, state};
use turnlock_tests::world::USER;

const ROTATIONS: usize = 10;
/// Changes between two rotations.
const CHANGES: usize = 12;
const SEEDS: [u64; 3] = [1, 20_260_131, 987_654_321];

/// Objects to have privileges on, and one role that the admin may pass on.
const OBJECTS: &str = "CREATE DATABASE one; CREATE TABLE one.a (x int, y int); CREATE TABLE one.b (x int); \
     CREATE DATABASE two; CREATE TABLE two.`a TO b` (`SELECT ON x` int, y int); \
     CREATE PROCEDURE one.p() SELECT 1; CREATE FUNCTION two.f() RETURNS int DETERMINISTIC RETURN 1; \
     CREATE ROLE reader; CREATE ROLE writer; CREATE USER boss@'%'; \
     GRANT reader TO turnlock_admin@'%' WITH ADMIN OPTION; GRANT writer TO turnlock_admin@'%' WITH ADMIN OPTION; \
     GRANT PROXY ON boss@'%' TO turnlock_admin@'%' WITH GRANT OPTION";

/// What can be granted and revoked, and on what.
const PRIVILEGES: [(&str, &str); 14] = [
    ("SELECT", "*.*"),
    ("PROCESS", "*.*"),
    ("SELECT, INSERT", "one.*"),
    ("CREATE TEMPORARY TABLES", "one.*"),
    ("ALL PRIVILEGES", "two.*"),
    ("SELECT", "`o\\_e`.*"),
    ("INSERT", "`%w%`.*"),
    ("DELETE, UPDATE", "one.a"),
    ("SELECT (x), INSERT (x, y)", "one.a"),
    ("DELETE", "one.b"),
    ("SELECT (`SELECT ON x`)", "two.`a TO b`"),
    ("EXECUTE", "PROCEDURE one.p"),
    ("EXECUTE, ALTER ROUTINE", "FUNCTION two.f"),
    ("PROXY", "boss@'%'"),
];

/// Settings of an account, with the products that have them.
const SETTINGS: [(&str, bool); 10] = [
    ("WITH MAX_QUERIES_PER_HOUR 7000 MAX_USER_CONNECTIONS 0", true),
    ("WITH MAX_QUERIES_PER_HOUR 0 MAX_USER_CONNECTIONS 17", true),
    ("REQUIRE SSL", true),
    ("REQUIRE NONE", true),
    ("PASSWORD EXPIRE INTERVAL 90 DAY", true),
    ("PASSWORD EXPIRE NEVER", true),
    ("PASSWORD HISTORY 3 PASSWORD REUSE INTERVAL 10 DAY", false),
    ("FAILED_LOGIN_ATTEMPTS 3 PASSWORD_LOCK_TIME 1", false),
    ("COMMENT 'it''s one'", false),
    ("ATTRIBUTE '{\"team\": {\"name\": \"ä\", \"size\": 3}}'", false),
];

/// A change of one account; it may be one that the server refuses, as where there is nothing to revoke.
fn change(dice: &mut Dice, product: Product, user: &str) -> String {
    match dice.roll(10) {
        0..4 => {
            let (privileges, object) = dice.choose(&PRIVILEGES);
            let option = if dice.roll(3) == 0 { " WITH GRANT OPTION" } else { "" };
            format!("GRANT {privileges} ON {object} TO {user}@'%'{option}")
        }
        4..6 => {
            let (privileges, object) = dice.choose(&PRIVILEGES);
            format!("REVOKE {privileges} ON {object} FROM {user}@'%'")
        }
        6 => {
            let role = dice.choose(&["reader", "writer"]);
            let option = if dice.roll(3) == 0 { " WITH ADMIN OPTION" } else { "" };
            format!("GRANT {role} TO {user}@'%'{option}")
        }
        7 => {
            let role = dice.choose(&["reader", "writer"]);
            if dice.roll(2) == 0 {
                return format!("REVOKE {role} FROM {user}@'%'");
            }
            match product {
                Product::MySql => format!("SET DEFAULT ROLE {role} TO {user}@'%'"),
                Product::MariaDb => format!("SET DEFAULT ROLE {role} FOR {user}@'%'"),
            }
        }
        8 => {
            let (_, object) = dice.choose(&PRIVILEGES);
            format!("REVOKE GRANT OPTION ON {object} FROM {user}@'%'")
        }
        _ => {
            let known = |(_, everywhere): &&(&str, bool)| *everywhere || product == Product::MySql;
            let settings: Vec<_> = SETTINGS.iter().filter(known).collect();
            let (setting, _) = dice.choose(&settings);
            format!("ALTER USER {user}@'%' {setting}")
        }
    }
}

#[tokio::test]
async fn after_each_of_ten_rotations_both_have_what_the_current_one_had() {
    for product in Product::ALL {
        for seed in SEEDS {
            let turns = Turns::after(product, OBJECTS).await;
            turns.server.sql(&rights_to_pass_on(product)).await;
            let mut dice = Dice::of(seed);
            let mut done = 0;
            for rotation in 0..ROTATIONS {
                let current = turns.user("AWSCURRENT");
                for _ in 0..CHANGES {
                    let first_turn = rotation == 0;
                    let user = if first_turn || dice.roll(2) == 0 {
                        current.clone()
                    } else {
                        turns.user("AWSPREVIOUS")
                    };
                    let statement = change(&mut dice, product, &user);
                    done += usize::from(turns.server.attempt(&statement).await);
                }
                let wanted = state(&turns.server, &current, "%").await;
                turns.rotate_calmly().await;
                let when = format!("{product:?}, seed {seed}, rotation {rotation}");
                for label in ["AWSCURRENT", "AWSPREVIOUS"] {
                    let user = turns.user(label);
                    assert_eq!(state(&turns.server, &user, "%").await, wanted, "{when}, {user}");
                }
            }
            assert!(done > ROTATIONS * CHANGES / 2, "only {done} changes were made");
        }
    }
}

/// What the admin needs beyond its usual rights, to pass on everything that is granted here.
fn rights_to_pass_on(product: Product) -> String {
    let more = match product {
        Product::MySql => "SHOW VIEW",
        Product::MariaDb => "DELETE HISTORY, SHOW VIEW",
    };
    format!("GRANT {more} ON *.* TO turnlock_admin@'%' WITH GRANT OPTION")
}

#[tokio::test]
async fn what_was_revoked_from_the_current_one_stays_revoked_for_both() {
    for product in Product::ALL {
        let turns = Turns::after(product, OBJECTS).await;
        turns
            .server
            .sql("GRANT SELECT, INSERT, DELETE ON one.* TO app@'%'; GRANT SELECT (x) ON one.a TO app@'%'")
            .await;
        turns.rotate_calmly().await;
        let statements =
            ["SELECT x FROM one.a", "INSERT INTO one.b VALUES (1)", "DELETE FROM one.b"];
        assert_eq!(turns.assert_equal_abilities(&statements).await, ["done", "done", "done"]);
        let current = turns.user("AWSCURRENT");
        assert_ne!(current, USER);
        turns.server.sql(&format!("REVOKE INSERT ON one.* FROM {current}@'%'")).await;
        for _ in 0..4 {
            turns.rotate_calmly().await;
            let answers = turns.assert_equal_abilities(&statements).await;
            assert_eq!(answers, ["done", "1142", "done"], "{product:?}");
            turns.assert_equal().await;
        }
    }
}

#[tokio::test]
async fn a_rotation_of_two_that_are_equal_makes_no_grant() {
    for product in Product::ALL {
        let turns = Turns::after(product, OBJECTS).await;
        turns.server.sql("GRANT SELECT ON one.* TO app@'%'; GRANT reader TO app@'%'").await;
        turns.rotate_calmly().await;
        turns.rotate_calmly().await;
        for _ in 0..2 {
            let mark = turns.mark();
            turns.rotate_calmly().await;
            let log = turns.server.log_since(mark);
            for word in ["GRANT SELECT", "GRANT `", "REVOKE", "CREATE USER `"] {
                let statement = format!("Query\t{word}");
                assert!(!log.contains(&statement), "{product:?}: {log}");
            }
            assert_eq!(log.matches("Query\tALTER USER").count(), 1, "{product:?}: {log}");
        }
    }
}
