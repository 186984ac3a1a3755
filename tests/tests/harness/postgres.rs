//! The servers and tools that the tests rely on do what they promise.

#![expect(clippy::unwrap_used, reason = "a failed test should panic")]

use std::fs::Permissions;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::thread;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use turnlock_tests::certificates::Authority;
use turnlock_tests::faults::{
    AcceptsThenHangs, ClosedPort, ClosesAtOnce, HOST, HangsAfterTls, RefusesTls, SpeaksNonsense,
};
use turnlock_tests::holder::{self, Holder, is_used, wait_until};
use turnlock_tests::postgres::{
    Authentication, Logins, PasswordEncryption, Server, Setup, Tls, Version,
};
use turnlock_tests::tools::AwsCli;

#[tokio::test]
async fn every_version_lets_the_right_password_in_over_tls() {
    for version in Version::ALL {
        let server = Server::start(Setup { version, ..Setup::default() }).await;
        server.sql("CREATE ROLE app LOGIN PASSWORD 'right'").await;
        assert!(server.can_log_in("app", "right", "postgres").await);
        assert!(!server.can_log_in("app", "wrong", "postgres").await);
        assert_eq!(server.logins("app").await, Logins { accepted: 1, failed: 1, plaintext: 0 });
    }
}

#[tokio::test]
async fn a_server_has_the_version_that_was_asked_for() {
    let server = Server::start(Setup { version: Version::V18, ..Setup::default() }).await;
    assert!(server.query_one("SHOW server_version").await.starts_with("18."));
}

#[tokio::test]
async fn a_password_is_stored_in_the_form_that_was_asked_for() {
    let md5 = Setup {
        authentication: Authentication::Md5,
        password_encryption: PasswordEncryption::Md5,
        ..Setup::default()
    };
    for (setup, form) in [(Setup::default(), "SCRAM-SHA-256$"), (md5, "md5")] {
        let server = Server::start(setup).await;
        server.sql("CREATE ROLE app LOGIN PASSWORD 'right'").await;
        let stored = "SELECT rolpassword FROM pg_authid WHERE rolname = 'app'";
        assert!(server.query_one(stored).await.starts_with(form));
        assert!(server.can_log_in("app", "right", "postgres").await);
    }
}

#[tokio::test]
async fn logins_without_tls_are_counted_as_such() {
    let server = Server::start(Setup { tls: Tls::Off, ..Setup::default() }).await;
    server.sql("CREATE ROLE app LOGIN PASSWORD 'right'").await;
    assert!(server.can_log_in("app", "right", "postgres").await);
    assert_eq!(server.logins("app").await, Logins { accepted: 1, failed: 0, plaintext: 1 });
}

#[tokio::test]
async fn logins_are_counted_by_user_and_from_a_mark() {
    let server = Server::start(Setup::default()).await;
    server.sql("CREATE ROLE app LOGIN PASSWORD 'right'; CREATE ROLE app_clone NOLOGIN").await;
    assert!(server.can_log_in("app", "right", "postgres").await);
    let mark = server.mark();
    assert!(!server.can_log_in("app_clone", "right", "postgres").await);
    assert_eq!(server.logins_since(mark, "app").await, Logins::default());
    let refused = Logins { accepted: 0, failed: 1, plaintext: 0 };
    assert_eq!(server.logins_since(mark, "app_clone").await, refused);
}

#[tokio::test]
async fn a_login_that_fails_after_the_password_was_right_counts_as_failed() {
    let server = Server::start(Setup::default()).await;
    server.sql("CREATE ROLE app NOLOGIN PASSWORD 'right'").await;
    assert!(!server.can_log_in("app", "right", "postgres").await);
    assert_eq!(server.logins("app").await, Logins { accepted: 0, failed: 1, plaintext: 0 });
}

#[tokio::test]
async fn a_server_can_be_full() {
    let server = Server::start(Setup { max_connections: 4, ..Setup::default() }).await;
    server.sql("CREATE ROLE app LOGIN PASSWORD 'right'").await;
    let _only = server.log_in("app", "right", "postgres").await.unwrap();
    let refused = server.log_in("app", "right", "postgres").await.unwrap_err();
    assert_eq!(refused.as_database_error().unwrap().code().unwrap(), "53300");
    assert_eq!(server.logins("app").await, Logins { accepted: 1, failed: 1, plaintext: 0 });
}

#[tokio::test]
async fn lines_of_access_and_configuration_are_taken_over() {
    let reject = Authentication::Lines(vec!["hostnossl all all all reject".to_owned()]);
    let setup = Setup {
        authentication: reject,
        configuration: vec!["work_mem = '7MB'".to_owned()],
        ..Setup::default()
    };
    let server = Server::start(setup).await;
    assert_eq!(server.query_one("SHOW work_mem").await, "7MB");
    server.sql("CREATE ROLE app LOGIN PASSWORD 'right'").await;
    assert!(!server.can_log_in("app", "right", "postgres").await);
}

#[tokio::test]
async fn a_certificate_can_have_more_names_the_wrong_name_or_an_unknown_issuer() {
    let more = Tls::TrustedFor(vec!["db.internal".to_owned()]);
    let wrong = [(more, None), (Tls::WrongName, Some("NotValidForName"))];
    for (tls, problem) in wrong.into_iter().chain([(Tls::Untrusted, Some("UnknownIssuer"))]) {
        let server = Server::start(Setup { tls, ..Setup::default() }).await;
        server.sql("CREATE ROLE app LOGIN PASSWORD 'right'").await;
        let strict = PgConnectOptions::new_without_pgpass()
            .host(server.host())
            .port(server.port())
            .username("app")
            .password("right")
            .database("postgres")
            .ssl_mode(PgSslMode::VerifyFull)
            .ssl_root_cert(server.ca_file());
        let answer = format!("{:?}", strict.connect().await);
        assert_eq!(answer.starts_with("Ok"), problem.is_none(), "{answer}");
        assert!(answer.contains(problem.unwrap_or_default()), "{answer}");
        assert!(server.can_log_in("app", "right", "postgres").await);
        assert_eq!(server.logins("app").await.plaintext, 0);
    }
}

