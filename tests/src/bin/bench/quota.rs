//! The processor time that Lambda gives a memory size, as a cgroup of this machine.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::thread::sleep;
use std::time::Duration;

use turnlock_local::Function;

/// The memory size that has one processor, in MB: "At 1,769 MB, a function has the equivalent of one vCPU"
/// (<https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>).
const ONE_PROCESSOR: u64 = 1769;
/// In which the time is shared out, in microseconds. Lambda's is not documented; those who had a function spin there
/// saw it stand still every 20 ms (<https://github.com/pwrdrvr/lambda-dispatch/issues/246>). Linux has 100 ms unless told.
const PERIOD: u64 = 20_000;
/// Where the kernel has the controller of version 1.
const CONTROLLER: &str = "/sys/fs/cgroup/cpu";
/// How often an empty group is removed, since a process that was killed stays in it for a moment.
const TRIES: usize = 100;

/// A share of a processor. Clones are the same one; it ends with the last.
#[derive(Clone, Debug)]
pub(crate) struct Quota {
    group: Rc<Group>,
}

#[derive(Debug)]
struct Group {
    folder: PathBuf,
    memory_mb: u32,
}

impl Quota {
    /// The share of a memory size.
    ///
    /// # Errors
    ///
    /// Where no cgroup can be made: they need root and version 1 of them.
    pub(crate) fn of(memory_mb: u32) -> io::Result<Self> {
        let name = format!("turnlock-bench-{}-{memory_mb}", std::process::id());
        let folder = Path::new(CONTROLLER).join(name);
        fs::create_dir(&folder)?;
        let group = Group { folder, memory_mb };
        let quota = PERIOD * u64::from(memory_mb) / ONE_PROCESSOR;
        fs::write(group.folder.join("cpu.cfs_period_us"), PERIOD.to_string())?;
        fs::write(group.folder.join("cpu.cfs_quota_us"), quota.to_string())?;
        Ok(Self { group: Rc::new(group) })
    }

    /// The memory size, in MB.
    pub(crate) fn memory_mb(&self) -> u32 {
        self.group.memory_mb
    }

    /// A program that has no more than this from its first instruction on.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(SHELL);
        command.args(self.arguments(program));
        command
    }

    /// The same as a function.
    pub(crate) fn function(&self, program: &Path) -> Function {
        let function = Function::binary(SHELL).memory_mb(self.memory_mb());
        self.arguments(program).into_iter().fold(function, Function::arg)
    }

    /// Of a shell that enters the group and becomes the program.
    fn arguments(&self, program: &Path) -> [String; 4] {
        let processes = self.group.folder.join("cgroup.procs");
        let [program, processes] = [program, &processes].map(|path| path.display().to_string());
        ["-c".into(), "echo $$ >\"$1\" && exec \"$0\"".into(), program, processes]
    }
}

const SHELL: &str = "/bin/sh";

impl Drop for Group {
    fn drop(&mut self) {
        for _ in 0..TRIES {
            if fs::remove_dir(&self.folder).is_ok() {
                return;
            }
            sleep(Duration::from_millis(10));
        }
    }
}
