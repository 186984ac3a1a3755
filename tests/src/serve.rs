//! The program `turnlock-local serve` as a child, with all that it prints.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::binaries;

/// `turnlock-local serve` on a free port. It is killed when this is dropped, and when the test is.
#[derive(Debug)]
pub struct Serve {
    shell: Child,
    folder: TempDir,
    endpoint: String,
}

/// Kills the program as soon as standard input ends, which it does with this process.
const KEEP: &str = r#""$@" & child=$!; cat >/dev/null; kill -KILL $child; wait $child"#;
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(5);

impl Serve {
    /// Starts it and returns when it serves.
    ///
    /// # Panics
    ///
    /// If it does not; the message holds what it said.
    pub fn start(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        let folder = TempDir::new().expect("a folder");
        let file = |name| File::create(folder.path().join(name)).expect("a file");
        let shell = Command::new("sh")
            .args(["-c", KEEP, "sh"])
            .arg(binaries::turnlock_local())
            .arg("serve")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(file("stdout"))
            .stderr(file("stderr"))
            .spawn()
            .expect("sh runs");
        let mut serve = Self { shell, folder, endpoint: String::new() };
        let began = Instant::now();
        while serve.endpoint.is_empty() {
            assert!(began.elapsed() < PATIENCE, "it does not serve:\n{}", serve.output());
            std::thread::sleep(PAUSE);
            let said = serve.read("stdout");
            let endpoint = said.split_once("AWS_ENDPOINT_URL_SECRETS_MANAGER=");
            let endpoint = endpoint.and_then(|(_, rest)| rest.split_once(' '));
            serve.endpoint = endpoint.map(|(url, _)| url.to_owned()).unwrap_or_default();
        }
        serve
    }

    /// `http://127.0.0.1:PORT`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What it printed, to standard output and to standard error.
    pub fn output(&self) -> String {
        format!("{}\n{}", self.read("stdout"), self.read("stderr"))
    }

    /// Kills it by SIGKILL, in the middle of whatever it does.
    pub fn kill(self) {}

    fn read(&self, name: &str) -> String {
        let bytes = fs::read(self.folder.path().join(name)).expect("a file of ours");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // The shell ends after the program; there is nobody to tell if it does not.
        drop(self.shell.wait());
    }
}
