//! testSecret alone with two users: changes nothing and names what the next rotation would lack.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use serde_json::json;
use turnlock_tests::pair::{CLONE, server_with_user};
use turnlock_tests::postgres::{Logins, Server, Setup, Version};
use turnlock_tests::world::{ADMIN, FIRST_PASSWORD, FUNCTION, USER, World};

fn of(version: Version) -> Setup {
    Setup { version, ..Setup::default() }
}

/// After these statements the test alone has to name what is missing, and nothing else.
async fn lacks(world: &World, statements: &str, class: &str, words: &[&str]) {
    world.server.sql(statements).await;
    let error = world.tested().await.expect_err("something is missing");
    error.assert_is("testSecret", class, words);
    world.assert_silent_on_passwords(&[("the error", &error.message)]);
}

#[tokio::test]
async fn a_pair_that_could_take_turns_passes_at_any_time() {
    for version in Version::ALL {
        let world = World::start_alternating(of(version)).await;
        for _ in 0..3 {
            let mark = world.mark();
            world.tested().await.expect("the test passes");
            let user = world.user("AWSCURRENT");
            for user in [user.as_str(), ADMIN] {
                let logins = world.server.logins_since(mark, user).await;
                assert_eq!(logins, Logins { accepted: 1, failed: 0, plaintext: 0 }, "{user}");
            }
            world.rotate_calmly().await;
        }
    }
}

#[tokio::test]
async fn a_pair_that_aws_has_made_passes() {
    for version in Version::ALL {
        for current in [USER, CLONE] {
            let world = World::left_by_aws(of(version), current, "").await;
            let mark = world.mark();
            world.tested().await.expect("the test passes");
            assert_eq!(world.logins_of_all(mark).await.failed, 0);
        }
    }
}

#[tokio::test]
async fn a_first_user_of_aws_that_could_do_less_than_the_second_is_told_by_the_test_alone() {
    let world = World::left_by_aws(Setup::default(), CLONE, "").await;
    let words = ["app is not equal to app_clone", "it lacks CREATEDB"];
    lacks(&world, &format!("ALTER ROLE {CLONE} CREATEDB"), "refused", &words).await;
}

#[tokio::test]
async fn an_admin_without_createrole_is_told_so() {
    for version in Version::ALL {
        let world = World::start_alternating(of(version)).await;
        let revoke = format!("ALTER ROLE {ADMIN} NOCREATEROLE");
        let words = ["may not let app_clone take turns with app; missing: CREATEROLE"];
        lacks(&world, &revoke, "permission", &words).await;
    }
}

#[tokio::test]
async fn an_admin_without_admin_option_on_either_user_is_told_so_from_version_16_on() {
    let user = format!("REVOKE ADMIN OPTION FOR {USER} FROM {ADMIN}");
    let world = World::start_alternating(of(Version::V18)).await;
    lacks(&world, &user, "permission", &["missing: ADMIN OPTION on app (from version 16)"]).await;

    let world = World::start_alternating(of(Version::V18)).await;
    world.rotate_calmly().await;
    let second = format!("REVOKE ADMIN OPTION FOR {CLONE} FROM {ADMIN}");
    let words =
        ["may not let app take turns", "missing: ADMIN OPTION on app_clone (from version 16)"];
    lacks(&world, &second, "permission", &words).await;
    let words = ["ADMIN OPTION on app ", "ADMIN OPTION on app_clone"];
    // What the admin has granted by it goes with it: the second user's membership in the first.
    lacks(&world, &format!("{user} CASCADE"), "permission", &words).await;

    let world = World::start_alternating(of(Version::Distribution)).await;
    world.server.sql(&user.replace("REVOKE ADMIN OPTION FOR", "REVOKE")).await;
    world.tested().await.expect("before version 16, CREATEROLE is enough");
}

#[tokio::test]
async fn an_admin_without_superuser_or_replication_is_told_so_where_the_user_has_it() {
    for version in Version::ALL {
        let world = World::start_alternating(of(version)).await;
        let alter = format!("ALTER ROLE {USER} SUPERUSER");
        lacks(&world, &alter, "permission", &["missing: SUPERUSER (app has it)"]).await;
        let alter = format!("ALTER ROLE {USER} NOSUPERUSER REPLICATION");
        let words = match version {
            Version::Distribution => {
                "missing: SUPERUSER (before version 16, to change app, which has"
            }
            Version::V18 => "missing: REPLICATION (which app has)",
        };
        lacks(&world, &alter, "permission", &[words]).await;
    }
}

