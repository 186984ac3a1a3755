//! Accounts of MySQL and MariaDB as they are: several of one name, several rules, and what cannot be rotated.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use turnlock_tests::mysql::{Product, Setup};
use turnlock_tests::one_user::Way;
use turnlock_tests::world::mysql::{ADMIN, FIRST_PASSWORD, FUNCTION, USER, World};

fn administered() -> impl Iterator<Item = Way> {
    Way::all().filter(|way| way.by_admin)
}

fn own() -> impl Iterator<Item = Way> {
    Way::all().filter(|way| !way.by_admin)
}

/// Another account of the user's name, from where no test can log in, with a password of its own.
async fn add(world: &World, host: &str, password: &str) {
    let create = format!("CREATE USER {USER}@'{host}' IDENTIFIED BY '{password}'");
    world.server.sql(&create).await;
    if world.server.product() == Product::MySql {
        let grant = format!("GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO {USER}@'{host}'");
        world.server.sql(&grant).await;
    }
}

/// Whether such an account takes a password: asked under a name that can log in from here.
async fn takes(world: &World, host: &str, password: &str) -> bool {
    world.server.sql(&format!("RENAME USER {USER}@'{host}' TO probe@'%'")).await;
    let takes = world.server.can_log_in("probe", password).await;
    world.server.sql(&format!("RENAME USER probe@'%' TO {USER}@'{host}'")).await;
    takes
}

#[tokio::test]
async fn accounts_of_one_name_that_take_the_current_password_change_together_and_others_are_left_alone()
 {
    for way in administered() {
        let world = way.start(Setup::default()).await;
        add(&world, "10.0.%", FIRST_PASSWORD).await;
        add(&world, "10.1.%", "of-somebody-else").await;
        let others = world.server.stored_password(USER, "10.1.%").await;
        for _ in 0..2 {
            // The current password is the second one then, or is dead: an older version has what they take.
            world.abandon().await;
            world.rotate().await.unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
            world.assert_rotated(way).await;
            let (current, previous) = (world.password("AWSCURRENT"), world.password("AWSPREVIOUS"));
            assert!(takes(&world, "10.0.%", &current).await, "{way:?}");
            assert_eq!(takes(&world, "10.0.%", &previous).await, way.keeps, "{way:?}");
            assert!(!takes(&world, "10.1.%", &current).await, "{way:?}");
            assert_eq!(world.server.stored_password(USER, "10.1.%").await, others, "{way:?}");
        }
        let output = world.local.output(FUNCTION);
        assert!(
            output.contains("left alone, as they do not take the current password: app@10.1.%")
        );
    }
}

#[tokio::test]
async fn accounts_of_one_name_of_which_none_takes_the_current_password_are_refused() {
    for way in administered() {
        let world = way.start(Setup::default()).await;
        add(&world, "10.0.%", "of-somebody-else").await;
        world.server.sql("ALTER USER app@'%' IDENTIFIED BY 'set-by-hand'").await;
        let stored = world.stored_password().await;
        let error = world.rotate().await.expect_err("it is not known which are the secret's");
        let words = ["several accounts of the name app: app@%, app@10.0.%", "none of them takes"];
        error.assert_is("setSecret", "refused", &words);
        assert_eq!(world.stored_password().await, stored);
        assert!(takes(&world, "10.0.%", "of-somebody-else").await);
    }
}

#[tokio::test]
async fn a_user_changes_only_the_account_that_it_is_logged_in_as() {
    for way in own() {
        let world = way.start(Setup::default()).await;
        add(&world, "10.0.%", FIRST_PASSWORD).await;
        let other = world.server.stored_password(USER, "10.0.%").await;
        world.rotate().await.unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
        world.assert_rotated(way).await;
        assert_eq!(world.server.stored_password(USER, "10.0.%").await, other, "{way:?}");
        assert!(takes(&world, "10.0.%", FIRST_PASSWORD).await, "{way:?}");
    }
}

