//! What a login can do, as text: two logins that are equal have the same.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection as _};

use crate::world::World;

/// One line a fact, of everything that there is in the database.
///
/// Some settings the driver sets for itself, so those of the login's own are listed beside.
/// `{set}` is the kind of membership that SET ROLE asks for.
const FACTS: &str = r"
    SELECT format('acts as %s', current_user) UNION ALL
    SELECT format('login %s', concat_ws(', ', rolcanlogin, rolreplication, rolconnlimit,
            nullif(rolvaliduntil, 'infinity')))
        FROM pg_roles WHERE rolname = session_user UNION ALL
    SELECT format('attributes %s', concat_ws(', ', rolsuper, rolcreaterole, rolcreatedb, rolbypassrls))
        FROM pg_roles WHERE rolname = current_user UNION ALL
    SELECT format('role %s: %s', r.rolname, string_agg(p, ', ' ORDER BY p)) FROM pg_roles r
        CROSS JOIN unnest(ARRAY['USAGE', 'MEMBER', 'MEMBER WITH ADMIN OPTION', '{set}']) p
        WHERE pg_has_role(current_user, r.oid, p) GROUP BY r.rolname UNION ALL
    SELECT format('database %s: %s', d.datname, string_agg(p, ', ' ORDER BY p)) FROM pg_database d
        CROSS JOIN unnest(ARRAY['CONNECT', 'CREATE', 'TEMPORARY']) p
        WHERE has_database_privilege(d.oid, p) GROUP BY d.datname UNION ALL
    SELECT format('schema %s: %s', n.nspname, string_agg(p, ', ' ORDER BY p)) FROM pg_namespace n
        CROSS JOIN unnest(ARRAY['USAGE', 'CREATE']) p
        WHERE n.nspname !~ '^pg_(toast_)?temp_' AND has_schema_privilege(n.oid, p)
        GROUP BY n.nspname UNION ALL
    SELECT format('table %s, owner %s: %s', c.oid::regclass, c.relowner::regrole, string_agg(p, ', ' ORDER BY p))
        FROM pg_class c CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE',
            'REFERENCES', 'TRIGGER']) p
        WHERE c.relkind <> 'S' AND has_table_privilege(c.oid, p) GROUP BY c.oid, c.relowner UNION ALL
    SELECT format('column %s.%s: %s', a.attrelid::regclass, a.attname, string_agg(p, ', ' ORDER BY p))
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) p
        WHERE a.attacl IS NOT NULL AND has_column_privilege(c.oid, a.attnum, p)
        GROUP BY a.attrelid, a.attname UNION ALL
    SELECT format('sequence %s: %s', c.oid::regclass, string_agg(p, ', ' ORDER BY p)) FROM pg_class c
        CROSS JOIN unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) p
        WHERE CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(c.oid, p) END GROUP BY c.oid UNION ALL
    SELECT format('function %s', f.oid::regprocedure) FROM pg_proc f
        WHERE has_function_privilege(f.oid, 'EXECUTE') UNION ALL
    SELECT format('type %s', t.oid::regtype) FROM pg_type t
        WHERE has_type_privilege(t.oid, 'USAGE') AND t.typrelid = 0 UNION ALL
    SELECT format('tablespace %s', s.spcname) FROM pg_tablespace s
        WHERE has_tablespace_privilege(s.oid, 'CREATE') UNION ALL
    SELECT format('language %s', l.lanname) FROM pg_language l
        WHERE has_language_privilege(l.oid, 'USAGE') UNION ALL
    SELECT format('owner of %s objects', count(*)) FROM pg_shdepend
        WHERE deptype = 'o' AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = current_user) UNION ALL
    SELECT format('setting %s = %s (%s)', name, setting, source) FROM pg_settings UNION ALL
    SELECT format('own setting in %s: %s', s.setdatabase, c) FROM pg_db_role_setting s
        CROSS JOIN unnest(s.setconfig) c
        WHERE s.setrole = (SELECT oid FROM pg_roles WHERE rolname = session_user)
        AND c NOT LIKE 'role=%' UNION ALL
    SELECT format('superuser %s', current_setting('is_superuser')) UNION ALL
    SELECT format('path %s', current_schemas(false)::text)
    ORDER BY 1";