#[tokio::test]
async fn all_that_an_admin_lacks_is_told_at_once() {
    let world = World::start_alternating(of(Version::V18)).await;
    let statements = format!(
        "ALTER ROLE {ADMIN} NOCREATEROLE; REVOKE ADMIN OPTION FOR {USER} FROM {ADMIN}; \
         ALTER ROLE {USER} REPLICATION; ALTER ROLE {USER} SET log_statement = 'none'"
    );
    let words = ["CREATEROLE, ADMIN OPTION on app", "REPLICATION", "PARAMETER log_statement"];
    lacks(&world, &statements, "permission", &words).await;
}

#[tokio::test]
async fn a_database_with_too_little_room_for_both_users_is_told_by_the_test_alone() {
    let world = World::start_alternating(Setup::default()).await;
    world.server.sql("ALTER DATABASE postgres CONNECTION LIMIT 4").await;
    let log_in = || world.server.log_in(USER, FIRST_PASSWORD, "postgres");
    let mut consumers = vec![log_in().await.expect("a session")];
    world.tested().await.expect("there is room for one more");
    consumers.push(log_in().await.expect("a session"));
    let words = ["the database postgres has", "of 4 connections", "2 of them by app"];
    lacks(&world, "SELECT 1", "too-many-connections", &words).await;
    drop(consumers);
}

#[tokio::test]
async fn an_account_of_the_second_name_that_is_not_ours_is_told_by_the_test_alone() {
    for version in Version::ALL {
        let world = World::start_alternating(of(version)).await;
        let make = format!("SET ROLE {ADMIN}; CREATE ROLE {CLONE} LOGIN PASSWORD 'of-a-stranger'");
        let words = ["app_clone exists and was not made for this secret", "adopt"];
        lacks(&world, &make, "refused", &words).await;
        assert_eq!(world.server.logins(CLONE).await, Logins::default());
        world.edit(|secret| secret["rotation"] = json!({"adopt": true}));
        world.tested().await.expect("it may be taken over");
    }
}

#[tokio::test]
async fn an_admin_outside_of_rds_password_is_told_so_where_amazon_restricts_passwords() {
    let configuration = vec!["rds.restrict_password_commands = 1".to_owned()];
    let world = World::start_alternating(Setup { configuration, ..Setup::default() }).await;
    let words = ["missing: membership in rds_password", "rds.restrict_password_commands"];
    lacks(&world, "CREATE ROLE rds_password", "permission", &words).await;
    world.server.sql(&format!("GRANT rds_password TO {ADMIN}")).await;
    world.tested().await.expect("the admin is a member");
}

#[tokio::test]
async fn a_replica_is_told_by_the_test_alone() {
    for version in Version::ALL {
        let primary = server_with_user(of(version), "").await;
        let standby = Server::standby_of(&primary).await;
        let world = World::administered(standby, |_| ()).await;
        let error = world.tested().await.expect_err("a standby takes no writes");
        error.assert_is("testSecret", "read-only", &["is a replica", "the writer's endpoint"]);
    }
}

#[tokio::test]
async fn too_little_room_for_the_sessions_of_both_users_is_told_by_the_test_alone() {
    for version in Version::ALL {
        // Three are for superusers; the admin has one while it looks.
        let setup = Setup { max_connections: 10, ..of(version) };
        let world = World::start_alternating(setup).await;
        let log_in = || world.server.log_in(USER, FIRST_PASSWORD, "postgres");
        let mut consumers =
            vec![log_in().await.expect("a session"), log_in().await.expect("a session")];
        world.tested().await.expect("there is room for two more");
        consumers.push(log_in().await.expect("a session"));
        consumers.push(log_in().await.expect("a session"));
        let error = world.tested().await.expect_err("there is no room for four more");
        let words = ["of 7 connections in use, 4 of them by app", "no room for as many again"];
        error.assert_is("testSecret", "too-many-connections", &words);
        drop(consumers);
    }
}

