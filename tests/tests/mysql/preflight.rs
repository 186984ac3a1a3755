//! testSecret alone on MySQL and MariaDB: changes nothing and names what the next rotation will lack.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use serde_json::{Value, json};
use turnlock_tests::mysql::{Logins, Product, Setup};
use turnlock_tests::world::mysql::{ADMIN, ADMIN_PASSWORD, USER, World, secret_of};

const MAY_NOT: &str = "the admin may not change the password of app";

/// A world with an admin that has no privilege but those that the statements give it.
async fn with_admin(product: Product, strategy: &str, statements: &str) -> World {
    let strategy = json!({"strategy": strategy});
    let world =
        World::start_administered(Setup::of(product), |secret| secret["rotation"] = strategy).await;
    let revoke = format!("REVOKE ALL PRIVILEGES, GRANT OPTION FROM {ADMIN}@'%'");
    world.server.sql(&format!("{revoke}; {statements}")).await;
    world
}

fn table(product: Product) -> &'static str {
    match product {
        Product::MySql => "mysql.user",
        Product::MariaDb => "mysql.global_priv",
    }
}

/// The test alone and a rotation with these privileges both succeed.
async fn suffices(product: Product, statements: &str) {
    for strategy in ["single-user", "dual-password"] {
        let world = with_admin(product, strategy, statements).await;
        world.tested().await.expect("the test passes");
        for user in [USER, ADMIN] {
            let logins = world.server.logins(user).await;
            assert_eq!(logins, Logins { accepted: 1, failed: 0, plaintext: 0 });
        }
        world.rotate().await.expect("the rotation succeeds");
        assert!(world.accepts(&world.password("AWSCURRENT")).await);
    }
}

