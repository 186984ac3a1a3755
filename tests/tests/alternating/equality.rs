//! Two PostgreSQL users that take turns can do the same, whatever the first one is given or loses.

#![expect(clippy::expect_used, clippy::panic, reason = "a failed test should panic")]

use std::time::Duration;

use sqlx::AssertSqlSafe;
use turnlock_tests::postgres::{Setup, Version};
use turnlock_tests::world::{ADMIN, FUNCTION, World};

const CLONE: &str = "app_clone";
const DATABASES: [&str; 2] = ["postgres", "shop"];

/// What an application that has grown for years has.
const RICH: &str = r#"
    ALTER ROLE app CREATEDB CONNECTION LIMIT 7 VALID UNTIL '2099-12-31 23:59:59.5+02';
    CREATE ROLE readers; CREATE ROLE writers; CREATE ROLE "Odd, group"; CREATE ROLE owners;
    GRANT readers, "Odd, group" TO app; GRANT writers TO readers; GRANT readers TO app;
    CREATE SCHEMA app AUTHORIZATION app; CREATE SCHEMA "odd, ""schema""" AUTHORIZATION app;
    CREATE SCHEMA theirs AUTHORIZATION owners; GRANT USAGE ON SCHEMA theirs TO writers;
    CREATE TABLE theirs.goods (id int, price int, tenant text, who name);
    GRANT SELECT ON theirs.goods TO writers; GRANT UPDATE (price) ON theirs.goods TO app;
    INSERT INTO theirs.goods VALUES (1, 10, 'a', 'app'), (2, 20, 'b', 'app_clone'), (3, 30, 'a', 'readers');
    ALTER TABLE theirs.goods ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
    CREATE POLICY own ON theirs.goods TO app USING (who = current_user);
    CREATE POLICY shared ON theirs.goods TO readers USING (who = 'readers');
    ALTER DEFAULT PRIVILEGES FOR ROLE owners IN SCHEMA theirs GRANT INSERT ON TABLES TO app;
    ALTER DEFAULT PRIVILEGES FOR ROLE app GRANT SELECT ON TABLES TO readers;
    REVOKE CONNECT, TEMPORARY ON DATABASE shop FROM PUBLIC; GRANT CONNECT ON DATABASE shop TO readers;
    GRANT SELECT ON pg_authid TO "Odd, group"; GRANT EXECUTE ON FUNCTION pg_reload_conf() TO app;
    SET ROLE app;
    CREATE TABLE app.notes (id serial, note text); CREATE TYPE app.mood AS ENUM ('good', 'bad');
    CREATE FUNCTION app.secret() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 7';
    REVOKE EXECUTE ON FUNCTION app.secret() FROM PUBLIC;
    CREATE VIEW app.cheap AS SELECT 1 AS id;
    RESET ROLE;
    ALTER ROLE app SET search_path = "$user", "odd, ""schema""", theirs, public;
    ALTER ROLE app SET statement_timeout = '61s';
    ALTER ROLE app SET datestyle = 'ISO, DMY';
    ALTER ROLE app SET timezone = 'Asia/Kolkata';
    ALTER ROLE app SET temp_tablespaces = '';
    ALTER ROLE app SET application_name = 'it''s \ "odd" = $1';
    ALTER ROLE app IN DATABASE shop SET search_path = '';
    ALTER ROLE app IN DATABASE shop SET work_mem = 8192;
    ALTER ROLE app IN DATABASE shop SET statement_timeout = 0;
    ALTER ROLE app IN DATABASE shop SET TIME ZONE INTERVAL '+02:30' HOUR TO MINUTE;
"#;

fn of(version: Version) -> Setup {
    Setup { version, ..Setup::default() }
}

async fn start(version: Version, statements: &str) -> World {
    let world = World::start_alternating(of(version)).await;
    world.server.sql("CREATE DATABASE shop").await;
    world.server.sql(statements).await;
    world
}

async fn rotate(world: &World) {
    world.rotate().await.expect("the rotation succeeds");
}

/// Rotates and compares; returns what both can do.
async fn rotated(world: &World) -> String {
    rotate(world).await;
    world.assert_equal_abilities(&DATABASES).await
}

/// One answer of a new session of AWSCURRENT.
async fn ask(world: &World, database: &str, query: &str) -> String {
    let (user, mut session) = world.log_in("AWSCURRENT", database).await;
    let answer = sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(&mut session).await;
    answer.unwrap_or_else(|error| panic!("{user}, {query}: {error}"))
}

/// Runs statements in a new session of AWSCURRENT.
async fn run(world: &World, statements: &str) {
    let (user, mut session) = world.log_in("AWSCURRENT", "postgres").await;
    let done = sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut session).await;
    done.unwrap_or_else(|error| panic!("{user}, {statements}: {error}"));
}

