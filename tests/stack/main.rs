//! `template.yaml`, built and deployed by the SAM CLI to an account on this machine, and used there.
//!
//! ministack is the rest of AWS (IAM, Lambda, logs, events, topics); `turnlock-local` is Secrets Manager,
//! which ministack's does not rotate. The built zips, the roles and the messages are the real ones.

#![expect(clippy::expect_used, reason = "what cannot be set up ends the run")]
#![expect(clippy::print_stdout, reason = "it is for printing")]

mod account;
mod messages;
mod metrics;
mod picture;
mod roles;
mod rotation;
mod sam;

use std::process::ExitCode;

use turnlock_tests::offspring;

use crate::account::Account;

#[tokio::main]
async fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("picture") {
        sam::build();
        picture::draw().await;
        return ExitCode::SUCCESS;
    }
    let mut is_well = sam::build_twice();
    let server = rotation::server().await;
    let account = Account::start(server.ca_file());
    is_well &= rotation::run(server, &account).await;
    is_well &= messages::run(&account);
    drop(account);
    let left_over = offspring::left_over();
    println!("Processes left behind: {}", left_over.len());
    is_well &= left_over.is_empty();
    println!("{}", if is_well { "All is well." } else { "NOT all is well, see above." });
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints a line with its verdict, and returns that.
fn check(what: &str, is_so: bool) -> bool {
    println!("  {} {what}", if is_so { "ok " } else { "NOT" });
    is_so
}
