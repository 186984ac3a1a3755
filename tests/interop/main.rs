//! Our function beside software that is not ours: AWS's own function, a Runtime API and two emulators of
//! Secrets Manager.

#![expect(clippy::expect_used, reason = "what cannot be set up ends the run")]
#![expect(clippy::print_stdout, reason = "it is for printing")]

#[path = "../src/bin/bench/aws_function.rs"]
mod aws_function;
mod by_hand;
mod cargo_lambda;
mod clients;
mod handover;
mod iam;
mod ministack;
mod moto;
mod scene;
mod stand_in;
mod turns;

use std::process::ExitCode;

use turnlock_tests::database::Kind;
use turnlock_tests::offspring;

use crate::aws_function::{AwsFunction, VARIABLE};

#[tokio::main]
async fn main() -> ExitCode {
    let theirs = match AwsFunction::from_env() {
        Ok(Some(theirs)) => theirs,
        Ok(None) => {
            println!("{VARIABLE} is to name a checkout of AWS's rotation functions");
            return ExitCode::FAILURE;
        }
        Err(problem) => {
            println!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    let mut is_well = true;
    // AWS's function for MySQL sends MySQL 9 what that does not know; MariaDB knows it.
    for kind in [Kind::Postgres, Kind::MariaDb, Kind::MariaDbAsMySql] {
        is_well &= handover::run(&theirs, kind).await;
        is_well &= turns::run(&theirs, kind).await;
    }
    is_well &= clients::run().await;
    is_well &= stand_in::run().await;
    is_well &= moto::run().await;
    is_well &= iam::run().await;
    is_well &= ministack::run().await;
    let left_over = offspring::left_over();
    println!("Processes that the emulators left behind: {}", left_over.len());
    is_well &= left_over.is_empty();
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The four steps, in order.
const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];
