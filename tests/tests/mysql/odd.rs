//! Odd names, passwords, accounts and settings of MySQL and MariaDB: a rotation means the same there.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use serde_json::{Value, json};
use turnlock_tests::mysql::{Product, Setup};
use turnlock_tests::world::mysql::{
    ADMIN, ADMIN_PASSWORD, FIRST_PASSWORD, FUNCTION, USER, World, secret_of, server_with_admin,
};

/// What there is to set globally that changes how texts and names are read.
fn modes(product: Product) -> Vec<&'static str> {
    let mut modes = vec![
        "",
        "NO_BACKSLASH_ESCAPES",
        "ANSI_QUOTES",
        "ANSI",
        "TRADITIONAL",
        "PIPES_AS_CONCAT,IGNORE_SPACE,PAD_CHAR_TO_FULL_LENGTH,NO_AUTO_VALUE_ON_ZERO",
    ];
    if product == Product::MariaDb {
        modes.extend(["ORACLE", "MSSQL", "EMPTY_STRING_IS_NULL,SIMULTANEOUS_ASSIGNMENT"]);
    }
    modes
}

/// A name or a text of SQL between quotes, whatever backslashes mean.
fn quoted(text: &str, quote: char) -> String {
    let quoted = text.replace(quote, &format!("{quote}{quote}"));
    format!("{quote}{quoted}{quote}")
}

/// Rotates without a failed login.
async fn rotates(world: &World, user: &str) {
    let (old, mark) = (world.password("AWSCURRENT"), world.mark());
    world.rotate().await.expect(user);
    assert_eq!(world.password("AWSPREVIOUS"), old, "{user}");
    let new = world.password("AWSCURRENT");
    assert_ne!(new, old);
    assert!(world.server.can_log_in(user, &new).await, "{user}");
    let log = world.server.log_since(mark);
    assert!(!log.contains("Access denied"), "a login failed: {log}");
}

/// A world in which the user changes its password, and one in which an admin does, of two.
async fn worlds(setup: Setup) -> [World; 2] {
    [World::start(setup.clone()).await, World::start_dual(setup).await]
}

