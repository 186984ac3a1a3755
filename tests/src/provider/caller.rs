use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// Kills the process at the other end of a connection from one port of this machine to another.
///
/// # Panics
///
/// If it cannot be found, or is this very process: then it is the test that calls.
pub(super) fn kill(from: u16, to: u16) {
    let id = find(from, to).expect("a connection has somebody at its other end");
    assert!(id != std::process::id(), "the caller is the test itself");
    let process = i32::try_from(id).ok().and_then(Pid::from_raw).expect("an id");
    kill_process(process, Signal::KILL).expect("a process of this test's");
}

fn find(from: u16, to: u16) -> Option<u32> {
    let sockets = ["/proc/net/tcp", "/proc/net/tcp6"];
    let inode = sockets.iter().find_map(|file| inode(&fs::read_to_string(file).ok()?, from, to))?;
    let name = format!("socket:[{inode}]");
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut ids = processes.filter_map(|process| process.file_name().to_str()?.parse().ok());
    ids.find(|id| has_open(*id, &name))
}

/// The inode of the socket of one end, in the kernel's table.
fn inode(table: &str, from: u16, to: u16) -> Option<String> {
    let (from, to) = (format!(":{from:04X}"), format!(":{to:04X}"));
    table.lines().find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_it = fields.get(1)?.ends_with(&from) && fields.get(2)?.ends_with(&to);
        is_it.then_some(())?;
        fields.get(9).map(|&inode| inode.to_owned())
    })
}

fn has_open(process: u32, name: &str) -> bool {
    let folder = format!("/proc/{process}/fd");
    let Ok(files) = fs::read_dir(folder) else { return false };
    files
        .flatten()
        .any(|file| fs::read_link(file.path()).is_ok_and(|target| target == Path::new(name)))
}
