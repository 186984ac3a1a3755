//! moto as Secrets Manager; `cargo lambda` and the Lambda of `ministack` as the Runtime API.
//!
//! moto runs functions in containers only. It is given a function of its own kind that does nothing, so that
//! `RotateSecret` makes the pending version; the steps are then taken by hand.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::Value;
use turnlock_tests::postgres::{Server, Setup};
use turnlock_tests::tools::AwsCli;

use crate::by_hand::{self, ROTATED, UNCHANGED};
use crate::cargo_lambda::CargoLambda;
use crate::ministack::{self, Lambda};
use crate::scene::Scene;
use turnlock_tests::emulator::{self, Emulator};
use turnlock_tests::ports;

const ROLE: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;

/// Prints what happened; whether all went well.
pub(crate) async fn run() -> bool {
    let moto = start();
    let server = Server::start(Setup::default()).await;
    let function = deploy_nothing(&AwsCli::new(moto.endpoint()));

    println!("moto as Secrets Manager, cargo lambda as the Runtime API:\n");
    let scene = Scene::set(&server, &moto.endpoint(), "by_cargo_lambda").await;
    let cargo_lambda = CargoLambda::watch(&scene, &moto.endpoint());
    let mut is_well = rotate(&scene, &function, |event| cargo_lambda.invoke(event)).await;

    println!("moto as Secrets Manager, ministack as the Runtime API:\n");
    let scene = Scene::set(&server, &moto.endpoint(), "by_ministack").await;
    let ministack = ministack::start();
    let lambda = Lambda::deploy(&ministack, &scene, &moto.endpoint());
    is_well &= rotate(&scene, &function, |event| lambda.invoke(event)).await;
    is_well
}

/// One rotation, each of its steps taken twice.
async fn rotate(scene: &Scene<'_>, function: &str, invoke: impl Fn(&Value) -> Value) -> bool {
    let rotate = ["secretsmanager", "rotate-secret", "--secret-id", scene.name];
    let how = ["--rotation-lambda-arn", function, "--rotation-rules", "AutomaticallyAfterDays=30"];
    scene.aws.json(rotate.into_iter().chain(how));
    by_hand::show(scene, "after rotate-secret, no function run yet");
    let Some(version) = scene.labelled("AWSPENDING") else { return false };
    let mut is_well = by_hand::take_steps(scene, &version, ROTATED, &invoke);
    println!("  the same steps again:");
    is_well &= by_hand::take_steps(scene, &version, UNCHANGED, &invoke);
    by_hand::show(scene, "after the steps");
    is_well &= by_hand::is_rotated(scene, &version).await;
    println!();
    is_well
}

fn start() -> Emulator {
    let port = ports::free();
    let listen = port.to_string();
    let arguments = ["--host", "127.0.0.1", "--port", &listen];
    let moto = Emulator::start("moto/bin/moto_server", port, &arguments, &|_| {});
    run_functions_as_nothing(&moto);
    moto
}

/// Its functions answer at once and do nothing.
fn run_functions_as_nothing(moto: &Emulator) {
    let body = r#"{"lambda": {"use_docker": false}}"#;
    let mut connection = TcpStream::connect(("127.0.0.1", moto.port())).expect("it listens");
    write!(
        connection,
        "POST /moto-api/config HTTP/1.1\r\nHost: moto\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("it reads");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("it answers");
    assert!(answer.starts_with("HTTP/1.1 20"), "moto cannot be configured: {answer}");
}

/// Deploys the function that does nothing; returns its ARN.
fn deploy_nothing(aws: &AwsCli) -> String {
    let role = ["iam", "create-role", "--role-name", "rotation", "--assume-role-policy-document"];
    let role = aws.json(role.into_iter().chain([ROLE]));
    let role = role["Role"]["Arn"].as_str().unwrap_or_default().to_owned();
    // Any zip will do.
    let zip = emulator::folder().join("nothing.zip");
    let empty = [b"PK\x05\x06".as_slice(), &[0; 18]].concat();
    std::fs::write(&zip, empty).expect("the target folder can be written");
    let zip = format!("fileb://{}", zip.display());
    let create = ["lambda", "create-function", "--function-name", "nothing", "--runtime"];
    let how = ["python3.13", "--handler", "a.b", "--role", &role, "--zip-file", &zip];
    let function = aws.json(create.into_iter().chain(how));
    function["FunctionArn"].as_str().unwrap_or_default().to_owned()
}
