//! Names, passwords and spellings that are odd but right are rotated like any other.

#![expect(clippy::expect_used, clippy::panic, reason = "a failed test should panic")]

use serde_json::{Value, json};
use turnlock_tests::postgres::{Server, Setup, Version};
use turnlock_tests::world::{FIRST_PASSWORD, FUNCTION, USER, World, secret_of};

/// An identifier of SQL.
fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text of SQL.
fn literal(text: &str) -> String {
    format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// Rotates, and tries the new password and then the old one as a consumer of the secret would.
async fn rotates(world: &World, user: &str, database: &str) {
    let (old, mark) = (world.password("AWSCURRENT"), world.mark());
    world.rotate().await.unwrap_or_else(|error| panic!("{user}: {error:?}"));
    let new = world.password("AWSCURRENT");
    assert_ne!(new, old);
    assert_eq!(world.password("AWSPREVIOUS"), old, "{user}");
    assert!(world.server.can_log_in(user, &new, database).await, "{user}");
    assert!(!world.server.log_since(mark).contains("FATAL"), "a login failed: {user}");
    assert!(!world.server.can_log_in(user, &old, database).await, "{user}");
}

/// Makes a role and a secret for it, which becomes the world's.
async fn turn_to(world: &mut World, user: &str, password: &str) {
    let (role, quoted) = (identifier(user), literal(password));
    world.server.sql(&format!("CREATE ROLE {role} LOGIN PASSWORD {quoted}")).await;
    let text = secret_of(&world.server, user, &json!(password)).to_string();
    let name = format!("secret-{}", world.local.events().len());
    world.secret = world.local.create_secret(&name, &text).expect("a secret");
    world.local.set_rotation(&world.secret, FUNCTION).expect("rotation");
}

#[tokio::test]
async fn every_name_that_the_driver_can_log_in_with_is_rotated() {
    let longest = "n".repeat(63);
    let longest_unicode = format!("{}x", "é".repeat(31));
    let names = [
        "o'ne",
        "dou\"ble\"",
        "with space ",
        "back\\slash\\",
        "Ünïcødé-名前",
        "dotted.name",
        "$1 $$ dol$lar",
        "MixedCASE",
        "select",
        "a; DROP ROLE app --",
        "/* comment",
        "100%s {} %n",
        "a=b@db.example.com",
        "E'\\x27'",
        &longest,
        &longest_unicode,
    ];
    for version in Version::ALL {
        let mut world = World::start(Setup { version, ..Setup::default() }).await;
        for name in names {
            turn_to(&mut world, name, FIRST_PASSWORD).await;
            rotates(&world, name, "postgres").await;
        }
        assert!(world.accepts(FIRST_PASSWORD).await, "an unrelated role was changed");
    }
}

#[tokio::test]
async fn a_role_whose_name_differs_only_in_case_is_left_alone() {
    let mut world = World::start(Setup::default()).await;
    turn_to(&mut world, "APP", FIRST_PASSWORD).await;
    rotates(&world, "APP", "postgres").await;
    assert!(world.server.can_log_in("app", FIRST_PASSWORD, "postgres").await);
}

#[tokio::test]
async fn every_current_password_that_logs_in_is_rotated() {
    let long = "x".repeat(200);
    let passwords = [
        "it's \"quoted\"",
        "back\\slash\\",
        "Ünïcødé пароль 密码",
        "ligature ﬁ, soft\u{ad}hyphen, no-break\u{a0}space",
        "100%s %d %n %",
        "  spaces  ",
        "'; DROP ROLE app; --",
        "{\"json\":[1]} ,",
        "$1$$",
        &long,
    ];
    let mut world = World::start(Setup::default()).await;
    for (number, password) in passwords.into_iter().enumerate() {
        let user = format!("user{number}");
        turn_to(&mut world, &user, password).await;
        rotates(&world, &user, "postgres").await;
    }
}

#[tokio::test]
async fn a_name_that_the_driver_cannot_log_in_with_is_refused_before_anything_is_written() {
    let mut world = World::start(Setup::default()).await;
    for name in ["a,b", "bell\u{7}", "משה", "😀"] {
        turn_to(&mut world, name, FIRST_PASSWORD).await;
        let words = ["`username`", "which the PostgreSQL driver cannot log in with"];
        let error = world.rotate_refused().await;
        error.assert_is("createSecret", "malformed-secret", &words);
    }
}

#[tokio::test]
async fn a_current_password_that_the_driver_cannot_use_is_rotated_by_an_admin_only() {
    let odd = "password with 😀, newer than SCRAM";
    let own = World::start_with(Setup::default(), |secret| secret["password"] = json!(odd)).await;
    own.server.sql(&format!("ALTER ROLE {USER} PASSWORD '{odd}'")).await;
    let words = ["the password of app", "by hand", "an admin in masterarn"];
    own.rotate_failing().await.assert_is("setSecret", "refused", &words);

    let world = World::start_with_admin(Setup::default()).await;
    let text = world.local.value_of(&world.secret, "AWSCURRENT").expect("a value");
    world.server.sql(&format!("ALTER ROLE {USER} PASSWORD '{odd}'")).await;
    world.local.put_value(&world.secret, &text.replace(FIRST_PASSWORD, odd)).expect("a write");
    world.rotate().await.expect("the rotation succeeds");
    assert_eq!(world.password("AWSPREVIOUS"), odd);
    assert!(world.accepts(&world.password("AWSCURRENT")).await);
}

#[tokio::test]
async fn a_new_password_of_all_punctuation_is_set_as_it_is_stored() {
    let edit = |secret: &mut Value| {
        let password = json!({"length": 200, "exclude_characters": ""});
        secret["rotation"] = json!({"password": password});
    };
    let world = World::start_with(Setup::default(), edit).await;
    rotates(&world, USER, "postgres").await;
    assert_eq!(world.password("AWSCURRENT").len(), 200);
}

/// Rotates an edited secret whose role may use one more database.
async fn rotates_in(database: &str, edit: impl FnOnce(&mut Value)) {
    let world = World::start_with(Setup::default(), edit).await;
    if database != "postgres" {
        world.server.sql(&format!("CREATE DATABASE {}", identifier(database))).await;
    }
    let mark = world.mark();
    rotates(&world, USER, database).await;
    let log = world.server.log_since(mark);
    let authorized = format!("connection authorized: user={USER} database={database} ");
    assert!(log.matches(&authorized).count() >= 2, "the function logs in elsewhere");
}

#[tokio::test]
async fn a_database_with_quotes_and_spaces_is_rotated() {
    let name = "we\"ird 'db' \\ Ü";
    rotates_in(name, |secret| secret["dbname"] = json!(name)).await;
}

#[tokio::test]
async fn a_database_is_also_read_from_the_field_database() {
    rotates_in("shop", |secret| {
        let fields = secret.as_object_mut().expect("an object");
        fields.remove("dbname");
        fields.insert("database".to_owned(), json!("shop"));
    })
    .await;
}

#[tokio::test]
async fn a_secret_without_a_database_is_for_the_database_postgres() {
    let remove = |secret: &mut Value| {
        secret.as_object_mut().and_then(|fields| fields.remove("dbname")).expect("a field");
    };
    rotates_in("postgres", remove).await;
}

#[tokio::test]
async fn a_port_may_be_a_string() {
    let edit = |secret: &mut Value| secret["port"] = json!(secret["port"].to_string());
    rotates_in("postgres", edit).await;
}

#[tokio::test]
async fn a_secret_without_an_engine_is_rotated() {
    let remove = |secret: &mut Value| {
        secret.as_object_mut().and_then(|fields| fields.remove("engine")).expect("a field");
    };
    rotates_in("postgres", remove).await;
}

#[tokio::test]
async fn a_secret_of_aurora_is_rotated() {
    rotates_in("postgres", |secret| secret["engine"] = json!("aurora-postgresql")).await;
}

#[tokio::test]
async fn a_rotation_changes_no_byte_but_the_passwords() {
    let server = Server::start(Setup::default()).await;
    server.sql(&format!("CREATE ROLE {USER} LOGIN PASSWORD '{FIRST_PASSWORD}'")).await;
    let text = format!(
        " {{\r\n\t\"zone\" : \"\\u00e9\\/\\ud83d\\ude00\" , \"big\":123456789012345678901234567890,\"float\":1.0E+2,\
         \"dup\":1,\"dup\": 2,\"\":null,\"na\\u006de\":[ ],\n  \"host\":\"localhost\",\"port\": \"{}\",\
         \"nested\":{{\"password\" : \"inner\", \"b\":[1, {{ }}]}},\"username\":\"{USER}\",\
         \"password\"  :  \"{FIRST_PASSWORD}\"  ,\"Password\":\"other\", \"tail\":\"Ü 名 \u{2028}\"\n}}\n\n",
        server.port(),
    );
    let world = World::with_secret(server, &text).await;
    for _ in 0..2 {
        let before = world.local.value_of(&world.secret, "AWSCURRENT").expect("a value");
        rotates(&world, USER, "postgres").await;
        let after = world.local.value_of(&world.secret, "AWSCURRENT").expect("a value");
        let [old, new] =
            ["AWSPREVIOUS", "AWSCURRENT"].map(|label| json!(world.password(label)).to_string());
        assert_eq!(after, before.replacen(&old, &new, 1));
    }
}
