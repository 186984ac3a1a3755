//! Many secrets of one PostgreSQL server, due at once, and few environments of the function that rotates them.

mod summary;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use turnlock_local::{Call, Event, EventKind, Function, Knobs, Local, Operation};

use crate::binaries;
use crate::postgres::{Server, Setup};
use crate::world::{FUNCTION, secret_of};

pub use summary::Summary;

/// The longest that one rotation may take, from the moment when all are due.
const PATIENCE: Duration = Duration::from_secs(600);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// From one rotation to the next: so many that the end of a day while the test runs makes none due again.
const DAYS: u32 = 1_000;
/// Of a small server: three are for superusers.
const CONNECTIONS: u16 = 100;
/// Consumers that log in at the end.
const CONSUMERS: usize = 16;
/// Between two looks at what was throttled.
const PAUSE: Duration = Duration::from_millis(50);
const FIRST_PASSWORD: &str = "first-password-of-all";

/// How many of what.
#[derive(Clone, Copy, Debug)]
pub struct Fleet {
    /// Users, each with its secret.
    pub secrets: usize,
    /// The function's reserved concurrency.
    pub environments: usize,
    /// Others in the account take all of its writes at first, until so many of the function's were throttled.
    pub throttled: usize,
}

/// Has a whole fleet rotate once, under the quotas of an account.
pub async fn run(fleet: Fleet) -> Summary {
    let server = server_with_users(fleet.secrets).await;
    let function = Function::binary(binaries::turnlock_postgres())
        .env("TLS_CA_FILE", server.ca_file().display().to_string())
        .concurrency(fleet.environments);
    let knobs = Knobs { throttle: true, writes_left: 0, ..Knobs::default() };
    let local = Local::builder().function(FUNCTION, function).knobs(knobs).start().await;
    let local = local.expect("the stand-in starts");
    let secrets: BTreeMap<String, String> = (0..fleet.secrets)
        .map(|number| {
            let user = user(number);
            let secret = secret_of(&server, &user, &json!(FIRST_PASSWORD)).to_string();
            let secret = local.create_secret(&user, &secret).expect("a secret can be created");
            let rules = json!({"AutomaticallyAfterDays": DAYS});
            local.set_schedule(&secret, FUNCTION, &rules).expect("it can be scheduled");
            (secret, user)
        })
        .collect();
    local.advance(DAYS * DAY);
    let throttled = tokio::time::timeout(PATIENCE, others(&local, fleet.throttled)).await;
    throttled.expect("a fleet that is throttled tries again");
    for secret in secrets.keys() {
        // How it ended is in the events.
        local.wait_for_rotation(secret, PATIENCE).await.unwrap_or_default();
    }
    let logged_in = logged_in(&local, server, secrets).await;
    Summary::of(fleet, &local, &logged_in)
}

/// Others take all writes until enough of the function's were throttled.
async fn others(local: &Local, throttled: usize) {
    while throttled_writes(&local.calls()) < throttled {
        tokio::time::sleep(PAUSE).await;
    }
    local.set_knobs(|knobs| knobs.writes_left = Knobs::default().writes_left);
}

/// How many of the function's writes were throttled.
fn throttled_writes(calls: &[Call]) -> usize {
    writes(calls).filter(|call| call.outcome == Err("ThrottlingException".to_owned())).count()
}

/// The function's writes.
fn writes(calls: &[Call]) -> impl Iterator<Item = &Call> {
    let operations = [Operation::PutSecretValue, Operation::UpdateSecretVersionStage];
    let is_write = move |call: &&Call| operations.contains(&call.operation);
    calls.iter().filter(|call| call.from_function.is_some()).filter(is_write)
}

fn user(number: usize) -> String {
    format!("app_{number}")
}

/// A small server that does not log what a thousand users do, who all have the same password.
async fn server_with_users(count: usize) -> Server {
    let quiet = ["log_connections = off", "log_disconnections = off", "log_statement = none"];
    let configuration = quiet.map(str::to_owned).to_vec();
    let setup = Setup { max_connections: CONNECTIONS, configuration, ..Setup::default() };
    let server = Server::start(setup).await;
    let first = user(0);
    server.sql(&format!("CREATE ROLE {first} LOGIN PASSWORD '{FIRST_PASSWORD}'")).await;
    // One verifier for all: a new one takes thousands of rounds of a hash.
    server
        .sql(&format!(
            "DO $$ DECLARE verifier text; BEGIN \
             SELECT rolpassword INTO verifier FROM pg_authid WHERE rolname = '{first}'; \
             FOR n IN 1..{} LOOP \
             EXECUTE format('CREATE ROLE app_%s LOGIN PASSWORD %L', n, verifier); \
             END LOOP; END $$",
            count - 1
        ))
        .await;
    server
}

/// The secrets whose `AWSCURRENT` is new and logs in as a consumer would.
async fn logged_in(
    local: &Local,
    server: Server,
    secrets: BTreeMap<String, String>,
) -> BTreeSet<String> {
    let server = Arc::new(server);
    let mut waiting = secrets.into_iter();
    let (mut consumers, mut found) = (JoinSet::new(), BTreeSet::new());
    loop {
        while consumers.len() < CONSUMERS
            && let Some((secret, user)) = waiting.next()
        {
            let password = password(local, &secret);
            let server = Arc::clone(&server);
            consumers.spawn(async move {
                let new = password != FIRST_PASSWORD;
                let accepted = server.can_log_in(&user, &password, "postgres").await;
                (new && accepted).then_some(secret)
            });
        }
        let Some(ended) = consumers.join_next().await else { return found };
        found.extend(ended.expect("a consumer gets an answer"));
    }
}

fn password(local: &Local, secret: &str) -> String {
    let text = local.value_of(secret, "AWSCURRENT").expect("a current version has a value");
    let document: Value = serde_json::from_str(&text).expect("the value is JSON");
    document["password"].as_str().expect("a password").to_owned()
}

/// What happened to each secret, in order.
fn stories(events: Vec<Event>) -> BTreeMap<String, Vec<(Duration, EventKind)>> {
    let mut stories: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for event in events {
        stories.entry(event.secret_id).or_default().push((event.at, event.kind));
    }
    stories
}
