//! `ministack` as Secrets Manager, and its Lambda.
//!
//! Its `RotateSecret` copies the current value into a new version, moves `AWSCURRENT` to it and calls no function.
//! So the steps are taken by hand: for that version, and for one that is pending and empty as the real service
//! would make it.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};
use turnlock_tests::binaries;
use turnlock_tests::postgres::{Server, Setup};
use turnlock_tests::tools::AwsCli;

use crate::by_hand::{self, ROTATED, UNCHANGED};
use crate::scene::Scene;
use turnlock_tests::emulator::{self, Emulator};
use turnlock_tests::ports;

const FUNCTION: &str = "turnlock-postgres";
const TOKEN: &str = "01234567-89ab-cdef-0123-456789abcdef";

/// Prints what happened; whether all went well.
pub(crate) async fn run() -> bool {
    println!("ministack as Secrets Manager and as the Runtime API:\n");
    let ministack = start();
    let server = Server::start(Setup::default()).await;
    let scene = Scene::set(&server, &ministack.endpoint(), "app").await;
    let lambda = Lambda::deploy(&ministack, &scene, &ministack.endpoint());
    let rotate = ["secretsmanager", "rotate-secret", "--secret-id", scene.name];
    let rotated = scene.aws.json(rotate.into_iter().chain(["--rotation-lambda-arn", &lambda.arn]));
    by_hand::show(&scene, "after rotate-secret, no function run yet");

    println!("  the steps for the version that it made and promoted:");
    let version = rotated["VersionId"].as_str().unwrap_or_default();
    let mut is_well = by_hand::take_steps(&scene, version, UNCHANGED, |event| lambda.invoke(event));

    let put = ["secretsmanager", "put-secret-value", "--secret-id", scene.name];
    let how = ["--client-request-token", TOKEN, "--version-stages", "AWSPENDING"];
    scene.aws.json(put.into_iter().chain(how));
    by_hand::show(&scene, "after an empty pending version was made by hand");
    is_well &= by_hand::take_steps(&scene, TOKEN, ROTATED, |event| lambda.invoke(event));
    println!("  the same steps again:");
    is_well &= by_hand::take_steps(&scene, TOKEN, UNCHANGED, |event| lambda.invoke(event));
    by_hand::show(&scene, "after the steps");
    is_well &= by_hand::is_rotated(&scene, TOKEN).await;
    println!();
    is_well
}

/// Starts it on a free port.
pub(crate) fn start() -> Emulator {
    let port = ports::free();
    Emulator::start("ministack/bin/ministack", port, &[], &|command: &mut Command| {
        command.env("GATEWAY_PORT", port.to_string()).env("BIND_HOST", "127.0.0.1");
    })
}

/// Our function, deployed to its Lambda.
#[derive(Debug)]
pub(crate) struct Lambda {
    aws: AwsCli,
    arn: String,
}

impl Lambda {
    /// Deploys it, with Secrets Manager anywhere.
    pub(crate) fn deploy(ministack: &Emulator, scene: &Scene<'_>, secrets_manager: &str) -> Self {
        let folder = emulator::folder();
        fs::copy(binaries::turnlock_postgres(), folder.join("bootstrap")).expect("a copy");
        let zip = folder.join("turnlock-postgres.zip");
        let made = Command::new("python3")
            .args(["-m", "zipfile", "-c"])
            .args([&zip, &folder.join("bootstrap")])
            .status();
        assert!(made.is_ok_and(|made| made.success()), "the zip could not be made");
        let zip = format!("fileb://{}", zip.display());
        let ca_file = scene.server.ca_file();
        // Unlike to Python, it does not tell a program where it is itself.
        let variables =
            json!({"TLS_CA_FILE": ca_file, "SECRETS_MANAGER_ENDPOINT": secrets_manager});
        let environment = json!({"Variables": variables}).to_string();
        let create = ["lambda", "create-function", "--function-name", FUNCTION];
        let how = ["--runtime", "provided.al2023", "--handler", "bootstrap", "--timeout", "30"];
        let role = ["--role", "arn:aws:iam::000000000000:role/rotation"];
        let what = ["--zip-file", &zip, "--environment", &environment];
        let aws = AwsCli::new(ministack.endpoint());
        let all = create.into_iter().chain(how).chain(role).chain(what);
        let arn = aws.json(all)["FunctionArn"].as_str().unwrap_or_default().to_owned();
        Self { aws, arn }
    }

    /// Invokes it; what it answers.
    pub(crate) fn invoke(&self, event: &Value) -> Value {
        let file = emulator::folder().join("answer.json");
        let file = file.display().to_string();
        let event = event.to_string();
        let invoke = ["lambda", "invoke", "--function-name", FUNCTION, "--payload", &event, &file];
        self.aws.json(invoke);
        let answer = fs::read(&file).unwrap_or_default();
        serde_json::from_slice(&answer).unwrap_or(Value::Null)
    }
}
