//! Names of two PostgreSQL users that take turns: each rotates, or is refused with the reason.

#![expect(clippy::expect_used, clippy::panic, reason = "a failed test should panic")]

use serde_json::{Value, json};
use sqlx::AssertSqlSafe;
use turnlock_tests::postgres::{Server, Setup, Version};
use turnlock_tests::world::{ADMIN, ADMIN_PASSWORD, FIRST_PASSWORD, FUNCTION, World};

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A world whose secret is of the user with this name, which exists if the server can have it.
async fn start(version: Version, user: &str, edit: impl FnOnce(&mut Value)) -> World {
    let server = Server::start(Setup { version, ..Setup::default() }).await;
    let admin = format!("CREATE ROLE {ADMIN} LOGIN CREATEROLE PASSWORD '{ADMIN_PASSWORD}'");
    server.sql(&admin).await;
    make(&server, user).await;
    World::administered(server, |secret| {
        secret["username"] = json!(user);
        edit(secret);
    })
    .await
}

/// Has the admin make a user.
async fn make(server: &Server, user: &str) {
    let user = quoted(user);
    server
        .sql(&format!("SET ROLE {ADMIN}; CREATE ROLE {user} LOGIN PASSWORD '{FIRST_PASSWORD}'"))
        .await;
}

fn alternating_with(alternate: &str) -> impl FnOnce(&mut Value) + use<'_> {
    move |secret| secret["rotation"] = json!({"alternate_username": alternate})
}

/// Rotates until both users had two turns; both act as the first one after each.
async fn takes_turns(world: &World, first: &str, second: &str) {
    for turn in 0..4 {
        world.rotate().await.unwrap_or_else(|error| panic!("{first:?}, turn {turn}: {error:?}"));
        let (new, old) = if turn % 2 == 0 { (second, first) } else { (first, second) };
        for (label, expected) in [("AWSCURRENT", new), ("AWSPREVIOUS", old)] {
            let (user, mut session) = world.log_in(label, "postgres").await;
            assert_eq!(user, expected, "{label}, turn {turn}");
            let roles = "SELECT session_user::text || ' as ' || current_user::text";
            let roles: String = sqlx::query_scalar(AssertSqlSafe(roles))
                .fetch_one(&mut session)
                .await
                .expect("an answer");
            assert_eq!(roles, format!("{expected} as {first}"), "{label}, turn {turn}");
        }
    }
}

/// How many roles there are besides PostgreSQL's own, the superuser and the admin.
async fn users(world: &World) -> String {
    let query = format!(
        "SELECT string_agg(rolname, ' | ' ORDER BY rolname) FROM pg_roles \
         WHERE oid >= 16384 AND rolname <> '{ADMIN}'"
    );
    world.server.query_one(&query).await
}

const ODD_NAMES: [&str; 16] = [
    r#"we"ird"#,
    "o'neill",
    r"back\slash",
    r"\",
    "first.second",
    "with some spaces",
    "$user",
    "$1",
    "{users}",
    "{username|percent}",
    "100%s",
    "übergrößе-名前",
    "UPPER",
    "app; DROP ROLE app --",
    "[a b c]",
    "=",
];

#[tokio::test]
async fn odd_names_take_turns() {
    for (name, version) in ODD_NAMES.iter().zip(Version::ALL.into_iter().cycle()) {
        let world = start(version, name, |_| ()).await;
        takes_turns(&world, name, &format!("{name}_clone")).await;
    }
}

#[tokio::test]
async fn odd_names_are_taken_from_the_secret_too() {
    // On the other version than above.
    for (name, version) in ODD_NAMES.iter().zip(Version::ALL.into_iter().rev().cycle()) {
        let world = start(version, "app", alternating_with(name)).await;
        takes_turns(&world, "app", name).await;
    }
}

#[tokio::test]
async fn names_of_the_greatest_length_take_turns() {
    let (long, other) = ("l".repeat(63), "ü".repeat(31));
    for version in Version::ALL {
        let world = start(version, &long, alternating_with(&other)).await;
        takes_turns(&world, &long, &other).await;
        // With what is added to it, it has as many bytes as there can be.
        let fits = "f".repeat(57);
        let world = start(version, &fits, |_| ()).await;
        takes_turns(&world, &fits, &format!("{fits}_clone")).await;
    }
}

#[tokio::test]
async fn a_second_name_that_would_be_too_long_is_refused_before_anything_is_written() {
    for version in Version::ALL {
        for name in ["l".repeat(58), "l".repeat(63), format!("{}é", "l".repeat(56))] {
            let world = start(version, &name, |_| ()).await;
            let error = world.rotate_refused().await;
            let words = ["_clone is longer than the 63 bytes", "rotation.alternate_username"];
            error.assert_is("createSecret", "refused", &words);
            assert_eq!(users(&world).await, name);
        }
    }
}

