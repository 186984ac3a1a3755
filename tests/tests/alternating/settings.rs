//! What two PostgreSQL users that take turns have of their own – settings and limits – is kept in step.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use std::time::Duration;

use turnlock_tests::postgres::{Setup, Version};
use turnlock_tests::world::{ADMIN, FUNCTION, USER, World};

const CLONE: &str = "app_clone";
const DATABASES: [&str; 2] = ["postgres", "shop"];

/// A world with a second database, after some rotations.
async fn start(version: Version, statements: &str, rotations: usize) -> World {
    let world = World::start_alternating(Setup { version, ..Setup::default() }).await;
    world.server.sql("CREATE DATABASE shop").await;
    world.server.sql(statements).await;
    for _ in 0..rotations {
        rotate(&world).await;
    }
    world
}

async fn rotate(world: &World) {
    world.rotate().await.expect("the rotation succeeds");
}

/// Asks again for a rotation that failed, which Secrets Manager takes up where it is.
async fn rotate_again(world: &World) {
    world.local.rotate(&world.secret).expect_err("the rotation that failed is reattempted");
    let ended = world.local.wait_for_rotation(&world.secret, Duration::from_secs(60)).await;
    ended.expect("the rotation succeeds");
}

/// Changes a role in every way that is kept in step.
fn change(role: &str, size: &str) -> String {
    format!(
        "ALTER ROLE {role} SET work_mem = '{size}MB'; ALTER ROLE {role} RESET statement_timeout; \
         ALTER ROLE {role} IN DATABASE shop SET work_mem = '{size}0MB'; \
         ALTER ROLE {role} IN DATABASE shop RESET lock_timeout; \
         ALTER ROLE {role} SET search_path = \"$user\", s{size}, \"a, b\"; \
         ALTER ROLE {role} CONNECTION LIMIT {size} VALID UNTIL '2100-01-{size} 12:00:00+00'"
    )
}

/// What there is to be taken away.
const BEFORE: &str = "ALTER ROLE app SET statement_timeout = '59s'; \
     ALTER ROLE app IN DATABASE shop SET lock_timeout = '5s'";

/// What a role has of its own, in one line.
async fn own(world: &World, role: &str) -> String {
    let query = format!(
        "SELECT concat_ws('; ', rolconnlimit, nullif(rolvaliduntil, 'infinity'), (SELECT string_agg(concat_ws(' ', d.datname, c), '; ' \
           ORDER BY d.datname, c) FROM pg_db_role_setting s CROSS JOIN unnest(setconfig) c \
           LEFT JOIN pg_database d ON d.oid = setdatabase \
           WHERE setrole = r.oid AND c NOT LIKE 'role=%')) FROM pg_roles r WHERE rolname = '{role}'"
    );
    world.server.query_one(&query).await
}

/// What [`change`] makes of a role.
fn changed(size: &str) -> String {
    format!(
        "{size}; 2100-01-{size} 12:00:00+00; shop work_mem={size}0MB; search_path=\"$user\", s{size}, \"a, b\"; \
         work_mem={size}MB"
    )
}

#[tokio::test]
async fn a_change_of_the_first_user_reaches_the_second_at_its_turn() {
    for version in Version::ALL {
        // While the first user is current, and while the second is.
        for rotations in [2, 1] {
            let world = start(version, BEFORE, rotations).await;
            world.server.sql(&change(USER, "12")).await;
            rotate(&world).await;
            assert_eq!(own(&world, USER).await, changed("12"), "{version:?}, {rotations}");
            if rotations == 1 {
                rotate(&world).await;
            }
            assert_eq!(own(&world, CLONE).await, changed("12"), "{version:?}, {rotations}");
            world.assert_equal_abilities(&DATABASES).await;
            rotate(&world).await;
            world.assert_equal_abilities(&DATABASES).await;
        }
    }
}

#[tokio::test]
async fn a_change_of_the_second_user_while_it_is_current_reaches_the_first_at_its_turn() {
    for version in Version::ALL {
        let world = start(version, BEFORE, 1).await;
        world.server.sql(&change(CLONE, "13")).await;
        rotate(&world).await;
        assert_eq!(own(&world, USER).await, changed("13"), "{version:?}");
        world.assert_equal_abilities(&DATABASES).await;
        let output = world.local.output(FUNCTION);
        assert!(
            output.contains(
                "app_clone was changed since the last rotation, and app is changed alike"
            )
        );
        for _ in 0..2 {
            rotate(&world).await;
            assert_eq!(own(&world, CLONE).await, changed("13"), "{version:?}");
            world.assert_equal_abilities(&DATABASES).await;
        }
    }
}

