//! Two users that AWS's multi-user function has made, which ours lets take turns from there.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use serde_json::json;
use turnlock_local::Operation;
use turnlock_tests::pair::{CLONE, CLONE_PASSWORD, aws_makes_the_second, server_with_user};
use turnlock_tests::postgres::{Setup, Version};
use turnlock_tests::world::{ADMIN, FUNCTION, USER, World};

fn of(version: Version) -> Setup {
    Setup { version, ..Setup::default() }
}

/// A table, a sequence, a function and a view of the second user's, in a schema that both may create in.
const OBJECTS: &str = "SET ROLE app_clone; \
     CREATE TABLE shop.orders (id serial PRIMARY KEY, note text); INSERT INTO shop.orders (note) VALUES ('a'); \
     CREATE SEQUENCE shop.numbers; CREATE VIEW shop.notes AS SELECT note FROM shop.orders; \
     CREATE FUNCTION shop.seven() RETURNS int LANGUAGE sql AS 'SELECT 7'; RESET ROLE";

/// All that an owner can do with those, and nobody else.
const USES: &str = "BEGIN; INSERT INTO shop.orders (note) VALUES ('b'); SELECT nextval('shop.numbers'); \
     ALTER TABLE shop.orders ADD COLUMN more int; ALTER SEQUENCE shop.numbers INCREMENT 2; \
     CREATE OR REPLACE FUNCTION shop.seven() RETURNS int LANGUAGE sql AS 'SELECT 8'; \
     DROP VIEW shop.notes; DROP FUNCTION shop.seven(); DROP SEQUENCE shop.numbers; DROP TABLE shop.orders; \
     SELECT 'all of it'; ROLLBACK";

async fn with_objects(world: &World) {
    let schema = format!("CREATE SCHEMA shop; GRANT CREATE, USAGE ON SCHEMA shop TO {USER}");
    world.server.sql(&schema).await;
    world.server.sql(OBJECTS).await;
}

async fn assert_both_own_them(world: &World) {
    for label in ["AWSCURRENT", "AWSPREVIOUS"] {
        let done = world.run_as(label, USES).await;
        assert_eq!(done.as_deref(), Ok("all of it"), "{label}, {}", world.user(label));
    }
}

#[tokio::test]
async fn a_pair_that_aws_has_made_goes_on_from_either_user() {
    for version in Version::ALL {
        for (current, other) in [(USER, CLONE), (CLONE, USER)] {
            let world = World::left_by_aws(of(version), current, "").await;
            for expected in [other, current, other] {
                world.rotate_calmly().await;
                assert_eq!(world.user("AWSCURRENT"), expected);
            }
            world.assert_in_step().await;
        }
    }
}

#[tokio::test]
async fn what_the_second_user_owns_is_handed_over_and_the_admin_gains_nothing() {
    let grants = |version| match version {
        Version::Distribution => vec![""],
        Version::V18 => vec![
            "",
            "SET createrole_self_grant = 'set'",
            "SET createrole_self_grant = 'inherit'",
            "SET createrole_self_grant = 'set, inherit'",
        ],
    };
    for version in Version::ALL {
        for self_grant in grants(version) {
            for current in [USER, CLONE] {
                let world = World::left_by_aws(of(version), current, self_grant).await;
                with_objects(&world).await;
                let before = world.memberships_of_the_admin().await;
                for _ in 0..2 {
                    world.rotate_calmly().await;
                    assert_eq!(world.memberships_of_the_admin().await, before, "{self_grant}");
                    assert_both_own_them(&world).await;
                }
                world.assert_in_step().await;
            }
        }
    }
}

#[tokio::test]
async fn an_admin_that_grants_in_the_name_of_a_group_gains_nothing_by_the_hand_over() {
    let kept = format!("GRANT {USER} TO {ADMIN} WITH INHERIT FALSE, SET FALSE GRANTED BY dba");
    for before in ["", kept.as_str()] {
        for current in [USER, CLONE] {
            let server = server_with_user(of(Version::V18), "SELECT 1").await;
            let group = format!(
                "{}; CREATE ROLE dba; GRANT {USER}, {CLONE} TO dba WITH ADMIN TRUE, INHERIT FALSE, SET FALSE; \
                 REVOKE {USER}, {CLONE} FROM {ADMIN} CASCADE; GRANT dba TO {ADMIN}; {before}",
                aws_makes_the_second()
            );
            server.sql(&group).await;
            server.sql(&format!("GRANT {USER} TO {CLONE}")).await;
            let world = World::of_two(server, current).await;
            with_objects(&world).await;
            let memberships = world.memberships_of_the_admin().await;
            for _ in 0..2 {
                world.rotate_calmly().await;
                assert_eq!(world.memberships_of_the_admin().await, memberships, "{before}");
                assert_both_own_them(&world).await;
            }
        }
    }
}

