//! Printing that can neither fail a step nor hold it up.

use std::io::{self, Write};
use std::time::Duration;

use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Prints a line on stdout, and waits for that as long as told.
pub(super) async fn print(line: String, patience: Duration) {
    let write = move || {
        let mut stdout = io::stdout().lock();
        stdout.write_all(line.as_bytes())?;
        stdout.flush()
    };
    wait_for(write, patience).await;
}

/// On a thread of its own, since whoever reads stdout may have stopped reading.
async fn wait_for(write: impl FnOnce() -> io::Result<()> + Send + 'static, patience: Duration) {
    // What a step did it has done, whether that can be told or not; and what cannot be printed cannot be complained
    // about there either.
    let _printed = timeout(patience, spawn_blocking(write)).await;
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn a_write_that_fails_is_no_error() {
        let fails = || Err(io::Error::from(io::ErrorKind::BrokenPipe));
        wait_for(fails, Duration::from_secs(60)).await;
    }

    #[tokio::test]
    async fn a_write_that_never_ends_is_not_waited_for() {
        let (end, ended) = mpsc::channel::<()>();
        let blocked = move || ended.recv().map_err(io::Error::other);
        wait_for(blocked, Duration::from_millis(1)).await;
        end.send(()).unwrap();
    }
}
