//! What an admin of MySQL or MariaDB lacks to let two users take turns: told by the test alone, and in setSecret.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use turnlock_tests::mysql::{Logins, Product};
use turnlock_tests::turns::{CLONE, Turns};
use turnlock_tests::world::mysql::{ADMIN, USER};

const APPLICATION: &str = "CREATE DATABASE shop; CREATE TABLE shop.orders (id int); \
     CREATE DATABASE other; CREATE TABLE other.prices (id int, cost int); CREATE ROLE reader; \
     CREATE PROCEDURE other.one() SELECT 1; GRANT SELECT, DROP ON shop.* TO app@'%'; \
     GRANT UPDATE (cost), DELETE ON other.prices TO app@'%'; \
     GRANT EXECUTE ON PROCEDURE other.one TO app@'%'; GRANT reader TO app@'%'";

/// A pair whose admin has these privileges, on `*.*` with the grant option, and no other.
async fn with_admin(product: Product, rights: &str, statements: &str) -> Turns {
    let turns = Turns::after(product, APPLICATION).await;
    let revoke = format!("REVOKE ALL PRIVILEGES, GRANT OPTION FROM {ADMIN}@'%'");
    turns.server.sql(&revoke).await;
    turns.server.sql(&format!("GRANT {rights} ON *.* TO {ADMIN}@'%'; {statements}")).await;
    turns
}

/// The test alone names all of this; setSecret fails with the same class, and the second user is not let in.
async fn lacks(turns: &Turns, words: &[&str]) {
    let words: Vec<&str> = [&["the admin", " may not ", "missing: "], words].concat();
    let error = turns.tested().await.expect_err("something is missing");
    error.assert_is("testSecret", "permission", &words);
    let mark = turns.mark();
    let error = turns.rotate().await.expect_err("something is missing");
    error.assert_is("setSecret", "permission", &[]);
    assert!(turns.logs_in("AWSCURRENT").await);
    assert!(!turns.logs_in("AWSPENDING").await, "the second user is let in");
    assert_eq!(turns.server.logins_since(mark, CLONE).await.accepted, 0);
    assert_eq!(turns.user("AWSCURRENT"), USER);
}

/// The right is given: the rotation goes on.
async fn goes_on_with(turns: &Turns, rights: &str) {
    turns.server.sql(rights).await;
    turns.retry().await.expect("nothing is missing now");
    turns.assert_equal().await;
    turns.tested().await.expect("and the test alone says so");
    turns.rotate_calmly().await;
}

#[tokio::test]
async fn an_admin_as_amazon_rds_makes_it_lacks_nothing_but_roles_that_are_not_its_own() {
    for product in Product::ALL {
        let turns = Turns::after(product, APPLICATION).await;
        let option = "GRANT reader TO turnlock_admin@'%' WITH ADMIN OPTION";
        match product {
            Product::MySql => turns.tested().await.expect("ROLE_ADMIN is enough"),
            Product::MariaDb => {
                lacks(&turns, &["missing: ADMIN OPTION for the role reader (permission)"]).await;
                return goes_on_with(&turns, option).await;
            }
        }
        let mark = turns.mark();
        turns.tested().await.expect("the test passes");
        for user in [USER, ADMIN] {
            let logins = turns.server.logins_since(mark, user).await;
            assert_eq!(logins, Logins { accepted: 1, failed: 0, plaintext: 0 }, "{user}");
        }
    }
}

#[tokio::test]
async fn all_that_an_admin_lacks_is_told_at_once() {
    for product in Product::ALL {
        let turns = with_admin(product, "SELECT, CREATE USER", "").await;
        let words = [
            "may not let app_clone take turns with app",
            "DELETE on other.prices",
            "DROP on shop.*",
            "EXECUTE on procedure other.one",
            "GRANT OPTION on other.prices",
            "GRANT OPTION on procedure other.one",
            "GRANT OPTION on shop.*",
            "UPDATE on other.prices",
            "ADMIN OPTION for the role reader",
        ];
        lacks(&turns, &words).await;
        let rights = "GRANT SELECT, DROP, UPDATE, DELETE, EXECUTE ON *.* TO turnlock_admin@'%' WITH GRANT OPTION; \
             GRANT reader TO turnlock_admin@'%' WITH ADMIN OPTION";
        goes_on_with(&turns, rights).await;
    }
}

/// What it may not touch, it is not shown either: for all that it sees, that was dropped long ago.
#[tokio::test]
async fn an_admin_that_is_not_shown_a_table_does_not_take_it_for_a_dropped_one() {
    for product in Product::ALL {
        let statements = "GRANT SELECT ON mysql.* TO turnlock_admin@'%'; \
             GRANT reader TO turnlock_admin@'%' WITH ADMIN OPTION; \
             GRANT SELECT, DROP ON shop.* TO turnlock_admin@'%' WITH GRANT OPTION";
        let turns = with_admin(product, "CREATE USER", statements).await;
        let words = [
            "DELETE on other.prices",
            "EXECUTE on procedure other.one",
            "GRANT OPTION on other.prices",
            "GRANT OPTION on procedure other.one",
            "UPDATE on other.prices",
        ];
        lacks(&turns, &words).await;
        let rights = "GRANT DELETE, UPDATE ON other.prices TO turnlock_admin@'%' WITH GRANT OPTION; \
             GRANT EXECUTE ON PROCEDURE other.one TO turnlock_admin@'%' WITH GRANT OPTION";
        goes_on_with(&turns, rights).await;
    }
}

