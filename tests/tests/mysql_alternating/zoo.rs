//! Every kind of privilege and setting of MySQL and MariaDB there is, and names to break a parser: both users have it
//! alike, and can do the same with it.

use turnlock_tests::mysql::{Product, Setup};
use turnlock_tests::turns::{CLONE, Turns, state};
use turnlock_tests::world::mysql::{ADMIN, USER};

/// Databases, tables, columns and routines whose names are words of grants.
const OBJECTS: &str = "CREATE DATABASE `a TO b`; CREATE TABLE `a TO b`.`c ON d` (`e, f` int, `g``h` int); \
     CREATE DATABASE `we``ird`; CREATE TABLE `we``ird`.`it's` (`x` int); \
     CREATE DATABASE `100%`; CREATE TABLE `100%`.`\\_` (x int); \
     CREATE DATABASE `app_x`; CREATE TABLE app_x.t (x int); CREATE DATABASE appyx; CREATE TABLE appyx.t (x int); \
     CREATE DATABASE `größe`; CREATE TABLE `größe`.`表` (`ü` int); \
     CREATE PROCEDURE `a TO b`.`p IDENTIFIED BY 'x'`() SELECT 1; \
     CREATE FUNCTION `a TO b`.`f`() RETURNS int DETERMINISTIC RETURN 1; \
     CREATE VIEW app_x.v AS SELECT 1; CREATE TABLE app_x.gone (x int, y int); \
     CREATE PROCEDURE app_x.gone() SELECT 1; CREATE ROLE `r``1`; CREATE ROLE r2; CREATE ROLE `r TO 3`; \
     GRANT SELECT ON appyx.t TO r2; CREATE USER boss@'%'";

/// What the user has of them.
const GRANTS: [&str; 20] = [
    "GRANT SELECT, INSERT ON `a TO b`.`c ON d` TO app@'%' WITH GRANT OPTION",
    "GRANT UPDATE (`e, f`, `g``h`), REFERENCES (`g``h`) ON `a TO b`.`c ON d` TO app@'%'",
    "GRANT ALL PRIVILEGES ON `we``ird`.* TO app@'%'",
    "GRANT SELECT ON `we``ird`.`it's` TO app@'%' WITH GRANT OPTION",
    "GRANT SELECT ON `100\\%`.* TO app@'%'",
    "GRANT INSERT ON `100%`.`\\_` TO app@'%'",
    "GRANT SELECT ON `app\\_x`.* TO app@'%'",
    "GRANT DELETE ON `app_x`.* TO app@'%'",
    "GRANT LOCK TABLES, EVENT, TRIGGER, CREATE TEMPORARY TABLES ON `größe`.* TO app@'%'",
    "GRANT SELECT (`ü`) ON `größe`.`表` TO app@'%'",
    "GRANT EXECUTE ON PROCEDURE `a TO b`.`p IDENTIFIED BY 'x'` TO app@'%' WITH GRANT OPTION",
    "GRANT EXECUTE, ALTER ROUTINE ON FUNCTION `a TO b`.f TO app@'%'",
    "GRANT SHOW VIEW ON app_x.v TO app@'%'",
    "GRANT ALL PRIVILEGES ON app_x.gone TO app@'%'",
    "GRANT EXECUTE ON PROCEDURE app_x.gone TO app@'%'",
    "GRANT PROCESS, SHOW DATABASES ON *.* TO app@'%'",
    "GRANT `r``1` TO app@'%'",
    "GRANT r2 TO app@'%'",
    "GRANT `r TO 3` TO app@'%' WITH ADMIN OPTION",
    "GRANT PROXY ON boss@'%' TO app@'%' WITH GRANT OPTION",
];

/// The admin of all that.
const ADMIN_GRANTS: &str = "GRANT `r``1` TO turnlock_admin@'%' WITH ADMIN OPTION; \
     GRANT r2 TO turnlock_admin@'%' WITH ADMIN OPTION; GRANT `r TO 3` TO turnlock_admin@'%' WITH ADMIN OPTION; \
     GRANT PROXY ON boss@'%' TO turnlock_admin@'%' WITH GRANT OPTION";

