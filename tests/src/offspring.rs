//! All that a command starts, and its end.
//!
//! Programs that are not ours start others, which may have process groups of their own and outlive them. They are told
//! by a variable that they inherit.

use std::ffi::OsStr;
use std::fs::DirEntry;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// The variable that tells them from all other processes.
const MARK: &str = "TURNLOCK_OFFSPRING";

/// A running program. Dropping it ends it and all that it started.
#[derive(Debug)]
pub struct Offspring {
    process: Child,
    /// The value of [`MARK`].
    mark: String,
}

/// A command that dies with this process.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--"]).arg(program);
    command
}

impl Offspring {
    /// Runs what [`command`] began, without standard input.
    ///
    /// # Panics
    ///
    /// If `setpriv` is missing, a program of every Linux.
    pub fn start(mut command: Command) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        // Ended by a full stop, since one number may be the beginning of another.
        let mark = format!("{}-{number}.", std::process::id());
        command.env(MARK, &mark).stdin(Stdio::null()).process_group(0);
        let process = command.spawn().expect("setpriv is a program of every Linux");
        Self { process, mark }
    }

    /// Waits until the program has ended; `None` if it takes longer.
    ///
    /// # Panics
    ///
    /// If the system cannot tell.
    pub fn wait(&mut self, patience: Duration) -> Option<ExitStatus> {
        let began = Instant::now();
        loop {
            let status = self.process.try_wait().expect("a child can be waited for");
            if status.is_some() || began.elapsed() > patience {
                return status;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Offspring {
    fn drop(&mut self) {
        // What it started may have a group of its own, and is to be gone too.
        kill(&format!("-{}", self.process.id()));
        let _exited = self.process.wait();
        for process in marked(&self.mark) {
            kill(&process);
        }
    }
}

/// The processes that the offspring of this process have left behind.
pub fn left_over() -> Vec<String> {
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
