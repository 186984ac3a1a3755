use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::installation::Installation;
use super::log::{self, Logins, Mark};
use super::setup::{Setup, Tls};
use super::supervisor::{Owner, Supervisor};
use super::template;
use crate::certificates::Authority;

/// A throwaway PostgreSQL server on a free port of the loopback interface.
///
/// It ends with the process that started it, also when that is killed, and leaves no process, socket or folder.
#[derive(Debug)]
pub struct Server {
    supervisor: Supervisor,
    owner: Owner,
    installation: Installation,
    setup: Setup,
    ca_file: PathBuf,
    port: u16,
}

const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(5);
/// Another process can take a port between the moment it was free and the server's start.
const PORTS_TRIED: usize = 5;

impl Server {
    /// Starts a server and returns when it accepts connections.
    ///
    /// # Panics
    ///
    /// If it does not start; the message holds the server's log.
    pub async fn start(setup: Setup) -> Self {
        let mut server = Self::prepare(setup);
        template::fill(&mut server.supervisor, &server.installation, server.owner);
        let mut access =
            vec!["local all all trust".to_owned(), "local replication all trust".to_owned()];
        access.extend(server.setup.authentication.lines());
        server.write("data/pg_hba.conf", &(access.join("\n") + "\n"));
        server.launch().await;
        server
    }

    /// A server without a cluster yet.
    pub(super) fn prepare(setup: Setup) -> Self {
        let owner = Owner::choose();
        let supervisor = Supervisor::start(owner);
        let ca_file = supervisor.folder().join("ca.pem");
        let installation = setup.version.installation();
        let server = Self { supervisor, owner, installation, setup, ca_file, port: 0 };
        let socket = server.socket_folder();
        fs::create_dir(&socket).expect("the server's folder can be written");
        chown(&socket, Some(owner.uid), Some(owner.gid)).expect("a folder can be given away");
        server.write_certificates();
        server
    }

