//! What can be wrong on the way to MySQL or MariaDB is told apart, and never answered by plaintext.

use std::time::Duration;

use serde_json::{Value, json};
use turnlock_local::Function;
use turnlock_tests::binaries::turnlock_mysql;
use turnlock_tests::elsewhere;
use turnlock_tests::faults::mysql::{AsksForThePassword, Question};
use turnlock_tests::faults::{AcceptsThenHangs, ClosedPort, ClosesAtOnce, SpeaksNonsense};
use turnlock_tests::mysql::{Logins, Product, Setup, Tls};
use turnlock_tests::world::mysql::{FIRST_PASSWORD, USER, World};

/// Takes createSecret and setSecret against a port that no MySQL is at; returns how long setSecret took.
async fn fails_at(port: u16, ssl: bool, words: &[&str], class: &str) -> Duration {
    let secret = json!({
        "engine": "mysql", "host": "localhost", "port": port, "username": USER,
        "password": FIRST_PASSWORD, "ssl": ssl,
    });
    elsewhere::fails(&secret, Function::binary(turnlock_mysql()), words, class).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_nobody_listens_on_is_told_as_such() {
    let closed = ClosedPort::start();
    fails_at(closed.port(), true, &["cannot reach localhost:", "refused"], "tcp").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_closes_at_once_is_told_as_such() {
    let closes = ClosesAtOnce::start();
    let words = ["closed the connection before it said anything"];
    fails_at(closes.port(), true, &words, "tcp").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_waits_for_the_client_to_begin_is_told_as_silent() {
    // Servers of MySQL begin. Neither of these does.
    let (hangs, nonsense) = (AcceptsThenHangs::start(), SpeaksNonsense::start());
    for port in [hangs.port(), nonsense.port()] {
        let words = ["took the connection and was silent"];
        let took = fails_at(port, true, &words, "timeout").await;
        assert!(took < Duration::from_secs(20), "{took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_does_not_exist_is_named() {
    let edit = |secret: &mut Value| secret["host"] = json!("db.turnlock.invalid");
    let world = World::start_with(Setup::default(), edit).await;
    let words = ["db.turnlock.invalid cannot be resolved", "check `host`"];
    world.rotate_failing().await.assert_is("setSecret", "dns", &words);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_only_tls_would_keep_secret_is_not_sent_and_no_key_is_asked_for() {
    for question in Question::ALL {
        let asks = AsksForThePassword::start(question);
        let class = if question == Question::Clear { "unexpected" } else { "refused" };
        fails_at(asks.port(), false, &[], class).await;
        let heard = asks.heard();
        assert!(!heard.is_empty(), "{question:?}");
        for heard in heard {
            let mut rest = heard.as_slice();
            let mut packets = 0;
            while let Some((header, behind)) = rest.split_first_chunk::<4>() {
                rest = behind.get(usize::from(header[0])..).expect("a whole packet");
                packets += 1;
            }
            // The proof and no word after it; not even that where the plugin has none.
            let expected = usize::from(question != Question::Sha256AtOnce);
            assert_eq!(packets, expected, "{question:?}: {heard:?}");
            let text = String::from_utf8_lossy(&heard);
            assert!(!text.contains(FIRST_PASSWORD), "{question:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_has_lost_its_tls_hears_nothing() {
    let asks = AsksForThePassword::start(Question::Again);
    let words = ["does not offer TLS", "only \"ssl\": false"];
    fails_at(asks.port(), true, &words, "tls-untrusted").await;
    assert!(asks.heard().iter().all(Vec::is_empty), "{:?}", asks.heard());
}

/// Rotates at a server of this TLS, which has to fail; nobody logs in, and no connection goes on in plain.
async fn distrusts(tls: Tls, class: &str, words: &[&str]) {
    for product in Product::ALL {
        for ssl in [json!(null), json!("true")] {
            let setup = Setup { tls: tls.clone(), ..Setup::of(product) };
            let edit = |secret: &mut Value| {
                if !ssl.is_null() {
                    secret["ssl"] = ssl.clone();
                }
            };
            let world = World::start_with(setup, edit).await;
            let mark = world.mark();
            world.rotate_failing().await.assert_is("setSecret", class, words);
            assert_eq!(world.server.logins_since(mark, USER).await, Logins::default());
            // A connection that names its user has gone past TLS, or around it.
            let log = world.server.log_since(mark);
            assert!(!log.contains(&format!("{USER}@")), "{log}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_untrusted_certificate_is_refused_and_plaintext_is_not_tried() {
    let words = ["no root that is trusted here", "TLS_CA_FILE"];
    distrusts(Tls::Untrusted, "tls-untrusted", &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_name_is_refused_and_plaintext_is_not_tried() {
    let words = ["not for localhost", "rotation.tls_server_name"];
    distrusts(Tls::WrongName, "tls-name", &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_refused_and_plaintext_is_not_tried() {
    let words = ["does not offer TLS", "only \"ssl\": false"];
    distrusts(Tls::Off, "tls-untrusted", &words).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_not_tried_again_in_plaintext() {
    for product in Product::ALL {
        let edit = |secret: &mut Value| secret["password"] = json!("a-wrong-password");
        let world = World::start_with(Setup::of(product), edit).await;
        let mark = world.mark();
        world.rotate_failing().await.assert_is("setSecret", "auth-rejected", &[]);
        let logins = world.server.logins_since(mark, USER).await;
        assert_eq!(logins, Logins { accepted: 0, failed: 2, plaintext: 0 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_rotates_with_the_name_on_the_certificate() {
    for product in Product::ALL {
        let edit = |secret: &mut Value| {
            secret["rotation"] = json!({"tls_server_name": "elsewhere.invalid"});
        };
        let setup = Setup { tls: Tls::WrongName, ..Setup::of(product) };
        let world = World::start_with(setup, edit).await;
        world.rotate().await.expect("the rotation succeeds");
        let logins = world.server.logins(USER).await;
        assert_eq!(logins, Logins { accepted: 2, failed: 0, plaintext: 0 });
        assert!(world.accepts(&world.password("AWSCURRENT")).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ssl_false_rotates_in_plaintext_where_a_proof_is_enough() {
    let edit = |secret: &mut Value| secret["ssl"] = json!(false);
    let setup = Setup { tls: Tls::Off, ..Setup::of(Product::MariaDb) };
    let world = World::start_with(setup, edit).await;
    world.test_only().await.expect("the test passes");
    world.rotate().await.expect("the rotation succeeds");
    let logins = world.server.logins(USER).await;
    assert_eq!(logins, Logins { accepted: 3, failed: 0, plaintext: 3 });
    assert!(world.accepts(&world.password("AWSCURRENT")).await);
}

const NEEDS_TLS: [&str; 3] =
    ["only TLS keeps secret", "caching_sha2_password", "take \"ssl\": false out"];

#[tokio::test(flavor = "multi_thread")]
async fn ssl_false_is_refused_where_the_server_would_ask_for_the_password_itself() {
    let world = World::start_with(Setup::default(), |secret| secret["ssl"] = json!(false)).await;
    world.rotate_failing().await.assert_is("setSecret", "refused", &NEEDS_TLS);
    // Whom the server has seen over TLS it knows until the password changes: the next one would be locked out.
    assert!(world.accepts(FIRST_PASSWORD).await);
    let error = world.retry().await.expect_err("it is still asked for");
    error.assert_is("setSecret", "refused", &NEEDS_TLS);
    assert!(world.accepts(FIRST_PASSWORD).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_does_not_change_a_user_that_could_not_log_in_without_tls() {
    for strategy in ["single-user", "dual-password"] {
        let world = World::start_administered(Setup::default(), |secret| {
            secret["ssl"] = json!(false);
            secret["rotation"] = json!({"strategy": strategy});
        })
        .await;
        assert!(world.accepts(FIRST_PASSWORD).await);
        let error = world.tested().await.expect_err("it could not log in");
        error.assert_is("testSecret", "refused", &NEEDS_TLS);
        world.rotate_failing().await.assert_is("setSecret", "refused", &NEEDS_TLS);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_takes_no_plaintext_is_told_as_such() {
    for product in Product::ALL {
        let setup = Setup {
            configuration: vec!["require_secure_transport = ON".to_owned()],
            ..Setup::of(product)
        };
        let plain = World::start_with(setup.clone(), |secret| secret["ssl"] = json!(false)).await;
        let (class, words) = match product {
            // Neither says so: one asks for the password, the other rejects it.
            Product::MySql => ("refused", "take \"ssl\": false out"),
            Product::MariaDb => ("auth-rejected", "require_secure_transport"),
        };
        plain.rotate_failing().await.assert_is("setSecret", class, &[words]);
        let world = World::start(setup).await;
        world.rotate().await.expect("the rotation succeeds");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_asks_for_tls_is_rotated_over_tls_alone() {
    for product in Product::ALL {
        let require = "ALTER USER app@'%' REQUIRE SSL";
        let world = World::start(Setup::of(product)).await;
        world.server.sql(require).await;
        world.rotate().await.expect("the rotation succeeds");
        for strategy in ["single-user", "dual-password"] {
            let world = World::start_administered(Setup::of(product), |secret| {
                secret["ssl"] = json!(false);
                secret["rotation"] = json!({"strategy": strategy});
            })
            .await;
            world.server.sql(require).await;
            let words = ["take \"ssl\": false out"];
            world.rotate_failing().await.assert_is("setSecret", "refused", &words);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_asks_for_a_certificate_is_left_alone() {
    for product in Product::ALL {
        for require in ["X509", "SUBJECT '/CN=app'"] {
            let require = format!("ALTER USER app@'%' REQUIRE {require}");
            let own = World::start(Setup::of(product)).await;
            own.server.sql(&require).await;
            own.rotate_failing().await.assert_is("setSecret", "auth-rejected", &[]);
            let world = World::start_with_admin(Setup::of(product)).await;
            world.server.sql(&require).await;
            let words = ["app@%", "a certificate", "REQUIRE"];
            world.rotate_failing().await.assert_is("setSecret", "refused", &words);
        }
    }
}
