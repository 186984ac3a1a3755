//! The MySQL and MariaDB servers that the tests rely on do what they promise.

use std::fs::Permissions;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::thread;
use std::time::Duration;

use sqlx::ConnectOptions as _;
use sqlx::mysql::{MySqlConnectOptions, MySqlSslMode};
use turnlock_tests::holder::{self, Holder, is_used, wait_until};
use turnlock_tests::mysql::{Logins, Product, Server, Setup, Tls};
use turnlock_tests::world::mysql::{ADMIN, ADMIN_PASSWORD, server_with_admin};

const APP: &str = "CREATE USER app@'%' IDENTIFIED BY 'right'";

/// A server of this product with the user `app`, whose password is `right`.
async fn start(setup: Setup) -> Server {
    let server = Server::start(setup).await;
    server.sql(APP).await;
    server
}

#[tokio::test]
async fn every_product_lets_the_right_password_in_over_tls() {
    for product in Product::ALL {
        let server = start(Setup::of(product)).await;
        assert!(server.can_log_in("app", "right").await);
        assert!(!server.can_log_in("app", "wrong").await);
        assert_eq!(server.logins("app").await, Logins { accepted: 1, failed: 1, plaintext: 0 });
    }
}

#[tokio::test]
async fn a_server_is_of_the_product_that_was_asked_for() {
    for product in Product::ALL {
        let server = Server::start(Setup::of(product)).await;
        let version = server.query_one("SELECT version()").await;
        assert_eq!(version.contains("MariaDB"), product == Product::MariaDb, "{version}");
        let number: u32 = version.split('.').next().unwrap().parse().unwrap();
        assert!(number >= 8, "{version}");
    }
}

#[tokio::test]
async fn logins_without_tls_are_counted_as_such() {
    for product in Product::ALL {
        let server = Server::start(Setup { tls: Tls::Off, ..Setup::of(product) }).await;
        // The only password that MySQL takes from this client without TLS.
        server.sql("CREATE USER app@'%' IDENTIFIED BY ''").await;
        assert!(server.can_log_in("app", "").await);
        assert_eq!(server.logins("app").await, Logins { accepted: 1, failed: 0, plaintext: 1 });
    }
}

#[tokio::test]
async fn logins_are_counted_by_user_and_from_a_mark() {
    for product in Product::ALL {
        let server = start(Setup::of(product)).await;
        server.sql("CREATE USER 'app@x'@'%' IDENTIFIED BY 'right'").await;
        let start = server.mark();
        assert!(server.can_log_in("app", "right").await);
        let mark = server.mark();
        assert!(!server.can_log_in("app@x", "wrong").await);
        assert_eq!(server.logins_since(mark, "app").await, Logins::default());
        let refused = Logins { accepted: 0, failed: 1, plaintext: 0 };
        assert_eq!(server.logins_since(mark, "app@x").await, refused);
        let both = Logins { accepted: 1, failed: 1, plaintext: 0 };
        assert_eq!(server.logins_of(start, &["app", "app@x"]).await, both);
        assert_eq!(server.logins("root").await, Logins::default());
    }
}

#[tokio::test]
async fn a_login_that_fails_after_the_password_was_right_counts_as_failed() {
    for product in Product::ALL {
        let server = start(Setup::of(product)).await;
        let mut failed = 0;
        for change in ["ACCOUNT LOCK", "REQUIRE X509 ACCOUNT UNLOCK"] {
            server.sql(&format!("ALTER USER app@'%' {change}")).await;
            assert!(!server.can_log_in("app", "right").await, "{change}");
            failed += 1;
            assert_eq!(server.logins("app").await, Logins { accepted: 0, failed, plaintext: 0 });
        }
        server.sql("ALTER USER app@'%' REQUIRE NONE").await;
        assert!(server.can_log_in("app", "right").await);
        assert_eq!(server.logins("app").await, Logins { accepted: 1, failed, plaintext: 0 });
    }
}

#[tokio::test]
async fn an_expired_password_is_let_in_by_mariadb_alone() {
    for product in Product::ALL {
        let server = start(Setup::of(product)).await;
        server.sql("ALTER USER app@'%' PASSWORD EXPIRE").await;
        assert_eq!(server.can_log_in("app", "right").await, product == Product::MariaDb);
    }
}

