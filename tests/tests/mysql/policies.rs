//! What a server asks of passwords is asked of the pending one, whoever sets it; `rotation.password` satisfies it.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use serde_json::{Value, json};
use turnlock_tests::mysql::{Product, Setup};
use turnlock_tests::world::mysql::{FIRST_PASSWORD, World};

const COMPONENT: &str = "INSTALL COMPONENT 'file://component_validate_password'; \
     SET GLOBAL validate_password.length = 40, GLOBAL validate_password.number_count = 2";
const PLUGIN: &str = "INSTALL PLUGIN validate_password SONAME 'validate_password.so'; \
     SET GLOBAL validate_password_length = 40, GLOBAL validate_password_number_count = 2";
const SIMPLE: &str = "INSTALL SONAME 'simple_password_check'; \
     SET GLOBAL simple_password_check_minimal_length = 40; \
     SET GLOBAL simple_password_check_digits = 2; SET GLOBAL general_log = OFF";

/// Who changes the password, and how many there are.
const WAYS: [&str; 5] =
    ["user", "user of two passwords", "admin", "admin of two passwords", "two users"];

async fn start(way: &str, product: Product) -> World {
    let setup = Setup::of(product);
    match way {
        "user" => World::start(setup).await,
        "admin" => World::start_with_admin(setup).await,
        "admin of two passwords" => World::start_dual(setup).await,
        "two users" => World::start_alternating(setup).await,
        _ => {
            let dual = json!({"strategy": "dual-password"});
            let world = World::start_with(setup, |secret| secret["rotation"] = dual).await;
            world.server.sql("GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO app@'%'").await;
            world
        }
    }
}

async fn lets_in(world: &World, label: &str) -> bool {
    world.server.can_log_in(&world.user(label), &world.password(label)).await
}