#[tokio::test]
async fn rights_in_single_databases_are_enough() {
    for product in Product::ALL {
        let statements = "GRANT SELECT, DROP ON `sho%`.* TO turnlock_admin@'%' WITH GRANT OPTION; \
             GRANT DELETE, UPDATE ON other.prices TO turnlock_admin@'%' WITH GRANT OPTION; \
             GRANT EXECUTE ON PROCEDURE other.one TO turnlock_admin@'%' WITH GRANT OPTION; \
             GRANT SELECT ON mysql.* TO turnlock_admin@'%'; \
             GRANT reader TO turnlock_admin@'%' WITH ADMIN OPTION";
        let turns = with_admin(product, "CREATE USER", statements).await;
        turns.tested().await.expect("the test passes");
        turns.rotate_calmly().await;
        turns.assert_equal().await;
    }
}

#[tokio::test]
async fn an_admin_that_may_make_no_users_or_see_none_is_told_so() {
    for product in Product::ALL {
        let turns = with_admin(product, "SELECT, DROP, UPDATE, DELETE, EXECUTE", "DO 1").await;
        turns.server.sql(&format!("GRANT USAGE ON *.* TO {ADMIN}@'%' WITH GRANT OPTION")).await;
        turns.server.sql(&format!("GRANT reader TO {ADMIN}@'%' WITH ADMIN OPTION")).await;
        lacks(&turns, &["missing: CREATE USER"]).await;
        goes_on_with(&turns, &format!("GRANT CREATE USER ON *.* TO {ADMIN}@'%'")).await;

        let turns = with_admin(product, "CREATE USER", "DO 1").await;
        lacks(&turns, &["missing: SELECT on mysql.*"]).await;
    }
}

#[tokio::test]
async fn the_privileges_of_the_admins_active_roles_count() {
    for product in Product::ALL {
        let rights = "CREATE ROLE admins; \
             GRANT SELECT, DROP, UPDATE, DELETE, EXECUTE, CREATE USER ON *.* TO admins WITH GRANT OPTION; \
             GRANT admins TO turnlock_admin@'%'; GRANT reader TO turnlock_admin@'%' WITH ADMIN OPTION";
        let turns = with_admin(product, "USAGE", rights).await;
        let error = turns.tested().await.expect_err("it is not active");
        error.assert_is("testSecret", "permission", &["CREATE USER on *.*", "SELECT on mysql.*"]);
        turns
            .server
            .sql(match product {
                Product::MySql => "SET DEFAULT ROLE admins TO turnlock_admin@'%'",
                Product::MariaDb => "SET DEFAULT ROLE admins FOR turnlock_admin@'%'",
            })
            .await;
        turns.tested().await.expect("it is active");
        turns.rotate_calmly().await;
        turns.rotate_calmly().await;
        turns.assert_equal().await;
    }
}

#[tokio::test]
async fn what_has_to_be_revoked_counts_too() {
    for product in Product::ALL {
        let statements = "GRANT SELECT, DROP, UPDATE, DELETE, EXECUTE ON *.* TO turnlock_admin@'%' WITH GRANT OPTION; \
             GRANT reader TO turnlock_admin@'%' WITH ADMIN OPTION";
        let turns = with_admin(product, "SELECT, CREATE USER", statements).await;
        turns.rotate_calmly().await;
        turns.server.sql("GRANT TRIGGER ON shop.* TO app@'%'").await;
        let error = turns.tested().await.expect_err("it could not be revoked");
        error.assert_is("testSecret", "permission", &["missing: TRIGGER on shop.* (permission)"]);
        turns.rotate().await.expect_err("it cannot").assert_is("setSecret", "permission", &[]);
        assert!(turns.logs_in("AWSCURRENT").await);
        assert_eq!(turns.user("AWSCURRENT"), CLONE);
        turns.server.sql("REVOKE TRIGGER ON shop.* FROM app@'%'").await;
        turns.retry().await.expect("there is nothing to revoke");
        turns.assert_equal().await;
    }
}

#[tokio::test]
async fn who_may_change_accounts_of_the_system_is_changed_by_none_but_those() {
    let turns = Turns::after(
        Product::MySql,
        "GRANT SYSTEM_USER ON *.* TO app@'%'; GRANT SYSTEM_USER ON *.* TO turnlock_admin@'%' WITH GRANT OPTION; \
         REVOKE SYSTEM_USER ON *.* FROM turnlock_admin@'%'",
    )
    .await;
    lacks(&turns, &["missing: SYSTEM_USER"]).await;
    goes_on_with(&turns, "GRANT SYSTEM_USER ON *.* TO turnlock_admin@'%' WITH GRANT OPTION").await;
}