#[tokio::test]
async fn a_second_name_in_the_secret_that_is_too_long_is_refused_and_never_cut_off() {
    let long = "a".repeat(64);
    let world = start(Version::V18, "app", alternating_with(&long)).await;
    let error = world.rotate_refused().await;
    let words = ["`rotation.alternate_username` is longer than the 63 bytes"];
    error.assert_is("createSecret", "malformed-secret", &words);
    assert_eq!(users(&world).await, "app");
}

#[tokio::test]
async fn names_that_the_driver_cannot_log_in_with_are_refused_before_anything_is_written() {
    for name in ["a,b", "\u{5d0}", "tab\there"] {
        let world = start(Version::V18, "app", alternating_with(name)).await;
        let error = world.rotate_refused().await;
        error.assert_is(
            "createSecret",
            "malformed-secret",
            &["`rotation.alternate_username` has a comma"],
        );
    }
}

#[tokio::test]
async fn a_name_that_ends_in_clone_gives_way_to_the_name_without() {
    for version in Version::ALL {
        let world = start(version, "svc_clone", |_| ()).await;
        takes_turns(&world, "svc_clone", "svc").await;
        // Unlike AWS's function, which would take over whoever has that name.
        let world = start(version, "svc_clone", |_| ()).await;
        make(&world.server, "svc").await;
        let error = world.rotate_failing().await;
        let words = ["svc exists and was not made for this secret", "It is not touched"];
        error.assert_is("setSecret", "refused", &words);
        assert!(world.server.can_log_in("svc", FIRST_PASSWORD, "postgres").await);
    }
}

#[tokio::test]
async fn a_name_that_is_nothing_but_the_suffix_is_refused() {
    for version in Version::ALL {
        let world = start(version, "_clone", |_| ()).await;
        let error = world.rotate_refused().await;
        let words = ["nothing is left of _clone without _clone", "rotation.alternate_username"];
        error.assert_is("createSecret", "refused", &words);
        let world = start(version, "_clone", alternating_with("other")).await;
        takes_turns(&world, "_clone", "other").await;
    }
}

#[tokio::test]
async fn two_names_in_the_secret_change_places_and_nothing_else_changes() {
    for version in Version::ALL {
        let mut world = start(version, "blue", |_| ()).await;
        let (port, admin) =
            (world.server.port(), world.document("AWSCURRENT")["masterarn"].clone());
        let text = |user: &str, other: &str, password: &str| {
            format!(
                "{{ \"b\" : [1.0,  2e3], \"username\":\"{user}\",\n\t\"rotation\" : {{\"note\": null , \
                 \"alternate_username\" :  \"{other}\", \"adopt\":false }},\"password\":\"{password}\",\
                 \"host\":\"localhost\", \"port\": \"{port}\",\"masterarn\":{admin}, \"z\":\"\\u00e9\" }}\n"
            )
        };
        let secret = world.local.create_secret("two", &text("blue", "green", FIRST_PASSWORD));
        world.secret = secret.expect("a secret");
        world.local.set_rotation(&world.secret, FUNCTION).expect("rotation");
        for turn in 0..4 {
            world.rotate().await.unwrap_or_else(|error| panic!("turn {turn}: {error:?}"));
            let now = world.local.value_of(&world.secret, "AWSCURRENT").expect("a value");
            let (user, other) = if turn % 2 == 0 { ("green", "blue") } else { ("blue", "green") };
            let expected = text(user, other, &world.password("AWSCURRENT"));
            assert!(now == expected, "turn {turn}: something else has changed");
        }
        takes_turns(&world, "blue", "green").await;
    }
}

#[tokio::test]
async fn a_second_name_that_is_the_first_is_refused_unless_it_is_what_aws_left_behind() {
    for version in Version::ALL {
        let world = start(version, "app", alternating_with("app")).await;
        let error = world.rotate_refused().await;
        let words = ["rotation.alternate_username is app, as username is"];
        error.assert_is("createSecret", "refused", &words);
        // AWS's function changes the name alone: the field then names the user itself.
        let world = start(version, "app", |_| ()).await;
        world.rotate().await.expect("the rotation succeeds");
        let mut left = world.document("AWSCURRENT");
        left["rotation"] = json!({"alternate_username": "app_clone"});
        world.local.put_value(&world.secret, &left.to_string()).expect("a write");
        world.rotate().await.expect("the rotation succeeds");
        assert_eq!(world.log_in("AWSCURRENT", "postgres").await.0, "app");
    }
}

#[tokio::test]
async fn a_secret_that_begins_with_the_clone_works_the_same_way_round() {
    for version in Version::ALL {
        for edit in [json!(null), json!({"alternate_username": "app"})] {
            let world = start(version, "app_clone", |secret| {
                if !edit.is_null() {
                    secret["rotation"] = edit;
                }
            })
            .await;
            takes_turns(&world, "app_clone", "app").await;
            world.server.sql("ALTER ROLE app_clone SET work_mem = '9MB'").await;
            world.rotate().await.expect("the rotation succeeds");
            world.assert_equal_abilities(&["postgres"]).await;
            assert_eq!(users(&world).await, "app | app_clone");
        }
    }
}