/// Rotates with 32 characters, which are too few, and then with enough.
async fn refuses_short_passwords_and_takes_long_ones(world: &World, way: &str) {
    let error = world.rotate_failing().await;
    let words = ["asks of passwords", "at least 40 characters (`length`)", "rotation.password"];
    error.assert_is("setSecret", "policy", &words);
    assert!(world.accepts(FIRST_PASSWORD).await, "{way}");
    world.edit(|secret| secret["rotation"]["password"] = json!({"length": 100}));
    for _ in 0..2 {
        world.rotate().await.expect("the password is long enough");
        assert!(lets_in(world, "AWSCURRENT").await, "{way}");
        assert_eq!(lets_in(world, "AWSPREVIOUS").await, way.contains("two"), "{way}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_of_mysql_hold_for_every_way_to_set_a_password() {
    for check in [COMPONENT, PLUGIN] {
        for way in WAYS {
            let world = start(way, Product::MySql).await;
            world.server.sql(check).await;
            refuses_short_passwords_and_takes_long_ones(&world, way).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_of_mariadb_hold_for_every_way_to_set_a_password() {
    for strict in ["OFF", "ON"] {
        let ways: &[&str] = match strict {
            "ON" => &["user", "admin"],
            _ => &["user", "admin", "admin of two passwords", "two users"],
        };
        for way in ways {
            let world = start(way, Product::MariaDb).await;
            let strict = format!("SET GLOBAL strict_password_validation = {strict}");
            world.server.sql(&format!("{SIMPLE}; {strict}")).await;
            refuses_short_passwords_and_takes_long_ones(&world, way).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_passwords_and_two_users_are_refused_where_mariadb_wants_to_see_each_password() {
    for way in ["admin of two passwords", "two users"] {
        let world = start(way, Product::MariaDb).await;
        world.server.sql("INSTALL SONAME 'simple_password_check'").await;
        let words = ["strict_password_validation", "only as digests", "SET GLOBAL"];
        world.rotate_failing().await.assert_is("setSecret", "policy", &words);
        world.server.sql("SET GLOBAL strict_password_validation = OFF").await;
        world.retry().await.expect("a digest is taken");
        assert!(world.accepts(FIRST_PASSWORD).await, "{way}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_not_shown_to_mariadb_while_it_logs_all_statements() {
    for way in ["user", "admin"] {
        let world = start(way, Product::MariaDb).await;
        world.server.sql("INSTALL SONAME 'simple_password_check'").await;
        let words = ["strict_password_validation", "general_log is on", "turn that off"];
        world.rotate_failing().await.assert_is("setSecret", "policy", &words);
        world.server.sql("SET GLOBAL general_log = OFF").await;
        world.retry().await.expect("nothing is logged");
        assert!(world.accepts(&world.password("AWSCURRENT")).await);
    }
}

/// The only password that the secret's rules allow, as no sane ones do.
const ONLY: &str = "7777777777777777";

fn only_one(secret: &mut Value) {
    secret["rotation"]["password"] = json!({
        "length": ONLY.len(), "exclude_characters": "012345689", "exclude_punctuation": true,
        "exclude_uppercase": true, "exclude_lowercase": true,
    });
}

/// Rotates to a password that the server's own check does not take, and then to another one.
async fn is_told_by_the_server_and_mended(world: &World, code: &str) {
    world.edit(only_one);
    let error = world.rotate_failing().await;
    let words = ["changing the password of app", "does not take the password", code];
    error.assert_is("setSecret", "policy", &words);
    assert!(world.accepts(FIRST_PASSWORD).await);
    world.edit(|secret| secret["rotation"]["password"] = json!({"length": 40}));
    world.rotate().await.expect("another password is taken");
    assert!(world.accepts(&world.password("AWSCURRENT")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_of_passwords_holds_for_a_user_of_mysql() {
    for rule in ["PASSWORD HISTORY 3", "PASSWORD REUSE INTERVAL 100 DAY"] {
        for way in ["user", "user of two passwords"] {
            let world = start(way, Product::MySql).await;
            let history = [
                format!("ALTER USER app@'%' {rule}"),
                format!("ALTER USER app@'%' IDENTIFIED BY '{ONLY}'"),
                format!("ALTER USER app@'%' IDENTIFIED BY '{FIRST_PASSWORD}'"),
            ];
            world.server.sql(&history.join("; ")).await;
            is_told_by_the_server_and_mended(&world, "[3638]").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dictionary_of_mysql_holds_for_a_user() {
    let world = start("user", Product::MySql).await;
    std::fs::write(world.server.folder().join("words"), "7777\n").expect("a file");
    let words = world.server.folder().join("words").display().to_string();
    let rules = format!(
        "{COMPONENT}; SET GLOBAL validate_password.length = 8, GLOBAL validate_password.policy = STRONG, \
         GLOBAL validate_password.mixed_case_count = 0, GLOBAL validate_password.special_char_count = 0, \
         GLOBAL validate_password.dictionary_file = '{words}'"
    );
    world.server.sql(&rules).await;
    is_told_by_the_server_and_mended(&world, "[1819]").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_mariadb_was_shown_before_holds_for_user_and_admin() {
    for way in ["user", "admin"] {
        let world = start(way, Product::MariaDb).await;
        let history = [
            "SET GLOBAL general_log = OFF; INSTALL SONAME 'password_reuse_check'".to_owned(),
            format!("SET PASSWORD FOR app@'%' = PASSWORD('{ONLY}')"),
            format!("SET PASSWORD FOR app@'%' = PASSWORD('{FIRST_PASSWORD}')"),
        ];
        world.server.sql(&history.join("; ")).await;
        is_told_by_the_server_and_mended(&world, "[1819]").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_sets_a_digest_which_no_history_of_mysql_stops() {
    let world = start("admin", Product::MySql).await;
    let history = [
        "ALTER USER app@'%' PASSWORD HISTORY 3 PASSWORD REUSE INTERVAL 100 DAY".to_owned(),
        format!("ALTER USER app@'%' IDENTIFIED BY '{ONLY}'"),
        format!("ALTER USER app@'%' IDENTIFIED BY '{FIRST_PASSWORD}'"),
    ];
    world.server.sql(&history.join("; ")).await;
    world.edit(only_one);
    world.rotate().await.expect("the server cannot know");
    assert_eq!(world.password("AWSCURRENT"), ONLY);
    assert!(world.accepts(ONLY).await);
}
