//! Accounts that a rotation has no business with: they are neither changed nor logged in to.

use serde_json::json;
use turnlock_local::Operation;
use turnlock_tests::pair::{CLONE, server_with_user};
use turnlock_tests::postgres::{Logins, Setup, Version};
use turnlock_tests::world::{ADMIN, FIRST_PASSWORD, FUNCTION, StepError, USER, World};

fn of(version: Version) -> Setup {
    Setup { version, ..Setup::default() }
}

/// A secret of the user, beside an account that the admin has made for something else.
async fn beside(version: Version, user: &str, stranger: &str) -> World {
    let server = server_with_user(of(version), "").await;
    let make = format!(
        "SET ROLE {ADMIN}; \
         CREATE ROLE {stranger} LOGIN PASSWORD 'of-a-stranger' CONNECTION LIMIT 5; \
         ALTER ROLE {stranger} SET work_mem = '5MB'; COMMENT ON ROLE {stranger} IS 'ask Bob'"
    );
    server.sql(&make).await;
    if user != USER {
        let make =
            format!("SET ROLE {ADMIN}; CREATE ROLE {user} LOGIN PASSWORD '{FIRST_PASSWORD}'");
        server.sql(&make).await;
    }
    World::administered(server, |secret| secret["username"] = json!(user)).await
}

/// Rotates, which has to be refused without a login as the stranger.
async fn refused_without_a_login(world: &World, stranger: &str) -> StepError {
    let (before, mark) = (world.account(stranger).await, world.mark());
    let error = world.rotate_failing().await;
    assert_eq!(world.account(stranger).await, before);
    assert_eq!(world.server.logins_since(mark, stranger).await, Logins::default());
    error
}

#[tokio::test]
async fn an_unrelated_svc_beside_a_user_really_called_svc_clone_is_left_alone() {
    for version in Version::ALL {
        let world = beside(version, "svc_clone", "svc").await;
        let error = refused_without_a_login(&world, "svc").await;
        let words =
            ["svc exists and was not made for this secret", "rotation.alternate_username", "adopt"];
        error.assert_is("setSecret", "refused", &words);
        assert!(world.logs_in("AWSCURRENT").await);
    }
}

#[tokio::test]
async fn an_account_of_the_second_name_that_nobody_has_marked_is_left_alone() {
    for version in Version::ALL {
        let world = beside(version, USER, CLONE).await;
        let error = refused_without_a_login(&world, CLONE).await;
        error.assert_is(
            "setSecret",
            "refused",
            &["app_clone exists and was not made for this secret"],
        );
    }
}

#[tokio::test]
async fn a_version_that_merely_names_an_account_proves_nothing() {
    for version in Version::ALL {
        let world = beside(version, USER, CLONE).await;
        let current = world.document("AWSCURRENT");
        world.edit(|secret| {
            secret["username"] = json!(CLONE);
            secret["password"] = json!("made-up-by-somebody");
        });
        world.local.put_value(&world.secret, &current.to_string()).expect("a write");
        let error = refused_without_a_login(&world, CLONE).await;
        error.assert_is(
            "setSecret",
            "refused",
            &["app_clone exists and was not made for this secret"],
        );
        // A member of the user could be the one that AWS's function has made: then the password is tried.
        world.server.sql(&format!("SET ROLE {ADMIN}; GRANT {USER} TO {CLONE}")).await;
        let before = world.account(CLONE).await;
        let error = world.retry().await.expect_err("no version logs in as it");
        error.assert_is("setSecret", "refused", &["no version of the secret logs in as it"]);
        assert_eq!(world.account(CLONE).await, before);
    }
}

