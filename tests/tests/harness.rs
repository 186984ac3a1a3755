//! The servers that the tests rely on do what they promise.

use turnlock_tests::postgres::{Logins, Server, Setup, Version};

#[tokio::test]
async fn every_version_starts_and_lets_the_right_password_in_over_tls() {
    for version in Version::ALL {
        let server = Server::start(Setup { version, ..Setup::default() }).await;
        let second = Server::start(Setup { version, ..Setup::default() }).await;
        drop(second);
        server.sql("CREATE ROLE app LOGIN PASSWORD 'right'").await;
        assert!(server.can_log_in("app", "right", "postgres").await);
        assert!(!server.can_log_in("app", "wrong", "postgres").await);
        assert_eq!(server.logins("app").await, Logins { accepted: 1, failed: 1, plaintext: 0 });
    }
}

#[tokio::test]
async fn a_standby_has_the_users_of_its_primary_and_refuses_writes() {
    for version in Version::ALL {
        let primary = Server::start(Setup { version, ..Setup::default() }).await;
        primary.sql("CREATE ROLE app LOGIN PASSWORD 'right'").await;
        let standby = Server::standby_of(&primary).await;
        assert!(standby.can_log_in("app", "right", "postgres").await);
        assert_eq!(standby.query_one("SELECT pg_is_in_recovery()").await, "t");
    }
}
