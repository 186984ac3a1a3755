//! `make torture`: interrupts rotations everywhere, on real servers, and shows what was tried and what broke.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use turnlock_tests::torture::{Subject, Summary};

#[tokio::main]
async fn main() -> io::Result<ExitCode> {
    let filter = std::env::args().nth(1).unwrap_or_default();
    let subjects = Subject::all();
    let chosen: Vec<Subject> =
        subjects.into_iter().filter(|subject| subject.name().contains(&filter)).collect();
    let mut summaries = Vec::new();
    for subject in chosen {
        let summary = subject.sweep(|points| show(&subject.name(), points)).await;
        print(&summary)?;
        summaries.push(summary);
    }
    Ok(ExitCode::SUCCESS)
}

fn show(name: &str, points: usize) {
    let mut stdout = io::stdout().lock();
    if stdout.is_terminal() {
        // Nothing can be done about a closed terminal.
        drop(write!(stdout, "\r{name}: {points}\x1b[K"));
        drop(stdout.flush());
    }
}

fn print(summary: &Summary) -> io::Result<()> {
    let Summary { name, points, violations, took } = summary;
    let mut stdout = io::stdout().lock();
    let clear = if stdout.is_terminal() { "\r\x1b[K" } else { "" };
    writeln!(stdout, "{clear}{name}\t{points}\t{}\t{:.1}", violations.len(), took.as_secs_f64())?;
    for violation in violations {
        writeln!(stdout, "  {violation}")?;
    }
    Ok(())
}