#[tokio::test]
async fn a_second_user_that_does_not_inherit_keeps_what_it_owns_while_it_is_current() {
    for version in Version::ALL {
        let world = World::left_by_aws(of(version), CLONE, "").await;
        let no_inherit = match version {
            Version::Distribution => format!("ALTER ROLE {CLONE} NOINHERIT"),
            Version::V18 => {
                format!("GRANT {USER} TO {CLONE} WITH INHERIT FALSE GRANTED BY {ADMIN}")
            }
        };
        let table = format!("CREATE TABLE prices (id int); ALTER TABLE prices OWNER TO {CLONE}");
        world.server.sql(&format!("{table}; {no_inherit}")).await;
        world.rotate_but_for_the_end().await;
        assert_eq!(world.user("AWSCURRENT"), CLONE);
        world.run_as("AWSCURRENT", "SELECT * FROM prices").await.expect("it can read");
    }
}

#[tokio::test]
async fn default_privileges_of_the_second_user_are_no_objects_to_hand_over() {
    for version in Version::ALL {
        let world = World::left_by_aws(of(version), USER, "").await;
        let defaults = format!(
            "CREATE ROLE readers; ALTER DEFAULT PRIVILEGES FOR ROLE {CLONE} GRANT SELECT ON TABLES TO readers"
        );
        world.server.sql(&defaults).await;
        for _ in 0..3 {
            world.rotate_calmly().await;
        }
        let output = world.local.output(FUNCTION);
        assert!(!output.contains("handed over"), "{output}");
    }
}

#[tokio::test]
async fn what_the_second_user_makes_until_it_acts_as_the_first_is_handed_over_too() {
    for version in Version::ALL {
        let world = World::left_by_aws(of(version), CLONE, "").await;
        world.rotate_calmly().await;
        // Consumers that have the previous version still, or a session of before.
        with_objects(&world).await;
        world.rotate_calmly().await;
        assert_both_own_them(&world).await;
        world.assert_in_step().await;
    }
}

#[tokio::test]
async fn what_the_second_user_owns_in_other_databases_is_named_before_anybody_loses_it() {
    for version in Version::ALL {
        let world = World::left_by_aws(of(version), CLONE, "").await;
        world.server.sql("CREATE DATABASE \"other shop\"").await;
        let make = format!("CREATE SCHEMA AUTHORIZATION {CLONE}");
        world.server.sql_in("other shop", &make).await;
        let error = world.rotate_failing().await;
        let statement =
            "in the databases other shop, run REASSIGN OWNED BY \"app_clone\" TO \"app\"";
        let words = ["app_clone owns objects that app could not use", statement];
        error.assert_is("setSecret", "refused", &words);
        world.server.sql_in("other shop", &format!("REASSIGN OWNED BY {CLONE} TO {USER}")).await;
        world.retry().await.expect("what was named is done");
        assert!(world.logs_in("AWSCURRENT").await);
        assert_eq!(world.user("AWSCURRENT"), USER);
    }
}

#[tokio::test]
async fn what_the_second_user_owns_elsewhere_is_said_where_consumers_leave_the_first() {
    let world = World::left_by_aws(Setup::default(), USER, "").await;
    world.server.sql("CREATE DATABASE other").await;
    world.server.sql_in("other", &format!("CREATE SCHEMA AUTHORIZATION {CLONE}")).await;
    world.rotate_calmly().await;
    let output = world.local.output(FUNCTION);
    let statement = "run REASSIGN OWNED BY \"app_clone\" TO \"app\"";
    assert!(output.contains("in the databases other") && output.contains(statement), "{output}");
}

#[tokio::test]
async fn privileges_that_only_the_second_user_has_are_not_lost_by_a_rotation() {
    for version in Version::ALL {
        let world = World::left_by_aws(of(version), CLONE, "").await;
        let table = format!("CREATE TABLE prices (id int); GRANT SELECT ON prices TO {CLONE}");
        world.server.sql(&table).await;
        let error = world.rotate_failing().await;
        let words = [
            "app is not equal to app_clone",
            "of its own on 1 objects, such as table public.prices",
        ];
        error.assert_is("setSecret", "refused", &words);
        let moved =
            format!("REVOKE SELECT ON prices FROM {CLONE}; GRANT SELECT ON prices TO {USER}");
        world.server.sql(&moved).await;
        world.retry().await.expect("both have them");
        assert!(world.run_as("AWSCURRENT", "SELECT count(*)::text FROM prices").await.is_ok());
    }
}