/// What is tried, since no catalog says whether it works. Everything is undone.
///
/// Whether a database may be made is known before its template is looked for.
const TRIALS: [&str; 11] = [
    "CREATE DATABASE trial TEMPLATE nowhere",
    "BEGIN; CREATE ROLE trial; ROLLBACK",
    "BEGIN; CREATE SCHEMA trial; ROLLBACK",
    "BEGIN; CREATE TABLE trial (id int); ROLLBACK",
    "BEGIN; CREATE TEMP TABLE trial (id int); ROLLBACK",
    "BEGIN; CREATE TYPE trial AS ENUM ('a'); ROLLBACK",
    "BEGIN; CREATE EVENT TRIGGER trial ON ddl_command_end EXECUTE FUNCTION pg_catalog.now(); ROLLBACK",
    "BEGIN; SELECT lo_unlink(lo_create(0)); ROLLBACK",
    "SELECT pg_advisory_lock(7); SELECT pg_advisory_unlock(7)",
    "SET log_statement = 'none'; RESET log_statement",
    "CHECKPOINT",
];

/// What this session can do in its database, one line a fact.
///
/// # Panics
///
/// If the server does not say.
pub async fn abilities(session: &mut PgConnection, version: u32) -> String {
    let facts = FACTS.replace("{set}", if version >= 160_000 { "SET" } else { "MEMBER" });
    let mut lines = rows(session, facts).await;
    let roles =
        "SELECT format('SET ROLE %I; RESET ROLE', rolname) FROM pg_roles WHERE NOT rolcanlogin";
    let roles = rows(session, roles.to_owned()).await;
    for trial in TRIALS.into_iter().chain(roles.iter().map(String::as_str)) {
        let mut outcome = None;
        for statement in trial.split("; ") {
            let code = code_of(session, statement).await;
            outcome = outcome.or(code);
        }
        lines.push(format!("{trial}: {}", outcome.as_deref().unwrap_or("done")));
    }
    lines.join("\n")
}

async fn rows(session: &mut PgConnection, query: String) -> Vec<String> {
    let answer = sqlx::query_scalar(AssertSqlSafe(query)).persistent(false);
    answer.fetch_all(session).await.expect("the server says what it has")
}

/// What comes of one statement where that is an error.
async fn code_of(session: &mut PgConnection, statement: &str) -> Option<String> {
    match sqlx::raw_sql(AssertSqlSafe(statement)).execute(session).await {
        Ok(_) => None,
        Err(sqlx::Error::Database(error)) => Some(error.code().expect("a SQLSTATE").into_owned()),
        Err(error) => panic!("{statement}: {error}"),
    }
}

impl World {
    /// A session of the version with a label, and who logged in.
    ///
    /// # Panics
    ///
    /// If it is not let in.
    pub async fn log_in(&self, label: &str, database: &str) -> (String, PgConnection) {
        let document = self.document(label);
        let field = |name: &str| document[name].as_str().expect("a text").to_owned();
        let user = field("username");
        let session = self.server.log_in(&user, &field("password"), database).await;
        (user.clone(), session.unwrap_or_else(|error| panic!("{label}, {user}: {error}")))
    }

    /// Fails unless the users of `AWSCURRENT` and `AWSPREVIOUS` can do the same in these databases; returns
    /// what that is.
    ///
    /// # Panics
    ///
    /// If they cannot.
    pub async fn assert_equal_abilities(&self, databases: &[&str]) -> String {
        let version = self.server.query_one("SHOW server_version_num").await;
        let version = version.parse().expect("a number");
        let mut all = Vec::new();
        for database in databases {
            let mut reports = Vec::new();
            for label in ["AWSCURRENT", "AWSPREVIOUS"] {
                let (user, mut session) = self.log_in(label, database).await;
                reports.push((user, abilities(&mut session, version).await));
                session.close().await.expect("a session can be ended");
            }
            let [(one, its), (other, others)] = <[_; 2]>::try_from(reports).expect("two");
            let only = |lines: &str, rest: &str| {
                let rest: Vec<&str> = rest.lines().collect();
                lines.lines().filter(|line| !rest.contains(line)).collect::<Vec<_>>().join("\n")
            };
            assert!(
                its == others,
                "in {database} only {one}:\n{}\nonly {other}:\n{}",
                only(&its, &others),
                only(&others, &its)
            );
            all.push(its);
        }
        all.join("\n")
    }
}
