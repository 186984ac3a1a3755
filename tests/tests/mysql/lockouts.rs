//! Accounts and settings of MySQL and MariaDB that would leave consumers with a password that is dead.

use serde_json::json;
use turnlock_tests::mysql::{Product, Setup};
use turnlock_tests::one_user::Way;
use turnlock_tests::world::mysql::{FIRST_PASSWORD, USER, World};

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_a_rule_that_needs_no_password_is_rotated_repeated_and_healed() {
    for way in Way::SINGLE.into_iter().filter(|way| way.product == Product::MariaDb) {
        let world = way.start(Setup::default()).await;
        let rules = format!(
            "ALTER USER {USER}@'%' IDENTIFIED VIA mysql_native_password \
             USING PASSWORD('{FIRST_PASSWORD}') OR unix_socket"
        );
        world.server.sql(&rules).await;
        let version = world.rotate_but_for_the_end().await;
        let repeated = world.step("setSecret", &version).await;
        repeated.unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
        world.clear_pending(&version);
        world.rotate().await.unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
        world.assert_rotated(way).await;
        assert!(world.stored_password().await.contains("unix_socket"), "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_changes_no_password_while_the_user_cannot_log_in_to_its_database() {
    for way in Way::all().filter(|way| way.by_admin) {
        let rotation = json!({"strategy": if way.keeps { "dual-password" } else { "single-user" }});
        let world = World::start_administered(Setup::of(way.product), |secret| {
            secret["rotation"] = rotation;
            secret["dbname"] = json!("shop");
        })
        .await;
        let error = world.rotate_failing().await;
        error.assert_is("setSecret", "permission", &["no privilege in the database shop"]);
        assert!(world.logs_in("AWSCURRENT").await, "{way:?}");
        world.server.sql(&format!("GRANT SELECT ON shop.* TO {USER}@'%'")).await;
        world.server.sql("CREATE DATABASE shop").await;
        let retried = world.retry().await;
        retried.unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
        world.assert_rotated(way).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_changes_no_password_of_an_account_whose_first_rule_the_function_cannot_use() {
    let world = World::start_with_admin(Setup::of(Product::MariaDb)).await;
    world.server.sql("INSTALL SONAME 'auth_ed25519'").await;
    let rules = format!(
        "ALTER USER {USER}@'%' IDENTIFIED VIA ed25519 USING PASSWORD('{FIRST_PASSWORD}') \
         OR mysql_native_password USING PASSWORD('{FIRST_PASSWORD}')"
    );
    world.server.sql(&rules).await;
    let before = world.stored_password().await;
    let error = world.rotate_failing().await;
    error.assert_is("setSecret", "refused", &["by an authentication plugin that is not"]);
    assert_eq!(world.stored_password().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_accounts_of_a_name_change_however_few_rows_the_server_answers_with() {
    for product in Product::ALL {
        let world = World::start_with_admin(Setup::of(product)).await;
        let second = format!(
            "CREATE USER {USER}@'10.%' IDENTIFIED BY '{FIRST_PASSWORD}'; \
             SET GLOBAL sql_select_limit = 1"
        );
        world.server.sql(&second).await;
        let before = world.server.stored_password(USER, "10.%").await;
        world.rotate().await.expect("a rotation");
        assert_ne!(world.server.stored_password(USER, "10.%").await, before, "{product:?}");
        assert!(world.logs_in("AWSCURRENT").await, "{product:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_of_which_some_were_given_the_current_password_back_by_hand_are_healed_together() {
    for way in Way::SINGLE.into_iter().filter(|way| way.by_admin) {
        let world = way.start(Setup::default()).await;
        for (host, password) in [("10.0.%", FIRST_PASSWORD), ("10.1.%", "of-somebody-else")] {
            let create = format!("CREATE USER {USER}@'{host}' IDENTIFIED BY '{password}'");
            world.server.sql(&create).await;
        }
        let stranger = world.server.stored_password(USER, "10.1.%").await;
        world.abandon().await;
        let by_hand = format!("ALTER USER {USER}@'10.0.%' IDENTIFIED BY '{FIRST_PASSWORD}'");
        world.server.sql(&by_hand).await;
        let before = world.server.stored_password(USER, "10.0.%").await;
        assert!(!world.logs_in("AWSCURRENT").await, "{way:?}: the function is not let in");
        world.rotate().await.unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
        world.assert_rotated(way).await;
        assert_ne!(world.server.stored_password(USER, "10.0.%").await, before, "{way:?}");
        assert_eq!(world.server.stored_password(USER, "10.1.%").await, stranger, "{way:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_that_only_read_by_default_keep_no_rotation_from_writing() {
    for way in Way::all() {
        let world = way.start(Setup::default()).await;
        let variable = match way.product {
            Product::MySql => "transaction_read_only",
            Product::MariaDb => "tx_read_only",
        };
        world.server.sql(&format!("SET GLOBAL {variable} = 1")).await;
        world.rotate().await.unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
        world.assert_rotated(way).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_the_server_does_not_load_any_more_is_told_at_the_login() {
    let world = World::start(Setup::default()).await;
    let old = "UPDATE mysql.user SET plugin = 'mysql_native_password', \
         authentication_string = '*89063080929868A5DFEC18596EC951918DC26DB5' WHERE User = 'app'; \
         FLUSH PRIVILEGES";
    world.server.sql(old).await;
    let words = ["has not loaded the authentication plugin of app", "[1524]"];
    world.rotate_failing().await.assert_is("setSecret", "refused", &words);
}

#[tokio::test(flavor = "multi_thread")]
async fn statements_at_the_start_of_a_session_that_fail_are_told_as_such() {
    for product in Product::ALL {
        let world = World::start(Setup::of(product)).await;
        world.server.sql("SET GLOBAL init_connect = 'INSERT INTO nowhere.t VALUES (1)'").await;
        let words = ["init_connect fails for this user", "[1184]"];
        world.rotate_failing().await.assert_is("setSecret", "refused", &words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lets_nobody_in_is_told_as_such() {
    let world = World::start(Setup::default()).await;
    world.server.sql("SET GLOBAL offline_mode = ON").await;
    let words = ["lets nobody in (offline_mode)", "[3032]"];
    world.rotate_failing().await.assert_is("setSecret", "tcp", &words);
    world.server.sql("SET GLOBAL offline_mode = OFF").await;
    world.retry().await.expect("the rotation goes on");
}