/// The test alone names the missing pieces, and a rotation fails in the same class.
async fn lacks(product: Product, statements: &str, pieces: &[&str]) {
    for strategy in ["single-user", "dual-password"] {
        let world = with_admin(product, strategy, statements).await;
        let error = world.tested().await.expect_err("a right is missing");
        error.assert_is("testSecret", "permission", pieces);
        assert!(error.message.contains(MAY_NOT), "{}", error.message);
        world.rotate_failing().await.assert_is("setSecret", "permission", &[]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_changes_its_own_password_needs_no_privilege() {
    for product in Product::ALL {
        let world = World::start(Setup::of(product)).await;
        world.tested().await.expect("the test passes");
        let logins = world.server.logins(USER).await;
        assert_eq!(logins, Logins { accepted: 1, failed: 0, plaintext: 0 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_that_sees_accounts_and_changes_them_passes() {
    for product in Product::ALL {
        let look = format!("GRANT SELECT ON {} TO {ADMIN}@'%'", table(product));
        suffices(product, &format!("{look}; GRANT CREATE USER ON *.* TO {ADMIN}@'%'")).await;
        suffices(product, &format!("GRANT SELECT, UPDATE ON mysql.* TO {ADMIN}@'%'")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn privileges_that_an_admin_has_by_a_role_count() {
    for product in Product::ALL {
        let default = match product {
            Product::MySql => format!("SET DEFAULT ROLE boss TO {ADMIN}@'%'"),
            Product::MariaDb => format!("SET DEFAULT ROLE boss FOR {ADMIN}@'%'"),
        };
        let statements = format!(
            "CREATE ROLE boss, looks; GRANT CREATE USER ON *.* TO boss; GRANT looks TO boss; \
             GRANT SELECT ON {} TO looks; GRANT boss TO {ADMIN}@'%'",
            table(product)
        );
        suffices(product, &format!("{statements}; {default}")).await;
        let pieces = ["SELECT ON mysql.", "CREATE USER"];
        lacks(product, &statements, &pieces).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_an_admin_lacks_is_told_at_once() {
    for product in Product::ALL {
        let select = format!("missing: SELECT ON {}, CREATE USER", table(product));
        lacks(product, "DO 0", &[&select]).await;
        let look = format!("GRANT SELECT ON {} TO {ADMIN}@'%'", table(product));
        lacks(product, &look, &["missing: CREATE USER"]).await;
        let change = format!("GRANT CREATE USER ON *.* TO {ADMIN}@'%'");
        lacks(product, &change, &["missing: SELECT ON mysql."]).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_without_system_user_is_told_so_where_the_user_has_it() {
    let rights = format!(
        "GRANT SELECT ON mysql.user TO {ADMIN}@'%'; GRANT CREATE USER ON *.* TO {ADMIN}@'%'"
    );
    let has_it = format!("{rights}; GRANT SYSTEM_USER ON *.* TO {USER}@'%'");
    let pieces = ["missing: SYSTEM_USER (app@% has it)"];
    lacks(Product::MySql, &has_it, &pieces).await;
    let both = format!("{has_it}; GRANT SYSTEM_USER ON *.* TO {ADMIN}@'%'");
    suffices(Product::MySql, &both).await;
    // Of a role's, whoever changes the account needs none.
    let by_role = format!(
        "{rights}; CREATE ROLE root_like; GRANT SYSTEM_USER ON *.* TO root_like; GRANT root_like TO {USER}@'%'; \
         SET DEFAULT ROLE root_like TO {USER}@'%'"
    );
    suffices(Product::MySql, &by_role).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_keeps_a_second_password_of_its_own_needs_one_privilege() {
    let edit = |secret: &mut Value| secret["rotation"] = json!({"strategy": "dual-password"});
    let world = World::start_with(Setup::default(), edit).await;
    let words = [
        "the user may not keep a second password of its own",
        "missing: APPLICATION_PASSWORD_ADMIN",
    ];
    world.tested().await.expect_err("it is missing").assert_is("testSecret", "permission", &words);
    let words = ["changing the password of app", "the privilege is missing", "[1227]"];
    world.rotate_failing().await.assert_is("setSecret", "permission", &words);
    world.server.sql(&format!("GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO {USER}@'%'")).await;
    world.retry().await.expect("the rotation succeeds");
    world.tested().await.expect("the test passes");
    let other = World::start_with(Setup::default(), edit).await;
    other.server.sql(&format!("GRANT CREATE USER ON *.* TO {USER}@'%'")).await;
    other.tested().await.expect("the test passes");
    other.rotate().await.expect("the rotation succeeds");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_mariadb_cannot_do_by_the_user_itself_is_told_by_the_test_alone() {
    let edit = |secret: &mut Value| secret["rotation"] = json!({"strategy": "dual-password"});
    let world = World::start_with(Setup::of(Product::MariaDb), edit).await;
    let words = ["only an admin can keep a second password", "masterarn"];
    world.tested().await.expect_err("it cannot").assert_is("testSecret", "refused", &words);
    world.rotate_failing().await.assert_is("setSecret", "refused", &words);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_next_rotation_lacks_does_not_fail_this_one_but_is_said() {
    for product in Product::ALL {
        let world = World::start_with_admin(Setup::of(product)).await;
        let pending = world.local.rotate(&world.secret);
        pending.expect("a rotation");
        world.settle().await.expect("the rotation succeeds");
        world.server.sql(&format!("REVOKE CREATE USER ON *.* FROM {ADMIN}@'%'")).await;
        world.server.sql(&format!("REVOKE UPDATE ON *.* FROM {ADMIN}@'%'")).await;
        let error = world.tested().await.expect_err("a right is missing");
        error.assert_is("testSecret", "permission", &["missing: CREATE USER"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_with_a_wrong_password_is_told_apart_from_the_user() {
    for product in Product::ALL {
        let world = World::start_with_admin(Setup::of(product)).await;
        world.server.sql(&format!("ALTER USER {ADMIN}@'%' IDENTIFIED BY 'another-password'")).await;
        let words = ["the admin secret arn:", "does not log in", "rejects the password", ADMIN];
        let error = world.tested().await.expect_err("the admin does not log in");
        error.assert_is("testSecret", "auth-rejected", &words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_writes_is_told_by_the_test_alone() {
    for product in Product::ALL {
        let world = World::start(Setup::of(product)).await;
        world.server.sql("SET GLOBAL read_only = ON").await;
        let error = world.tested().await.expect_err("it takes no writes");
        error.assert_is("testSecret", "read-only", &["the writer's endpoint"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_is_its_own_admin_is_refused() {
    let mut world = World::start_with_admin(Setup::default()).await;
    let mut text = secret_of(&world.server, ADMIN, &json!(ADMIN_PASSWORD));
    text["masterarn"] = world.document("AWSCURRENT")["masterarn"].clone();
    text["rotation"] = json!({"strategy": "single-user"});
    world.secret = world.local.create_secret("itself", &text.to_string()).expect("a secret");
    world.local.set_rotation(&world.secret, "turnlock-mysql").expect("rotation");
    let error = world.rotate_failing().await;
    error.assert_is("setSecret", "refused", &["is the admin itself"]);
    assert!(world.server.can_log_in(ADMIN, ADMIN_PASSWORD).await);
}
