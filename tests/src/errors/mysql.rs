//! What a MySQL or MariaDB server can refuse, in other words than PostgreSQL.

use serde_json::{Value, json};

use crate::mysql::{Product, Setup};
use crate::world::mysql::{ADMIN, FIRST_PASSWORD, StepError, USER, World};

pub(super) async fn wrong_password() -> StepError {
    let edit = |secret: &mut Value| secret["password"] = json!("a-password-that-is-wrong");
    World::start_with(Setup::default(), edit).await.rotate_failing().await
}

pub(super) async fn admin_without_rights() -> StepError {
    let world = World::start_with_admin(Setup::default()).await;
    let revoke = format!("REVOKE ALL PRIVILEGES, GRANT OPTION FROM {ADMIN}@'%'");
    world.server.sql(&revoke).await;
    world.tested().await.expect_err("rights are missing")
}

pub(super) async fn too_short() -> StepError {
    let world = World::start_with_admin(Setup::default()).await;
    let rules = "INSTALL COMPONENT 'file://component_validate_password'; \
         SET GLOBAL validate_password.length = 40, GLOBAL validate_password.special_char_count = 40";
    world.server.sql(rules).await;
    world.rotate_failing().await
}

pub(super) async fn shown_to_a_log() -> StepError {
    let world = World::start(Setup::of(Product::MariaDb)).await;
    world.server.sql("INSTALL SONAME 'simple_password_check'").await;
    world.rotate_failing().await
}

pub(super) async fn no_connection_left() -> StepError {
    let world = World::start(Setup::default()).await;
    world.server.sql(&format!("ALTER USER {USER}@'%' WITH MAX_USER_CONNECTIONS 1")).await;
    let only = world.server.log_in(USER, FIRST_PASSWORD).await.expect("a connection");
    let error = world.rotate_failing().await;
    drop(only);
    error
}

pub(super) async fn no_database() -> StepError {
    let edit = |secret: &mut Value| secret["dbname"] = json!("shop");
    let world = World::start_with(Setup::default(), edit).await;
    world.server.sql(&format!("GRANT SELECT ON *.* TO {USER}@'%'")).await;
    world.rotate_failing().await
}

pub(super) async fn locked() -> StepError {
    let world = World::start(Setup::of(Product::MariaDb)).await;
    world.server.sql(&format!("GRANT RELOAD ON *.* TO {USER}@'%'")).await;
    let mut other = world.server.log_in(USER, FIRST_PASSWORD).await.expect("a session");
    let lock = sqlx::raw_sql("FLUSH TABLES WITH READ LOCK");
    lock.execute(&mut other).await.expect("a lock");
    let error = world.rotate_failing().await;
    drop(other);
    error
}

pub(super) async fn plaintext() -> StepError {
    let edit = |secret: &mut Value| secret["ssl"] = json!(false);
    World::start_with(Setup::default(), edit).await.rotate_failing().await
}

pub(super) async fn namesakes() -> StepError {
    let world = World::start_with_admin(Setup::default()).await;
    let others = format!(
        "CREATE USER {USER}@'10.%' IDENTIFIED BY 'of-another'; \
         ALTER USER {USER}@'%' IDENTIFIED BY 'of-a-third'"
    );
    world.server.sql(&others).await;
    world.rotate_failing().await
}

pub(super) async fn nobody() -> StepError {
    let world = World::start(Setup::default()).await;
    world.server.sql(&format!("RENAME USER {USER}@'%' TO ''@'%'")).await;
    world.rotate_failing().await
}
