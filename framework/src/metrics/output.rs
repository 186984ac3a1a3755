//! Printing that can neither fail a step nor hold it up.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

/// Whether a line is being printed. One that nobody reads holds stdout; another would only wait behind it.
static PRINTING: AtomicBool = AtomicBool::new(false);

/// Prints a line on stdout, and waits for that as long as told. While another is stuck, it is left out.
pub(super) async fn print(line: String, patience: Duration) {
    let write = move || {
        let mut stdout = io::stdout().lock();
        stdout.write_all(line.as_bytes())?;
        stdout.flush()
    };
    wait_for(&PRINTING, write, patience).await;
}

/// On a thread of its own, since whoever reads stdout may have stopped reading.
async fn wait_for(
    running: &'static AtomicBool,
    write: impl FnOnce() -> io::Result<()> + Send + 'static,
    patience: Duration,
) {
    if running.swap(true, Ordering::AcqRel) {
        return;
    }
    let (printed, is_printed) = oneshot::channel();
    let thread = thread::Builder::new().spawn(move || {
        // What a step did it has done, whether that can be told or not; and what cannot be printed cannot be
        // complained about there either.
        let _result = write();
        running.store(false, Ordering::Release);
        let _waits = printed.send(());
    });
    match thread {
        Ok(_detached) => drop(timeout(patience, is_printed).await),
        Err(_) => running.store(false, Ordering::Release),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_write_that_fails_is_no_error() {
        static RUNNING: AtomicBool = AtomicBool::new(false);
        let fails = || Err(io::Error::from(io::ErrorKind::BrokenPipe));
        wait_for(&RUNNING, fails, Duration::from_secs(60)).await;
        assert!(!RUNNING.load(Ordering::Acquire));
    }

    #[tokio::test]
    async fn a_write_that_never_ends_is_not_waited_for_and_no_other_waits_behind_it() {
        static RUNNING: AtomicBool = AtomicBool::new(false);
        let (end, ended) = mpsc::channel::<()>();
        let blocked = move || ended.recv().map_err(io::Error::other);
        wait_for(&RUNNING, blocked, Duration::from_millis(1)).await;
        let (second, wrote) = mpsc::channel();
        let writes = move || second.send(()).map_err(io::Error::other);
        wait_for(&RUNNING, writes, Duration::from_secs(60)).await;
        assert!(wrote.try_recv().is_err());
        end.send(()).unwrap();
    }
}