#[tokio::test]
async fn a_second_name_that_postgresql_would_cut_off_is_told_before_anything_is_made() {
    let long = "a".repeat(60);
    let server = server_with_user(Setup::default(), "").await;
    let make = format!("SET ROLE {ADMIN}; CREATE ROLE {long} LOGIN PASSWORD '{FIRST_PASSWORD}'");
    server.sql(&make).await;
    let world = World::administered(server, |secret| secret["username"] = json!(long)).await;
    let error = world.tested().await.expect_err("the name is too long");
    let words = ["_clone is longer than the 63 bytes", "rotation.alternate_username"];
    error.assert_is("testSecret", "refused", &words);
    world.rotate_refused().await.assert_is("createSecret", "refused", &words);
    world.edit(|secret| secret["rotation"] = json!({"alternate_username": "short"}));
    world.tested().await.expect("a name of its own is short enough");
    world.rotate().await.expect("the rotation succeeds");
    assert_eq!(world.user("AWSCURRENT"), "short");
}

#[tokio::test]
async fn what_may_need_more_than_createrole_is_said_though_the_test_passes() {
    let world = World::left_by_aws(Setup::default(), USER, "").await;
    world.server.sql(&format!("GRANT pg_monitor TO {CLONE}")).await;
    world.tested().await.expect("only doing it tells");
    let output = world.local.output(FUNCTION);
    let demand = "the next rotation will need more than CREATEROLE: taking pg_monitor away from \
         app_clone";
    assert!(output.contains(demand), "{output}");
}

#[tokio::test]
async fn a_parameter_of_superusers_that_has_to_be_copied_is_told_until_it_is_granted() {
    for version in Version::ALL {
        let world = World::start_alternating(of(version)).await;
        let set = format!(
            "ALTER ROLE {USER} SET log_statement = 'ddl'; ALTER ROLE {USER} SET myapp.tenant = '7'"
        );
        let words = ["missing: GRANT SET ON PARAMETER", "log_statement", "myapp.tenant"];
        lacks(&world, &set, "permission", &words).await;
        for parameter in ["log_statement", "myapp.tenant"] {
            world.server.sql(&format!("GRANT SET ON PARAMETER {parameter} TO {ADMIN}")).await;
        }
        world.tested().await.expect("all is granted");
        world.rotate_calmly().await;
        world.assert_in_step().await;
    }
}

#[tokio::test]
async fn a_role_that_the_user_acts_as_is_no_parameter_of_superusers() {
    for version in Version::ALL {
        let world = World::start_alternating(of(version)).await;
        let team =
            format!("CREATE ROLE team; GRANT team TO {USER}; ALTER ROLE {USER} SET role = 'team'");
        world.server.sql(&team).await;
        world.tested().await.expect("nothing is missing");
        world.rotate_calmly().await;
        world.tested().await.expect("nothing is missing");
    }
}

#[tokio::test]
async fn an_admin_that_may_not_grant_by_a_group_whose_privileges_it_lacks_is_told_so() {
    let world = World::start_alternating(of(Version::V18)).await;
    let group = format!(
        "CREATE ROLE dba; GRANT {USER} TO dba WITH ADMIN TRUE; REVOKE {USER} FROM {ADMIN}; \
         GRANT dba TO {ADMIN} WITH INHERIT FALSE"
    );
    let words = ["missing: INHERIT on the role that has ADMIN OPTION on app"];
    lacks(&world, &group, "permission", &words).await;
    world.server.sql(&format!("GRANT dba TO {ADMIN} WITH INHERIT TRUE")).await;
    world.tested().await.expect("nothing is missing");
    world.rotate_calmly().await;
}

#[tokio::test]
async fn a_parameter_that_may_not_be_copied_is_named_by_the_rotation() {
    let world = World::start_alternating(Setup::default()).await;
    world.server.sql(&format!("ALTER ROLE {USER} SET log_statement = 'ddl'")).await;
    let words = ["the setting log_statement (GRANT SET ON PARAMETER log_statement)", "[42501]"];
    world.rotate_failing().await.assert_is("setSecret", "permission", &words);
}
