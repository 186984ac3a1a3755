use serde_json::{Value, json};

use super::{Target, ways_to_fail};
use crate::postgres::{Mark, Server, Setup};
use crate::scene::Scene;
use crate::world::{FIRST_PASSWORD, StepError, USER, World, secret_of};

/// Everything that a server has of roles: passwords, attributes, settings, memberships.
const ROLES: &str = "SELECT concat_ws(E'\\n', \
     (SELECT string_agg(r::text, E'\\n' ORDER BY r.oid) FROM pg_authid r), \
     (SELECT string_agg(s::text, E'\\n' ORDER BY s::text) FROM pg_db_role_setting s), \
     (SELECT string_agg(m::text, E'\\n' ORDER BY m::text) FROM pg_auth_members m))";

impl Target for World {
    const CHANGES: &[&str] =
        &["ALTER ROLE", "CREATE ROLE", "GRANT ", "REVOKE ", "COMMENT ON", "REASSIGN"];

    fn scene(&self) -> &Scene {
        &self.scene
    }

    async fn accounts(&self) -> String {
        self.roles().await
    }

    fn mark(&self) -> Mark {
        self.server.mark()
    }

    fn log_since(&self, mark: Mark) -> String {
        self.server.log_since(mark)
    }
}

ways_to_fail!(World);

impl World {
    /// A user with its own authority, and a secret that the test edits before it is stored.
    pub async fn start_with(setup: Setup, edit: impl FnOnce(&mut Value)) -> Self {
        let server = Server::start(setup).await;
        server.sql(&format!("CREATE ROLE {USER} LOGIN PASSWORD '{FIRST_PASSWORD}'")).await;
        let mut secret = secret_of(&server, USER, &json!(FIRST_PASSWORD));
        edit(&mut secret);
        Self::with_secret(server, &secret.to_string()).await
    }

    /// Everything that the server has of roles, as text.
    pub async fn roles(&self) -> String {
        self.server.query_one(ROLES).await
    }
}