/// What is tried as each of the two.
const TRIALS: [&str; 26] = [
    "SELECT * FROM `a TO b`.`c ON d`",
    "INSERT INTO `a TO b`.`c ON d` VALUES (1, 2)",
    "UPDATE `a TO b`.`c ON d` SET `e, f` = 3",
    "DELETE FROM `a TO b`.`c ON d`",
    "CREATE TABLE `we``ird`.new (x int); DROP TABLE `we``ird`.new",
    "SELECT * FROM `we``ird`.`it's`",
    "SELECT * FROM `100%`.`\\_`",
    "INSERT INTO `100%`.`\\_` VALUES (1)",
    "DELETE FROM `100%`.`\\_`",
    "SELECT * FROM app_x.t",
    "DELETE FROM app_x.t WHERE x = 7",
    "SELECT * FROM appyx.t",
    "DELETE FROM appyx.t WHERE x = 7",
    "INSERT INTO app_x.t VALUES (1)",
    "SELECT `ü` FROM `größe`.`表`",
    "INSERT INTO `größe`.`表` VALUES (1)",
    "CREATE TEMPORARY TABLE `größe`.mine (x int); DROP TEMPORARY TABLE `größe`.mine",
    "CALL `a TO b`.`p IDENTIFIED BY 'x'`()",
    "SELECT `a TO b`.f()",
    "SHOW CREATE VIEW app_x.v",
    "SET ROLE `r``1`",
    "SET ROLE r2",
    "SELECT * FROM appyx.t",
    "SET ROLE `r TO 3`",
    "SET ROLE nobody",
    "CREATE USER mine@'%'",
];

async fn zoo(product: Product) -> Turns {
    let turns = Turns::after(product, OBJECTS).await;
    for grant in GRANTS {
        turns.server.sql(grant).await;
    }
    turns.server.sql(ADMIN_GRANTS).await;
    turns
        .server
        .sql(match product {
            Product::MySql => {
                "SET DEFAULT ROLE r2, `r``1` TO app@'%'; \
                 GRANT BACKUP_ADMIN ON *.* TO app@'%' WITH GRANT OPTION; \
                 GRANT XA_RECOVER_ADMIN ON *.* TO app@'%'; \
                 GRANT BACKUP_ADMIN, XA_RECOVER_ADMIN ON *.* TO turnlock_admin@'%' WITH GRANT OPTION; \
                 ALTER USER app@'%' REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 9000 MAX_USER_CONNECTIONS 19 \
                 PASSWORD EXPIRE INTERVAL 90 DAY PASSWORD HISTORY 3 PASSWORD REUSE INTERVAL 7 DAY \
                 PASSWORD REQUIRE CURRENT FAILED_LOGIN_ATTEMPTS 3 PASSWORD_LOCK_TIME 1 \
                 ATTRIBUTE '{\"comment\": \"it''s \\\\\"app\\\\\"\", \"of\": {\"team\": [1, 2.50, null]}}'"
            }
            Product::MariaDb => {
                "SET DEFAULT ROLE r2 FOR app@'%'; \
                 GRANT DELETE HISTORY ON *.* TO turnlock_admin@'%' WITH GRANT OPTION; \
                 ALTER USER app@'%' REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 9000 MAX_USER_CONNECTIONS 19 \
                 MAX_STATEMENT_TIME 61.5 PASSWORD EXPIRE INTERVAL 90 DAY"
            }
        })
        .await;
    turns
}

#[tokio::test]
async fn both_have_all_of_the_zoo_and_can_do_the_same_with_it() {
    for product in Product::ALL {
        let turns = zoo(product).await;
        let wanted = state(&turns.server, USER, "%").await;
        turns.tested().await.unwrap_or_else(|error| panic!("{product:?}: {error:?}"));
        let mut answers = Vec::new();
        for _ in 0..4 {
            turns.rotate_calmly().await;
            for user in [USER, CLONE] {
                assert_eq!(state(&turns.server, user, "%").await, wanted, "{product:?}: {user}");
            }
            answers.push(turns.assert_equal_abilities(&TRIALS).await);
        }
        let done = answers[0].iter().filter(|answer| *answer == "done").count();
        assert!((15..TRIALS.len()).contains(&done), "{:?}", answers[0]);
        answers.dedup();
        assert_eq!(answers.len(), 1, "they can do the same after each rotation");
    }
}

#[tokio::test]
async fn privileges_on_what_was_dropped_hold_nothing_up() {
    for product in Product::ALL {
        let turns = zoo(product).await;
        let drop = "DROP TABLE app_x.gone; DROP PROCEDURE IF EXISTS app_x.gone; \
             ALTER TABLE `a TO b`.`c ON d` DROP COLUMN `g``h`; DROP DATABASE `größe`";
        turns.server.sql(drop).await;
        for _ in 0..2 {
            turns.rotate_calmly().await;
        }
        // Both had them before they were dropped: both have them still, for the day when the table is there again.
        let turns = zoo(product).await;
        turns.rotate_calmly().await;
        turns.server.sql(drop).await;
        for _ in 0..2 {
            turns.rotate_calmly().await;
            turns.assert_equal().await;
        }
        turns.server.sql("CREATE TABLE app_x.gone (x int, y int)").await;
        turns.rotate_calmly().await;
        let insert = ["INSERT INTO app_x.gone VALUES (1, 2)"];
        assert_eq!(turns.assert_equal_abilities(&insert).await, ["done"], "{product:?}");
    }
}