#[tokio::test]
async fn a_user_with_everything_has_an_equal() {
    for version in Version::ALL {
        let world = start(version, RICH).await;
        let (_, mut session) = world.log_in("AWSCURRENT", "postgres").await;
        let number = world.server.query_one("SHOW server_version_num").await.parse();
        let number = number.expect("a number");
        let before = turnlock_tests::abilities::abilities(&mut session, number).await;
        for fact in [
            "CREATE DATABASE trial TEMPLATE nowhere: 3D000",
            "login t, f, 7, 2099-12-31",
            "own setting in 0: TimeZone=Asia/Kolkata",
            "own setting in 0: DateStyle=ISO, DMY",
            "role writers: ",
            "function secret()",
            "table notes, owner app: ",
            "CHECKPOINT: 42501",
        ] {
            assert!(before.contains(fact), "no `{fact}` in {before}");
        }
        for _ in 0..4 {
            let after = rotated(&world).await;
            let lost = before.lines().find(|line| !after.contains(line));
            // The second user, which the first is no member of, is the one thing that is new.
            assert_eq!(lost, None, "{version:?}");
            let both = "SELECT string_agg(id::text, ',' ORDER BY id) FROM theirs.goods";
            assert_eq!(ask(&world, "postgres", both).await, "1,3");
            assert_eq!(ask(&world, "shop", "SHOW search_path").await, "\"\"");
        }
    }
}

#[tokio::test]
async fn what_is_made_under_one_login_belongs_to_both() {
    for version in Version::ALL {
        let world = start(version, RICH).await;
        for turn in 0..4 {
            rotate(&world).await;
            if turn > 0 {
                run(
                    &world,
                    "ALTER TABLE app.made ADD COLUMN more int; INSERT INTO app.made VALUES (1, 2); \
                     ALTER TYPE app.kind ADD VALUE 'b'; SELECT lo_unlink(4711); \
                     CREATE OR REPLACE FUNCTION app.made() RETURNS int LANGUAGE sql AS 'SELECT 2'; \
                     GRANT SELECT ON app.made TO writers; COMMENT ON TABLE app.made IS 'ours'; \
                     DROP TABLE app.made; DROP FUNCTION app.made; DROP TYPE app.kind",
                )
                .await;
                run(&world, "DROP DATABASE made").await;
            }
            run(
                &world,
                "CREATE TABLE app.made (id serial); CREATE TYPE app.kind AS ENUM ('a'); \
                 CREATE FUNCTION app.made() RETURNS int LANGUAGE sql AS 'SELECT 1'; \
                 SELECT lo_create(4711); CREATE TEMP TABLE passing (id int)",
            )
            .await;
            run(&world, "CREATE DATABASE made").await;
            let privileges = "SELECT relacl::text FROM pg_class WHERE oid = 'app.made'::regclass";
            let privileges = ask(&world, "postgres", privileges).await;
            assert!(privileges.contains("readers=r/app"), "{privileges}");
            world.assert_equal_abilities(&DATABASES).await;
        }
        let owned = format!("SELECT count(*) FROM pg_shdepend WHERE refobjid = '{CLONE}'::regrole");
        assert_eq!(world.server.query_one(&owned).await, "0", "{version:?}");
    }
}

#[tokio::test]
async fn what_is_granted_or_revoked_is_so_for_both_at_once() {
    let changes = [
        ("GRANT DELETE ON theirs.goods TO app", "goods, owner postgres: DELETE, SELECT", true),
        ("REVOKE DELETE ON theirs.goods FROM app", "goods, owner postgres: DELETE, SELECT", false),
        ("SET ROLE owners; CREATE TABLE theirs.later ()", "later, owner owners: INSERT", true),
        ("GRANT owners TO app", "SET ROLE owners; RESET ROLE: done", true),
        ("REVOKE owners FROM app", "SET ROLE owners; RESET ROLE: done", false),
        ("GRANT CREATE ON DATABASE shop TO readers", "database shop: CONNECT, CREATE", true),
        ("REVOKE writers FROM readers", "role writers: ", false),
        ("ALTER ROLE app NOCREATEDB", "CREATE DATABASE trial TEMPLATE nowhere: 42501", true),
        ("ALTER ROLE app CREATEDB", "CREATE DATABASE trial TEMPLATE nowhere: 3D000", true),
        ("ALTER TABLE app.notes OWNER TO owners", "notes, owner app", false),
        ("REVOKE readers FROM app; GRANT CONNECT ON DATABASE shop TO app", "role readers: ", false),
    ];
    for version in Version::ALL {
        // Once while the first user is current, and once while the second is.
        for turns in [1, 2] {
            let world = start(version, RICH).await;
            for _ in 0..turns {
                rotate(&world).await;
            }
            for (change, fact, holds) in changes {
                world.server.sql(change).await;
                let both = world.assert_equal_abilities(&["postgres"]).await;
                assert_eq!(both.contains(fact), holds, "{version:?}, {change}");
            }
            let before = world.assert_equal_abilities(&DATABASES).await;
            for _ in 0..2 {
                assert_eq!(rotated(&world).await, before, "{version:?}");
            }
        }
    }
}

