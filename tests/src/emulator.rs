//! A server of others, as a child process.

use std::fs::File;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::offspring::{self, Offspring};
use crate::project;

const PATIENCE: Duration = Duration::from_secs(60);

const REGION: &str = "us-east-1";

/// A server on a port of this machine. Dropping it ends it and all that it started.
#[derive(Debug)]
pub struct Emulator {
    port: u16,
    _offspring: Offspring,
    /// Where it puts what it is given to run.
    _folder: TempDir,
}

/// A folder for what emulators print and write.
///
/// # Panics
///
/// If the target folder cannot be written.
pub fn folder() -> PathBuf {
    let folder = project::target().join("emulators");
    std::fs::create_dir_all(&folder).expect("the target folder can be written");
    folder
}

impl Emulator {
    /// Starts a program that `tests/setup` installed, as `ministack/bin/ministack`, and waits until it listens on a
    /// port. What it prints is in [`folder`].
    ///
    /// # Panics
    ///
    /// If it is not installed, or does not listen.
    pub fn start(program: &str, port: u16, arguments: &[&str], set: Setup<'_>) -> Self {
        let name = program.rsplit('/').next().unwrap_or(program);
        let log = folder().join(format!("{name}.log"));
        let file = File::create(&log).expect("a log file");
        let program = project::cache().join(program);
        assert!(program.is_file(), "{name} is missing: see tests/setup");
        let mut command = offspring::command(program);
        command.args(arguments);
        command.envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")]);
        command.envs([("AWS_REGION", REGION), ("AWS_DEFAULT_REGION", REGION)]);
        command.stderr(file.try_clone().expect("a log file")).stdout(file);
        let folder = TempDir::new().expect("a folder");
        command.env("TMPDIR", folder.path());
        set(&mut command);
        let offspring = Offspring::start(command);
        let emulator = Self { port, _offspring: offspring, _folder: folder };
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < PATIENCE, "{name} does not listen; see {}", log.display());
            std::thread::sleep(Duration::from_millis(50));
        }
        emulator
    }

    /// The port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it is.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// What is particular to one of them.
pub type Setup<'s> = &'s dyn Fn(&mut Command);