#[tokio::test]
async fn a_standby_has_the_users_of_its_primary_and_refuses_writes() {
    for version in Version::ALL {
        let primary = Server::start(Setup { version, ..Setup::default() }).await;
        primary.sql("CREATE ROLE app LOGIN PASSWORD 'right'").await;
        let standby = Server::standby_of(&primary).await;
        let mut app = standby.log_in("app", "right", "postgres").await.unwrap();
        let refused = sqlx::raw_sql("ALTER ROLE app PASSWORD 'new'").execute(&mut app).await;
        assert_eq!(refused.unwrap_err().as_database_error().unwrap().code().unwrap(), "25006");
    }
}

#[tokio::test]
async fn a_stopped_server_refuses_connections_until_it_is_restarted() {
    let mut server = Server::start(Setup::default()).await;
    server.stop();
    assert!(TcpStream::connect(("127.0.0.1", server.port())).is_err());
    server.restart().await;
    assert_eq!(server.query_one("SELECT 1").await, "1");
}

#[tokio::test]
async fn a_dropped_server_leaves_nothing_behind() {
    let server = Server::start(Setup::default()).await;
    let folder = server.folder().to_owned();
    assert!(is_used(&folder));
    drop(server);
    assert!(!folder.exists());
    assert!(!is_used(&folder));
}

/// Holds a server until its standard input ends when started by the tests below, else ends at once.
#[tokio::test]
async fn a_server_is_held_for_the_test_that_kills_its_holder() {
    let server = Server::start(Setup::default()).await;
    holder::hold(&[server.folder()]);
}

const HELD: &str = "postgres::a_server_is_held_for_the_test_that_kills_its_holder";

#[test]
fn a_server_ends_with_its_test_even_if_that_is_killed() {
    let mut holder = Holder::start(HELD, &std::env::temp_dir());
    let folders = holder.folders();
    let [folder] = folders.as_slice() else { panic!("{folders:?}") };
    assert!(folder.join("data/postmaster.pid").exists());
    assert!(is_used(folder));
    holder.kill();
    wait_until(|| !folder.exists() && !is_used(folder));
}

#[test]
fn a_server_that_is_still_starting_ends_with_a_killed_test_too() {
    let open = Permissions::from_mode(0o755);
    let temporary = tempfile::Builder::new().permissions(open).tempdir().unwrap();
    for milliseconds in (0..200).step_by(20) {
        let holder = Holder::start(HELD, temporary.path());
        thread::sleep(Duration::from_millis(milliseconds));
        holder.kill();
        wait_until(|| !is_used(temporary.path()));
        assert_eq!(temporary.path().read_dir().unwrap().count(), 0, "at {milliseconds} ms");
    }
}

#[test]
fn every_faulty_server_has_its_fault() {
    const SSL_REQUEST: &[u8] = &[0, 0, 0, 8, 4, 210, 22, 47];
    let hangs = AcceptsThenHangs::start();
    assert_eq!(answer(hangs.port(), SSL_REQUEST), Answer::Silence);
    assert_eq!(hangs.connections(), 1);
    assert_eq!(answer(ClosesAtOnce::start().port(), b""), Answer::Closed);
    assert_eq!(answer(RefusesTls::start().port(), SSL_REQUEST), Answer::Byte(b'N'));
    assert_eq!(answer(HangsAfterTls::start().port(), SSL_REQUEST), Answer::Byte(b'S'));
    assert_eq!(answer(SpeaksNonsense::start().port(), SSL_REQUEST), Answer::Byte(0x7f));
    assert!(TcpStream::connect(("127.0.0.1", ClosedPort::start().port())).is_err());
}

#[tokio::test]
async fn the_server_that_hangs_after_tls_has_done_the_handshake() {
    let hangs = HangsAfterTls::start();
    let log_in = |authority: &str, patience| {
        let options = PgConnectOptions::new_without_pgpass()
            .host(HOST)
            .port(hangs.port())
            .username("app")
            .ssl_mode(PgSslMode::VerifyFull)
            .ssl_root_cert_from_pem(authority.into());
        async move { tokio::time::timeout(patience, options.connect()).await }
    };
    let a_while = Duration::from_secs(1);
    assert!(log_in(hangs.authority(), a_while).await.is_err(), "it says nothing");
    let untrusted = log_in(&Authority::new().certificate(), Duration::from_secs(60)).await;
    assert!(format!("{untrusted:?}").contains("UnknownIssuer"), "{untrusted:?}");
}

#[derive(Debug, PartialEq)]
enum Answer {
    Byte(u8),
    Closed,
    Silence,
}

fn answer(port: u16, request: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    stream.write_all(request).unwrap();
    let mut byte = [0];
    match stream.read(&mut byte) {
        Ok(0) => Answer::Closed,
        Ok(_) => Answer::Byte(byte[0]),
        Err(_) => Answer::Silence,
    }
}

#[test]
fn the_aws_cli_is_installed_and_says_what_it_could_not_reach() {
    let closed = ClosedPort::start();
    let endpoint = format!("http://127.0.0.1:{}", closed.port());
    let output = AwsCli::new(&endpoint).run(["secretsmanager", "list-secrets"]);
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains(&endpoint));
}
