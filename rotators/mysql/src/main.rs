//! The Lambda function: see the library of the same name.

use std::process::ExitCode;

fn main() -> ExitCode {
    turnlock::run(turnlock_mysql::MySql::from_env())
}
