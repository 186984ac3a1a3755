//! The Lambda function, and `check FILE` for whoever writes a description: see the library of the same name.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next(), arguments.next()) {
        (None, _, _) => turnlock::run(turnlock_api_key::ApiKeys::from_env()),
        (Some("check"), Some(file), None) => turnlock_api_key::check(file.as_ref()),
        _ => turnlock_api_key::usage(),
    }
}