#[tokio::test]
async fn a_session_that_ends_without_a_word_counts_as_accepted() {
    for product in Product::ALL {
        let server = start(Setup::of(product)).await;
        let silent = strict(&server).timezone(None).set_names(false);
        drop(silent.pipes_as_concat(false).no_engine_substitution(false).connect().await.unwrap());
        assert_eq!(server.logins("app").await, Logins { accepted: 1, failed: 0, plaintext: 0 });
    }
}

#[tokio::test]
async fn a_server_can_be_full() {
    for product in Product::ALL {
        let server = start(Setup { max_connections: 10, ..Setup::of(product) }).await;
        let mut sessions = Vec::new();
        for _ in 0..10 {
            sessions.push(server.log_in("app", "right").await.unwrap());
        }
        let refused = server.log_in("app", "right").await.unwrap_err();
        assert_eq!(refused.as_database_error().unwrap().code().unwrap(), "08004");
        assert_eq!(server.logins("app").await, Logins { accepted: 10, failed: 1, plaintext: 0 });
        assert_eq!(server.query_one("SELECT 1").await, "1");
    }
}

#[tokio::test]
async fn lines_of_configuration_are_taken_over() {
    for product in Product::ALL {
        let configuration = vec!["sql_mode = ANSI_QUOTES,NO_BACKSLASH_ESCAPES".to_owned()];
        let server = start(Setup { configuration, ..Setup::of(product) }).await;
        let mode = "ANSI_QUOTES,NO_BACKSLASH_ESCAPES";
        assert_eq!(server.query_one("SELECT @@GLOBAL.sql_mode").await, mode);
        // This client asks for one more.
        let session = server.query_one("SELECT replace(@@sql_mode, 'IGNORE_SPACE,', '')").await;
        assert_eq!(session, mode);
    }
}

#[tokio::test]
async fn what_checks_passwords_comes_with_the_servers() {
    let server = start(Setup::default()).await;
    server.sql("INSTALL COMPONENT 'file://component_validate_password'").await;
    assert_eq!(server.query_one("SELECT @@validate_password.length").await, "8");

    let server = start(Setup::of(Product::MariaDb)).await;
    server.sql("INSTALL SONAME 'auth_ed25519'; INSTALL SONAME 'simple_password_check'").await;
    assert_eq!(server.query_one("SELECT @@simple_password_check_minimal_length").await, "8");
    server.sql("ALTER USER app@'%' IDENTIFIED VIA ed25519 USING PASSWORD('Right-1-2-3')").await;
    assert!(server.stored_password("app", "%").await.contains("ed25519"));
}

#[tokio::test]
async fn a_certificate_can_have_more_names_the_wrong_name_or_an_unknown_issuer() {
    let problems = [
        (Tls::TrustedFor(vec!["db.internal".to_owned()]), None),
        (Tls::WrongName, Some("NotValidForName")),
        (Tls::Untrusted, Some("UnknownIssuer")),
    ];
    for product in Product::ALL {
        for (tls, problem) in problems.clone() {
            let server = start(Setup { tls, ..Setup::of(product) }).await;
            let answer = format!("{:?}", strict(&server).connect().await);
            assert_eq!(answer.starts_with("Ok"), problem.is_none(), "{answer}");
            assert!(answer.contains(problem.unwrap_or_default()), "{answer}");
            assert!(server.can_log_in("app", "right").await);
            assert_eq!(server.logins("app").await.plaintext, 0);
        }
    }
}

/// A login of `app` that takes nothing but the server's own certificate.
fn strict(server: &Server) -> MySqlConnectOptions {
    MySqlConnectOptions::new()
        .host(server.host())
        .port(server.port())
        .username("app")
        .password("right")
        .ssl_mode(MySqlSslMode::VerifyIdentity)
        .ssl_ca(server.ca_file())
}

#[tokio::test]
async fn the_logs_have_every_statement_and_what_replicas_are_told() {
    for product in Product::ALL {
        let server = Server::start(Setup::of(product)).await;
        server.sql("CREATE DATABASE shop; CREATE TABLE shop.told_to_all (id INT)").await;
        server.sql("SELECT 'told to nobody'").await;
        let written = server.written().await;
        let count = |text: &str| written.matches(text).count();
        // The statements, the slow ones, and the replicas'.
        assert_eq!(count("CREATE TABLE shop.told_to_all"), 3);
        assert_eq!(count("SELECT 'told to nobody'"), 2);
        assert_eq!(server.log().matches("SELECT 'told to nobody'").count(), 1);
    }
}