/// Makes an account and a secret for it, which becomes the world's.
async fn turn_to(world: &mut World, user: &str, host: &str, password: &str) {
    let account = format!("{}@{}", quoted(user, '`'), quoted(host, '`'));
    let create = format!(
        "SET NAMES utf8mb4, sql_mode = 'NO_BACKSLASH_ESCAPES'; \
         CREATE USER {account} IDENTIFIED BY {}",
        quoted(password, '\'')
    );
    world.server.sql(&create).await;
    let mut secret = secret_of(&world.server, user, &json!(password));
    let before = world.document("AWSCURRENT");
    for field in ["masterarn", "rotation"] {
        if let Some(value) = before.get(field) {
            secret[field] = value.clone();
        }
    }
    let name = format!("secret-{}", world.local.events().len());
    world.secret = world.local.create_secret(&name, &secret.to_string()).expect("a secret");
    world.local.set_rotation(&world.secret, FUNCTION).expect("rotation");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_name_of_a_user_is_rotated() {
    let long = ["n".repeat(32), "é".repeat(32), "n".repeat(80)];
    let names = [
        "o'ne",
        "dou\"ble\"",
        "`back``ticks`",
        "with spaces in it",
        "back\\slash\\",
        "Ünïcødé-名前",
        "dotted.name",
        "MixedCASE",
        "select",
        "a@b@'%'",
        "a; DROP USER app; --",
        "/* comment",
        "100%_s",
    ];
    for product in Product::ALL {
        let longest = if product == Product::MySql { 2 } else { 3 };
        let names = names.iter().copied().chain(long[..longest].iter().map(String::as_str));
        let names: Vec<&str> = names.collect();
        for mut world in worlds(Setup::of(product)).await {
            for name in &names {
                turn_to(&mut world, name, "%", FIRST_PASSWORD).await;
                rotates(&world, name).await;
            }
            assert!(world.accepts(FIRST_PASSWORD).await, "an unrelated account was changed");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_current_password_is_rotated_in_every_mode() {
    let long = "x".repeat(200);
    let passwords = [
        "it's \"quoted\" `three` times",
        "back\\slash\\ \\' \\",
        "Ünïcødé пароль 密码 😀",
        "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
        "100%s %d %n %",
        "  spaces  ",
        "'; DROP USER app; --",
        "/*! SELECT 1 */ # -- ;",
        "new\nline\ttab",
        &long,
    ];
    for product in Product::ALL {
        for mut world in worlds(Setup::of(product)).await {
            let modes = modes(product);
            // Each password in one mode, and the worst ones in all.
            let worst = modes.iter().flat_map(|mode| passwords[..2].iter().map(move |p| (mode, p)));
            let all = modes.iter().cycle().zip(&passwords[2..]).chain(worst);
            for (number, (mode, password)) in all.enumerate() {
                world.server.sql(&format!("SET GLOBAL sql_mode = '{mode}'")).await;
                let user = format!("user{number}");
                turn_to(&mut world, &user, "%", password).await;
                rotates(&world, &user).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_of_all_punctuation_is_set_as_it_is_stored_in_every_mode() {
    for product in Product::ALL {
        for world in worlds(Setup::of(product)).await {
            let mut secret = world.document("AWSCURRENT");
            secret["rotation"]["password"] = json!({"length": 200, "exclude_characters": ""});
            world.local.put_value(&world.secret, &secret.to_string()).expect("a write");
            for mode in modes(product) {
                world.server.sql(&format!("SET GLOBAL sql_mode = '{mode}'")).await;
                rotates(&world, USER).await;
                assert_eq!(world.password("AWSCURRENT").len(), 200);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_account_that_the_server_takes_for_this_host_is_rotated_and_its_namesakes_are_not() {
    for product in Product::ALL {
        for host in ["localhost", "127.0.0.1", "127.%", "127.0.0.0/255.255.255.0", "%"] {
            for mut world in worlds(Setup::of(product)).await {
                turn_to(&mut world, "svc", host, FIRST_PASSWORD).await;
                let namesake = "CREATE USER svc@'10.1.%' IDENTIFIED BY 'of-the-namesake'";
                world.server.sql(namesake).await;
                let before = world.server.stored_password("svc", "10.1.%").await;
                rotates(&world, "svc").await;
                let after = world.server.stored_password("svc", "10.1.%").await;
                assert!(before == after, "{product:?} {host}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_with_any_name_is_logged_in_to() {
    for product in Product::ALL {
        for name in ["we`ird 'db' \"Ü\"", "back\\slash", "100%_s", "a TO b", "shop.x"] {
            let edit = |secret: &mut Value| secret["dbname"] = json!(name);
            let world = World::start_with(Setup::of(product), edit).await;
            let database = quoted(name, '`');
            let make = format!(
                "SET NAMES utf8mb4, sql_mode = 'NO_BACKSLASH_ESCAPES'; CREATE DATABASE {database}; \
                 GRANT SELECT ON *.* TO app@'%'"
            );
            world.server.sql(&make).await;
            rotates(&world, USER).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_the_server_do_not_matter() {
    for product in Product::ALL {
        let mut lines = vec![
            "character_set_server = latin1",
            "collation_server = latin1_general_cs",
            "init_connect = 'SET NAMES latin1'",
            "skip_name_resolve = ON",
            "lock_wait_timeout = 1",
            "max_allowed_packet = 1024",
            "net_buffer_length = 1024",
            "autocommit = OFF",
            "completion_type = CHAIN",
            "sql_mode = ANSI,NO_BACKSLASH_ESCAPES",
        ];
        if product == Product::MariaDb {
            lines.push("skip-character-set-client-handshake");
        }
        let configuration = lines.into_iter().map(str::to_owned).collect();
        for world in worlds(Setup { configuration, ..Setup::of(product) }).await {
            world.test_only().await.expect("the test passes");
            for _ in 0..2 {
                rotates(&world, USER).await;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_init_connect_that_fails_is_told_or_is_a_connection_that_breaks() {
    for product in Product::ALL {
        let configuration = vec!["init_connect = 'SELECT no_such_column'".to_owned()];
        let world = World::start(Setup { configuration, ..Setup::of(product) }).await;
        let words = ["asking localhost:", "what it is"];
        let error = world.rotate_failing().await;
        assert!(["tcp", "refused"].contains(&error.class.as_str()), "{error:?}");
        error.assert_is("setSecret", &error.class.clone(), &words);
        world.server.sql("SET GLOBAL init_connect = ''").await;
        world.retry().await.expect("the server is mended");
    }
}

/// Rotates after statements about the user, by itself and by an admin.
async fn rotates_after(product: Product, statements: &str) {
    for world in worlds(Setup::of(product)).await {
        world.server.sql(statements).await;
        world.test_only().await.expect("the test passes");
        for _ in 0..2 {
            rotates(&world, USER).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_with_limits_and_requirements_keep_them() {
    for product in Product::ALL {
        let options = "REQUIRE SSL WITH MAX_QUERIES_PER_HOUR 1000 MAX_UPDATES_PER_HOUR 1000 \
             MAX_CONNECTIONS_PER_HOUR 1000 MAX_USER_CONNECTIONS 1 PASSWORD EXPIRE INTERVAL 10 DAY";
        let rotating = format!("ALTER USER app@'%' {options}");
        for world in worlds(Setup::of(product)).await {
            world.server.sql(&rotating).await;
            let show = "SHOW CREATE USER app@'%'";
            let options = |text: String| text[text.find("REQUIRE").expect("options")..].to_owned();
            let before = options(world.server.query_one(show).await);
            world.rotate().await.expect("the rotation succeeds");
            let after = options(world.server.query_one(show).await);
            assert_eq!(before, after);
            assert!(before.contains("MAX_USER_CONNECTIONS 1"), "{before}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_of_mysql_that_has_to_show_its_password_is_rotated() {
    let require = "ALTER USER app@'%' PASSWORD REQUIRE CURRENT PASSWORD HISTORY 5 \
         FAILED_LOGIN_ATTEMPTS 1 PASSWORD_LOCK_TIME UNBOUNDED ATTRIBUTE '{\"owner\": \"shop\"}'";
    rotates_after(Product::MySql, require).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_with_roles_and_none_with_privileges_is_rotated() {
    let role = "CREATE ROLE reader; GRANT SELECT ON *.* TO reader; GRANT reader TO app@'%'; ";
    rotates_after(Product::MySql, &format!("{role} SET DEFAULT ROLE reader TO app@'%'")).await;
    rotates_after(Product::MariaDb, &format!("{role} SET DEFAULT ROLE reader FOR app@'%'")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_plugin_of_mysql_keeps_its_account() {
    for plugin in ["caching_sha2_password", "sha256_password"] {
        for world in worlds(Setup::default()).await {
            let change =
                format!("ALTER USER app@'%' IDENTIFIED WITH {plugin} BY '{FIRST_PASSWORD}'");
            world.server.sql(&change).await;
            rotates(&world, USER).await;
            assert!(world.stored_password().await.starts_with(plugin));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_has_as_many_rounds_as_the_server_asks_for() {
    let lines = ["caching_sha2_password_digest_rounds = 12000"];
    let configuration = lines.into_iter().map(str::to_owned).collect();
    for world in worlds(Setup { configuration, ..Setup::default() }).await {
        rotates(&world, USER).await;
        let stored = world.stored_password().await;
        assert!(stored.contains("$A$00C$"), "{stored}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_digests_accept_nobody_gets_digests_that_do_by_an_admin_alone() {
    let lines = ["caching_sha2_password_digest_rounds = 12345"];
    let configuration: Vec<String> = lines.into_iter().map(str::to_owned).collect();
    let setup = Setup { configuration, ..Setup::default() };
    let change = |user: &str, password: &str| {
        format!("ALTER USER {user}@'%' IDENTIFIED WITH sha256_password BY '{password}'")
    };
    let own = World::start(setup.clone()).await;
    assert!(
        !own.accepts(FIRST_PASSWORD).await,
        "the server makes digests that accept the password"
    );
    own.server.sql(&change(USER, FIRST_PASSWORD)).await;
    let words = ["digest_rounds at 12345", "accept no password", "a multiple of 1000"];
    own.rotate_failing().await.assert_is("setSecret", "refused", &words);
    let world = World::start_with_admin(setup).await;
    world.server.sql(&change(ADMIN, ADMIN_PASSWORD)).await;
    world.rotate().await.expect("the rotation succeeds");
    assert!(world.accepts(&world.password("AWSCURRENT")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_digests_take_long_is_refused_before_anything_changes() {
    let configuration = vec!["caching_sha2_password_digest_rounds = 4095000".to_owned()];
    let world = World::start_with_admin(Setup { configuration, ..Setup::default() }).await;
    let words = ["caching_sha2_password_digest_rounds at 4095000", "takes too long"];
    world.rotate_failing().await.assert_is("setSecret", "refused", &words);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_of_another_product_or_with_a_line_break_is_refused_before_anything_is_written() {
    for (name, words) in [("n".repeat(33), "32 characters"), ("a\nb".into(), "control character")] {
        let edit = |secret: &mut Value| secret["username"] = json!(name);
        let world = World::start_with(Setup::default(), edit).await;
        let error = world.rotate_refused().await;
        error.assert_is("createSecret", "malformed-secret", &["`username`", words]);
    }
    let edit = |secret: &mut Value| secret["engine"] = json!("postgres");
    let error = World::start_with(Setup::default(), edit).await.rotate_refused().await;
    error.assert_is("createSecret", "malformed-secret", &["mysql, aurora-mysql and mariadb"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_with_a_name_and_a_password_to_stumble_over_changes_others() {
    for product in Product::ALL {
        let server = server_with_admin(Setup::of(product)).await;
        let (name, password) = ("ad`m'in \"Ü\" \\", "pass'word\\ \"Ü\" `%`");
        let rename = format!(
            "SET NAMES utf8mb4, sql_mode = 'NO_BACKSLASH_ESCAPES'; \
             RENAME USER {ADMIN}@'%' TO {0}@'%'; ALTER USER {0}@'%' IDENTIFIED BY {1}",
            quoted(name, '`'),
            quoted(password, '\'')
        );
        server.sql(&rename).await;
        let world = World::administered(server, |secret| {
            secret["rotation"] = json!({"strategy": "single-user"});
        })
        .await;
        let admin = world.document("AWSCURRENT")["masterarn"].as_str().expect("an ARN").to_owned();
        let text = secret_of(&world.server, name, &json!(password)).to_string();
        world.local.put_value(&admin, &text).expect("a write");
        rotates(&world, USER).await;
    }
}
