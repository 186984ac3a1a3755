//! moto as IAM and STS, which checks signatures and policies: access keys that the function rotates, two at most.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;
use serde_json::{Value, json};
use turnlock_local::Function;
use turnlock_tests::binaries::turnlock_api_key;
use turnlock_tests::scene::Scene;
use turnlock_tests::tools::AwsCli;
use turnlock_tests::tunnel::{Sent, Tunnel};

use turnlock_tests::emulator::{self, Emulator};
use turnlock_tests::ports;

const ACCOUNT: &str = "123456789012";
/// What a user needs who changes its own keys.
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*","Action":
    ["sts:GetCallerIdentity","iam:CreateAccessKey","iam:ListAccessKeys","iam:UpdateAccessKey","iam:DeleteAccessKey"]}]}"#;

/// Prints what happened; whether all went well.
pub(crate) async fn run() -> bool {
    let port = ports::free();
    let listen = port.to_string();
    let arguments = ["--host", "127.0.0.1", "--port", &listen];
    let moto = Emulator::start("moto/bin/moto_server", port, &arguments, &|_| {});
    let tunnel = Tunnel::start(Arc::new(move |sent: &Sent| forward(port, sent))).await;
    println!("moto as IAM, whose keys are rotated:\n");
    let mut is_well = rotate(&moto, &tunnel, "aws-iam-own", "Alice", Checks::On).await;
    // moto does not know the role of the stand-in's functions.
    is_well &= rotate(&moto, &tunnel, "aws-iam", "Bob", Checks::Off).await;
    println!();
    is_well
}

/// Whether moto checks who sends a request, and what they may.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Checks {
    On,
    Off,
}

/// Three rotations, and one that finds no room; whether the keys are the right ones each time.
async fn rotate(
    moto: &Emulator,
    tunnel: &Tunnel,
    provider: &str,
    user: &str,
    checks: Checks,
) -> bool {
    let aws = AwsCli::new(moto.endpoint());
    check(moto, Checks::Off);
    aws.json(["iam", "create-user", "--user-name", user]);
    let attach = ["iam", "put-user-policy", "--user-name", user, "--policy-name", "own-keys"];
    aws.json(attach.into_iter().chain(["--policy-document", POLICY]));
    let first = aws.json(["iam", "create-access-key", "--user-name", user])["AccessKey"].clone();
    let secret = json!({
        "account": ACCOUNT, "user": user,
        "access_key_id": first["AccessKeyId"], "secret_access_key": first["SecretAccessKey"],
        "rotation": {"provider": provider, "overlap_minutes": 0},
    });
    let roots = emulator::folder().join("iam-roots.pem");
    std::fs::write(&roots, tunnel.authority()).expect("the target folder can be written");
    let function = Function::binary(turnlock_api_key())
        .env("HTTPS_PROXY", tunnel.address())
        .env("TLS_CA_FILE", roots.to_string_lossy());
    let scene = Scene::start("keys", function, &secret.to_string()).await;
    let mut expected = vec![first["AccessKeyId"].clone()];
    let mut is_well = true;
    for number in 1..=3 {
        check(moto, checks);
        let rotated = scene.rotate().await;
        check(moto, Checks::Off);
        expected.push(scene.document("AWSCURRENT")["access_key_id"].clone());
        let kept = &expected[expected.len() - 2..];
        let keys = keys(&aws, user);
        let is_right = keys.len() == 2 && kept.iter().all(|key| keys.contains(key));
        println!(
            "  {provider}, rotation {number}: {rotated:?}; the last two keys are there: {is_right}"
        );
        is_well &= rotated.is_ok() && is_right;
    }
    // Without checks, moto takes a key that is gone for one of somebody else.
    is_well && (checks == Checks::Off || is_full(moto, &aws, &scene, user).await)
}

/// Whether a rotation is refused, and nothing is lost, where somebody has made another key by hand.
async fn is_full(moto: &Emulator, aws: &AwsCli, scene: &Scene, user: &str) -> bool {
    let current = scene.document("AWSCURRENT")["access_key_id"].clone();
    for key in keys(aws, user).into_iter().filter(|key| *key != current) {
        let key = key.as_str().unwrap_or_default().to_owned();
        aws.json(["iam", "delete-access-key", "--user-name", user, "--access-key-id", &key]);
    }
    let by_hand = aws.json(["iam", "create-access-key", "--user-name", user]);
    check(moto, Checks::On);
    let refused = scene.rotate().await;
    check(moto, Checks::Off);
    let keys = keys(aws, user);
    let kept = keys.contains(&current) && keys.contains(&by_hand["AccessKey"]["AccessKeyId"]);
    let text = refused.map_or_else(|error| error.message, |()| "it rotated".to_owned());
    println!("  with a key made by hand: {text}; both keys are there: {kept}");
    kept && text.contains("has 2 keys") && text.contains("of 2 that it may have")
}

fn keys(aws: &AwsCli, user: &str) -> Vec<Value> {
    let listed = aws.json(["iam", "list-access-keys", "--user-name", user]);
    let keys = listed["AccessKeyMetadata"].as_array().cloned().unwrap_or_default();
    keys.into_iter().map(|key| key["AccessKeyId"].clone()).collect()
}

/// Has moto check signatures and policies from now on, or not.
fn check(moto: &Emulator, checks: Checks) {
    let unchecked = if checks == Checks::On { "0" } else { "inf" };
    let (status, _) = post(moto.port(), "POST", "/moto-api/reset-auth", "", unchecked);
    assert_eq!(status, 200, "moto cannot be configured");
}

/// Sends a request on to moto, and its answer back.
fn forward(port: u16, sent: &Sent) -> Response<Full<Bytes>> {
    let header = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
        let ours = ["content-length", "connection"].contains(&name.as_str());
        (!ours).then(|| format!("{name}: {}\r\n", value.to_str().unwrap_or_default()))
    };
    let headers: String = sent.headers.iter().filter_map(header).collect();
    let (status, body) = post(port, &sent.method, sent.url.path(), &headers, &sent.body);
    // Unlike IAM and STS, moto has one element more around an error.
    let body = body.replace("<Errors>", "").replace("</Errors>", "");
    let response = Response::builder().status(status).header("content-type", "text/xml");
    response.body(Full::new(body.into())).expect("a status of HTTP")
}

/// Sends a request to moto; status and body of the answer.
fn post(port: u16, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
    let host = if headers.contains("host: ") { "" } else { "host: moto\r\n" };
    let mut connection = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    write!(
        connection,
        "{method} {path} HTTP/1.1\r\n{host}{headers}connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("it reads");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("it answers");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer of HTTP");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.expect("a status"), body.to_owned())
}
