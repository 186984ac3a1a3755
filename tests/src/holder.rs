//! A test in a process of its own that is killed while it holds servers, and what it must not leave behind.

#![expect(clippy::print_stdout, reason = "how the held test tells where its servers are")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Tells the held test that it is one.
const VARIABLE: &str = "TURNLOCK_HOLDER";
const FOLDERS: &str = "folders of the held servers: ";
const PATIENCE: Duration = Duration::from_secs(60);

/// What the held test does last: it waits to be killed, unless it runs for itself.
///
/// # Panics
///
/// If its standard input cannot be read.
pub fn hold(folders: &[&Path]) {
    let folders: Vec<String> = folders.iter().map(|path| path.display().to_string()).collect();
    println!("{FOLDERS}{}", folders.join("\t"));
    if std::env::var_os(VARIABLE).is_some() {
        std::io::stdin().read_to_end(&mut Vec::new()).expect("an end");
    }
}

/// The process of a held test.
#[derive(Debug)]
pub struct Holder {
    child: Child,
}

impl Holder {
    /// Runs one test of the running executable, with this folder for temporary files.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start(test: &str, temporary: &Path) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("a path"));
        command.args(["--exact", test, "--nocapture"]);
        command.env(VARIABLE, "").env("TMPDIR", temporary);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        Self { child: command.spawn().expect("the test starts") }
    }

    /// The folders of its servers, once they have started.
    ///
    /// # Panics
    ///
    /// If it ends before.
    pub fn folders(&mut self) -> Vec<PathBuf> {
        let output = self.child.stdout.take().expect("a pipe was asked for");
        let line = BufReader::new(output)
            .lines()
            .find_map(|line| Some(line.expect("text").split_once(FOLDERS)?.1.to_owned()))
            .expect("the held test starts its servers");
        line.split('\t').map(PathBuf::from).collect()
    }

    /// Kills it.
    ///
    /// # Panics
    ///
    /// If it cannot be killed.
    pub fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
    }
}

/// Whether any process has the folder in its command line or works in it.
///
/// # Panics
///
/// If the machine does not tell of its processes.
pub fn is_used(folder: &Path) -> bool {
    let name = folder.as_os_str().as_encoded_bytes();
    std::fs::read_dir("/proc").expect("processes").flatten().any(|process| {
        let command = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let works_in = std::fs::read_link(process.path().join("cwd")).unwrap_or_default();
        command.windows(name.len()).any(|window| window == name) || works_in.starts_with(folder)
    })
}

/// Waits for something that is to come true.
///
/// # Panics
///
/// If it does not.
pub fn wait_until(condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < PATIENCE, "waited too long");
        thread::sleep(Duration::from_millis(10));
    }
}
