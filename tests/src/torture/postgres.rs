//! PostgreSQL.

use serde_json::{Value, json};
use turnlock_local::Function;

use super::stage::{Keeps, Stage, State};
use super::wires::{self, Wires};
use crate::pair::CLONE;
use crate::postgres::{Server, Setup, Version};
use crate::scene::Scene;
use crate::servers::Tls;
use crate::wire::{Fuse, Protocol};
use crate::world::{FIRST_PASSWORD, USER, World, function, secret_of, server_with_admin};

/// How the password is rotated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// `single-user`, by the user itself.
    SingleUser,
    /// `single-user`, by an admin.
    SingleUserByAdmin,
    /// `alternating-users`, of which there are two.
    Alternating,
    /// `alternating-users`, of which the second is to be made.
    FirstAlternating,
}

/// A server, a function and the wires between them.
pub(crate) struct Postgres {
    way: Way,
    world: World,
    // Dropped after the function that they lead.
    _wires: Wires,
}

/// What the user may, by privileges, ownership, attributes and settings; and a role that is none of ours.
const RIGHTS: &str = "CREATE TABLE prices (id int); GRANT SELECT ON prices TO app; \
     CREATE SCHEMA AUTHORIZATION app; ALTER ROLE app CREATEDB; ALTER ROLE app SET work_mem = '7MB'; \
     CREATE ROLE bystander LOGIN PASSWORD 'of-the-bystander'; GRANT SELECT ON prices TO bystander";

/// What there is of the roles: attributes, comment without what a mark has of a version, settings, memberships, and
/// what may be done with what is theirs.
const OWN: &str = "SELECT concat_ws(E'\\n', \
     (SELECT string_agg(concat_ws(' ', to_jsonb(r) - 'oid' - 'rolpassword', \
        regexp_replace(shobj_description(r.oid, 'pg_authid'), '\\[.*\\]', '[]')), E'\\n' ORDER BY rolname) \
        FROM pg_authid r WHERE rolname IN ('app', 'app_clone')), \
     (SELECT string_agg(concat_ws(' ', setrole::regrole, setdatabase, setconfig), E'\\n' ORDER BY setrole::regrole::text) \
        FROM pg_db_role_setting), \
     (SELECT string_agg(concat_ws(' ', roleid::regrole, member::regrole, grantor::regrole, \
        to_jsonb(m) - ARRAY['oid', 'roleid', 'member', 'grantor']), E'\\n' \
        ORDER BY roleid::regrole::text, member::regrole::text, grantor::regrole::text) FROM pg_auth_members m), \
     (SELECT string_agg(concat_ws(' ', relname, relowner::regrole, relacl), E'\\n' ORDER BY relname) \
        FROM pg_class WHERE relnamespace = 'public'::regnamespace), \
     (SELECT string_agg(concat_ws(' ', nspname, nspowner::regrole, nspacl), E'\\n' ORDER BY nspname) \
        FROM pg_namespace))";

const OTHERS: &str = "SELECT string_agg(concat_ws(' ', r, shobj_description(r.oid, 'pg_authid')), E'\\n' \
     ORDER BY rolname) FROM pg_authid r WHERE rolname NOT IN ('app', 'app_clone')";

const LEFT_OVER: &str = "SELECT concat_ws('; ', \
     (SELECT string_agg(concat_ws(' ', 'session of', usename, state, query), '; ') FROM pg_stat_activity \
        WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()), \
     (SELECT string_agg(concat_ws(' ', 'lock', locktype, mode), '; ') FROM pg_locks WHERE locktype = 'advisory'))";

impl Way {
    /// All there are.
    pub const ALL: [Self; 4] =
        [Self::SingleUser, Self::SingleUserByAdmin, Self::Alternating, Self::FirstAlternating];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SingleUser => "postgres single-user",
            Self::SingleUserByAdmin => "postgres single-user by an admin",
            Self::Alternating => "postgres alternating-users",
            Self::FirstAlternating => "postgres alternating-users, the second to be made",
        }
    }

    fn has_two_users(self) -> bool {
        matches!(self, Self::Alternating | Self::FirstAlternating)
    }

    /// Each version with one user and with two; from 16 on, memberships are other than before.
    fn version(self) -> Version {
        match self {
            Self::SingleUser | Self::FirstAlternating => Version::V18,
            Self::SingleUserByAdmin | Self::Alternating => Version::Distribution,
        }
    }

    pub(crate) async fn start(self, fuse: &Fuse) -> Postgres {
        // Its messages can be told apart without TLS, and the many logins of the looks are quicker.
        let setup = Setup { version: self.version(), tls: Tls::Off, ..Setup::default() };
        let server = server_with_admin(setup).await;
        server.sql(RIGHTS).await;
        let wires = Wires::to(server.port(), Protocol::Postgres, fuse);
        let function = wires.through(function(&server));
        let world = self.world(server, function).await;
        wires.attach(&world.scene, |secret, port| {
            wires::port(secret, port);
            secret["ssl"] = json!(false);
        });
        Postgres { way: self, world, _wires: wires }
    }

    async fn world(self, server: Server, function: Function) -> World {
        match self {
            Self::SingleUser => {
                let secret = secret_of(&server, USER, &json!(FIRST_PASSWORD));
                World::with_function(server, &secret.to_string(), function).await
            }
            Self::SingleUserByAdmin => {
                let single = |secret: &mut Value| {
                    secret["rotation"] = json!({"strategy": "single-user"});
                };
                World::administered_with(server, function, single).await
            }
            Self::Alternating | Self::FirstAlternating => {
                World::administered_with(server, function, |_| ()).await
            }
        }
    }
}

impl Stage for Postgres {
    fn scene(&self) -> &Scene {
        &self.world
    }

    fn keeps(&self) -> Keeps {
        let both = self.way.has_two_users();
        Keeps { any: true, current: both, previous: Some(both) }
    }

    async fn begin(&self) {
        if self.way == Way::FirstAlternating {
            wires::give_the_first_its_turn(&self.world, USER);
            self.world.server.sql(&format!("DROP ROLE IF EXISTS {CLONE}")).await;
        }
    }

    async fn accepts(&self, value: &Value) -> bool {
        let text = |field: &str| value[field].as_str().expect("a text").to_owned();
        self.world.server.can_log_in(&text("username"), &text("password"), "postgres").await
    }

    async fn state(&self) -> State {
        let server = &self.world.server;
        State { own: server.query_one(OWN).await, others: server.query_one(OTHERS).await }
    }

    async fn left_over(&self) -> String {
        self.world.server.query_one(LEFT_OVER).await
    }

    fn secrets(&self, value: &Value) -> Vec<String> {
        vec![value["password"].as_str().expect("a password").to_owned()]
    }

    fn log(&self) -> String {
        self.world.server.log()
    }
}
