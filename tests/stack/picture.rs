//! The dashboard with the metrics of real rotations, for the docs.
//!
//! Two months of rotations of nine secrets, with trouble at times, are run in a few minutes by the deployed functions. Their own
//! metrics are then drawn as the deployed dashboard asks for it, each batch as one day.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tempfile::TempDir;
use turnlock_local::{Fault, Function, Knobs, Local, Operation};
use turnlock_tests::world::{self, FIRST_PASSWORD};
use turnlock_tests::{emulator, mysql, postgres, project};

use crate::account::Account;

const DAYS: u64 = 60;
const DAY: Duration = Duration::from_hours(24);
/// Each secret is rotated once in so many days.
const INTERVAL: u64 = 6;
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the rotations and draws `docs/dashboard.png`.
pub(crate) async fn draw() {
    let postgres = postgres::Server::start(postgres::Setup::default()).await;
    let mysql = mysql::Server::start(mysql::Setup::default()).await;
    let folder = TempDir::new().expect("a folder");
    let roots = folder.path().join("roots.pem");
    let pem = [postgres.ca_file(), mysql.ca_file()].map(|file| fs::read(file).expect("a PEM file"));
    fs::write(&roots, pem.concat()).expect("a file");
    let account = Account::start(&roots);
    let knobs = Knobs { attempts: 2, attempt_spacing: Duration::from_secs(1), ..Knobs::default() };
    let mut builder = Local::builder().knobs(knobs);
    for function in ["turnlock-postgres", "turnlock-mysql"] {
        builder = builder.function(function, Function::url(account.invocations(function)));
    }
    let local = builder.start().await.expect("the stand-in starts");
    account.deploy(&[format!("SecretsManagerEndpoint={}", local.endpoint())]);
    let mut scene = Scene { local, postgres, mysql, secrets: Vec::new() };
    scene.fill().await;
    let mut mornings = Vec::new();
    for day in 0..DAYS {
        mornings.push(SystemTime::now());
        scene.live_through(day).await;
    }
    paint(&account, &mornings);
}

/// The servers, and the secrets that are rotated, by the function that does it.
#[derive(Debug)]
struct Scene {
    local: Local,
    postgres: postgres::Server,
    mysql: mysql::Server,
    secrets: Vec<String>,
}

impl Scene {
    async fn fill(&mut self) {
        for number in 0..9 {
            let user = format!("app_{number}");
            let password = json!(FIRST_PASSWORD);
            let (function, secret) = if number < 6 {
                let create = format!("CREATE ROLE {user} LOGIN PASSWORD '{FIRST_PASSWORD}'");
                self.postgres.sql(&create).await;
                ("turnlock-postgres", world::secret_of(&self.postgres, &user, &password))
            } else {
                let create = format!("CREATE USER {user}@'%' IDENTIFIED BY '{FIRST_PASSWORD}'");
                self.mysql.sql(&create).await;
                ("turnlock-mysql", world::mysql::secret_of(&self.mysql, &user, &password))
            };
            let arn = self.local.create_secret(&user, &secret.to_string()).expect("a secret");
            self.local.set_rotation(&arn, function).expect("rotation");
            self.secrets.push(arn);
        }
    }

    /// One day: what is due is rotated, and what failed before, in whatever state things are.
    async fn live_through(&mut self, day: u64) {
        self.local.age(DAY);
        match day {
            // A server that is down for a day.
            19 => self.postgres.stop(),
            20 => self.postgres.restart().await,
            // A password that somebody changed by hand, until somebody gives the user the right one again.
            31 => self.mysql.sql("ALTER USER app_8@'%' IDENTIFIED BY 'of-somebody-else'").await,
            34 => {
                let right = self.password(8);
                self.mysql.sql(&format!("ALTER USER app_8@'%' IDENTIFIED BY '{right}'")).await;
            }
            // A role that was denied to end rotations for a while.
            45 => self.local.fail_next(Operation::UpdateSecretVersionStage, 1, Fault::AccessDenied),
            _ => {}
        }
        for (number, secret) in (0u64..).zip(&self.secrets) {
            let is_due = day % INTERVAL == number % INTERVAL;
            let is_unfinished = self.local.labels(secret).contains_key("AWSPENDING");
            if is_due || is_unfinished {
                // It may go on with one that is unfinished, and fail: that is what is to be seen.
                let _begun = self.local.rotate(secret);
                let _ended = self.local.wait_for_rotation(secret, PATIENCE).await;
            }
        }
    }

    fn password(&self, number: usize) -> String {
        let text = self.local.value_of(&self.secrets[number], "AWSCURRENT").expect("a value");
        let secret: Value = serde_json::from_str(&text).expect("a document");
        secret["password"].as_str().expect("a password").to_owned()
    }
}

/// Has the picture drawn of the dashboard as deployed, and of each line of metrics at its day.
fn paint(account: &Account, mornings: &[SystemTime]) {
    let body = account.dashboard();
    let mornings: Vec<u128> = mornings.iter().map(|morning| milliseconds(*morning)).collect();
    let mut lines = Vec::new();
    for function in ["turnlock-postgres", "turnlock-mysql"] {
        for line in account.log(function) {
            let Ok(mut line) = serde_json::from_str::<Value>(&line) else { continue };
            let Some(at) = line["_aws"]["Timestamp"].as_u64() else { continue };
            let day = mornings.partition_point(|morning| *morning <= u128::from(at));
            line["_aws"]["Timestamp"] = json!(day.saturating_sub(1) as u64 * 86_400_000);
            lines.push(line);
        }
    }
    let folder = emulator::folder();
    let given = json!({"dashboard": body, "lines": lines, "days": DAYS}).to_string();
    let file = folder.join("dashboard.json");
    fs::write(&file, given).expect("the target folder can be written");
    let picture = Path::new("docs/dashboard.png");
    let drawn = Command::new(project::cache().join("picture/bin/python"))
        .arg("tests/deploy/picture.py")
        .args([file.as_path(), picture])
        .current_dir(project::root())
        .status();
    assert!(drawn.is_ok_and(|status| status.success()), "not drawn: run tests/setup picture");
    println!("{} lines of metrics drawn in {}", lines.len(), picture.display());
}

fn milliseconds(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis())
}
