//! Accounts of MySQL and MariaDB as they are: on any hosts, several of one name, and with any name.

use serde_json::json;
use turnlock_tests::mysql::Product;
use turnlock_tests::turns::{CLONE, Turns, state};
use turnlock_tests::world::mysql::{FIRST_PASSWORD, USER};

/// The user on these hosts, instead of on any, all with the secret's password.
fn on_hosts(hosts: &[&str]) -> String {
    let make = |host: &&str| format!("CREATE USER app@'{host}' IDENTIFIED BY '{FIRST_PASSWORD}'");
    let all: Vec<String> = hosts.iter().map(make).collect();
    format!("CREATE DATABASE shop; DROP USER app@'%'; {}", all.join("; "))
}

async fn hosts_of(turns: &Turns, user: &str) -> Vec<String> {
    let query = format!("SELECT host FROM mysql.user WHERE user = '{user}' ORDER BY host");
    turns.server.query_all(&query).await
}

#[tokio::test]
async fn the_second_user_comes_from_the_hosts_of_the_first() {
    for product in Product::ALL {
        for host in ["localhost", "127.0.0.1", "127.%", "127.0.0.0/255.255.255.0", "%.%.%.%"] {
            // The loopback interface has a name, which the server may look up.
            let beside = if host.starts_with('l') { vec![host] } else { vec![host, "localhost"] };
            let turns = Turns::after(product, &on_hosts(&beside)).await;
            for beside in &beside {
                let grant = format!("GRANT SELECT ON shop.* TO app@'{beside}'");
                turns.server.sql(&grant).await;
            }
            for _ in 0..2 {
                turns.rotate_calmly().await;
                turns.assert_equal_on(&beside).await;
                assert_eq!(hosts_of(&turns, CLONE).await, hosts_of(&turns, USER).await, "{host}");
            }
        }
    }
}

#[tokio::test]
async fn each_account_of_the_name_that_has_the_secrets_password_has_its_counterpart() {
    for product in Product::ALL {
        let hosts = ["%", "10.%", "127.0.0.1", "localhost"];
        let turns = Turns::after(product, &on_hosts(&hosts)).await;
        turns
            .server
            .sql(
                "GRANT SELECT ON shop.* TO app@'%'; GRANT INSERT ON shop.* TO app@'10.%'; \
                 ALTER USER app@'10.%' REQUIRE SSL; \
                 ALTER USER app@'127.0.0.1' WITH MAX_CONNECTIONS_PER_HOUR 9000",
            )
            .await;
        for _ in 0..3 {
            turns.rotate_calmly().await;
            turns.assert_equal_on(&hosts).await;
        }
        assert_eq!(hosts_of(&turns, CLONE).await, hosts.to_vec());
    }
}

/// Servers print such a text with its quote as it is, so that nobody can tell where it ends.
#[tokio::test]
async fn a_certificate_with_a_quote_in_its_name_is_refused_and_nothing_is_changed() {
    for product in Product::ALL {
        let turns = Turns::after(product, &on_hosts(&["%", "10.%"])).await;
        turns.server.sql("ALTER USER app@'10.%' REQUIRE SUBJECT '/CN=boys'' `x`'").await;
        let error = turns.rotate_failing().await;
        error.assert_is("setSecret", "refused", &["SHOW CREATE USER has"]);
        assert!(turns.logs_in("AWSCURRENT").await);
    }
}

#[tokio::test]
async fn an_account_of_the_first_users_name_with_another_password_is_refused_and_never_touched() {
    for product in Product::ALL {
        let make = "CREATE USER app@'192.168.0.1' IDENTIFIED BY 'of-another-team'";
        let turns = Turns::after(product, make).await;
        let words = [
            "app@192.168.0.1 exists at localhost",
            "with another password than the secret's",
            "let in after every other rotation only, as app_clone",
        ];
        let error = turns.tested().await.expect_err("the test alone tells it");
        error.assert_is("testSecret", "refused", &words);
        turns.rotate_failing().await.assert_is("setSecret", "refused", &words);
        turns.server.sql("DROP USER app@'192.168.0.1'").await;
        turns.retry().await.expect("it is gone");
        turns.assert_equal().await;
        // At the other one's turn, it is the pending name that it stands in the way of.
        turns.server.sql(make).await;
        let words = ["app@192.168.0.1 exists", "no account of app_clone has its host"];
        turns.rotate_failing().await.assert_is("setSecret", "refused", &words);
        assert!(turns.logs_in("AWSCURRENT").await);
    }
}