#[tokio::test]
async fn the_admin_may_do_what_one_at_amazon_rds_may_and_no_more() {
    for product in Product::ALL {
        let server = server_with_admin(Setup::of(product)).await;
        let mut admin = server.log_in(ADMIN, ADMIN_PASSWORD).await.unwrap();
        for (statement, refusal) in [
            ("ALTER USER app@'%' IDENTIFIED BY 'new'", None),
            ("CREATE USER other@'%'", None),
            ("GRANT SELECT, CREATE USER ON *.* TO other@'%' WITH GRANT OPTION", None),
            ("CREATE ROLE reader", None),
            ("GRANT reader TO other@'%'", None),
            ("SET GLOBAL read_only = 1", Some("42000")),
            ("GRANT FILE ON *.* TO other@'%'", Some("28000")),
        ] {
            let answer = sqlx::raw_sql(statement).execute(&mut admin).await;
            let code = answer
                .err()
                .map(|error| error.as_database_error().unwrap().code().unwrap().into_owned());
            assert_eq!(code.as_deref(), refusal, "{product:?}: {statement}");
        }
    }
}

#[tokio::test]
async fn a_stopped_server_refuses_connections_until_it_is_restarted() {
    for product in Product::ALL {
        let mut server = start(Setup::of(product)).await;
        assert!(server.can_log_in("app", "right").await);
        server.stop();
        assert!(TcpStream::connect(("127.0.0.1", server.port())).is_err());
        server.restart().await;
        assert!(server.can_log_in("app", "right").await);
        assert_eq!(server.logins("app").await, Logins { accepted: 2, failed: 0, plaintext: 0 });
    }
}

#[tokio::test]
async fn servers_at_once_have_nothing_in_common() {
    for product in Product::ALL {
        let (one, other) =
            tokio::join!(Server::start(Setup::of(product)), Server::start(Setup::of(product)));
        one.sql(APP).await;
        assert!(one.can_log_in("app", "right").await);
        assert!(!other.can_log_in("app", "right").await);
        assert_eq!(one.logins("app").await.failed, 0);
        let identity = "SHOW GLOBAL VARIABLES LIKE 'server_u%id'";
        assert_ne!(one.query_all(identity).await, other.query_all(identity).await);
    }
}

#[tokio::test]
async fn a_dropped_server_leaves_nothing_behind() {
    for product in Product::ALL {
        let server = Server::start(Setup::of(product)).await;
        let folder = server.folder().to_owned();
        assert!(is_used(&folder));
        drop(server);
        assert!(!folder.exists());
        assert!(!is_used(&folder));
    }
}

/// Holds servers until its standard input ends when started by the tests below, else ends at once.
#[tokio::test]
async fn servers_are_held_for_the_test_that_kills_their_holder() {
    let [mysql, mariadb] = Product::ALL.map(|product| Server::start(Setup::of(product)));
    let (mysql, mariadb) = tokio::join!(mysql, mariadb);
    holder::hold(&[mysql.folder(), mariadb.folder()]);
}

const HELD: &str = "mysql::servers_are_held_for_the_test_that_kills_their_holder";

#[test]
fn servers_end_with_their_test_even_if_that_is_killed() {
    let mut holder = Holder::start(HELD, &std::env::temp_dir());
    let folders = holder.folders();
    assert_eq!(folders.len(), 2);
    for folder in &folders {
        assert!(folder.join("socket/server.pid").exists());
        assert!(is_used(folder));
    }
    holder.kill();
    wait_until(|| folders.iter().all(|folder| !folder.exists() && !is_used(folder)));
}

#[test]
fn servers_that_are_still_starting_end_with_a_killed_test_too() {
    let open = Permissions::from_mode(0o755);
    let temporary = tempfile::Builder::new().permissions(open).tempdir().unwrap();
    for milliseconds in (0..600).step_by(60) {
        let holder = Holder::start(HELD, temporary.path());
        thread::sleep(Duration::from_millis(milliseconds));
        holder.kill();
        wait_until(|| !is_used(temporary.path()));
        assert_eq!(temporary.path().read_dir().unwrap().count(), 0, "at {milliseconds} ms");
    }
}
