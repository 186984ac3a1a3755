//! What a server can refuse.

use serde_json::{Value, json};
use sqlx::Connection as _;

use crate::amazon::{self, Amazon, INSTANCE_TAG};
use crate::postgres::{Server, Setup, Version};
use crate::rds::{self, Instance, REGION};
use crate::world::{ADMIN, ADMIN_PASSWORD, FIRST_PASSWORD, StepError, USER, World, secret_of};

pub(super) async fn wrong_password() -> StepError {
    let edit = |secret: &mut Value| secret["password"] = json!("a-password-that-is-wrong");
    World::start_with(Setup::default(), edit).await.rotate_failing().await
}

pub(super) async fn wrong_password_of_the_admin() -> StepError {
    let world = World::start_alternating(Setup::default()).await;
    world.server.sql(&format!("ALTER ROLE {ADMIN} PASSWORD 'another-password'")).await;
    world.rotate_failing().await
}

pub(super) async fn no_connection_left() -> StepError {
    let world = World::start(Setup { max_connections: 4, ..Setup::default() }).await;
    let only = world.server.log_in(USER, FIRST_PASSWORD, "postgres").await.expect("a connection");
    let error = world.rotate_failing().await;
    drop(only);
    error
}

pub(super) async fn no_database() -> StepError {
    let edit = |secret: &mut Value| secret["dbname"] = json!("shop");
    World::start_with(Setup::default(), edit).await.rotate_failing().await
}

pub(super) async fn replica() -> StepError {
    let primary = Server::start(Setup::default()).await;
    primary.sql(&format!("CREATE ROLE {USER} LOGIN PASSWORD '{FIRST_PASSWORD}'")).await;
    let standby = Server::standby_of(&primary).await;
    let secret = secret_of(&standby, USER, &json!(FIRST_PASSWORD)).to_string();
    World::with_secret(standby, &secret).await.rotate_failing().await
}

pub(super) async fn locked() -> StepError {
    let world = World::start_with_admin(Setup::default()).await;
    let mut other =
        world.server.log_in(ADMIN, ADMIN_PASSWORD, "postgres").await.expect("a session");
    let mut change = other.begin().await.expect("a transaction");
    let statement = "ALTER ROLE app PASSWORD NULL";
    sqlx::raw_sql(statement).execute(&mut *change).await.expect("a change");
    let error = world.rotate_failing().await;
    change.rollback().await.expect("the end of the transaction");
    error
}

pub(super) async fn lagging_replica() -> StepError {
    let names = ["shop", "copy"].map(|id| rds::host(id, "", REGION));
    let source = amazon::server(Version::Distribution, &names).await;
    let replica = Server::standby_of(&source).await;
    let shop = Instance { port: source.port(), ..Instance::new("shop") };
    let copy =
        Instance { port: replica.port(), source: Some("shop".to_owned()), ..Instance::new("copy") };
    let amazon = Amazon::with(source, (&names[1], copy.port), |_| ()).await;
    amazon.tag(INSTANCE_TAG, &shop.arn());
    amazon.rds.put_instance(shop);
    amazon.rds.put_instance(copy);
    replica.pause_replay().await;
    amazon.world.rotate().await.expect_err("the change does not arrive")
}
