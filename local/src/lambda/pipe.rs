//! What a process prints to, read without delay.

use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex};

use tokio::net::unix::pipe::Receiver;

use super::output::Output;
use crate::lock::lock;

/// More than the 64 KiB that a pipe holds, by pipe(7): so many reads take all that was there before them.
const READS: usize = 17;
const READ: usize = 4096;

/// The end of a pipe that a process prints to.
#[derive(Debug)]
pub(super) struct Pipe {
    end: Receiver,
    /// The beginning of a line whose end is still to come.
    begun: Mutex<Vec<u8>>,
    sinks: [Arc<Output>; 2],
}

impl Pipe {
    pub(super) fn new(end: OwnedFd, sinks: [Arc<Output>; 2]) -> io::Result<Self> {
        Ok(Self { end: Receiver::from_owned_fd(end)?, begun: Mutex::default(), sinks })
    }

    /// Copies lines as they come, until the process closes the pipe.
    pub(super) async fn copy(&self) {
        while self.end.readable().await.is_ok() && self.take(|room| self.end.try_read(room)) {}
    }

    /// Copies what the process has printed until now.
    pub(super) fn drain(&self) {
        // Past tokio, which reads nothing before its reactor has heard of it.
        self.take(|room| Ok(rustix::io::read(&self.end, room)?));
    }

    /// False at the end of the pipe.
    fn take(&self, mut read: impl FnMut(&mut [u8]) -> io::Result<usize>) -> bool {
        // Held while reading: who comes second finds in the sinks what the first one has read.
        let mut begun = lock(&self.begun);
        let mut room = [0; READ];
        for _ in 0..READS {
            match read(&mut room) {
                Ok(0) => {
                    if !begun.is_empty() {
                        self.add(&begun);
                        begun.clear();
                    }
                    return false;
                }
                Ok(count) => begun.extend_from_slice(room.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
            if let Some(end) = begun.iter().rposition(|byte| *byte == b'\n') {
                let rest = begun.split_off(end + 1);
                begun.split_inclusive(|byte| *byte == b'\n').for_each(|line| self.add(line));
                *begun = rest;
            }
        }
        true
    }

    fn add(&self, line: &[u8]) {
        for sink in &self.sinks {
            sink.add(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[tokio::test]
    async fn what_was_printed_is_there_before_the_reactor_has_heard_of_it() {
        let (end, mut process) = io::pipe().unwrap();
        let output = Arc::new(Output::new(None));
        let pipe = Pipe::new(end.into(), [output.clone(), Arc::new(Output::new(None))]).unwrap();
        process.write_all(b"one\ntwo\nthr").unwrap();
        pipe.drain();
        assert_eq!(output.text(), "one\ntwo\n");
        let prints = async {
            process.write_all(b"ee\n").unwrap();
            tokio::task::yield_now().await;
            process.write_all(b"fo").unwrap();
            drop(process);
        };
        tokio::join!(pipe.copy(), prints);
        assert_eq!(output.text(), "one\ntwo\nthree\nfo");
    }
}