#[tokio::test]
async fn an_account_is_taken_over_where_the_secret_says_so_but_not_what_it_owns() {
    for version in Version::ALL {
        let world = beside(version, "svc_clone", "svc").await;
        let make =
            "CREATE SCHEMA AUTHORIZATION svc; SET ROLE svc; CREATE TABLE svc.papers (id int)";
        world.server.sql(make).await;
        let owner = "SELECT relowner::regrole FROM pg_class WHERE relname = 'papers'";
        world.edit(|secret| secret["rotation"] = json!({"adopt": true}));
        for (round, expected) in ["svc", "svc_clone", "svc"].into_iter().enumerate() {
            world.rotate().await.unwrap_or_else(|error| panic!("{error:?}"));
            assert_eq!(world.user("AWSCURRENT"), expected);
            for label in ["AWSCURRENT", "AWSPREVIOUS"] {
                let role = world.run_as(label, "SELECT current_user::text").await;
                assert_eq!(role.as_deref(), Ok("svc_clone"), "{label}");
            }
            let said = "svc is taken over as a second login of svc_clone, as rotation.adopt says";
            let output = world.local.output(FUNCTION);
            assert_eq!(output.matches(said).count(), 1, "in round {round}: {output}");
            assert_eq!(world.server.query_one(owner).await, "svc");
            let way = r#"in the databases postgres, run REASSIGN OWNED BY "svc" TO "svc_clone""#;
            assert!(output.contains(way), "{output}");
        }
        assert_eq!(world.state_of("svc").await, world.state_of("svc_clone").await);
        assert!(world.account("svc").await.contains("ask Bob\nTurnlock: "));
    }
}

#[tokio::test]
async fn the_second_login_of_another_role_is_not_taken_over_whatever_the_secret_says() {
    for version in Version::ALL {
        let world = beside(version, USER, CLONE).await;
        let mark = "Turnlock: second login of \"boss\"; it acts as that role and takes turns with it, so \
             change that one [01234567 01234567 some-version]";
        world.server.sql(&format!("COMMENT ON ROLE {CLONE} IS '{mark}'")).await;
        world.edit(|secret| secret["rotation"] = json!({"adopt": true}));
        let error = refused_without_a_login(&world, CLONE).await;
        let words =
            ["app_clone is marked as the second login of another role than app", "COMMENT ON ROLE"];
        error.assert_is("setSecret", "refused", &words);
    }
}

#[tokio::test]
async fn a_mark_that_somebody_has_removed_is_put_back() {
    for version in Version::ALL {
        let world = World::start_alternating(of(version)).await;
        world.rotate_calmly().await;
        for _ in 0..2 {
            world.server.sql(&format!("COMMENT ON ROLE {CLONE} IS NULL")).await;
            world.rotate_calmly().await;
            assert!(world.account(CLONE).await.contains("Turnlock: second login of \"app\""));
            world.assert_in_step().await;
        }
    }
}

#[tokio::test]
async fn a_user_whose_password_no_version_knows_gets_no_second_login() {
    for version in Version::ALL {
        let world = beside(version, USER, "boss").await;
        world.edit(|secret| {
            secret["username"] = json!("boss");
            secret["password"] = json!("guessed-by-somebody");
        });
        let before = world.account("boss").await;
        let error = world.rotate_failing().await;
        error.assert_is("setSecret", "auth-rejected", &["accepts none of", "boss"]);
        assert_eq!(world.account("boss").await, before);
        let made = "SELECT count(*) FROM pg_roles WHERE rolname = 'boss_clone'";
        assert_eq!(world.server.query_one(made).await, "0");
    }
}

#[tokio::test]
async fn a_user_whose_password_only_a_version_without_a_label_knows_goes_on() {
    for version in Version::ALL {
        let world = World::start_alternating(of(version)).await;
        for _ in 0..2 {
            world.rotate_calmly().await;
        }
        let labels = world.labels();
        let oldest = world.local.versions(&world.secret)[0].clone();
        let (current, previous) = (&labels["AWSCURRENT"], &labels["AWSPREVIOUS"]);
        for (label, from, to) in
            [("AWSCURRENT", current, &oldest), ("AWSPREVIOUS", current, previous)]
        {
            let request = json!({
                "SecretId": world.secret,
                "VersionStage": label,
                "RemoveFromVersionId": from,
                "MoveToVersionId": to,
            });
            let moved = world.local.call(Operation::UpdateSecretVersionStage, &request);
            moved.expect("labels can be moved by hand");
        }
        assert!(!world.logs_in("AWSCURRENT").await, "its password is long dead");
        assert!(world.logs_in(current).await);
        world.rotate().await.expect("a version without a label logs in");
        assert!(world.local.output(FUNCTION).contains("an older version does: healing"));
        assert_eq!(world.user("AWSCURRENT"), CLONE);
        assert!(world.logs_in("AWSCURRENT").await);
        world.rotate().await.expect("and the next one gives the user a new password");
        world.assert_in_step().await;
    }
}

