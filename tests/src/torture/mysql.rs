//! MySQL and MariaDB.

use serde_json::{Value, json};
use turnlock_local::Function;

use super::stage::{Keeps, Stage, State};
use super::wires::{self, Wires};
use crate::mysql::{Product, Server, Setup};
use crate::one_user;
use crate::scene::Scene;
use crate::turns::{self, CLONE};
use crate::wire::{Fuse, Protocol};
use crate::world::mysql::{FIRST_PASSWORD, USER, World, function, secret_of, server_with_admin};

/// Whose server it is, and how the password is rotated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// One user.
    One(one_user::Way),
    /// `alternating-users`, of which there are two.
    Alternating(Product),
    /// `alternating-users`, of which the second is to be made.
    FirstAlternating(Product),
}

/// A server, a function and the wires between them.
pub(crate) struct MySql {
    way: Way,
    world: World,
    /// A question for all that there is of other accounts.
    others: String,
    // Dropped after the function that they lead.
    _wires: Wires,
}

/// Something that the first user may do at each level, and a setting; and an account that is none of ours.
const RIGHTS: &str = "CREATE DATABASE shop; CREATE TABLE shop.orders (id int); CREATE DATABASE other; \
     CREATE TABLE other.prices (id int, cost int); CREATE ROLE reader; \
     GRANT SELECT ON other.prices TO reader; GRANT reader TO turnlock_admin@'%' WITH ADMIN OPTION; \
     CREATE PROCEDURE other.one() SELECT 1; \
     GRANT SELECT, INSERT ON shop.* TO app@'%'; GRANT UPDATE (cost) ON other.prices TO app@'%'; \
     GRANT EXECUTE ON PROCEDURE other.one TO app@'%'; GRANT PROCESS ON *.* TO app@'%'; \
     GRANT reader TO app@'%'; ALTER USER app@'%' WITH MAX_USER_CONNECTIONS 19; \
     CREATE USER bystander@'%' IDENTIFIED BY 'of-the-bystander'; GRANT SELECT ON shop.* TO bystander@'%'";

const LEFT_OVER: &str = "SELECT coalesce(group_concat(concat_ws(' ', 'session of', user, command, info) \
     SEPARATOR '; '), '') FROM information_schema.processlist \
     WHERE user NOT IN ('root', 'event_scheduler', 'system user')";

impl Way {
    /// All there are.
    pub fn all() -> impl Iterator<Item = Self> {
        let one = one_user::Way::all().map(Self::One);
        let two = Product::ALL.into_iter();
        one.chain(
            two.flat_map(|product| [Self::Alternating(product), Self::FirstAlternating(product)]),
        )
    }

    pub(crate) fn name(self) -> String {
        let strategy = match self {
            Self::One(one_user::Way { keeps, by_admin, .. }) => {
                let strategy = if keeps { "dual-password" } else { "single-user" };
                let by = if by_admin { " by an admin" } else { "" };
                format!("{strategy}{by}")
            }
            Self::Alternating(_) => "alternating-users".to_owned(),
            Self::FirstAlternating(_) => "alternating-users, the second to be made".to_owned(),
        };
        let engine = match self.product() {
            Product::MySql => "mysql",
            Product::MariaDb => "mariadb",
        };
        format!("{engine} {strategy}")
    }

    fn product(self) -> Product {
        match self {
            Self::One(one_user::Way { product, .. })
            | Self::Alternating(product)
            | Self::FirstAlternating(product) => product,
        }
    }

