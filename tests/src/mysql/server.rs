use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::configuration;
use super::installation::Installation;
use super::log;
use super::setup::{Product, Setup};
use crate::servers::{Kind, Logins, Mark, Process};

/// A throwaway MySQL or MariaDB server on a free port of the loopback interface.
///
/// It ends with the process that started it, also when that is killed, and leaves no process, socket or folder.
#[derive(Debug)]
pub struct Server {
    process: Process,
    installation: Installation,
    setup: Setup,
}

/// A copy with the same `auto.cnf` would take itself for the server that it was copied from.
const MYSQL: Kind = Kind {
    name: "MySQL",
    script: r#"
create() {
    $drop "$1" --defaults-file="$folder/my.cnf" --initialize-insecure --skip-log-bin && rm data/auto.cnf
}
run() { exec $drop "$1" --defaults-file="$folder/my.cnf"; }
gentle=TERM
hard=KILL
"#,
    connections: log::connections,
    refuses_root: true,
    port_taken: PORT_TAKEN,
    gave_up: GAVE_UP,
};

/// What `mariadb-install-db` does, with a root that needs no password and without users that have no name.
const MARIADB: Kind = Kind {
    name: "MariaDB",
    script: r#"
create() {
    tables=${1%/bin/*}/usr/share/mysql
    $drop mkdir data && {
        printf '%s;\n' 'CREATE DATABASE mysql' 'USE mysql' 'SET @auth_root_socket = NULL' \
            'SET @skip_auth_anonymous = TRUE' &&
        cat "$tables/mysql_system_tables.sql" "$tables/mysql_performance_tables.sql" \
            "$tables/mysql_system_tables_data.sql" "$tables/maria_add_gis_sp_bootstrap.sql" \
            "$tables/mysql_sys_schema.sql"
    } | $drop "$1" --defaults-file="$folder/my.cnf" --bootstrap
}
run() { exec $drop "$1" --defaults-file="$folder/my.cnf"; }
gentle=TERM
hard=KILL
"#,
    ..MYSQL
};

const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(5);

const PORT_TAKEN: &str = "Bind on TCP/IP port";
const GAVE_UP: &str = " Aborting";

impl Server {
    /// Starts a server and returns when it accepts connections.
    ///
    /// # Panics
    ///
    /// If it does not start; the message holds the server's log.
    pub async fn start(setup: Setup) -> Self {
        Self::start_with(setup, &[]).await
    }

    /// The same with these files of its folder written before it starts.
    pub(super) async fn start_with(setup: Setup, files: &[(&str, String)]) -> Self {
        let kind = match setup.product {
            Product::MySql => MYSQL,
            Product::MariaDb => MARIADB,
        };
        let mut process = Process::prepare(kind, &setup.tls);
        let installation = setup.product.installation();
        let common = configuration::common(&process, setup.product, &installation);
        process.write("my.cnf", &common);
        for (name, text) in files {
            process.write(name, text);
        }
        process.fill(&installation.name(), installation.program());
        let configure = |process: &Process| {
            process.write("my.cnf", &configuration::of(process, &setup, &installation));
        };
        process.launch(installation.program(), configure, is_ready).await;
        Self { process, installation, setup }
    }

    /// Whose server it is.
    pub fn product(&self) -> Product {
        self.setup.product
    }

    /// The name that the server is reached by and that its certificate is for.
    pub fn host(&self) -> &'static str {
        "localhost"
    }

    /// Its TCP port.
    pub fn port(&self) -> u16 {
        self.process.port()
    }

    /// The authority to trust, PEM. Not the issuer of this server's certificate if that is to be untrusted.
    pub fn ca_file(&self) -> &Path {
        self.process.ca_file()
    }

    /// Its folder, which is gone when the server is dropped.
    pub fn folder(&self) -> &Path {
        self.process.folder()
    }

    pub(super) fn setup(&self) -> &Setup {
        &self.setup
    }

    pub(super) fn socket(&self) -> PathBuf {
        self.process.socket_folder().join("server.sock")
    }

    /// Stops it in good order; its port then refuses connections.
    pub fn stop(&mut self) {
        self.process.stop();
    }

    /// Stops it if it runs, and starts it again on the same port.
    ///
    /// # Panics
    ///
    /// If it does not start; the message holds the server's log.
    pub async fn restart(&mut self) {
        self.process.relaunch(self.installation.program(), is_ready).await;
    }

    /// Everything that the server logged, every statement included.
    pub fn log(&self) -> String {
        self.log_since(Mark::START)
    }

    /// What the server logged after a mark.
    pub fn log_since(&self, mark: Mark) -> String {
        self.process.log_since(mark)
    }

    /// The present end of the log.
    pub fn mark(&self) -> Mark {
        self.process.mark()
    }

    /// All logs that the server keeps: errors, statements, slow statements, and what it tells its replicas.
    ///
    /// # Panics
    ///
    /// If the server does not run or a log cannot be read.
    pub async fn written(&self) -> String {
        self.write_to_the_end().await;
        let data = fs::read_dir(self.process.data()).expect("a data folder");
        let replicated = data
            .map(|entry| entry.expect("a file").path())
            .filter(|path| path.file_stem().is_some_and(|stem| stem == "binlog"));
        let folder = self.folder();
        let logs = [folder.join("server.log"), folder.join("slow.log")];
        let mut written = String::new();
        for path in logs.into_iter().chain(replicated) {
            let bytes = fs::read(&path).expect("a log");
            written.push_str(&String::from_utf8_lossy(&bytes));
        }
        written
    }

    /// A statement is in the log of the slow ones only after its answer: one more is waited for there.
    async fn write_to_the_end(&self) {
        const LAST: &str = "SELECT 'so far'";
        let count = || {
            let log = fs::read(self.folder().join("slow.log")).unwrap_or_default();
            String::from_utf8_lossy(&log).matches(LAST).count()
        };
        let (before, began) = (count(), Instant::now());
        self.sql(LAST).await;
        while count() == before {
            assert!(began.elapsed() < PATIENCE, "the log of slow statements does not go on");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// One user's logins since the server's start, once every connection had its answer.
    pub async fn logins(&self, user: &str) -> Logins {
        self.logins_since(Mark::START, user).await
    }

    /// One user's logins after a mark, once every connection had its answer.
    pub async fn logins_since(&self, mark: Mark, user: &str) -> Logins {
        self.process.logins_since(mark, user).await
    }

    /// The logins of several users together, after a mark.
    pub async fn logins_of(&self, mark: Mark, users: &[&str]) -> Logins {
        self.process.logins_of(mark, users).await
    }
}

fn is_ready(_: &Process, log: &str) -> bool {
    log.contains(": ready for connections")
}
