use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::logins::{Connection, Logins, Mark};
use super::supervisor::{Owner, Supervisor};
use super::template;
use super::tls::Tls;
use crate::ports;

const PATIENCE: Duration = Duration::from_secs(180);
const PAUSE: Duration = Duration::from_millis(5);
/// Another process can take a port between the moment it was free and the server's start.
const PORTS_TRIED: usize = 5;

/// What tells one kind of server from another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    /// Its name, for messages.
    pub(crate) name: &'static str,
    /// Shell functions for the supervisor: `create PROGRAM` makes the folder `data`, `run PROGRAM` becomes the server.
    /// `gentle` and `hard` are the signals by which the server ends in good order and at once.
    pub(crate) script: &'static str,
    /// All connections of a log, in their order.
    pub(crate) connections: fn(&str) -> Vec<Connection>,
    /// Whether it refuses to run as root, who runs it as another user then.
    pub(crate) refuses_root: bool,
    /// What the log has if the port is taken.
    pub(crate) port_taken: &'static str,
    /// What the log has if the server gave up, and not otherwise.
    pub(crate) gave_up: &'static str,
}

/// A server's process and folder, gone when this is dropped or its process ends, however it does.
#[derive(Debug)]
pub(crate) struct Process {
    kind: Kind,
    supervisor: Supervisor,
    owner: Owner,
    ca_file: PathBuf,
    port: u16,
}

impl Process {
    /// A folder with certificates and without a server.
    pub(crate) fn prepare(kind: Kind, tls: &Tls) -> Self {
        let owner = if kind.refuses_root { Owner::choose() } else { Owner::caller() };
        let supervisor = Supervisor::start(owner, kind.script);
        let ca_file = supervisor.folder().join("ca.pem");
        let process = Self { kind, supervisor, owner, ca_file, port: 0 };
        let socket = process.socket_folder();
        fs::create_dir(&socket).expect("the server's folder can be written");
        chown(&socket, Some(owner.uid), Some(owner.gid)).expect("a folder can be given away");
        let (authority, issued) = tls.certificates();
        process.write("ca.pem", &authority);
        if let Some(issued) = issued {
            process.write("server.pem", &issued.certificate);
            process.write("server.key", &issued.key);
        }
        process
    }

    /// Makes the data folder by this program, or copies what that made for the first server of this name.
    pub(crate) fn fill(&mut self, name: &str, program: &Path) {
        template::fill(&mut self.supervisor, name, program, self.owner);
    }

    /// Makes the data folder a copy of another.
    pub(crate) fn copy_data(&mut self, from: &Path) {
        self.supervisor.copy_data(from);
    }

    pub(crate) fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn folder(&self) -> &Path {
        self.supervisor.folder()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder().join("data")
    }

    pub(crate) fn socket_folder(&self) -> PathBuf {
        self.folder().join("socket")
    }

    /// Starts the program on a free port, after `configure` has written its configuration; returns when it is ready.
    pub(crate) async fn launch(
        &mut self,
        program: &Path,
        configure: impl Fn(&Self),
        is_ready: impl Fn(&Self, &str) -> bool,
    ) {
        for _ in 0..PORTS_TRIED {
            self.port = ports::free();
            configure(self);
            if self.try_launch(program, &is_ready).await {
                return;
            }
            self.stop();
        }
        panic!("no free port in {PORTS_TRIED} tries");
    }

    /// Stops the program if it runs, and starts it again on the same port.
    pub(crate) async fn relaunch(
        &mut self,
        program: &Path,
        is_ready: impl Fn(&Self, &str) -> bool,
    ) {
        self.stop();
        let started = self.try_launch(program, &is_ready).await;
        assert!(started, "port {} was taken meanwhile", self.port);
    }

    /// Whether it runs now; false if its port is taken.
    async fn try_launch(
        &mut self,
        program: &Path,
        is_ready: &impl Fn(&Self, &str) -> bool,
    ) -> bool {
        let mark = self.mark();
        let began = Instant::now();
        self.supervisor.start_server(program);
        loop {
            let log = self.log_since(mark);
            if is_ready(self, &log) {
                return true;
            }
            if log.contains(self.kind.port_taken) {
                return false;
            }
            let failed = log.contains(self.kind.gave_up) || began.elapsed() > PATIENCE;
            assert!(!failed, "{} does not start:\n{log}", self.kind.name);
            tokio::time::sleep(PAUSE).await;
        }
    }

    pub(crate) fn stop(&mut self) {
        self.supervisor.stop_server();
    }

    pub(crate) fn log_since(&self, mark: Mark) -> String {
        let bytes = fs::read(self.folder().join("server.log")).unwrap_or_default();
        String::from_utf8_lossy(bytes.get(mark.0..).unwrap_or_default()).into_owned()
    }

    pub(crate) fn mark(&self) -> Mark {
        let file = self.folder().join("server.log");
        Mark(
            file.metadata()
                .map_or(0, |metadata| usize::try_from(metadata.len()).expect("a small file")),
        )
    }

    /// One user's logins after a mark, once every connection had its answer.
    pub(crate) async fn logins_since(&self, mark: Mark, user: &str) -> Logins {
        // Of a client that went away before it named itself, and of some refusals, the log tells no end.
        const SETTLES_WITHIN: Duration = Duration::from_millis(300);
        let began = Instant::now();
        loop {
            let connections = (self.kind.connections)(&self.log_since(mark));
            let settled = connections.iter().all(|connection| connection.verdict.is_final());
            if settled || began.elapsed() > SETTLES_WITHIN {
                return Logins::of(user, &connections);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The logins of several users together, after a mark.
    pub(crate) async fn logins_of(&self, mark: Mark, users: &[&str]) -> Logins {
        let mut all = Logins::default();
        for user in users {
            all = all + self.logins_since(mark, user).await;
        }
        all
    }

    /// Writes a file that belongs to the server and is for its eyes only.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.folder().join(name);
        fs::write(&path, text).expect("the server's folder can be written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a file of ours");
        chown(&path, Some(self.owner.uid), Some(self.owner.gid)).expect("a file can be given away");
    }
}

impl Mark {
    /// Before all that was ever logged.
    pub(crate) const START: Self = Self(0);
}
