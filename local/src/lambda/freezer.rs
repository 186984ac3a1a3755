//! Lambda freezes an environment between two invocations: what a function has left running does not run on.

use std::sync::OnceLock;

use rustix::process::{Pid, Signal, kill_process};

/// Freezes one process.
#[derive(Debug, Default)]
pub(super) struct Freezer(OnceLock<Pid>);

/// The process stands still for as long as this lives.
#[derive(Debug)]
pub(super) struct Frozen<'a>(&'a Freezer);

impl Freezer {
    /// Names the process, which has just been started.
    pub(super) fn watch(&self, pid: Option<u32>) {
        let pid = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            self.0.get_or_init(|| pid);
        }
    }

    pub(super) fn freeze(&self) -> Frozen<'_> {
        self.send(Signal::STOP);
        Frozen(self)
    }

    /// A process that is gone needs neither.
    fn send(&self, signal: Signal) {
        if let Some(pid) = self.0.get() {
            kill_process(*pid, signal).unwrap_or_default();
        }
    }
}

impl Drop for Frozen<'_> {
    fn drop(&mut self) {
        self.0.send(Signal::CONT);
    }
}
