//! What a rotation costs: size, start, time, memory, calls, logins, and for how long consumers hold a dead
//! password. With `AWS_FUNCTIONS`, the same of AWS's own function, in turn, on the same server. Then the times that
//! Lambda's memory sizes make of it; `bench memory` measures only those.

#![expect(clippy::expect_used, reason = "what cannot be measured ends the run")]
#![expect(clippy::print_stdout, reason = "it is for printing")]

mod aws_function;
mod cold_start;
mod counts;
mod keys;
mod memory;
mod process;
mod quota;
mod report;
mod rotation;
mod size;
mod stage;
mod statistics;
mod subject;

use std::process::ExitCode;
use std::time::Duration;

use turnlock_tests::database::{Database, Kind};

use crate::aws_function::AwsFunction;
use crate::counts::Counts;
use crate::process::Process;
use crate::report::Figures;
use crate::stage::Stage;
use crate::statistics::Samples;
use crate::subject::{Strategy, Subject};

/// How often each function is started for nothing but its start.
const STARTS: usize = 21;
/// How often each function is deployed anew, to rotate first cold and then warm.
const ROUNDS: usize = 7;
/// Warm rotations of each function in a round.
const WARM_ROTATIONS: usize = 10;

#[tokio::main]
async fn main() -> ExitCode {
    let theirs = match AwsFunction::from_env() {
        Ok(theirs) => theirs,
        Err(problem) => {
            println!("{problem}");
            return ExitCode::FAILURE;
        }
    };
    size::build();
    println!("Measuring; this takes some minutes.\n");
    if std::env::args().nth(1).as_deref() != Some("memory") {
        print_rotations(theirs.as_ref()).await;
    }
    println!("{}", memory::tables().await);
    ExitCode::SUCCESS
}

async fn print_rotations(theirs: Option<&AwsFunction>) {
    for (kind, strategies) in MEASURED {
        let server = Database::start(kind).await;
        for strategy in strategies.iter().copied() {
            let ours = Subject::ours(kind, strategy);
            let theirs = theirs.and_then(|any| Subject::theirs(any, kind, strategy));
            let subjects: Vec<&Subject> =
                [Some(&ours), theirs.as_ref()].into_iter().flatten().collect();
            let figures = measure(&server, &subjects, strategy).await;
            let title = title(&server, kind, strategy).await;
            println!("{}", report::table(&figures, &title));
        }
    }
    println!("{}", keys::measure().await);
    println!("{}", report::NOTES);
}

/// All that is measured.
const MEASURED: [(Kind, &[Strategy]); 4] = [
    (Kind::Postgres, &[Strategy::SingleUser, Strategy::AlternatingUsers]),
    (Kind::MySql, &EVERY),
    (Kind::MariaDb, &EVERY),
    (Kind::MariaDbAsMySql, &[Strategy::SingleUser, Strategy::AlternatingUsers]),
];
const EVERY: [Strategy; 3] =
    [Strategy::SingleUser, Strategy::DualPassword, Strategy::AlternatingUsers];

async fn title(server: &Database, kind: Kind, strategy: Strategy) -> String {
    let engine = if kind == Kind::MariaDbAsMySql { ", the secret's engine mysql" } else { "" };
    format!("{}, {}{engine}", server.name().await, strategy.name())
}

/// Measures all subjects, always one after the other and then again, so that what else the machine does
/// falls on each of them.
async fn measure(server: &Database, subjects: &[&Subject], strategy: Strategy) -> Vec<Figures> {
    let mut figures: Vec<Figures> = subjects.iter().map(|subject| Figures::of(subject)).collect();
    // A start is a start, whatever is rotated after it.
    let starts = if strategy == Strategy::SingleUser { STARTS } else { 0 };
    for _ in 0..starts {
        for (subject, figures) in subjects.iter().zip(&mut figures) {
            figures.cold_start.add(cold_start::measure(subject.command()));
        }
    }
    for _ in 0..ROUNDS {
        let stage = Stage::set(server, subjects, Duration::ZERO).await;
        round(&stage, subjects, &mut figures).await;
    }
    let stage = Stage::set(server, subjects, counts::LATENCY).await;
    for (subject, figures) in subjects.iter().zip(&mut figures) {
        figures.counts = Some(Counts::of(&stage, subject).await);
    }
    figures
}

/// One cold rotation of each subject, warm ones in turn, and the memory that they took.
async fn round(stage: &Stage<'_>, subjects: &[&Subject], figures: &mut [Figures]) {
    for (subject, figures) in subjects.iter().zip(&mut *figures) {
        figures.first_rotation.add(stage.rotate(subject).await.whole());
    }
    for _ in 0..WARM_ROTATIONS {
        for (subject, figures) in subjects.iter().zip(&mut *figures) {
            let process = Process::of(&subject.name);
            let before = process.cpu();
            let rotation = stage.rotate(subject).await;
            figures.cpu.add(process.cpu().saturating_sub(before));
            figures.warm_rotation.add(rotation.whole());
            // Of the other strategies, nobody's password dies.
            if let (Strategy::SingleUser, Some(dead)) = (subject.strategy, rotation.dead_password) {
                figures.dead_password.add(dead);
            }
            for (samples, step) in figures.steps.iter_mut().zip(rotation.steps) {
                samples.add(step);
            }
        }
    }
    for (subject, figures) in subjects.iter().zip(figures) {
        figures.peak_kib.push(Process::of(&subject.name).peak_kib());
    }
}

/// The four steps, in order.
const STEPS: [&str; 4] = ["createSecret", "setSecret", "testSecret", "finishSecret"];

/// Samples of nothing yet, one a step.
fn samples_of_steps() -> [Samples; 4] {
    [const { Samples::new() }; 4]
}
