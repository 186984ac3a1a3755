//! What can be wrong on the way to a server is told apart, in time, and never answered by plaintext.

use std::time::Duration;

use serde_json::{Value, json};
use turnlock_local::Function;
use turnlock_tests::binaries::turnlock_postgres;
use turnlock_tests::elsewhere;
use turnlock_tests::faults::{
    AcceptsThenHangs, ClosedPort, ClosesAtOnce, HangsAfterTls, RefusesTls, SpeaksNonsense,
};
use turnlock_tests::postgres::{Logins, Setup, Tls};
use turnlock_tests::world::{FIRST_PASSWORD, USER, World, function, secret_of};

/// Lambda's time-out, where a test waits for the end of it: the function stops before it is over, and before a login may
/// take no longer.
const SHORT: Duration = Duration::from_secs(6);

/// Takes createSecret and setSecret against a port that no PostgreSQL is at.
///
/// Returns how long setSecret took.
async fn fails_at(port: u16, function: Function, words: &[&str], class: &str) -> Duration {
    let secret = json!({
        "engine": "postgres", "host": "localhost", "port": port, "username": USER,
        "password": FIRST_PASSWORD,
    });
    elsewhere::fails(&secret, function, words, class).await
}

fn plain_function() -> Function {
    Function::binary(turnlock_postgres())
}