#[tokio::test]
async fn memberships_without_inherit_or_set_are_the_same_for_both() {
    const GROUPS: &str = "CREATE ROLE plain; CREATE ROLE lazy; CREATE ROLE shy; CREATE ROLE lead; \
        CREATE TABLE of_plain (); GRANT SELECT ON of_plain TO plain; \
        CREATE TABLE of_lazy (); GRANT SELECT ON of_lazy TO lazy; \
        CREATE TABLE of_shy (); GRANT SELECT ON of_shy TO shy;";
    let grants = [
        "ALTER ROLE app NOINHERIT; GRANT plain, lazy, shy TO app; GRANT lead TO app WITH ADMIN OPTION",
        "GRANT plain TO app; GRANT lazy TO app WITH INHERIT FALSE; GRANT shy TO app WITH SET FALSE; \
         GRANT lead TO app WITH ADMIN TRUE, INHERIT FALSE, SET FALSE",
    ];
    for (version, grants) in Version::ALL.into_iter().zip(grants) {
        let world = start(version, GROUPS).await;
        world.server.sql(grants).await;
        let mut reports = Vec::new();
        for _ in 0..3 {
            reports.push(rotated(&world).await);
            run(&world, "BEGIN; GRANT lead TO app; REVOKE lead FROM app; ROLLBACK").await;
        }
        assert!(reports.iter().all(|report| *report == reports[0]));
        let sees = |table: &str| reports[0].contains(&format!("table {table}, "));
        let inherits = version == Version::V18;
        let seen = ["of_plain", "of_lazy", "of_shy"].map(sees);
        assert_eq!(seen, [inherits, false, inherits], "{version:?}");
        let set = |role: &str| reports[0].contains(&format!("SET ROLE {role}; RESET ROLE: done"));
        assert_eq!(["plain", "lazy", "shy"].map(set), [true, true, !inherits], "{version:?}");
    }
}

#[tokio::test]
async fn a_group_role_that_the_user_acts_as_is_acted_as_by_both() {
    const TEAM: &str = "CREATE ROLE team; CREATE ROLE \"Odd, Team\"; GRANT team, \"Odd, Team\" TO app; \
        CREATE SCHEMA team AUTHORIZATION team; ALTER ROLE app CREATEDB; ALTER ROLE app SET role = 'team'; \
        ALTER ROLE app IN DATABASE shop SET role = 'Odd, Team'; ALTER ROLE app IN DATABASE template1 SET role = 'none'";
    for version in Version::ALL {
        let world = start(version, TEAM).await;
        for turn in 0..4 {
            rotate(&world).await;
            world.assert_equal_abilities(&["postgres", "shop", "template1"]).await;
            for (database, role) in
                [("postgres", "team"), ("shop", "Odd, Team"), ("template1", "app")]
            {
                assert_eq!(ask(&world, database, "SELECT current_user::text").await, role);
            }
            if turn > 0 {
                run(&world, "ALTER TABLE team.made ADD COLUMN more int; DROP TABLE team.made")
                    .await;
            }
            run(&world, "CREATE TABLE made (id int)").await;
        }
    }
}

#[tokio::test]
async fn a_group_role_that_all_logins_act_as_is_acted_as_by_both() {
    let group = "CREATE ROLE team; CREATE ROLE everybody; GRANT team, everybody TO app";
    for version in Version::ALL {
        for (settings, roles) in [
            ("ALTER DATABASE shop SET role = 'team'", ["app", "team"]),
            ("ALTER ROLE ALL SET role = 'everybody'", ["everybody", "everybody"]),
            (
                "ALTER ROLE ALL SET role = 'everybody'; ALTER DATABASE shop SET role = 'team'",
                ["everybody", "team"],
            ),
            (
                "ALTER DATABASE shop SET role = 'team'; ALTER ROLE app IN DATABASE shop SET role = 'none'",
                ["app", "app"],
            ),
            (
                "ALTER DATABASE shop SET role = 'team'; ALTER ROLE app SET role = 'everybody'",
                ["everybody", "everybody"],
            ),
        ] {
            let world = start(version, &format!("{group}; {settings}")).await;
            for _ in 0..4 {
                rotate(&world).await;
                for label in ["AWSCURRENT", "AWSPREVIOUS"] {
                    for (database, role) in DATABASES.into_iter().zip(roles) {
                        let (user, mut session) = world.log_in(label, database).await;
                        let acts_as = sqlx::query_scalar("SELECT current_user::text");
                        let acts_as: String =
                            acts_as.fetch_one(&mut session).await.expect("an answer");
                        assert_eq!(acts_as, role, "{version:?} {settings} {user} {database}");
                    }
                }
            }
        }
    }
}

