//! A server that is not ours, as a child process.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use turnlock_tests::project;

const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a port of this machine. Dropping it ends it and all that it started.
#[derive(Debug)]
pub(crate) struct Emulator {
    process: Child,
    pub(crate) port: u16,
}

/// A port that nothing listens on.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("a bound port").port()
}

/// A program that `tests/setup interop` installed.
pub(crate) fn program(name: &str) -> PathBuf {
    project::cache().join("emulators/bin").join(name)
}

/// A folder for what emulators print and write.
pub(crate) fn folder() -> PathBuf {
    let folder = project::target().join("interop");
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    folder
}

impl Emulator {
    /// Starts a program and waits until it listens on a port.
    pub(crate) fn start(name: &str, port: u16, arguments: &[&str], set: Setup<'_>) -> Self {
        let log = File::create(folder().join(format!("{name}.log"))).expect("a log file");
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(program(name)).args(arguments);
        command.envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")]);
        command.envs([("AWS_REGION", REGION), ("AWS_DEFAULT_REGION", REGION)]);
        command.stdin(Stdio::null()).stderr(log.try_clone().expect("a log file")).stdout(log);
        command.process_group(0);
        set(&mut command);
        let process = command.spawn().expect("it is installed: run tests/setup interop");
        let emulator = Self { process, port };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < PATIENCE, "{name} does not listen; see its log in target");
            std::thread::sleep(Duration::from_millis(50));
        }
        emulator
    }

    /// Where it is.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// What is particular to one of them.
pub(crate) type Setup<'s> = &'s dyn Fn(&mut Command);

const REGION: &str = "us-east-1";

impl Drop for Emulator {
    fn drop(&mut self) {
        let group = format!("-{}", self.process.id());
        // It may be gone already.
        let _ended = Command::new("sh").args(["-c", &format!("kill -KILL -- {group}")]).status();
        let _exited = self.process.wait();
    }
}