#[tokio::test]
async fn a_host_other_than_any_is_kept() {
    for way in Way::all() {
        let world = way.start(Setup::default()).await;
        world.server.sql("RENAME USER app@'%' TO app@'127.0.0._'").await;
        for _ in 0..2 {
            world.rotate().await.unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
            world.assert_rotated(way).await;
        }
        let hosts = world.server.query_all("SELECT host FROM mysql.user WHERE user = 'app'").await;
        assert_eq!(hosts, ["127.0.0._"], "{way:?}");
    }
}

#[tokio::test]
async fn an_account_for_hosts_that_are_not_the_functions_is_refused_and_keeps_its_password() {
    for way in administered() {
        let world = way.start(Setup::default()).await;
        world.server.sql("RENAME USER app@'%' TO app@'10.0.%'").await;
        let error = world.rotate().await.expect_err("the new password could not be tested");
        let words = ["no host of app@10.0.% is this function's", "Make an account for its host"];
        error.assert_is("setSecret", "refused", &words);
        assert!(takes(&world, "10.0.%", FIRST_PASSWORD).await, "{way:?}");
    }
}

#[tokio::test]
async fn an_admin_logs_in_once_more_as_the_user_unless_there_is_one_account_for_any_host() {
    for way in administered() {
        for (statement, accepted) in [
            ("SELECT 1", 2),
            ("RENAME USER app@'%' TO app@'127.0.0._'", 3),
            ("CREATE USER app@'10.0.%' IDENTIFIED BY 'of-somebody-else'", 3),
        ] {
            let world = way.start(Setup::default()).await;
            world.server.sql(statement).await;
            let mark = world.mark();
            world.rotate().await.unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
            let logins = world.server.logins_of(mark, &[USER, ADMIN]).await;
            assert_eq!((logins.accepted, logins.failed), (accepted, 0), "{way:?} {statement}");
        }
    }
}

#[tokio::test]
async fn an_account_that_is_not_there_is_refused_by_name() {
    for way in administered() {
        let world = way.start(Setup::default()).await;
        world.server.sql("DROP USER app@'%'").await;
        let error = world.rotate().await.expect_err("there is nobody to rotate");
        error.assert_is("setSecret", "refused", &["has no account app"]);
    }
}

/// The plugins and digests of a MariaDB account's rules, in their order.
async fn rules(world: &World) -> Vec<(String, String)> {
    let stored = "SELECT priv FROM mysql.global_priv WHERE user = 'app' AND host = '%'".to_owned();
    let stored = world.server.query_one(&stored).await;
    let stored: serde_json::Value = serde_json::from_str(&stored).expect("JSON");
    let text = |rule: &serde_json::Value, field: &str| {
        let own = rule.get(field).or_else(|| stored.get(field));
        own.and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
    };
    let rule = |rule: &serde_json::Value| {
        let digest = if text(rule, "plugin") == "unix_socket" {
            String::new()
        } else {
            text(rule, "authentication_string")
        };
        (text(rule, "plugin"), digest)
    };
    match stored.get("auth_or").and_then(serde_json::Value::as_array) {
        Some(all) => all.iter().map(rule).collect(),
        None => vec![rule(&stored)],
    }
}

async fn plugins(world: &World) -> Vec<String> {
    rules(world).await.into_iter().map(|(plugin, _)| plugin).collect()
}

const NATIVE: &str = "mysql_native_password";

