//! The MySQL and MariaDB servers that the tests rely on do what they promise.

use turnlock_tests::mysql::{Logins, Product, Server, Setup};

#[tokio::test]
async fn every_product_lets_the_right_password_in_over_tls() {
    for product in Product::ALL {
        let server = Server::start(Setup::of(product)).await;
        server.sql("CREATE USER app@'%' IDENTIFIED BY 'right'").await;
        assert!(server.can_log_in("app", "right").await);
        assert!(!server.can_log_in("app", "wrong").await);
        assert_eq!(server.logins("app").await, Logins { accepted: 1, failed: 1, plaintext: 0 });
    }
}
