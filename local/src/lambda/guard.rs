//! A guard that outlives us: functions' processes die with us even if we are killed.
//!
//! A killed process cannot kill its children, and a function that hangs in a step does not notice
//! that its Runtime API is gone. The guard is a shell that reads, from a pipe that only we hold
//! open, which processes live; at the end of that pipe it kills those that still do.

use std::process::Stdio;
use std::sync::{Arc, Mutex};

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::sync::mpsc;

use crate::lock::lock;

/// Lines are `+ PID` and `- PID`. A Ctrl-C that is meant for us reaches the guard too.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
live=' '
while read -r sign pid; do
  case $sign in
    +) live="$live$pid " ;;
    -) case $live in *" $pid "*) live="${live%%" $pid "*} ${live#*" $pid "}" ;; esac ;;
  esac
done
for pid in $live; do kill -9 "$pid"; done
"#;

/// The guard's ear; without a shell, nobody listens.
#[derive(Debug, Clone, Default)]
pub(crate) struct Guard(Arc<Mutex<Option<mpsc::UnboundedSender<String>>>>);

impl Guard {
    /// Watches over a process that has just been started.
    pub(super) fn watch(&self, pid: Option<u32>) {
        let Some(pid) = pid else { return };
        let mut sender = lock(&self.0);
        if sender.is_none() {
            *sender = start();
        }
        tell(sender.as_ref(), '+', pid);
    }

    /// Forgets a process that has ended: its number may become another's.
    pub(super) fn forget(&self, pid: Option<u32>) {
        if let Some(pid) = pid {
            tell(lock(&self.0).as_ref(), '-', pid);
        }
    }
}

fn tell(guard: Option<&mpsc::UnboundedSender<String>>, sign: char, pid: u32) {
    if let Some(guard) = guard {
        // A guard that is gone cannot be told.
        let _told = guard.send(format!("{sign} {pid}\n"));
    }
}

fn start() -> Option<mpsc::UnboundedSender<String>> {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", SCRIPT]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let mut pipe = child.stdin.take()?;
    let (sender, mut receiver) = mpsc::unbounded_channel::<String>();
    tokio::spawn(async move {
        while let Some(line) = receiver.recv().await {
            if pipe.write_all(line.as_bytes()).await.is_err() {
                return;
            }
        }
        drop(pipe);
        // Reaps it.
        let _status = child.wait().await;
    });
    Some(sender)
}
