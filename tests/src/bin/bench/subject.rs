//! What is measured: our function, and AWS's.

use std::path::{Path, PathBuf};
use std::process::Command;

use turnlock_local::Function;
use turnlock_tests::world::ADMIN;

use crate::aws_function::{self, AwsFunction};
use crate::size;

/// What is measured of a function.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Strategy {
    /// One user, by itself.
    SingleUser,
    /// Two users, by an admin.
    AlternatingUsers,
}

impl Strategy {
    /// The roles that log in.
    pub(crate) fn roles(self, name: &str) -> Vec<String> {
        match self {
            Self::SingleUser => vec![name.to_owned()],
            Self::AlternatingUsers => {
                vec![name.to_owned(), format!("{name}_clone"), ADMIN.to_owned()]
            }
        }
    }
}

/// A function, and the role and the secret that it rotates.
#[derive(Debug)]
pub(crate) struct Subject {
    /// Of the function, its secret and its role.
    pub(crate) name: &'static str,
    /// The size of what is uploaded, in bytes.
    pub(crate) zip: u64,
    pub(crate) strategy: Strategy,
    kind: Kind,
}

#[derive(Debug)]
enum Kind {
    Ours(PathBuf),
    Theirs(AwsFunction),
}

impl Subject {
    /// Our function, as a program that was built.
    pub(crate) fn ours(program: PathBuf, strategy: Strategy) -> Self {
        let zip = size::of_ours(&program);
        Self { name: "turnlock", zip, strategy, kind: Kind::Ours(program) }
    }

    /// AWS's function for a strategy.
    pub(crate) fn theirs(function: AwsFunction, strategy: Strategy) -> Self {
        let function = match strategy {
            Strategy::SingleUser => function,
            Strategy::AlternatingUsers => function.multi_user(),
        };
        Self {
            name: "aws",
            zip: size::of_theirs(&function),
            strategy,
            kind: Kind::Theirs(function),
        }
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
