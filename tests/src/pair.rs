//! Two PostgreSQL users that take turns: as AWS's multi-user function leaves them, and what is true of them.

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Row as _};

use crate::postgres::{Logins, Mark, Server, Setup};
use crate::world::{ADMIN, ADMIN_PASSWORD, FIRST_PASSWORD, USER, World};

/// The name that AWS's function gives the second user.
pub const CLONE: &str = "app_clone";
/// The second user's password in a state that AWS's function has left.
pub const CLONE_PASSWORD: &str = "first-password-of-the-clone";

/// What there is of one user that a rotation may not change behind anybody's back.
const ACCOUNT: &str = "SELECT concat_ws(E'\\n', r::text, shobj_description(r.oid, 'pg_authid'), \
     (SELECT string_agg(s::text, E'\\n' ORDER BY s::text) FROM pg_db_role_setting s \
        WHERE s.setrole = r.oid), \
     (SELECT string_agg((to_jsonb(m) - 'oid')::text, E'\\n' ORDER BY m.roleid, m.grantor) \
        FROM pg_auth_members m WHERE m.member = r.oid)) \
     FROM pg_authid r WHERE r.rolname = ";

/// What both have to have alike: settings, limits, and in what they act.
const STATE: &str = "SELECT concat_ws(' ', r.rolconnlimit, \
     coalesce(nullif(r.rolvaliduntil, 'infinity')::text, 'for ever'), \
     (SELECT string_agg(concat_ws(' ', s.setdatabase, c.text), ' ' ORDER BY s.setdatabase, c.text) \
        FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) c(text) \
        WHERE s.setrole = r.oid AND c.text NOT LIKE 'role=%')) \
     FROM pg_authid r WHERE r.rolname = ";

/// The statements by which AWS's function makes the second user, as the admin.
pub fn aws_makes_the_second() -> String {
    format!(
        "SET ROLE {ADMIN}; CREATE ROLE {CLONE} LOGIN PASSWORD '{CLONE_PASSWORD}'; \
         GRANT {USER} TO {CLONE}; RESET ROLE"
    )
}

/// A server with the admin and the user that it made, after these statements of its own.
pub async fn server_with_user(setup: Setup, session: &str) -> Server {
    let server = Server::start(setup).await;
    server
        .sql(&format!(
            "CREATE ROLE {ADMIN} LOGIN CREATEROLE PASSWORD '{ADMIN_PASSWORD}'; SET ROLE {ADMIN}; \
             {session}; CREATE ROLE {USER} LOGIN PASSWORD '{FIRST_PASSWORD}'"
        ))
        .await;
    server
}

impl World {
    /// What AWS's function leaves: two users, and their versions, of which `current` is the current one.
    ///
    /// `sessions` are statements of the admin's before it makes them.
    pub async fn left_by_aws(setup: Setup, current: &str, sessions: &str) -> Self {
        let server = server_with_user(setup, sessions).await;
        server.sql(&format!("SET ROLE {ADMIN}; {sessions}; {}", aws_makes_the_second())).await;
        Self::of_two(server, current).await
    }

    /// A secret whose current version is `current`'s and whose previous one is that of the other.
    pub async fn of_two(server: Server, current: &str) -> Self {
        let users = [(USER, FIRST_PASSWORD), (CLONE, CLONE_PASSWORD)];
        let (now, before) =
            if current == USER { (users[0], users[1]) } else { (users[1], users[0]) };
        let put = |secret: &mut Value, (user, password): (&str, &str)| {
            secret["username"] = json!(user);
            secret["password"] = json!(password);
        };
        let world = Self::administered(server, |secret| put(secret, before)).await;
        world.edit(|secret| put(secret, now));
        world
    }

    /// Whether the version that has a label or an id logs in.
    pub async fn logs_in(&self, version: &str) -> bool {
        let (user, password) = (self.user(version), self.password(version));
        self.server.can_log_in(&user, &password, "postgres").await
    }

    /// Runs statements as a consumer of a version; the first column of the last row, or the SQLSTATE.
    ///
    /// # Errors
    ///
    /// The code by which the server refuses the login or a statement.
    pub async fn run_as(&self, version: &str, statements: &str) -> Result<String, String> {
        let (user, password) = (self.user(version), self.password(version));
        let code = |error: sqlx::Error| {
            let code = error.as_database_error().and_then(|error| error.code());
            code.unwrap_or_else(|| panic!("no answer: {error}")).into_owned()
        };
        let mut session = self.server.log_in(&user, &password, "postgres").await.map_err(code)?;
        let rows =
            sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).fetch_all(&mut session).await;
        session.close().await.expect("a session can be ended");
        let rows = rows.map_err(code)?;
        Ok(rows.last().and_then(|row| row.try_get(0).ok()).unwrap_or_default())
    }

    /// Rotates, which has to succeed calmly: no login fails, and there are four at most.
    ///
    /// # Panics
    ///
    /// If it fails, or logs in more often or in vain.
    pub async fn rotate_calmly(&self) {
        let mark = self.mark();
        self.rotate().await.unwrap_or_else(|error| panic!("{error:?}"));
        let logins = self.logins_of_all(mark).await;
        assert_eq!(logins.failed, 0, "a login failed");
        assert!(logins.accepted <= 4, "{} logins", logins.accepted);
        assert_eq!(logins.plaintext, 0);
        assert!(self.logs_in("AWSCURRENT").await && self.logs_in("AWSPREVIOUS").await);
    }

    /// The logins of the two and of the admin since a mark.
    pub async fn logins_of_all(&self, mark: Mark) -> Logins {
        self.server.logins_of(mark, &[USER, CLONE, ADMIN]).await
    }

    /// Fails unless whoever logs in with the labelled versions acts as the first user, with all that one has.
    ///
    /// # Panics
    ///
    /// If the two differ.
    pub async fn assert_in_step(&self) {
        for label in ["AWSCURRENT", "AWSPREVIOUS"] {
            let role = self.run_as(label, "SELECT current_user::text").await;
            assert_eq!(role.as_deref(), Ok(USER), "{label}");
        }
        assert_eq!(self.state_of(USER).await, self.state_of(CLONE).await);
    }

    /// What has to be alike of two users.
    pub async fn state_of(&self, user: &str) -> String {
        self.server.query_one(&format!("{STATE} '{user}'")).await
    }

    /// All that there is of a user: password, attributes, comment, settings, memberships.
    pub async fn account(&self, user: &str) -> String {
        self.server.query_one(&format!("{ACCOUNT} '{user}'")).await
    }

    /// The memberships of the admin, with their options.
    pub async fn memberships_of_the_admin(&self) -> String {
        self.server
            .query_one(&format!(
                "SELECT coalesce(string_agg((to_jsonb(m) - 'oid')::text, E'\\n' \
                 ORDER BY m.roleid, m.grantor), '') FROM pg_auth_members m \
                 WHERE m.member = '{ADMIN}'::regrole"
            ))
            .await
    }
}