    /// The name that the server is reached by and that its certificate is for.
    pub fn host(&self) -> &'static str {
        "localhost"
    }

    /// Its TCP port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The authority to trust, PEM. Not the issuer of this server's certificate if that is to be untrusted.
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// Its folder, which is gone when the server is dropped.
    pub fn folder(&self) -> &Path {
        self.supervisor.folder()
    }

    pub(super) fn setup(&self) -> &Setup {
        &self.setup
    }

    pub(super) fn supervisor(&mut self) -> &mut Supervisor {
        &mut self.supervisor
    }

    pub(super) fn data(&self) -> PathBuf {
        self.folder().join("data")
    }

    pub(super) fn socket_folder(&self) -> PathBuf {
        self.folder().join("socket")
    }

    /// Stops it in good order; its port then refuses connections.
    pub fn stop(&mut self) {
        self.supervisor.stop_server();
    }

    /// Stops it if it runs, and starts it again on the same port.
    ///
    /// # Panics
    ///
    /// If it does not start; the message holds the server's log.
    pub async fn restart(&mut self) {
        self.supervisor.stop_server();
        let started = self.try_launch().await;
        assert!(started, "port {} was taken meanwhile", self.port);
    }

    /// Everything that the server logged, every statement included.
    pub fn log(&self) -> String {
        self.log_since(Mark(0))
    }

    /// What the server logged after a mark.
    pub fn log_since(&self, mark: Mark) -> String {
        let bytes = fs::read(self.folder().join("server.log")).unwrap_or_default();
        String::from_utf8_lossy(bytes.get(mark.0..).unwrap_or_default()).into_owned()
    }

    /// The present end of the log.
    pub fn mark(&self) -> Mark {
        let file = self.folder().join("server.log");
        Mark(
            file.metadata()
                .map_or(0, |metadata| usize::try_from(metadata.len()).expect("a small file")),
        )
    }

    /// One user's logins since the server's start, once every connection had its answer.
    pub async fn logins(&self, user: &str) -> Logins {
        self.logins_since(Mark(0), user).await
    }

    /// One user's logins after a mark, once every connection had its answer.
    pub async fn logins_since(&self, mark: Mark, user: &str) -> Logins {
        // A client that went away before it named itself never has an answer in the log.
        const SETTLES_WITHIN: Duration = Duration::from_millis(300);
        let began = Instant::now();
        loop {
            let log = self.log_since(mark);
            if log::is_settled(&log) || began.elapsed() > SETTLES_WITHIN {
                return Logins::of(user, &log);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The logins of several users together, after a mark.
    pub async fn logins_of(&self, mark: Mark, users: &[&str]) -> Logins {
        let mut all = Logins::default();
        for user in users {
            let logins = self.logins_since(mark, user).await;
            all.accepted += logins.accepted;
            all.failed += logins.failed;
            all.plaintext += logins.plaintext;
        }
        all
    }

    pub(super) async fn launch(&mut self) {
        for _ in 0..PORTS_TRIED {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
            self.port = listener.local_addr().expect("a bound port").port();
            drop(listener);
            if self.try_launch().await {
                return;
            }
            self.supervisor.stop_server();
        }
        panic!("no free port in {PORTS_TRIED} tries");
    }

    /// Whether it runs now; false if its port is taken.
    async fn try_launch(&mut self) -> bool {
        self.write("data/postgresql.conf", &self.configuration());
        let mark = self.mark();
        let began = Instant::now();
        self.supervisor.start_server(&self.installation.program("postgres"));
        while !self.is_ready() {
            let log = self.log_since(mark);
            if log.contains("could not bind ") {
                return false;
            }
            let failed = log.contains(" FATAL:  ") || began.elapsed() > PATIENCE;
            assert!(!failed, "PostgreSQL does not start:\n{log}");
            tokio::time::sleep(PAUSE).await;
        }
        true
    }

    /// The last line of `postmaster.pid` is the server's own word on its state.
    fn is_ready(&self) -> bool {
        fs::read_to_string(self.data().join("postmaster.pid"))
            .is_ok_and(|state| state.lines().nth(7).is_some_and(|line| line.trim_end() == "ready"))
    }

    /// Writes a file that belongs to the server and is for its eyes only.
    pub(super) fn write(&self, name: &str, text: &str) {
        let path = self.folder().join(name);
        fs::write(&path, text).expect("the server's folder can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a file of ours");
        chown(&path, Some(self.owner.uid), Some(self.owner.gid)).expect("a file can be given away");
    }

    fn write_certificates(&self) {
        let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let authority = Authority::new();
        let issued = match &self.setup.tls {
            Tls::Off => None,
            Tls::Trusted => Some(authority.issue(&names)),
            Tls::TrustedFor(more) => {
                names.extend(more.iter().cloned());
                Some(authority.issue(&names))
            }
            Tls::WrongName => Some(authority.issue(&["elsewhere.invalid".to_owned()])),
            Tls::Untrusted => Some(Authority::new().issue(&names)),
        };
        self.write("ca.pem", &authority.certificate());
        let Some(issued) = issued else { return };
        self.write("server.pem", &issued.certificate);
        self.write("server.key", &issued.key);
    }

    /// The lines of `postgresql.conf`; the last of a setting wins.
    fn configuration(&self) -> String {
        let folder = self.folder().display();
        let mut lines: Vec<String> = CONFIGURATION.iter().copied().map(str::to_owned).collect();
        lines.push(format!("port = {}", self.port));
        lines.push(format!("log_line_prefix = '{}'", log::LINE_PREFIX));
        lines.push(format!("unix_socket_directories = '{folder}/socket'"));
        lines.push(format!("max_connections = {}", self.setup.max_connections));
        let encryption = self.setup.password_encryption.as_str();
        lines.push(format!("password_encryption = '{encryption}'"));
        if self.setup.tls != Tls::Off {
            lines.push("ssl = on".to_owned());
            lines.push(format!("ssl_cert_file = '{folder}/server.pem'"));
            lines.push(format!("ssl_key_file = '{folder}/server.key'"));
        }
        lines.extend(self.setup.configuration.iter().cloned());
        lines.join("\n") + "\n"
    }
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