#[tokio::test]
async fn a_port_that_nobody_listens_on_is_told_as_such() {
    let closed = ClosedPort::start();
    let words = ["cannot reach localhost:", "refused"];
    let took = fails_at(closed.port(), plain_function(), &words, "tcp").await;
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[tokio::test]
async fn a_server_that_closes_at_once_is_told_as_such() {
    let closes = ClosesAtOnce::start();
    let words = ["closed the connection before it said anything"];
    fails_at(closes.port(), plain_function(), &words, "tcp").await;
}

#[tokio::test]
async fn a_server_of_another_protocol_is_told_as_such() {
    let nonsense = SpeaksNonsense::start();
    let words = ["does not speak PostgreSQL's protocol"];
    fails_at(nonsense.port(), plain_function(), &words, "unexpected").await;
}

#[tokio::test]
async fn a_server_that_refuses_tls_is_not_asked_again_without() {
    let refuses = RefusesTls::start();
    let words = ["does not offer TLS", "only \"ssl\": false"];
    fails_at(refuses.port(), plain_function(), &words, "tls-untrusted").await;
}

#[tokio::test]
async fn a_server_that_accepts_and_never_answers_is_told_long_before_lambdas_end() {
    let hangs = AcceptsThenHangs::start();
    let words = ["took the connection and was silent"];
    let took = fails_at(hangs.port(), plain_function(), &words, "timeout").await;
    assert!(took < Duration::from_secs(20), "{took:?}");
    // One in the rotation and one by hand: a silent server is not tried with the next password.
    assert_eq!(hangs.connections(), 2);
}

#[tokio::test]
async fn a_server_that_hangs_after_tls_is_told_before_lambdas_end_however_near_that_is() {
    let hangs = HangsAfterTls::start();
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    std::io::Write::write_all(&mut file, hangs.authority().as_bytes()).expect("a written file");
    let function =
        plain_function().env("TLS_CA_FILE", file.path().display().to_string()).timeout(SHORT);
    let took = fails_at(hangs.port(), function, &["logging in to localhost:"], "timeout").await;
    assert!(took < SHORT, "{took:?}");
}

#[tokio::test]
async fn a_silent_server_is_told_before_a_short_end_too() {
    let hangs = AcceptsThenHangs::start();
    let function = plain_function().timeout(SHORT);
    let took = fails_at(hangs.port(), function, &["localhost:"], "timeout").await;
    assert!(took < SHORT, "{took:?}");
}

#[tokio::test]
async fn a_host_that_does_not_exist_is_named() {
    let edit = |secret: &mut Value| secret["host"] = json!("db.turnlock.invalid");
    let world = World::start_with(Setup::default(), edit).await;
    let words = ["db.turnlock.invalid cannot be resolved", "check `host`"];
    world.rotate_failing().await.assert_is("setSecret", "dns", &words);
    assert_eq!(world.server.logins(USER).await, Logins::default());
}

/// Rotates at a server of this TLS, which has to fail; nobody logs in, and no connection goes on in plain.
async fn distrusts(tls: Tls, class: &str, words: &[&str]) {
    let world = World::start(Setup { tls, ..Setup::default() }).await;
    let mark = world.mark();
    world.rotate_failing().await.assert_is("setSecret", class, words);
    assert_eq!(world.server.logins_since(mark, USER).await, Logins::default());
    // A connection that names its user has gone past TLS, or around it.
    let log = world.server.log_since(mark);
    assert_eq!(log.matches("connection received: host=127.0.0.1").count(), 1, "{log}");
    assert!(!log.contains(&format!("{USER}@")), "{log}");
}

#[tokio::test]
async fn an_untrusted_certificate_is_refused_and_plaintext_is_not_tried() {
    let words = ["no root that is trusted here", "TLS_CA_FILE"];
    distrusts(Tls::Untrusted, "tls-untrusted", &words).await;
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_and_plaintext_is_not_tried() {
    let words = ["not for localhost", "rotation.tls_server_name"];
    distrusts(Tls::WrongName, "tls-name", &words).await;
}

#[tokio::test]
async fn a_server_without_tls_is_refused_and_plaintext_is_not_tried() {
    let words = ["does not offer TLS", "only \"ssl\": false"];
    distrusts(Tls::Off, "tls-untrusted", &words).await;
}

#[tokio::test]
async fn ssl_true_is_no_less_strict_than_no_word() {
    let edit = |secret: &mut Value| secret["ssl"] = json!("true");
    let world = World::start_with(Setup { tls: Tls::Off, ..Setup::default() }, edit).await;
    let error = world.rotate_failing().await;
    error.assert_is("setSecret", "tls-untrusted", &["does not offer TLS"]);
    assert_eq!(world.server.logins(USER).await, Logins::default());
}

#[tokio::test]
async fn a_wrong_password_is_not_tried_again_in_plaintext() {
    let edit = |secret: &mut Value| secret["password"] = json!("a-wrong-password");
    let world = World::start_with(Setup::default(), edit).await;
    let mark = world.mark();
    world.rotate_failing().await.assert_is("setSecret", "auth-rejected", &[]);
    let log = world.server.log_since(mark);
    assert_eq!(log.matches("connection received: host=127.0.0.1").count(), 2, "{log}");
}

#[tokio::test]
async fn an_alias_rotates_with_the_name_on_the_certificate() {
    let edit = |secret: &mut Value| {
        secret["rotation"] = json!({"tls_server_name": "elsewhere.invalid"});
    };
    let world = World::start_with(Setup { tls: Tls::WrongName, ..Setup::default() }, edit).await;
    world.rotate().await.expect("the rotation succeeds");
    let logins = world.server.logins(USER).await;
    assert_eq!(logins, Logins { accepted: 2, failed: 0, plaintext: 0 });
    assert!(world.accepts(&world.password("AWSCURRENT")).await);
}

#[tokio::test]
async fn a_wrong_alias_is_refused() {
    let edit = |secret: &mut Value| {
        secret["rotation"] = json!({"tls_server_name": "nowhere.invalid"});
    };
    let world = World::start_with(Setup::default(), edit).await;
    let words = ["not for nowhere.invalid"];
    world.rotate_failing().await.assert_is("setSecret", "tls-name", &words);
}

#[tokio::test]
async fn ssl_false_rotates_in_plaintext() {
    let edit = |secret: &mut Value| secret["ssl"] = json!(false);
    let world = World::start_with(Setup { tls: Tls::Off, ..Setup::default() }, edit).await;
    world.rotate().await.expect("the rotation succeeds");
    let logins = world.server.logins(USER).await;
    assert_eq!(logins, Logins { accepted: 2, failed: 0, plaintext: 2 });
    assert!(world.accepts(&world.password("AWSCURRENT")).await);
}

#[tokio::test]
async fn a_file_of_roots_that_is_missing_is_named() {
    let world = World::start(Setup::default()).await;
    let text = secret_of(&world.server, USER, &json!(FIRST_PASSWORD)).to_string();
    let function = function(&world.server).env("TLS_CA_FILE", "/nonexistent/roots.pem");
    let world = World::with_function(world.server, &text, function).await;
    let words = ["TLS_CA_FILE", "/nonexistent/roots.pem", "cannot be read"];
    world.rotate_failing().await.assert_is("setSecret", "tls-untrusted", &words);
    assert_eq!(world.server.logins(USER).await, Logins::default());
}