    fn users(self) -> &'static [&'static str] {
        match self {
            Self::One(_) => &[USER],
            Self::Alternating(_) | Self::FirstAlternating(_) => &[USER, CLONE],
        }
    }

    pub(crate) async fn start(self, fuse: &Fuse) -> MySql {
        let setup = Setup { max_connections: 60, ..Setup::of(self.product()) };
        let server = server_with_admin(setup).await;
        server.sql(RIGHTS).await;
        let wires = Wires::to(server.port(), Protocol::MySql, fuse);
        let function = wires.through(function(&server));
        let others = others(&server).await;
        let world = self.world(server, function).await;
        wires.attach(&world.scene, wires::port);
        MySql { way: self, world, others, _wires: wires }
    }

    async fn world(self, server: Server, function: Function) -> World {
        let Self::One(one_user::Way { keeps, by_admin, .. }) = self else {
            return World::administered_with(server, function, |_| ()).await;
        };
        let strategy = if keeps { "dual-password" } else { "single-user" };
        let rotation = json!({"strategy": strategy});
        if by_admin {
            let edit = |secret: &mut Value| secret["rotation"] = rotation;
            return World::administered_with(server, function, edit).await;
        }
        if keeps {
            let may = format!("GRANT APPLICATION_PASSWORD_ADMIN ON *.* TO {USER}@'%'");
            server.sql(&may).await;
        }
        let mut secret = secret_of(&server, USER, &json!(FIRST_PASSWORD));
        secret["rotation"] = rotation;
        World::with_function(server, &secret.to_string(), function).await
    }
}

/// A question for everything that a server stores of accounts that are not the secret's.
async fn others(server: &Server) -> String {
    let tables: &[(&str, &str)] = match server.product() {
        Product::MySql => &[
            ("user", "User"),
            ("global_grants", "USER"),
            ("role_edges", "TO_USER"),
            ("default_roles", "USER"),
        ],
        Product::MariaDb => &[("global_priv", "User"), ("roles_mapping", "User")],
    };
    let common = ["db", "tables_priv", "columns_priv", "procs_priv", "proxies_priv"];
    let common = common.map(|table| (table, "User"));
    let mut parts = Vec::new();
    for (table, user) in tables.iter().chain(&common) {
        // The time of a change is none of what it does.
        let columns = server
            .query_one(&format!(
                "SET group_concat_max_len = 65536; SELECT group_concat('coalesce(hex(`', column_name, '`), 0)') \
                 FROM information_schema.columns \
                 WHERE table_schema = 'mysql' AND table_name = '{table}' \
                 AND column_name <> 'Timestamp'"
            ))
            .await;
        parts.push(format!(
            "SELECT concat_ws(' ', '{table}', hex({user}), {columns}) FROM mysql.{table} \
             WHERE {user} NOT IN ('{USER}', '{CLONE}')"
        ));
    }
    parts.join(" UNION ALL ")
}

impl Stage for MySql {
    fn scene(&self) -> &Scene {
        &self.world
    }

    fn keeps(&self) -> Keeps {
        let both = match self.way {
            Way::One(way) => way.keeps,
            Way::Alternating(_) | Way::FirstAlternating(_) => true,
        };
        Keeps { any: true, current: both, previous: Some(both) }
    }

    async fn begin(&self) {
        if let Way::FirstAlternating(_) = self.way {
            wires::give_the_first_its_turn(&self.world, USER);
            self.world.server.sql(&format!("DROP USER IF EXISTS {CLONE}@'%'")).await;
        }
    }

    async fn accepts(&self, value: &Value) -> bool {
        let text = |field: &str| value[field].as_str().expect("a text").to_owned();
        self.world.server.can_log_in(&text("username"), &text("password")).await
    }

    async fn state(&self) -> State {
        let server = &self.world.server;
        let mut own = Vec::new();
        let accounts = "SELECT concat(user, '@', host) FROM mysql.user ORDER BY 1";
        let accounts = server.query_all(accounts).await;
        for user in self.way.users() {
            own.push(format!("{user}:"));
            if accounts.contains(&format!("{user}@%")) {
                own.extend(turns::state(server, user, "%").await);
            }
        }
        let mut others = server.query_all(&self.others).await;
        others.sort();
        let ours = self.way.users().iter().map(|user| format!("{user}@%"));
        let ours: Vec<String> = ours.collect();
        others.extend(accounts.into_iter().filter(|name| !ours.contains(name)));
        State { own: own.join("\n"), others: others.join("\n") }
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
