//! What is measured: our function, and AWS's.

use std::path::{Path, PathBuf};
use std::process::Command;

use turnlock_local::Function;

use crate::aws_function::{self, AwsFunction};
use crate::size;

/// A function, and the role and the secret that it rotates.
#[derive(Debug)]
pub(crate) struct Subject {
    /// Of the function, its secret and its role.
    pub(crate) name: &'static str,
    /// The size of what is uploaded, in bytes.
    pub(crate) zip: u64,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Ours(PathBuf),
    Theirs(AwsFunction),
}

impl Subject {
    /// Our function, as a program that was built.
    pub(crate) fn ours(program: PathBuf) -> Self {
        Self { name: "turnlock", zip: size::of_ours(&program), kind: Kind::Ours(program) }
    }

    /// AWS's function.
    pub(crate) fn theirs(function: AwsFunction) -> Self {
        Self { name: "aws", zip: size::of_theirs(&function), kind: Kind::Theirs(function) }
    }

    /// As it is deployed, trusting one authority.
    pub(crate) fn function(&self, ca_file: &Path) -> Function {
        match &self.kind {
            Kind::Ours(program) => {
                Function::binary(program).env("TLS_CA_FILE", ca_file.display().to_string())
            }
            Kind::Theirs(function) => function.function(ca_file),
        }
    }

    /// The bare process, which knows no authority yet.
    pub(crate) fn command(&self) -> Command {
        match &self.kind {
            Kind::Ours(program) => Command::new(program),
            Kind::Theirs(function) => {
                let mut command = Command::new(&function.python);
                command.args(["-B", "-m"]).args(aws_function::RUNTIME);
                command.current_dir(&function.folder);
                command
            }
        }
    }
}
