//! The Lambda function: see the library of the same name.

use std::process::ExitCode;

fn main() -> ExitCode {
    turnlock::run(turnlock_postgres::Postgres::from_env())
}
