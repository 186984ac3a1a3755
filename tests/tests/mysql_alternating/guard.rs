//! Accounts of MySQL and MariaDB that a rotation of two users has no business with: neither changed nor logged in to.

use serde_json::json;
use turnlock_tests::mysql::{Logins, Product};
use turnlock_tests::scene::StepError;
use turnlock_tests::turns::{CLONE, Turns, accounts};
use turnlock_tests::world::mysql::{FIRST_PASSWORD, USER};

/// An account that was made for something else.
const STRANGER: &str = "CREATE DATABASE shop; \
     CREATE USER app_clone@'%' IDENTIFIED BY 'of-a-stranger' WITH MAX_USER_CONNECTIONS 5; \
     GRANT SELECT ON shop.* TO app_clone@'%'";

/// Rotates, which has to be refused with all accounts as they were, and no login as the stranger.
async fn refused_without_a_login(turns: &Turns, stranger: &str, words: &[&str]) -> StepError {
    let mark = turns.mark();
    let error = turns.rotate_failing().await;
    assert_eq!(turns.server.logins_since(mark, stranger).await, Logins::default());
    error.assert_is("setSecret", "refused", words);
    assert!(turns.logs_in("AWSCURRENT").await);
    error
}

#[tokio::test]
async fn an_account_of_the_second_name_that_is_not_ours_is_left_alone() {
    for product in Product::ALL {
        let turns = Turns::after(product, STRANGER).await;
        let words = [
            "app_clone@% exists at localhost",
            "was not made for this secret",
            "no version of the secret has its password",
            "rotation.alternate_username",
            r#""rotation": {"adopt": true}"#,
        ];
        let error = turns.tested().await.expect_err("the test alone tells it, too");
        error.assert_is("testSecret", "refused", &words);
        assert_eq!(turns.server.logins(CLONE).await, Logins::default());
        refused_without_a_login(&turns, CLONE, &words).await;
        turns.server.sql("DROP USER app_clone@'%'").await;
        turns.retry().await.expect("the name is free");
        turns.assert_equal().await;
    }
}

#[tokio::test]
async fn an_account_is_taken_over_where_the_secret_says_so() {
    for product in Product::ALL {
        let turns = Turns::after(product, STRANGER).await;
        turns.edit(|secret| secret["rotation"] = json!({"adopt": true}));
        for expected in [CLONE, USER, CLONE] {
            turns.rotate_calmly().await;
            assert_eq!(turns.user("AWSCURRENT"), expected);
            turns.assert_equal().await;
        }
        assert!(!turns.server.can_log_in(CLONE, "of-a-stranger").await);
        // It is ours from now on, whatever the secret says later.
        turns.edit(|secret| secret["rotation"] = json!({}));
        turns.rotate_calmly().await;
        turns.rotate_calmly().await;
    }
}

#[tokio::test]
async fn a_version_that_merely_names_an_account_proves_nothing() {
    for product in Product::ALL {
        let turns = Turns::after(product, STRANGER).await;
        let current = turns.document("AWSCURRENT");
        turns.edit(|secret| {
            secret["username"] = json!(CLONE);
            secret["password"] = json!("made-up-by-somebody");
        });
        turns.local.put_value(&turns.secret, &current.to_string()).expect("a write");
        let words = ["app_clone@% exists", "no version of the secret has its password"];
        refused_without_a_login(&turns, CLONE, &words).await;
    }
}

#[tokio::test]
async fn a_version_that_has_its_password_proves_an_account_that_aws_has_made() {
    for product in Product::ALL {
        for current in [USER, CLONE] {
            let turns = Turns::left_by_aws(product, current).await;
            turns.tested().await.expect("the test passes");
            for _ in 0..3 {
                turns.rotate_calmly().await;
                turns.assert_equal().await;
            }
        }
    }
}

#[tokio::test]
async fn an_account_that_is_dropped_and_made_anew_is_a_stranger() {
    for product in Product::ALL {
        for turns_before in [1, 2] {
            let turns = Turns::start(product).await;
            for _ in 0..turns_before {
                turns.rotate_calmly().await;
            }
            let idle = turns.user("AWSPREVIOUS");
            let make = format!(
                "DROP USER {idle}@'%'; CREATE USER {idle}@'%' IDENTIFIED BY 'of-another-team'"
            );
            turns.server.sql(&make).await;
            let words: [&str; 2] = [&format!("{idle}@% exists"), "was not made for this secret"];
            refused_without_a_login(&turns, &idle, &words).await;
            turns.server.sql(&format!("DROP USER {idle}@'%'")).await;
            turns.retry().await.expect("it is made again");
            turns.assert_equal().await;
        }
    }
}

#[tokio::test]
async fn an_unrelated_svc_beside_a_user_really_called_svc_clone_is_left_alone() {
    for product in Product::ALL {
        let make = format!(
            "CREATE USER svc@'%' IDENTIFIED BY 'of-a-stranger'; GRANT SELECT ON mysql.* TO svc@'%'; \
             CREATE USER svc_clone@'%' IDENTIFIED BY '{FIRST_PASSWORD}'"
        );
        let turns = Turns::edited(product, &make, |secret| {
            secret["username"] = json!("svc_clone");
        })
        .await;
        refused_without_a_login(&turns, "svc", &["svc@% exists", "rotation.alternate_username"])
            .await;
        turns.edit(|secret| secret["rotation"] = json!({"alternate_username": "svc_two"}));
        for expected in ["svc_two", "svc_clone", "svc_two"] {
            turns.retry().await.expect("the names are told");
            assert_eq!(turns.user("AWSCURRENT"), expected);
        }
        assert!(turns.server.can_log_in("svc", "of-a-stranger").await);
    }
}

