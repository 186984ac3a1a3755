use std::fs;
use std::path::{Path, PathBuf};

use super::installation::Installation;
use super::log;
use super::setup::Setup;
use crate::servers::{Kind, Logins, Mark, Process, Tls};

/// A throwaway PostgreSQL server on a free port of the loopback interface.
///
/// It ends with the process that started it, also when that is killed, and leaves no process, socket or folder.
#[derive(Debug)]
pub struct Server {
    process: Process,
    installation: Installation,
    setup: Setup,
}

const KIND: Kind = Kind {
    name: "PostgreSQL",
    script: r#"
create() {
    $drop "$1" --auth=trust --username=postgres --encoding=UTF8 --locale=C \
        --no-sync --no-instructions --wal-segsize=1 -D data
}
run() { exec $drop "$1" -D "$folder/data"; }
gentle=INT
hard=QUIT
"#,
    connections: log::connections,
    refuses_root: true,
    port_taken: "could not bind ",
    gave_up: " FATAL:  ",
};

impl Server {
    /// Starts a server and returns when it accepts connections.
    ///
    /// # Panics
    ///
    /// If it does not start; the message holds the server's log.
    pub async fn start(setup: Setup) -> Self {
        let mut server = Self::prepare(setup);
        let initdb = server.installation.program("initdb");
        server.process.fill(&server.installation.name(), &initdb);
        let mut access =
            vec!["local all all trust".to_owned(), "local replication all trust".to_owned()];
        access.extend(server.setup.authentication.lines());
        server.process.write("data/pg_hba.conf", &(access.join("\n") + "\n"));
        server.launch().await;
        server
    }

    /// A server without a cluster yet.
    pub(super) fn prepare(setup: Setup) -> Self {
        let process = Process::prepare(KIND, &setup.tls);
        let installation = setup.version.installation();
        Self { process, installation, setup }
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

    pub(super) fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    pub(super) fn data(&self) -> PathBuf {
        self.process.data()
    }

    pub(super) fn socket_folder(&self) -> PathBuf {
        self.process.socket_folder()
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
        let program = self.installation.program("postgres");
        self.process.relaunch(&program, is_ready).await;
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

    pub(super) async fn launch(&mut self) {
        let program = self.installation.program("postgres");
        let setup = &self.setup;
        let configure = |process: &Process| {
            process.write("data/postgresql.conf", &configuration(process, setup));
        };
        self.process.launch(&program, configure, is_ready).await;
    }
}

/// The last line of `postmaster.pid` is the server's own word on its state.
fn is_ready(process: &Process, _: &str) -> bool {
    fs::read_to_string(process.data().join("postmaster.pid"))
        .is_ok_and(|state| state.lines().nth(7).is_some_and(|line| line.trim_end() == "ready"))
}

/// The lines of `postgresql.conf`; the last of a setting wins.
fn configuration(process: &Process, setup: &Setup) -> String {
    let folder = process.folder().display();
    let mut lines: Vec<String> = CONFIGURATION.iter().copied().map(str::to_owned).collect();
    lines.push(format!("port = {}", process.port()));
    lines.push(format!("log_line_prefix = '{}'", log::LINE_PREFIX));
    lines.push(format!("unix_socket_directories = '{folder}/socket'"));
    lines.push(format!("max_connections = {}", setup.max_connections));
    let encryption = setup.password_encryption.as_str();
    lines.push(format!("password_encryption = '{encryption}'"));
    if setup.tls != Tls::Off {
        lines.push("ssl = on".to_owned());
        lines.push(format!("ssl_cert_file = '{folder}/server.pem'"));
        lines.push(format!("ssl_key_file = '{folder}/server.key'"));
    }
    lines.extend(setup.configuration.iter().cloned());
    lines.join("\n") + "\n"
}

/// What all servers have in common: little memory, no care for the disk, and a log of all that happens.
///
/// Shared memory is in the server's folder, so that it goes with that.
const CONFIGURATION: [&str; 15] = [
    "dynamic_shared_memory_type = mmap",
    "listen_addresses = '127.0.0.1'",
    "fsync = off",
    "full_page_writes = off",
    "autovacuum = off",
    "shared_buffers = 16MB",
    "timezone = 'UTC'",
    "log_timezone = 'UTC'",
    "lc_messages = 'C'",
    "log_destination = stderr",
    "log_connections = on",
    "log_disconnections = on",
    "log_statement = all",
    "log_min_error_statement = debug5",
    "log_checkpoints = off",
];
