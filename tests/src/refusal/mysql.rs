use super::{Target, ways_to_fail};
use crate::mysql::{Mark, Product};
use crate::scene::Scene;
use crate::world::mysql::{StepError, World};

/// Where the servers store what they have of accounts.
const COMMON: [&str; 5] = ["db", "tables_priv", "columns_priv", "procs_priv", "proxies_priv"];
const MYSQL: [&str; 5] =
    ["user", "global_grants", "role_edges", "default_roles", "password_history"];
const MARIADB: [&str; 2] = ["global_priv", "roles_mapping"];

impl Target for World {
    const CHANGES: &[&str] =
        &["ALTER USER", "CREATE USER", "SET PASSWORD", "GRANT ", "REVOKE ", "SET DEFAULT ROLE"];

    fn scene(&self) -> &Scene {
        &self.scene
    }

    async fn accounts(&self) -> String {
        let own: &[&str] = match self.server.product() {
            Product::MySql => &MYSQL,
            Product::MariaDb => &MARIADB,
        };
        // One session, as there are tests that use all but the last.
        let all: Vec<String> =
            COMMON.iter().chain(own).map(|table| format!("SELECT * FROM mysql.{table}")).collect();
        self.server.query_all(&all.join("; ")).await.join("\n")
    }

    fn mark(&self) -> Mark {
        self.server.mark()
    }

    fn log_since(&self, mark: Mark) -> String {
        self.server.log_since(mark)
    }
}

ways_to_fail!(World);