#[tokio::test]
async fn what_a_session_made_in_the_second_users_own_name_is_handed_over_by_the_next_rotation() {
    for version in Version::ALL {
        let world = start(version, "CREATE SCHEMA app AUTHORIZATION app").await;
        rotate(&world).await;
        for _ in 0..2 {
            // So does a session that was open before the two were paired.
            run(
                &world,
                "SET ROLE NONE; CREATE TABLE app.own (id serial); CREATE TYPE app.kind AS ENUM ('a'); \
                 CREATE FUNCTION app.own() RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT lo_create(7)",
            )
            .await;
            let memberships = memberships(&world).await;
            rotate(&world).await;
            let output = world.local.output(FUNCTION);
            assert!(output.contains("objects of app_clone are handed over to app"), "{output}");
            world.assert_equal_abilities(&DATABASES).await;
            run(
                &world,
                "ALTER TABLE app.own ADD COLUMN more int; DROP TABLE app.own; DROP FUNCTION app.own; \
                 DROP TYPE app.kind; SELECT lo_unlink(7)",
            )
            .await;

            assert_eq!(self::memberships(&world).await, memberships, "{version:?}");
            rotate(&world).await;
        }
    }
}

/// Who is a member of what, by whose word.
async fn memberships(world: &World) -> String {
    let query = "SELECT string_agg(m::text, ' ' ORDER BY m::text) FROM (SELECT (to_jsonb(a) - 'oid') AS m \
         FROM pg_auth_members a) s";
    world.server.query_one(query).await
}

#[tokio::test]
async fn what_tells_the_two_apart_is_the_session_user() {
    for version in Version::ALL {
        let world = start(version, "").await;
        rotate(&world).await;
        let names = "SELECT session_user || ' as ' || current_user";
        assert_eq!(ask(&world, "postgres", names).await, "app_clone as app");
        // So PostgreSQL shows and ends sessions of the second login only for itself, without a role.
        let (_, mut other) = world.log_in("AWSCURRENT", "postgres").await;
        let pid: String = sqlx::query_scalar("SELECT pg_backend_pid()::text")
            .fetch_one(&mut other)
            .await
            .expect("a number");
        let (_, mut session) = world.log_in("AWSCURRENT", "postgres").await;
        let end = format!("SELECT pg_cancel_backend({pid})");
        let denied = sqlx::raw_sql(AssertSqlSafe(end.as_str())).execute(&mut session).await;
        let denied = denied.expect_err("it acts as the first user");
        let code = denied.into_database_error().and_then(|error| error.code().map(String::from));
        assert_eq!(code.as_deref(), Some("42501"), "{version:?}");
        run(&world, &format!("SET ROLE NONE; {end}")).await;
    }
}

#[tokio::test]
async fn what_only_the_second_user_was_given_is_taken_away_at_its_turn_or_named() {
    let given =
        "CREATE ROLE extra; GRANT extra TO app_clone; ALTER ROLE app_clone CREATEDB BYPASSRLS";
    let words =
        ["taking extra away from app_clone", "taking CREATEDB and BYPASSRLS away", "[42501]"];
    for version in Version::ALL {
        let world = start(version, "").await;
        rotate(&world).await;
        world.server.sql(given).await;
        rotate(&world).await;
        let error = world.rotate_failing().await;
        error.assert_is("setSecret", "permission", &words);
        let granted = format!("ALTER ROLE {ADMIN} SUPERUSER");
        world.server.sql(&granted).await;
        world.local.rotate(&world.secret).expect_err("the rotation that failed is reattempted");
        let ended = world.local.wait_for_rotation(&world.secret, Duration::from_secs(60)).await;
        ended.expect("the rotation succeeds");
        let both = world.assert_equal_abilities(&DATABASES).await;
        assert!(!both.contains("role extra: "), "{version:?}");
        let attributes = "SELECT concat_ws(' ', rolcreatedb, rolbypassrls) FROM pg_roles \
             WHERE rolname = 'app_clone'";
        assert_eq!(world.server.query_one(attributes).await, "f f", "{version:?}");
        let members = "SELECT count(*) FROM pg_auth_members WHERE roleid = 'extra'::regrole";
        assert_eq!(world.server.query_one(members).await, "0", "{version:?}");
    }
}
