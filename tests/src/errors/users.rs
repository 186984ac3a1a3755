//! What can be wrong with two users that take turns.

use serde_json::json;

use crate::pair::{CLONE, server_with_user};
use crate::postgres::Setup;
use crate::world::{ADMIN, FIRST_PASSWORD, StepError, USER, World};

pub(super) async fn admin_without_createrole() -> StepError {
    let world = World::start_alternating(Setup::default()).await;
    world.server.sql(&format!("ALTER ROLE {ADMIN} NOCREATEROLE")).await;
    world.tested().await.expect_err("a right is missing")
}

pub(super) async fn guarded_setting() -> StepError {
    let world = World::start_alternating(Setup::default()).await;
    world.server.sql(&format!("ALTER ROLE {USER} SET log_statement = 'none'")).await;
    world.rotate_failing().await
}

pub(super) async fn no_room_for_both() -> StepError {
    // Three are for superusers; the admin has one while it looks.
    let setup = Setup { max_connections: 10, ..Setup::default() };
    let world = World::start_alternating(setup).await;
    let mut consumers = Vec::new();
    for _ in 0..4 {
        let session = world.server.log_in(USER, FIRST_PASSWORD, "postgres").await;
        consumers.push(session.expect("a session"));
    }
    let error = world.tested().await.expect_err("there is no room for four more");
    drop(consumers);
    error
}

pub(super) async fn stranger() -> StepError {
    let server = server_with_user(Setup::default(), "").await;
    let make = format!(
        "SET ROLE {ADMIN}; CREATE ROLE svc LOGIN PASSWORD 'of-a-stranger'; \
         CREATE ROLE svc_clone LOGIN PASSWORD '{FIRST_PASSWORD}'"
    );
    server.sql(&make).await;
    let edit = |secret: &mut serde_json::Value| secret["username"] = json!("svc_clone");
    World::administered(server, edit).await.rotate_failing().await
}

pub(super) async fn not_equal() -> StepError {
    let world = World::start_alternating(Setup::default()).await;
    let pending = world.rotate_but_for_the_end().await;
    let statement = format!("ALTER ROLE {CLONE} RESET role; ALTER ROLE {CLONE} CONNECTION LIMIT 7");
    world.server.sql(&statement).await;
    world.step("testSecret", &pending).await.expect_err("the two differ")
}

pub(super) async fn both_changed() -> StepError {
    let world = World::start_alternating(Setup::default()).await;
    world.rotate_calmly().await;
    let statement = format!(
        "ALTER ROLE {USER} SET work_mem = '7MB'; ALTER ROLE {CLONE} SET statement_timeout = '1min'"
    );
    world.server.sql(&statement).await;
    world.rotate_failing().await
}