#[tokio::test]
async fn a_change_of_the_second_user_while_it_rests_is_taken_back() {
    for version in Version::ALL {
        let world = start(version, BEFORE, 2).await;
        let before = own(&world, USER).await;
        world.server.sql(&change(CLONE, "14")).await;
        rotate(&world).await;
        assert_eq!(own(&world, CLONE).await, before, "{version:?}");
        world.assert_equal_abilities(&DATABASES).await;
    }
}

#[tokio::test]
async fn changes_of_both_users_are_refused_until_they_are_alike() {
    for version in Version::ALL {
        let world = start(version, BEFORE, 1).await;
        world.server.sql(&change(USER, "15")).await;
        world.server.sql(&change(CLONE, "16")).await;
        let error = world.rotate_failing().await;
        let words = [
            "app and app_clone were both changed since the last rotation",
            "CONNECTION LIMIT, VALID UNTIL, the setting search_path, the setting work_mem, \
             the setting work_mem in database shop",
        ];
        error.assert_is("setSecret", "refused", &words);
        assert!(!error.message.contains("16MB") && !error.message.contains("s15"), "{error:?}");
        world.server.sql(&change(USER, "16")).await;
        rotate_again(&world).await;
        assert_eq!(own(&world, USER).await, changed("16"), "{version:?}");
        world.assert_equal_abilities(&DATABASES).await;
    }
}

#[tokio::test]
async fn a_setting_that_only_a_superuser_may_set_needs_a_grant_which_the_error_names() {
    let settings = "ALTER ROLE app SET myapp.tenant = 'acme-canary'; \
         ALTER ROLE app IN DATABASE shop SET log_statement = 'none'";
    for version in Version::ALL {
        let world = start(version, settings, 0).await;
        let error = world.rotate_failing().await;
        let words = [
            "the setting myapp.tenant (GRANT SET ON PARAMETER myapp.tenant)",
            "the setting log_statement in database shop (GRANT SET ON PARAMETER log_statement)",
            "[42501]",
        ];
        error.assert_is("setSecret", "permission", &words);
        assert!(!error.message.contains("acme-canary"), "{error:?}");
        for parameter in ["myapp.tenant", "log_statement"] {
            world.server.sql(&format!("GRANT SET ON PARAMETER {parameter} TO {ADMIN}")).await;
        }
        rotate_again(&world).await;
        for _ in 0..3 {
            let both = world.assert_equal_abilities(&DATABASES).await;
            assert!(both.contains(": myapp.tenant=acme-canary"), "{version:?}");
            assert!(both.contains("setting log_statement = none (database user)"), "{version:?}");
            rotate(&world).await;
        }
    }
}

#[tokio::test]
async fn settings_taken_from_a_session_are_kept_in_step_as_they_are() {
    // FROM CURRENT stores the text as somebody typed it: it is read as a list at each login.
    let settings = "SET search_path = pg_catalog; \
         SELECT set_config('search_path', 'Store,\"Odd, Name\" ,  \"$user\",public', false); \
         ALTER ROLE app SET search_path FROM CURRENT; \
         SELECT set_config('search_path', '', false); \
         ALTER ROLE app IN DATABASE shop SET search_path FROM CURRENT; \
         SELECT set_config('datestyle', 'iso,dmy', false); ALTER ROLE app SET datestyle FROM CURRENT; \
         CREATE SCHEMA store AUTHORIZATION app; CREATE SCHEMA \"Odd, Name\" AUTHORIZATION app; \
         CREATE SCHEMA \"Store\" AUTHORIZATION app";
    for version in Version::ALL {
        let world = start(version, settings, 0).await;
        for turn in 0..4 {
            rotate(&world).await;
            for label in ["AWSCURRENT", "AWSPREVIOUS"] {
                for (database, expected) in
                    [("postgres", "{store,\"Odd, Name\",public}"), ("shop", "{}")]
                {
                    let (user, mut session) = world.log_in(label, database).await;
                    let path = "SELECT current_schemas(false)::text";
                    let path: String =
                        sqlx::query_scalar(path).fetch_one(&mut session).await.expect("a path");
                    assert_eq!(path, expected, "{version:?}, {turn}, {user}, {database}");
                }
            }
        }
    }
}