#[tokio::test]
async fn rules_of_mariadb_that_are_no_passwords_stay_where_they_are() {
    for way in Way::all().filter(|way| way.product == Product::MariaDb) {
        let password = format!("{NATIVE} USING PASSWORD('{FIRST_PASSWORD}')");
        let passwords = if way.keeps { vec![NATIVE; 2] } else { vec![NATIVE] };
        for (account, before, after) in [
            (format!("unix_socket OR {password}"), vec!["unix_socket"], vec![]),
            (format!("{password} OR unix_socket"), vec![], vec!["unix_socket"]),
        ] {
            let world = way.start(Setup::default()).await;
            world.server.sql(&format!("ALTER USER app@'%' IDENTIFIED VIA {account}")).await;
            let expected = [before, passwords.clone(), after].concat();
            for _ in 0..3 {
                world.rotate().await.unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
                world.assert_rotated(way).await;
                assert_eq!(plugins(&world).await, expected, "{way:?}");
            }
        }
    }
}

#[tokio::test]
async fn of_two_passwords_of_mariadb_an_admin_changes_the_one_that_the_secret_has() {
    let way = Way::SINGLE[3];
    let others = "password-of-somebody-else";
    for is_second in [false, true] {
        let world = way.start(Setup::default()).await;
        let (one, two) =
            if is_second { (others, FIRST_PASSWORD) } else { (FIRST_PASSWORD, others) };
        let rules = format!(
            "{NATIVE} USING PASSWORD('{one}') OR unix_socket OR {NATIVE} USING PASSWORD('{two}')"
        );
        world.server.sql(&format!("ALTER USER app@'%' IDENTIFIED VIA {rules}")).await;
        for _ in 0..3 {
            world.rotate().await.expect("a rotation");
            world.assert_rotated(way).await;
            assert!(world.accepts(others).await, "somebody else's password stays");
            assert_eq!(plugins(&world).await, [NATIVE, "unix_socket", NATIVE]);
        }
    }
}

#[tokio::test]
async fn an_account_without_a_password_to_set_is_refused_with_its_plugin() {
    for way in administered().filter(|way| way.product == Product::MariaDb) {
        let world = way.start(Setup::default()).await;
        world.server.sql("INSTALL SONAME 'auth_ed25519'").await;
        for via in ["ed25519 USING PASSWORD('secret')", "unix_socket"] {
            world.server.sql(&format!("ALTER USER app@'%' IDENTIFIED VIA {via}")).await;
            let stored = world.stored_password().await;
            let error = world.retry().await.expect_err("it has no password that can be set");
            let plugin = via.split(' ').next().unwrap_or_default();
            let authenticates = format!("authenticates by {plugin}");
            error.assert_is("setSecret", "refused", &["app@% at localhost", &authenticates]);
            assert_eq!(world.stored_password().await, stored, "{way:?}");
        }
    }
}

#[tokio::test]
async fn a_login_by_ed25519_is_refused_with_its_reason() {
    let world = Way::SINGLE[2].start(Setup::default()).await;
    world.server.sql("INSTALL SONAME 'auth_ed25519'").await;
    let via = format!("ed25519 USING PASSWORD('{FIRST_PASSWORD}')");
    world.server.sql(&format!("ALTER USER app@'%' IDENTIFIED VIA {via}")).await;
    let stored = world.stored_password().await;
    let error = world.rotate().await.expect_err("the function does not speak it");
    error.assert_is("setSecret", "refused", &["asks app to log in by an authentication plugin"]);
    assert_eq!(world.stored_password().await, stored);
}

#[tokio::test]
async fn a_user_of_mariadb_cannot_keep_its_own_second_password_and_is_told_who_can() {
    let way = Way { product: Product::MariaDb, ..Way::DUAL_OWN };
    let world = World::start_with(Setup::of(way.product), |secret| {
        secret["rotation"] = serde_json::json!({"strategy": "dual-password"});
    })
    .await;
    let stored = world.stored_password().await;
    let words = ["is MariaDB, where only an admin can keep a second password", "masterarn"];
    let error = world.test_only().await.expect_err("the test alone finds out");
    error.assert_is("testSecret", "refused", &words);
    let error = world.rotate().await.expect_err("never downgraded");
    error.assert_is("setSecret", "refused", &words);
    assert_eq!(world.stored_password().await, stored);
    assert!(world.logs_in("AWSCURRENT").await);
}