#[tokio::test]
async fn who_only_writes_the_secret_gets_no_second_login_of_another_account() {
    for product in Product::ALL {
        let make =
            "CREATE USER boss@'%' IDENTIFIED BY 'of-the-boss'; GRANT SELECT ON *.* TO boss@'%'";
        let turns = Turns::after(product, make).await;
        for user in ["boss", "root"] {
            turns.edit(|secret| {
                secret["username"] = json!(user);
                secret["password"] = json!("guessed-by-somebody");
            });
            let before = accounts(&turns.server).await;
            let error = turns.retry().await.expect_err("no version has the password");
            error.assert_is("setSecret", "auth-rejected", &["accepts none of", user]);
            assert_eq!(accounts(&turns.server).await, before);
        }
    }
}

/// The server lets somebody in by any name then, as an account without one.
#[tokio::test]
async fn a_login_as_an_account_without_a_name_proves_no_other_account() {
    for product in Product::ALL {
        let make = "CREATE USER ''@'%' IDENTIFIED BY 'known-to-all'; \
             CREATE USER boss@'10.%' IDENTIFIED BY 'of-the-boss'; GRANT SELECT ON *.* TO boss@'10.%'";
        let turns = Turns::edited(product, make, |secret| {
            secret["username"] = json!("boss");
            secret["password"] = json!("known-to-all");
        })
        .await;
        let error = turns.rotate_failing().await;
        error.assert_is("setSecret", "auth-rejected", &["boss@10.%", "no version of the secret"]);
        let made = "SELECT count(*) FROM mysql.user WHERE user LIKE 'boss%'";
        assert_eq!(turns.server.query_one(made).await, "1");
    }
}

#[tokio::test]
async fn an_account_of_the_second_name_on_another_host_is_never_touched() {
    for product in Product::ALL {
        let surplus = "CREATE USER app_clone@'10.0.0.%' IDENTIFIED BY 'of-a-stranger'";
        let turns = Turns::after(product, surplus).await;
        let words = [
            "app_clone@10.0.0.% exists",
            "no account of app has its host",
            "rotation.alternate_username",
        ];
        refused_without_a_login(&turns, CLONE, &words).await;
        turns.edit(|secret| secret["rotation"] = json!({"adopt": true}));
        refused_without_a_login(&turns, CLONE, &words).await;
        turns.server.sql("DROP USER app_clone@'10.0.0.%'").await;
        turns.retry().await.expect("it is gone");
        // Left over from a host that the other one had: of ours, and in the way of consumers from there.
        for label in ["AWSCURRENT", "AWSPREVIOUS"] {
            let (user, password) = (turns.user(label), turns.password(label));
            let make = format!("CREATE USER {user}@'10.0.0.%' IDENTIFIED BY '{password}'");
            turns.server.sql(&make).await;
        }
        turns.rotate_calmly().await;
        let current = turns.user("AWSCURRENT");
        let idle = turns.user("AWSPREVIOUS");
        turns.server.sql(&format!("DROP USER {current}@'10.0.0.%'")).await;
        let error = turns.rotate_failing().await;
        let words: [&str; 2] =
            [&format!("{idle}@10.0.0.% exists"), &format!("no account of {current} has its host")];
        error.assert_is("setSecret", "refused", &words);
        turns.server.sql(&format!("DROP USER {idle}@'10.0.0.%'")).await;
        turns.retry().await.expect("it is gone, too");
        turns.assert_equal().await;
    }
}

#[tokio::test]
async fn the_names_of_the_two_can_be_told() {
    for product in Product::ALL {
        let turns = Turns::edited(product, STRANGER, |secret| {
            secret["rotation"] = json!({"alternate_username": "app_b"});
        })
        .await;
        for expected in ["app_b", USER, "app_b"] {
            turns.rotate().await.expect("the rotation succeeds");
            assert_eq!(turns.user("AWSCURRENT"), expected);
            turns.assert_equal().await;
        }
        assert!(turns.server.can_log_in(CLONE, "of-a-stranger").await);
    }
}

#[tokio::test]
async fn a_second_user_of_another_pair_is_not_ours() {
    for product in Product::ALL {
        let turns = Turns::start(product).await;
        turns.rotate_calmly().await;
        // The first user gets another name; the second one takes turns with the old one still.
        turns.server.sql("RENAME USER app@'%' TO app2@'%'").await;
        let password = turns.password("AWSPREVIOUS");
        turns.edit(|secret| {
            secret["username"] = json!("app2");
            secret["password"] = json!(password);
            secret["rotation"] = json!({"alternate_username": CLONE});
        });
        // It is known by its password, which a version has.
        turns.rotate().await.expect("a version of the secret proves it");
        assert_eq!(turns.user("AWSCURRENT"), CLONE);
        turns.assert_equal().await;
    }
}