#[tokio::test]
async fn a_second_user_that_was_dropped_is_made_again() {
    for version in Version::ALL {
        let world = World::start_alternating(of(version)).await;
        for _ in 0..2 {
            world.rotate_calmly().await;
        }
        world.server.sql(&format!("DROP ROLE {CLONE}")).await;
        world.rotate_calmly().await;
        assert_eq!(world.user("AWSCURRENT"), CLONE);
        world.assert_in_step().await;
    }
}

#[tokio::test]
async fn a_first_user_of_another_name_is_missed_and_changes_nothing() {
    for version in Version::ALL {
        let world = World::start_alternating(of(version)).await;
        world.server.sql(&format!("ALTER ROLE {USER} RENAME TO app2")).await;
        let error = world.rotate_failing().await;
        error.assert_is("setSecret", "auth-rejected", &["rejects the password of app"]);
        world.server.sql(&format!("ALTER ROLE app2 RENAME TO {USER}")).await;
        world.retry().await.expect("the name is back");

        world.server.sql(&format!("ALTER ROLE {USER} RENAME TO app2")).await;
        let error = world.rotate_failing().await;
        error.assert_is("setSecret", "refused", &["app_clone acts as app, which", "does not have"]);
        // The secret follows, and a person says that the second user is that one's now.
        world.edit(|secret| {
            secret["username"] = json!("app2");
            secret["password"] = json!(world.password("AWSPREVIOUS"));
            secret["rotation"] = json!({"alternate_username": CLONE});
        });
        let error = world.rotate_failing().await;
        error.assert_is("setSecret", "refused", &["marked as the second login of another role"]);
        world.server.sql(&format!("COMMENT ON ROLE {CLONE} IS NULL")).await;
        world.retry().await.expect("the pair is one again");
        assert_eq!(
            world.run_as("AWSCURRENT", "SELECT current_user::text").await,
            Ok("app2".into())
        );
    }
}

#[tokio::test]
async fn another_role_of_the_first_users_name_is_left_alone() {
    let another = format!(
        "DROP ROLE {USER}; SET ROLE {ADMIN}; CREATE ROLE {USER} LOGIN PASSWORD 'of another team'; RESET ROLE"
    );
    for version in Version::ALL {
        let world = World::start_alternating(of(version)).await;
        world.rotate_calmly().await;
        world.server.sql(&another).await;
        let before = (world.account(USER).await, world.account(CLONE).await);
        let words = ["it may be another role of that name", "run GRANT \"app\" TO \"app_clone\""];
        world.rotate_failing().await.assert_is("setSecret", "refused", &words);
        assert_eq!((world.account(USER).await, world.account(CLONE).await), before);
        world.server.sql(&format!("SET ROLE {ADMIN}; GRANT {USER} TO {CLONE}")).await;
        world.retry().await.expect("a person has said that it is the right one");
        assert!(world.logs_in("AWSCURRENT").await);
    }
}

#[tokio::test]
async fn a_first_user_that_only_lost_its_second_login_is_known_by_its_password() {
    for version in Version::ALL {
        let world = World::start_alternating(of(version)).await;
        world.rotate_calmly().await;
        world.server.sql(&format!("SET ROLE {ADMIN}; REVOKE {USER} FROM {CLONE}")).await;
        for _ in 0..2 {
            world.rotate().await.expect("a version of the secret logs in as it");
        }
        world.assert_in_step().await;
    }
}

#[tokio::test]
async fn a_first_user_that_is_to_act_as_its_second_login_is_refused_until_that_is_reset() {
    for version in Version::ALL {
        for rotations in [0, 1] {
            let world = World::start_alternating(of(version)).await;
            for _ in 0..rotations {
                world.rotate_calmly().await;
            }
            world.server.sql(&format!("ALTER ROLE {USER} SET role = '{CLONE}'")).await;
            let words =
                ["the setting role of app is app_clone", "run ALTER ROLE \"app\" RESET role"];
            world.rotate_failing().await.assert_is("setSecret", "refused", &words);
            world.server.sql(&format!("ALTER ROLE {USER} RESET role")).await;
            world.retry().await.expect("what was named is done");
            world.assert_in_step().await;
        }
    }
}