#[tokio::test]
async fn temporary_tables_go_where_they_went_before_if_the_admin_may_use_that_place() {
    for version in Version::ALL {
        let configuration = vec!["allow_in_place_tablespaces = on".to_owned()];
        let setup = Setup { version, configuration, ..Setup::default() };
        let world = World::start_alternating(setup).await;
        // In capital letters, and with a comma: one name, and not two.
        for tablespace in ["\"Fast, Disk\"", "slow"] {
            world.server.sql(&format!("CREATE TABLESPACE {tablespace} LOCATION ''")).await;
        }
        let settings = "GRANT CREATE ON TABLESPACE \"Fast, Disk\" TO app; \
             ALTER ROLE app SET temp_tablespaces = \"Fast, Disk\"";
        world.server.sql(settings).await;
        let error = world.rotate_failing().await;
        let words = ["the setting temp_tablespaces (GRANT CREATE ON TABLESPACE)", "[42501]"];
        error.assert_is("setSecret", "permission", &words);
        let grant = format!("GRANT CREATE ON TABLESPACE \"Fast, Disk\" TO {ADMIN}");
        world.server.sql(&grant).await;
        rotate_again(&world).await;
        for turn in 0..3 {
            for label in ["AWSCURRENT", "AWSPREVIOUS"] {
                let (user, mut session) = world.log_in(label, "postgres").await;
                let make = sqlx::raw_sql("CREATE TEMP TABLE passing (id int)");
                make.execute(&mut session).await.expect("a table");
                let place = "SELECT spcname::text FROM pg_tablespace t JOIN pg_class c \
                     ON c.reltablespace = t.oid WHERE c.relname = 'passing'";
                let place: String =
                    sqlx::query_scalar(place).fetch_one(&mut session).await.expect("a place");
                assert_eq!(place, "Fast, Disk", "{version:?}, turn {turn}, {user}");
            }
            rotate(&world).await;
        }
    }
}

#[tokio::test]
async fn a_clumsy_setting_of_the_user_does_not_stop_the_turns() {
    // Each of them changes what statements mean, or how long they may take.
    let settings = "ALTER ROLE app SET default_transaction_read_only = on; \
         ALTER ROLE app SET default_transaction_isolation = 'serializable'; \
         ALTER ROLE app SET default_transaction_deferrable = on; \
         ALTER ROLE app SET statement_timeout = '300ms'; ALTER ROLE app SET lock_timeout = 1; \
         ALTER ROLE app SET idle_in_transaction_session_timeout = 1; \
         ALTER ROLE app SET standard_conforming_strings = off; ALTER ROLE app SET row_security = off; \
         ALTER ROLE app SET search_path = 'odd'; ALTER ROLE app SET client_encoding = 'LATIN1'; \
         ALTER ROLE app SET bytea_output = 'escape'; ALTER ROLE app SET check_function_bodies = off; \
         ALTER ROLE app SET datestyle = 'German, DMY'; ALTER ROLE app SET intervalstyle = 'sql_standard'; \
         ALTER ROLE app VALID UNTIL '2099-06-30 12:00:00 Asia/Kolkata'; \
         CREATE SCHEMA odd AUTHORIZATION app; \
         CREATE FUNCTION odd.current_setting(text) RETURNS text LANGUAGE sql AS $$ SELECT 'wrong' $$";
    for version in Version::ALL {
        let world = start(version, settings, 4).await;
        assert_eq!(own(&world, USER).await, own(&world, CLONE).await, "{version:?}");
        let mine = own(&world, USER).await;
        assert!(mine.contains("standard_conforming_strings=off"), "{mine}");
        // The same for the admin, whose sessions make the changes.
        let admin = settings.replace("ALTER ROLE app", &format!("ALTER ROLE {ADMIN}"));
        let admin = admin.split("CREATE SCHEMA").next().unwrap_or_default();
        world.server.sql(admin).await;
        for _ in 0..2 {
            rotate(&world).await;
            assert_eq!(own(&world, USER).await, mine, "{version:?}");
            assert_eq!(own(&world, CLONE).await, mine, "{version:?}");
        }
    }
}

#[tokio::test]
async fn a_setting_that_the_server_no_longer_takes_is_named() {
    for version in Version::ALL {
        let world = World::start_alternating(Setup { version, ..Setup::default() }).await;
        // As a setting looks after an upgrade that took a time zone away.
        let statements = format!(
            "ALTER ROLE {USER} SET timezone = 'UTC'; SET allow_system_table_mods = on; \
             UPDATE pg_db_role_setting SET setconfig = ARRAY['TimeZone=Nowhere/Land']"
        );
        world.server.sql(&statements).await;
        let words = ["does not take the password, or one of these", "setting TimeZone", "[22023]"];
        world.rotate_failing().await.assert_is("setSecret", "refused", &words);
    }
}