#[tokio::test]
async fn an_account_that_the_first_user_gets_later_gets_its_counterpart() {
    for product in Product::ALL {
        let turns = Turns::start(product).await;
        turns.rotate_calmly().await;
        let current = turns.user("AWSCURRENT");
        let password = turns.password("AWSCURRENT");
        let make = format!(
            "CREATE USER {current}@'10.%' IDENTIFIED BY '{password}' ACCOUNT LOCK; \
             GRANT SELECT ON *.* TO {current}@'10.%'"
        );
        turns.server.sql(&make).await;
        turns.rotate_calmly().await;
        assert_eq!(hosts_of(&turns, USER).await, ["%", "10.%"]);
        let (one, other) = (
            state(&turns.server, USER, "10.%").await[0].clone(),
            state(&turns.server, CLONE, "10.%").await[0].clone(),
        );
        assert_eq!(one, other);
        assert!(one.contains("SELECT"), "{one}");
    }
}

#[tokio::test]
async fn names_with_any_character_are_names() {
    let names = ["it's", "we`ird", "a@b", "größe-表", "two words; DROP", "a\"b\\c", "100%_x"];
    for product in Product::ALL {
        for name in names {
            let quoted = name.replace('`', "``");
            let make = format!(
                "CREATE DATABASE shop; CREATE USER `{quoted}`@'%' IDENTIFIED BY '{FIRST_PASSWORD}'; \
                 GRANT SELECT ON shop.* TO `{quoted}`@'%' WITH GRANT OPTION"
            );
            let turns = Turns::edited(product, &make, |secret| {
                secret["username"] = json!(name);
            })
            .await;
            for _ in 0..2 {
                turns.rotate().await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
                assert!(turns.logs_in("AWSCURRENT").await && turns.logs_in("AWSPREVIOUS").await);
                turns.assert_equal().await;
            }
            assert_eq!(turns.user("AWSPREVIOUS"), format!("{name}_clone"));
        }
    }
}

#[tokio::test]
async fn names_are_as_long_as_the_server_allows() {
    for (product, longest) in [(Product::MySql, 32), (Product::MariaDb, 80)] {
        let name = "ü".repeat(longest);
        let make = format!("CREATE USER `{name}`@'%' IDENTIFIED BY '{FIRST_PASSWORD}'");
        let turns = Turns::edited(product, &make, |secret| secret["username"] = json!(name)).await;
        let count = "SELECT count(*) FROM mysql.user";
        let before = turns.server.query_one(count).await;
        let error = turns.rotate().await.expect_err("the second name is too long");
        error.assert_is("createSecret", "refused", &["_clone", &longest.to_string()]);
        assert_eq!(turns.server.query_one(count).await, before);
        let second = "é".repeat(longest);
        turns.edit(|secret| secret["rotation"] = json!({"alternate_username": second}));
        for expected in [&second, &name, &second] {
            turns.retry().await.unwrap_or_else(|error| panic!("{error:?}"));
            assert_eq!(turns.user("AWSCURRENT"), *expected);
            turns.assert_equal().await;
        }
    }
}

#[tokio::test]
async fn a_name_that_only_mariadb_would_take_is_refused_by_mysql_before_anything_is_made() {
    let name = "u".repeat(30);
    let make = format!("CREATE USER `{name}`@'%' IDENTIFIED BY '{FIRST_PASSWORD}'");
    let turns = Turns::edited(Product::MySql, &make, |secret| {
        secret["username"] = json!(name);
        // A secret without it may be for either.
        secret.as_object_mut().expect("an object").remove("engine");
    })
    .await;
    let words = ["is longer than the 32 characters", "rotation.alternate_username"];
    turns.tested().await.expect_err("too long").assert_is("testSecret", "refused", &words);
    turns.rotate_failing().await.assert_is("setSecret", "refused", &words);
}

#[tokio::test]
async fn a_user_that_logs_in_by_something_else_than_a_password_is_refused() {
    let turns = Turns::start(Product::MariaDb).await;
    turns.server.sql("INSTALL SONAME 'auth_ed25519'").await;
    let alter = format!(
        "ALTER USER app@'%' IDENTIFIED VIA ed25519 USING PASSWORD('{FIRST_PASSWORD}') OR mysql_native_password USING PASSWORD('{FIRST_PASSWORD}')"
    );
    turns.server.sql(&alter).await;
    let error = turns.rotate().await.expect_err("the driver knows no such plugin");
    assert_eq!(error.class, "refused", "{error:?}");
}