#[tokio::test]
async fn privileges_that_both_users_have_been_granted_stop_no_rotation() {
    let grants = |user: &str| {
        format!(
            "GRANT CONNECT ON DATABASE postgres TO {user}; GRANT CREATE, USAGE ON SCHEMA shop TO {user}; \
             GRANT SELECT, INSERT ON shop.prices TO {user}; GRANT UPDATE (id) ON shop.prices TO {user}; \
             GRANT EXECUTE ON FUNCTION shop.seven TO {user}; GRANT USAGE ON TYPE shop.kind TO {user}"
        )
    };
    let objects = "CREATE SCHEMA shop; CREATE TABLE shop.prices (id int); CREATE TYPE shop.kind AS ENUM ('a'); \
        CREATE FUNCTION shop.seven() RETURNS int LANGUAGE sql AS 'SELECT 7'";
    for version in Version::ALL {
        for current in [USER, CLONE] {
            let world = World::left_by_aws(of(version), current, "").await;
            let both = format!("{objects}; {}; {}", grants(USER), grants(CLONE));
            world.server.sql(&both).await;
            for _ in 0..3 {
                world.rotate_calmly().await;
            }
            world.assert_in_step().await;
        }
        for (only, count) in [("DELETE ON shop.prices", 1), ("SELECT (id) ON shop.prices", 1)] {
            let world = World::left_by_aws(of(version), CLONE, "").await;
            let more = format!("{objects}; {}; {}", grants(USER), grants(CLONE));
            world.server.sql(&format!("{more}; GRANT {only} TO {CLONE}")).await;
            let error = world.rotate_failing().await;
            let words = format!("privileges of its own on {count} objects");
            error.assert_is("setSecret", "refused", &[&words]);
            world.server.sql(&format!("GRANT {only} TO {USER}")).await;
            world.retry().await.expect("both have them");
        }
    }
}

#[tokio::test]
async fn a_membership_or_an_attribute_that_only_the_second_user_has_is_not_lost_by_a_rotation() {
    for (statement, word) in [
        (format!("GRANT pg_monitor TO {CLONE}"), "it is no member of pg_monitor"),
        (format!("ALTER ROLE {CLONE} CREATEDB"), "it lacks CREATEDB"),
        (format!("ALTER ROLE {CLONE} SET work_mem = '77MB'"), "the setting work_mem"),
    ] {
        let world = World::left_by_aws(Setup::default(), CLONE, "").await;
        world.server.sql(&statement).await;
        let error = world.rotate_failing().await;
        error.assert_is("setSecret", "refused", &["app is not equal to app_clone", word]);
        assert!(!error.message.contains("77MB"), "{}", error.message);
    }
}

#[tokio::test]
async fn what_the_first_user_has_and_aws_does_not_copy_is_kept_and_copied() {
    let alter = format!(
        "ALTER ROLE {USER} CONNECTION LIMIT 9 VALID UNTIL '2099-01-01 00:00:00+00'; \
         ALTER ROLE {USER} SET search_path = \"$user\", public; \
         ALTER ROLE {USER} IN DATABASE postgres SET work_mem = '7MB'; \
         ALTER ROLE {USER} CREATEDB"
    );
    for version in Version::ALL {
        for current in [USER, CLONE] {
            let world = World::left_by_aws(of(version), current, "").await;
            world.server.sql(&alter).await;
            let before = world.state_of(USER).await;
            assert!(before.contains("work_mem=7MB") && before.contains("2099"), "{before}");
            for _ in 0..3 {
                world.rotate_calmly().await;
                assert_eq!(world.state_of(USER).await, before, "nothing of the first is lost");
            }
            world.assert_in_step().await;
            for label in ["AWSCURRENT", "AWSPREVIOUS"] {
                let setting = world.run_as(label, "SELECT current_setting('work_mem')").await;
                assert_eq!(setting.as_deref(), Ok("7MB"), "{label}");
                world.run_as(label, "CREATE DATABASE made").await.expect("CREATEDB counts");
                world.run_as(label, "DROP DATABASE made").await.expect("its owner may");
            }
        }
    }
}

