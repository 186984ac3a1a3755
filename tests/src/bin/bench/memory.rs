//! The most memory that a function's process ever had.

use std::fs;

/// `VmHWM` of the process that runs a function, in KiB.
pub(crate) fn peak_kib(function: &str) -> u64 {
    let variable = format!("AWS_LAMBDA_FUNCTION_NAME={function}");
    let parent = format!("PPid:\t{}", std::process::id());
    let processes = fs::read_dir("/proc").expect("Linux has it").flatten();
    let statuses = processes.filter_map(|process| {
        let status = fs::read_to_string(process.path().join("status")).ok()?;
        let is_ours = status.lines().any(|line| line == parent);
        let environment = is_ours.then(|| fs::read(process.path().join("environ")).ok())??;
        let is_named =
            environment.split(|&byte| byte == 0).any(|entry| entry == variable.as_bytes());
        is_named.then_some(status)
    });
    let peaks = statuses.filter_map(|status| {
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.trim().strip_suffix(" kB")?.parse::<u64>().ok()
    });
    peaks.max().expect("the function's process runs")
}