#[tokio::test]
async fn a_privilege_on_a_table_and_on_its_columns_is_one_on_the_table() {
    for product in Product::ALL {
        let turns = Turns::after(
            product,
            "CREATE DATABASE shop; CREATE TABLE shop.t (x int, y int); \
             GRANT SELECT (x), UPDATE (x) ON shop.t TO app@'%'",
        )
        .await;
        let trials = ["SELECT x FROM shop.t", "SELECT y FROM shop.t", "UPDATE shop.t SET x = 1"];
        let mut seen = Vec::new();
        for change in [
            "GRANT SELECT ON shop.t TO",
            "REVOKE UPDATE (x) ON shop.t FROM",
            "REVOKE SELECT ON shop.t FROM",
        ] {
            turns.rotate_calmly().await;
            seen.push(turns.assert_equal_abilities(&trials).await.join(" "));
            let current = turns.user("AWSCURRENT");
            turns.server.sql(&format!("{change} {current}@'%'")).await;
        }
        turns.rotate_calmly().await;
        seen.push(turns.assert_equal_abilities(&trials).await.join(" "));
        assert_eq!(
            seen,
            ["done 1143 done", "done done done", "done done 1142", "1142 1142 1142"],
            "{product:?}"
        );
    }
}

#[tokio::test]
async fn partial_revokes_are_the_same_for_both() {
    let setup =
        Setup { configuration: vec!["partial_revokes = ON".to_owned()], ..Setup::default() };
    let turns = Turns::start_on(setup).await;
    turns
        .server
        .sql(
            "CREATE DATABASE pay; CREATE TABLE pay.t (x int); CREATE DATABASE `p%`; CREATE TABLE `p%`.t (x int); \
             GRANT SELECT, INSERT, UPDATE ON *.* TO app@'%'; REVOKE SELECT, INSERT ON pay.* FROM app@'%'; \
             REVOKE INSERT ON `p%`.* FROM app@'%'; GRANT SELECT ON pay.t TO app@'%'",
        )
        .await;
    let trials = [
        "SELECT * FROM pay.t",
        "INSERT INTO pay.t VALUES (1)",
        "UPDATE pay.t SET x = 1",
        "INSERT INTO `p%`.t VALUES (1)",
    ];
    for (change, expected) in [
        ("DO 1", "done 1142 done 1142"),
        ("REVOKE UPDATE ON pay.* FROM USER", "done 1142 1142 1142"),
        ("GRANT INSERT ON pay.* TO USER", "done done 1142 1142"),
        ("REVOKE SELECT ON *.* FROM USER", "done done 1142 1142"),
        (
            "REVOKE IF EXISTS INSERT ON `p%`.* FROM USER; GRANT INSERT ON `p%`.* TO USER",
            "done done 1142 done",
        ),
    ] {
        let current = turns.user("AWSCURRENT");
        turns.server.sql(&change.replace("USER", &format!("{current}@'%'"))).await;
        let wanted = state(&turns.server, &current, "%").await;
        turns.rotate_calmly().await;
        turns.assert_equal().await;
        assert_eq!(state(&turns.server, &current, "%").await, wanted, "{change}");
        assert_eq!(turns.assert_equal_abilities(&trials).await.join(" "), expected, "{change}");
    }
}

/// Everybody has them, and they cannot be revoked.
#[tokio::test]
async fn mandatory_roles_are_nobodys_own() {
    let turns = Turns::after(
        Product::MySql,
        "CREATE DATABASE shop; CREATE TABLE shop.t (x int); CREATE ROLE all_of_us; CREATE ROLE own; \
         GRANT SELECT ON shop.t TO all_of_us; GRANT own TO app@'%'; SET GLOBAL mandatory_roles = 'all_of_us'; \
         SET GLOBAL activate_all_roles_on_login = ON",
    )
    .await;
    for _ in 0..3 {
        turns.rotate_calmly().await;
        let trials = ["SELECT * FROM shop.t", "SET ROLE own", "SET ROLE all_of_us"];
        assert_eq!(turns.assert_equal_abilities(&trials).await, ["done"; 3]);
    }
    turns.server.sql("SET GLOBAL mandatory_roles = ''").await;
    for _ in 0..2 {
        turns.rotate_calmly().await;
        let trials = ["SELECT * FROM shop.t", "SET ROLE own", "SET ROLE all_of_us"];
        assert_eq!(turns.assert_equal_abilities(&trials).await, ["1142", "done", "3530"]);
    }
}

#[tokio::test]
async fn a_password_that_has_expired_is_renewed_at_its_users_turn() {
    for product in Product::ALL {
        let turns = Turns::start(product).await;
        for _ in 0..3 {
            turns.rotate_calmly().await;
            let idle = turns.user("AWSPREVIOUS");
            turns.server.sql(&format!("ALTER USER {idle}@'%' PASSWORD EXPIRE")).await;
            turns.rotate().await.unwrap_or_else(|error| panic!("{product:?}: {error:?}"));
            assert!(turns.logs_in("AWSCURRENT").await);
            assert_eq!(turns.server.logins(ADMIN).await.failed, 0);
        }
    }
}
