//! The process that runs a function, as the kernel sees it.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// A process of this one that a function runs in.
#[derive(Debug)]
pub(crate) struct Process {
    folder: PathBuf,
}

impl Process {
    /// The process of the function of this name, which was invoked before.
    pub(crate) fn of(function: &str) -> Self {
        let variable = format!("AWS_LAMBDA_FUNCTION_NAME={function}");
        let parent = format!("PPid:\t{}", std::process::id());
        let processes = fs::read_dir("/proc").expect("Linux has it").flatten();
        let mut folders = processes.map(|process| process.path());
        let found = folders.find(|folder| {
            let status = fs::read_to_string(folder.join("status")).unwrap_or_default();
            status.lines().any(|line| line == parent) && {
                let environment = fs::read(folder.join("environ")).unwrap_or_default();
                environment.split(|&byte| byte == 0).any(|entry| entry == variable.as_bytes())
            }
        });
        Self { folder: found.expect("the function's process runs") }
    }

    /// `VmHWM`, the most memory that it ever had, in KiB.
    pub(crate) fn peak_kib(&self) -> u64 {
        let status = fs::read_to_string(self.folder.join("status")).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
        peak.expect("the kernel tells it")
    }

    /// The time that its threads have spent on a processor.
    pub(crate) fn cpu(&self) -> Duration {
        let threads = fs::read_dir(self.folder.join("task")).into_iter().flatten().flatten();
        let spent = threads.filter_map(|thread| {
            let statistics = fs::read_to_string(thread.path().join("schedstat")).ok()?;
            statistics.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(spent.sum())
    }
}
