//! What can be wrong on the way to a provider is told apart, and no key is sent to whoever is there instead.

use serde_json::json;
use turnlock_tests::faults::{AcceptsThenHangs, ClosedPort, ClosesAtOnce, SpeaksNonsense};
use turnlock_tests::provider::{Certificate, Provider, Setup};
use turnlock_tests::world::keys::{StepError, Without, World};

/// Rotates with the secret's provider at another address, which has to fail.
async fn at(url: &str) -> StepError {
    let setup = Setup { tls: true, ..Setup::default() };
    let edit = |secret: &mut serde_json::Value| secret["url"] = json!(url);
    let world = World::start_with(setup, Without::default(), edit).await;
    let error = world.rotate_refused().await;
    assert_eq!(world.provider.connections(), 0, "{error:?}");
    error
}

fn plain(port: u16) -> String {
    format!("http://localhost:{port}")
}

fn secure(port: u16) -> String {
    format!("https://localhost:{port}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_does_not_exist_is_named() {
    let words = ["GET /whoami at keys.turnlock.invalid: the name cannot be resolved"];
    at("https://keys.turnlock.invalid").await.assert_is("createSecret", "dns", &words);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_nobody_listens_on_is_told_as_such() {
    let closed = ClosedPort::start();
    for url in [plain(closed.port()), secure(closed.port())] {
        let words = [&*format!(
            "GET /whoami at localhost:{}: cannot connect: connection refused",
            closed.port()
        )];
        at(&url).await.assert_is("createSecret", "tcp", &words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_closes_at_once_is_told_as_such() {
    let closes = ClosesAtOnce::start();
    let words = ["the connection broke before the answer was whole"];
    at(&plain(closes.port())).await.assert_is("createSecret", "tcp", &words);
    let words = ["cannot connect: it hung up before the TLS handshake was done"];
    at(&secure(closes.port())).await.assert_is("createSecret", "tcp", &words);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_accepts_and_never_answers_is_told_before_the_function_is_out_of_time() {
    let hangs = AcceptsThenHangs::start();
    let urls = [plain(hangs.port()), secure(hangs.port())];
    let (plain, secure) = tokio::join!(at(&urls[0]), at(&urls[1]));
    plain.assert_is("createSecret", "timeout", &["no answer within 10s"]);
    secure.assert_is("createSecret", "timeout", &["no connection within 5s"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_another_protocol_is_told_as_such() {
    let nonsense = SpeaksNonsense::start();
    let words = ["the answer is no HTTP"];
    at(&plain(nonsense.port())).await.assert_is("createSecret", "unexpected", &words);
    let words = ["the TLS handshake failed"];
    at(&secure(nonsense.port())).await.assert_is("createSecret", "tls-untrusted", &words);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_gets_no_key() {
    let other = Provider::start(Setup::default());
    let words = ["cannot connect: it hung up before the TLS handshake was done"];
    at(&secure(other.port())).await.assert_is("createSecret", "tcp", &words);
    assert_eq!(other.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_an_unknown_authority_gets_no_key() {
    let other = Provider::start(Setup { tls: true, ..Setup::default() });
    let words = ["goes back to no root that is trusted here", "TLS_CA_FILE"];
    at(other.url()).await.assert_is("createSecret", "tls-untrusted", &words);
    assert_eq!(other.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_name_or_a_time_that_is_over_gets_no_key() {
    for (certificate, class, words) in [
        (Certificate::OtherName, "tls-name", "the certificate is for another name"),
        (Certificate::Expired, "tls-untrusted", "the certificate has expired"),
    ] {
        // That the secret says "ssl": false allows http, and nothing more.
        let world = World::start(Setup { tls: true, certificate, ..Setup::default() }).await;
        world.rotate_refused().await.assert_is("createSecret", class, &[words]);
        assert_eq!(world.provider.requests().len(), 0);
    }
}
