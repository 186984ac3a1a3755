//! What a MySQL or MariaDB server can refuse is told apart, and changes nothing.

use std::time::Duration;

use serde_json::{Value, json};
use turnlock_tests::mysql::{Logins, Product, Server, Setup};
use turnlock_tests::world::mysql::{
    ADMIN, ADMIN_PASSWORD, FIRST_PASSWORD, USER, World, secret_of, server_with_user,
};

/// Nobody logs in with this.
const WRONG: &str = "a-password-that-is-wrong";

fn failed(count: usize) -> Logins {
    Logins { accepted: 0, failed: count, plaintext: 0 }
}

/// Rotates on each product after statements, which has to fail in setSecret.
async fn refuses_after(statements: &str, class: &str, words: &[&str]) {
    for product in Product::ALL {
        let world = World::start(Setup::of(product)).await;
        world.server.sql(statements).await;
        world.rotate_failing().await.assert_is("setSecret", class, words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_is_wrong_everywhere_is_tried_once_a_version() {
    for product in Product::ALL {
        let edit = |secret: &mut Value| secret["password"] = json!(WRONG);
        let world = World::start_with(Setup::of(product), edit).await;
        let words = ["none of the 2 passwords of app", "[1045]", "by hand", "masterarn"];
        world.rotate_failing().await.assert_is("setSecret", "auth-rejected", &words);
        // The current one and the pending one.
        assert_eq!(world.server.logins(USER).await, failed(2));
        assert!(world.accepts(FIRST_PASSWORD).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_account_is_told_from_a_wrong_password() {
    let words = ["the account is locked (ACCOUNT LOCK)"];
    refuses_after("ALTER USER app@'%' ACCOUNT LOCK", "auth-rejected", &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_failed_logins_have_blocked_is_told_from_a_wrong_password() {
    let setup = Setup::default();
    let world = World::start(setup).await;
    let limit = "ALTER USER app@'%' FAILED_LOGIN_ATTEMPTS 1 PASSWORD_LOCK_TIME 1";
    world.server.sql(limit).await;
    assert!(!world.accepts(WRONG).await);
    let words = ["has blocked app after too many failed logins", "[3955]"];
    world.rotate_failing().await.assert_is("setSecret", "auth-rejected", &words);
    let mariadb = World::start(Setup {
        configuration: vec!["max_password_errors = 1".to_owned()],
        ..Setup::of(Product::MariaDb)
    })
    .await;
    assert!(!mariadb.accepts(WRONG).await);
    let words = ["has blocked app after too many failed logins", "[4150]"];
    mariadb.rotate_failing().await.assert_is("setSecret", "auth-rejected", &words);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_has_expired_is_told_from_a_wrong_one_and_set_by_an_admin() {
    let expire = "ALTER USER app@'%' PASSWORD EXPIRE";
    refuses_after(expire, "auth-rejected", &["expired", "masterarn"]).await;
    for product in Product::ALL {
        let world = World::start_with_admin(Setup::of(product)).await;
        world.server.sql(expire).await;
        world.rotate().await.expect("an admin may");
        assert!(world.accepts(&world.password("AWSCURRENT")).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_expects_nobody_from_here_is_told_as_such() {
    refuses_after("RENAME USER app@'%' TO app@'10.%'", "auth-rejected", &["app"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_missing_or_closed_is_named() {
    for product in Product::ALL {
        let edit = |secret: &mut Value| secret["dbname"] = json!("shop");
        let world = World::start_with(Setup::of(product), edit).await;
        // Whoever may not use it is not told whether it is there.
        let words = ["accepts app", "no privilege in the database shop", "[1044]"];
        world.rotate_failing().await.assert_is("setSecret", "permission", &words);
    }
    for product in Product::ALL {
        let edit = |secret: &mut Value| secret["dbname"] = json!("shop");
        let world = World::start_with(Setup::of(product), edit).await;
        world.server.sql("GRANT SELECT ON shop.* TO app@'%'").await;
        let words = ["accepts app", "no database shop", "`dbname`", "[1049]"];
        world.rotate_failing().await.assert_is("setSecret", "database-missing", &words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_a_free_connection_is_told_as_such() {
    for product in Product::ALL {
        let world = World::start(Setup { max_connections: 10, ..Setup::of(product) }).await;
        let mut all = Vec::new();
        for _ in 0..10 {
            let connection = world.server.log_in(USER, FIRST_PASSWORD).await;
            all.push(connection.expect("a connection"));
        }
        let words = ["no connection left for app", "max_connections", "[1040]"];
        world.rotate_failing().await.assert_is("setSecret", "too-many-connections", &words);
        drop(all);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_a_free_connection_is_told_as_such() {
    for product in Product::ALL {
        let world = World::start(Setup::of(product)).await;
        world.server.sql("ALTER USER app@'%' WITH MAX_USER_CONNECTIONS 1").await;
        let only = world.server.log_in(USER, FIRST_PASSWORD).await.expect("a connection");
        let words = ["no connection left for app", "a limit of the account"];
        world.rotate_failing().await.assert_is("setSecret", "too-many-connections", &words);
        drop(only);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_has_asked_too_often_is_told_as_such() {
    for product in Product::ALL {
        let world = World::start(Setup::of(product)).await;
        world.server.sql("ALTER USER app@'%' WITH MAX_QUERIES_PER_HOUR 1").await;
        let words = ["a limit of the account is reached", "[1226]"];
        world.rotate_failing().await.assert_is("setSecret", "too-many-connections", &words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_writes_is_refused_with_the_endpoint_that_is_needed() {
    let words = ["is a replica or takes no writes", "the writer's endpoint"];
    for product in Product::ALL {
        for by_admin in [false, true] {
            let world = match by_admin {
                false => World::start(Setup::of(product)).await,
                true => World::start_with_admin(Setup::of(product)).await,
            };
            world.server.sql("SET GLOBAL read_only = ON").await;
            world.rotate_failing().await.assert_is("setSecret", "read-only", &words);
        }
    }
    let world = World::start(Setup::default()).await;
    world.server.sql("SET GLOBAL super_read_only = ON").await;
    world.rotate_failing().await.assert_is("setSecret", "read-only", &words);
    world.server.sql("SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF").await;
    world.retry().await.expect("it takes writes again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_somebody_dropped_is_told_from_a_missing_right() {
    for product in Product::ALL {
        let world = World::start_with_admin(Setup::of(product)).await;
        world.server.sql("DROP USER app@'%'").await;
        let words = ["has no account app"];
        world.rotate_failing().await.assert_is("setSecret", "refused", &words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_that_is_taken_for_another_account_is_refused() {
    for product in Product::ALL {
        let server = Server::start(Setup::of(product)).await;
        server.sql(&format!("CREATE USER ''@'%' IDENTIFIED BY '{FIRST_PASSWORD}'")).await;
        let text = secret_of(&server, USER, &json!(FIRST_PASSWORD)).to_string();
        let world = World::with_secret(server, &text).await;
        let words = ["takes the login of app for the account ''@'%'", "make an account for app"];
        world.tested().await.expect_err("it could not").assert_is("testSecret", "refused", &words);
        world.rotate_failing().await.assert_is("setSecret", "refused", &words);
        assert!(world.accepts(FIRST_PASSWORD).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn several_accounts_of_one_name_that_all_have_another_password_are_named() {
    for product in Product::ALL {
        let world = World::start_with_admin(Setup::of(product)).await;
        let server = &world.server;
        server.sql(&format!("CREATE USER app@'10.%' IDENTIFIED BY '{WRONG}'")).await;
        server.sql(&format!("ALTER USER app@'%' IDENTIFIED BY '{WRONG}'")).await;
        let words = ["several accounts of the name app: app@%, app@10.%"];
        world.rotate_failing().await.assert_is("setSecret", "refused", &words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_has_no_password_is_refused_with_its_plugin() {
    for (product, plugin) in [(Product::MariaDb, "unix_socket"), (Product::MySql, "mysql_no_login")]
    {
        let world = World::start_with_admin(Setup::of(product)).await;
        let change = match product {
            Product::MariaDb => "ALTER USER app@'%' IDENTIFIED VIA unix_socket",
            Product::MySql => {
                "UPDATE mysql.user SET plugin = 'mysql_no_login' WHERE User = 'app'; FLUSH PRIVILEGES"
            }
        };
        world.server.sql(change).await;
        let words = ["app@%", "authenticates by", plugin];
        let error = world.tested().await.expect_err("the user does not log in");
        assert_eq!(error.step, "testSecret");
        world.rotate_failing().await.assert_is("setSecret", "refused", &words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_that_the_server_has_not_loaded_is_told_as_such() {
    // MySQL 9 has no mysql_native_password any more; an upgrade leaves accounts of it behind.
    let world = World::start_with_admin(Setup::default()).await;
    let old = "UPDATE mysql.user SET plugin = 'mysql_native_password', \
         authentication_string = '*89063080929868A5DFEC18596EC951918DC26DB5' WHERE User = 'app'; \
         FLUSH PRIVILEGES";
    world.server.sql(old).await;
    let words = ["has not loaded the account's authentication plugin", "[1524]"];
    world.rotate_failing().await.assert_is("setSecret", "refused", &words);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_another_session_changes_is_waited_for_and_then_told() {
    for product in Product::ALL {
        let world = World::start_with_admin(Setup::of(product)).await;
        let mut other =
            world.server.log_in(ADMIN, ADMIN_PASSWORD).await.expect("the admin is let in");
        let lock = format!("turnlock.{}", LOCK_OF_APP);
        let take = format!("SELECT GET_LOCK('{lock}', 0)");
        sqlx::raw_sql(sqlx::AssertSqlSafe(take)).execute(&mut other).await.expect("a lock");
        let words = ["another rotation is changing app", "has not ended for 3 s"];
        world.rotate_failing().await.assert_is("setSecret", "timeout", &words);
        drop(other);
        // The stuck rotation is taken up again by the request that it has refused.
        world.local.rotate(&world.secret).expect_err("a rotation is not complete");
        let ended = world.local.wait_for_rotation(&world.secret, Duration::from_secs(30)).await;
        ended.expect("the rotation succeeds");
        assert!(world.accepts(&world.password("AWSCURRENT")).await);
    }
}

/// The first half of the SHA-256 of `app`.
const LOCK_OF_APP: &str = "a172cedcae47474b615c54d510a5d84a";

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_locked_for_a_backup_is_waited_for_and_then_told() {
    for product in Product::ALL {
        let world = World::start(Setup::of(product)).await;
        world.server.sql(&format!("GRANT RELOAD ON *.* TO {USER}@'%'")).await;
        let mut other = world.server.log_in(USER, FIRST_PASSWORD).await.expect("a session");
        let lock = "FLUSH TABLES WITH READ LOCK";
        sqlx::raw_sql(lock).execute(&mut other).await.expect("a lock");
        let error = world.rotate_failing().await;
        error.assert_is("setSecret", "timeout", &["changing the password of app"]);
        drop(other);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_starting_or_away_is_told_as_such() {
    let mut server = server_with_user(Setup::of(Product::MariaDb)).await;
    server.stop();
    let text = secret_of(&server, USER, &json!(FIRST_PASSWORD)).to_string();
    let mut world = World::with_secret(server, &text).await;
    let error = world.rotate().await.expect_err("the server is away");
    error.assert_is("setSecret", "tcp", &["cannot reach localhost:", "refused"]);
    world.server.restart().await;
    world.retry().await.expect("the server is back");
}