/// A first rotation of AWS's function, which ended before testSecret; the version in the making.
async fn cut_before_test_secret(version: Version) -> (World, String) {
    let world = World::start_alternating(of(version)).await;
    world.local.set_knobs(|knobs| knobs.require_rotation_token = false);
    world.server.sql(&aws_makes_the_second()).await;
    let mut pending = world.document("AWSCURRENT");
    pending["username"] = json!(CLONE);
    pending["password"] = json!(CLONE_PASSWORD);
    let token = "00000000-0000-4000-8000-000000000001".to_owned();
    let request = json!({
        "SecretId": world.secret,
        "ClientRequestToken": token,
        "SecretString": pending.to_string(),
        "VersionStages": ["AWSPENDING"],
    });
    world.local.call(Operation::PutSecretValue, &request).expect("createSecret stores a version");
    (world, token)
}

#[tokio::test]
async fn a_rotation_that_aws_has_begun_is_ended_from_any_step_on() {
    const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];
    for version in Version::ALL {
        for first in 0..STEPS.len() {
            let (world, token) = cut_before_test_secret(version).await;
            let mark = world.mark();
            for step in STEPS.iter().skip(first) {
                world.step(step, &token).await.unwrap_or_else(|error| panic!("{error:?}"));
            }
            let logins = world.logins_of_all(mark).await;
            assert_eq!((logins.failed, logins.accepted <= 4), (0, true), "{logins:?}");
            assert_eq!(world.labels().get("AWSCURRENT"), Some(&token));
            assert!(world.logs_in("AWSCURRENT").await && world.logs_in("AWSPREVIOUS").await);
        }
    }
}

#[tokio::test]
async fn a_password_that_aws_has_set_and_nobody_labels_still_proves_whose_the_user_is() {
    for version in Version::ALL {
        let (world, token) = cut_before_test_secret(version).await;
        world.clear_pending(&token);
        world.rotate().await.expect("the next rotation goes on");
        assert_eq!(world.user("AWSCURRENT"), CLONE);
        world.assert_in_step().await;
        world.rotate_calmly().await;
    }
}

#[tokio::test]
async fn what_people_wrote_on_the_second_user_stays() {
    for current in [USER, CLONE] {
        let world = World::left_by_aws(Setup::default(), current, "").await;
        world.server.sql(&format!("COMMENT ON ROLE {CLONE} IS E'for reports\nask Bob'")).await;
        for _ in 0..3 {
            world.rotate_calmly().await;
        }
        let comment = format!("SELECT shobj_description('{CLONE}'::regrole, 'pg_authid')");
        let comment = world.server.query_one(&comment).await;
        assert!(comment.starts_with("for reports\nask Bob\nTurnlock: "), "{comment}");
        assert_eq!(comment.matches("Turnlock").count(), 1, "{comment}");
    }
}

#[tokio::test]
async fn what_cannot_be_handed_over_holds_up_no_rotation_that_costs_nobody_anything() {
    for version in Version::ALL {
        let world = World::left_by_aws(of(version), USER, "").await;
        // A function's new owner needs CREATE on its schema.
        let statements = format!(
            "CREATE SCHEMA closed; GRANT CREATE ON SCHEMA closed TO {CLONE}; SET ROLE {CLONE}; \
             CREATE FUNCTION closed.own() RETURNS int LANGUAGE sql AS 'SELECT 1'; RESET ROLE"
        );
        world.server.sql(&statements).await;
        world.rotate_calmly().await;
        world.assert_in_step().await;
        let owner = "SELECT proowner::regrole::text FROM pg_proc WHERE proname = 'own'";
        assert_eq!(world.server.query_one(owner).await, CLONE);
        assert!(world.local.output(FUNCTION).contains("are handed over to app if the admin may"));
        world.server.sql(&format!("GRANT CREATE ON SCHEMA closed TO {USER}")).await;
        world.rotate_calmly().await;
        assert_eq!(world.server.query_one(owner).await, USER);
    }
}

#[tokio::test]
async fn what_consumers_would_lose_has_to_be_handed_over() {
    for version in Version::ALL {
        let world = World::left_by_aws(of(version), CLONE, "").await;
        let statements = format!(
            "CREATE SCHEMA closed; GRANT CREATE, USAGE ON SCHEMA closed TO {CLONE}; SET ROLE {CLONE}; \
             CREATE FUNCTION closed.own() RETURNS int LANGUAGE sql AS 'SELECT 1'; RESET ROLE; \
             REVOKE ALL ON SCHEMA closed FROM {CLONE}"
        );
        world.server.sql(&statements).await;
        let words = ["handing over what app_clone owns", "[42501]"];
        world.rotate_failing().await.assert_is("setSecret", "permission", &words);
    }
}