#[tokio::test]
async fn an_admin_that_lacks_a_right_leaves_no_half_made_user() {
    let nobody = format!("ALTER ROLE {ADMIN} NOCREATEROLE");
    let not_its_own = format!("REVOKE ADMIN OPTION FOR {USER} FROM {ADMIN}");
    // Found out after the role was made, by the server's rules for this one parameter.
    let guarded = format!("ALTER ROLE {USER} SET log_statement = 'none'");
    let changing = "changing app_clone at localhost";
    let demanded = "GRANT SET ON PARAMETER log_statement";
    for (versions, statement, words) in [
        (&Version::ALL[..], &nobody, vec![changing]),
        (&[Version::V18][..], &not_its_own, vec![changing]),
        (&Version::ALL[..], &guarded, vec![changing, demanded]),
    ] {
        for version in versions {
            let world = World::start_alternating(of(*version)).await;
            world.server.sql(statement).await;
            let error = world.rotate_failing().await;
            error.assert_is("setSecret", "permission", &words);
            let made = format!("SELECT count(*) FROM pg_roles WHERE rolname = '{CLONE}'");
            assert_eq!(world.server.query_one(&made).await, "0");
            assert!(world.logs_in("AWSCURRENT").await);
        }
    }
}

#[tokio::test]
async fn what_an_adopted_account_owned_is_never_handed_over_whatever_the_secret_says_later() {
    for version in Version::ALL {
        let world = World::start_alternating(of(version)).await;
        world
            .server
            .sql(&format!(
                "SET ROLE {ADMIN}; CREATE ROLE {CLONE} LOGIN PASSWORD 'known-to-somebody-else'; RESET ROLE; \
                 CREATE TABLE ledger (n int); ALTER TABLE ledger OWNER TO {CLONE}"
            ))
            .await;
        world.edit(|secret| secret["rotation"] = json!({"adopt": true}));
        world.rotate_calmly().await;
        world.edit(|secret| secret["rotation"] = json!({"adopt": false}));
        for _ in 0..3 {
            world.rotate_calmly().await;
        }
        let owner = "SELECT relowner::regrole::text FROM pg_class WHERE relname = 'ledger'";
        assert_eq!(world.server.query_one(owner).await, CLONE);
    }
}

#[tokio::test]
async fn temporary_tables_are_not_handed_over_and_hold_nothing_up() {
    let world = World::start_alternating(Setup::default()).await;
    world.rotate_calmly().await;
    let (user, password) = (world.user("AWSCURRENT"), world.password("AWSCURRENT"));
    let mut session = world.server.log_in(&user, &password, "postgres").await.expect("a login");
    let statements =
        "SET ROLE NONE; CREATE TEMP TABLE draft (n int); BEGIN; INSERT INTO draft VALUES (1)";
    sqlx::raw_sql(statements).execute(&mut session).await.expect("a table of its own");
    world.rotate_calmly().await;
    world.rotate_calmly().await;
    let insert = sqlx::raw_sql("INSERT INTO draft VALUES (2); COMMIT").execute(&mut session).await;
    insert.expect("the table is as it was");
    assert!(!world.local.output(FUNCTION).contains("handed over"));
}

#[tokio::test]
async fn a_user_that_somebody_has_locked_is_not_let_in_at_its_turn() {
    for version in Version::ALL {
        for turns in [1, 2] {
            let world = World::start_alternating(of(version)).await;
            for _ in 0..turns {
                world.rotate_calmly().await;
            }
            let idle = world.user("AWSPREVIOUS");
            world.server.sql(&format!("ALTER ROLE {idle} NOLOGIN")).await;
            let words = [&format!("{idle} is locked (NOLOGIN)"), "LOGIN lets the rotation go on"];
            world.rotate_failing().await.assert_is("setSecret", "refused", &words);
            assert!(world.logs_in("AWSCURRENT").await);
            world.server.sql(&format!("ALTER ROLE {idle} LOGIN")).await;
            let version = world.labels()["AWSPENDING"].clone();
            world.local.set_knobs(|knobs| knobs.require_rotation_token = false);
            world.retry_by_hand(&version).await.expect("it may log in again");
            assert!(world.logs_in("AWSCURRENT").await);
        }
    }
}
