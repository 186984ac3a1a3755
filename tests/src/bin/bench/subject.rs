//! What is measured: our function, and AWS's.

use std::path::{Path, PathBuf};
use std::process::Command;

use turnlock_local::Function;
use turnlock_tests::database::Kind;
use turnlock_tests::world::ADMIN;

use crate::aws_function::{self, AwsFunction, MULTI_USER, SINGLE_USER};
use crate::quota::Quota;
use crate::size;

/// What is measured of a function.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Strategy {
    /// One user, by itself.
    SingleUser,
    /// One user with two passwords, by an admin.
    DualPassword,
    /// Two users, by an admin.
    AlternatingUsers,
}

impl Strategy {
    /// What `rotation.strategy` calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SingleUser => "single-user",
            Self::DualPassword => "dual-password",
            Self::AlternatingUsers => "alternating-users",
        }
    }

    /// The roles that log in.
    pub(crate) fn roles(self, name: &str) -> Vec<String> {
        match self {
            Self::SingleUser => vec![name.to_owned()],
            Self::DualPassword | Self::AlternatingUsers => {
                vec![name.to_owned(), format!("{name}_clone"), ADMIN.to_owned()]
            }
        }
    }
}

/// A function, and the role and the secret that it rotates.
#[derive(Debug)]
pub(crate) struct Subject {
    /// Of the function, its secret and its role.
    pub(crate) name: String,
    /// The size of what is uploaded, in bytes.
    pub(crate) zip: u64,
    pub(crate) strategy: Strategy,
    program: Program,
}

#[derive(Debug)]
enum Program {
    Ours(PathBuf),
    Throttled(PathBuf, Quota),
    Theirs(AwsFunction),
}

impl Subject {
    /// Our function for a kind of server, of the release that was built.
    pub(crate) fn ours(kind: Kind, strategy: Strategy) -> Self {
        let program = size::of_kind(kind);
        let zip = size::of_ours(&program);
        Self { name: "turnlock".into(), zip, strategy, program: Program::Ours(program) }
    }

    /// The same with the processor time of a memory size.
    pub(crate) fn throttled(kind: Kind, strategy: Strategy, quota: &Quota) -> Self {
        let program = Program::Throttled(size::of_kind(kind), quota.clone());
        let name = format!("turnlock_{}", quota.memory_mb());
        Self { name, program, ..Self::ours(kind, strategy) }
    }

    /// AWS's function for the same, if it has one that runs there.
    pub(crate) fn theirs(any: &AwsFunction, kind: Kind, strategy: Strategy) -> Option<Self> {
        let users = match (kind, strategy) {
            // It says PASSWORD() to MySQL 9, which has no such function.
            (Kind::MySql, _) | (_, Strategy::DualPassword) => return None,
            (_, Strategy::SingleUser) => SINGLE_USER,
            (_, Strategy::AlternatingUsers) => MULTI_USER,
        };
        let function = any.of(kind, users);
        let zip = size::of_theirs(&function, kind);
        Some(Self { name: "aws".into(), zip, strategy, program: Program::Theirs(function) })
    }

    /// As it is deployed, trusting one authority.
    pub(crate) fn function(&self, ca_file: &Path) -> Function {
        match &self.program {
            Program::Ours(program) => {
                Function::binary(program).env("TLS_CA_FILE", ca_file.display().to_string())
            }
            Program::Throttled(program, quota) => {
                quota.function(program).env("TLS_CA_FILE", ca_file.display().to_string())
            }
            Program::Theirs(function) => function.function(ca_file),
        }
    }

    /// The bare process, which knows no authority yet.
    pub(crate) fn command(&self) -> Command {
        match &self.program {
            Program::Ours(program) => Command::new(program),
            Program::Throttled(program, quota) => quota.command(program),
            Program::Theirs(function) => {
                let mut command = Command::new(&function.python);
                command.args(["-B", "-m"]).args(aws_function::RUNTIME);
                command.current_dir(&function.folder);
                command
            }
        }
    }
}
