//! A server that is not ours, as a child process.

use std::fs::{DirEntry, File};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use turnlock_tests::project;

const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a port of this machine. Dropping it ends it and all that it started.
#[derive(Debug)]
pub(crate) struct Emulator {
    process: Child,
    pub(crate) port: u16,
    /// The value of [`MARK`].
    mark: String,
    /// Where it puts what it is given to run.
    _folder: TempDir,
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
        // Ended by a full stop, since one port may be the beginning of another.
        let mark = format!("{}-{port}.", std::process::id());
        let folder = TempDir::new().expect("a folder");
        command.env(MARK, &mark).env("TMPDIR", folder.path());
        set(&mut command);
        let process = command.spawn().expect("it is installed: run tests/setup interop");
        let emulator = Self { process, port, mark, _folder: folder };
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

/// The variable that tells the processes of emulators from all others.
const MARK: &str = "TURNLOCK_INTEROP_EMULATOR";

impl Drop for Emulator {
    fn drop(&mut self) {
        // What it started may have a group of its own, and is to be gone too.
        kill(&format!("-{}", self.process.id()));
        let _exited = self.process.wait();
        for process in marked(&self.mark) {
            kill(&process);
        }
    }
}

/// The processes that emulators of this run have left behind.
pub(crate) fn left_over() -> Vec<String> {
    marked(&format!("{}-", std::process::id()))
}

/// The numbers of the processes whose mark begins so.
fn marked(mark: &str) -> Vec<String> {
    let mark = format!("{MARK}={mark}");
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let is_marked = |process: &DirEntry| {
        // Others' processes cannot be read, and those that have ended have no environment.
        let environment = std::fs::read(process.path().join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| variable.starts_with(mark.as_bytes()))
    };
    let names = processes.filter(is_marked).map(|process| process.file_name());
    names.filter_map(|name| name.into_string().ok()).collect()
}

/// Kills a process, or the group whose number follows a minus sign. It may be gone already.
fn kill(target: &str) {
    // The shell has a `kill` where the system has none. Not every shell knows `--` here.
    let mut shell = Command::new("sh");
    let _ended = shell.args(["-c", &format!("kill -KILL {target}")]).stderr(Stdio::null()).status();
}
