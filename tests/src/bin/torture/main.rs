//! `make torture`: interrupts rotations everywhere, on real servers, and shows what was tried and what broke.

use std::collections::VecDeque;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use turnlock_tests::torture::{Extent, Subject, Summary};

/// Sweeps at once: most of a point is waiting.
const AT_ONCE: usize = 4;

fn main() -> io::Result<ExitCode> {
    let filter = std::env::args().nth(1).unwrap_or_default();
    let mut subjects = VecDeque::from(Subject::all());
    subjects.retain(|subject| subject.name().contains(&filter));
    if subjects.is_empty() {
        writeln!(io::stderr(), "no subject's name has {filter:?} in it")?;
        return Ok(ExitCode::FAILURE);
    }
    let screen = Screen { subjects: subjects.len(), ..Screen::default() };
    let waiting = Mutex::new(subjects);
    let summaries = Mutex::new(Vec::new());
    thread::scope(|threads| {
        for _ in 0..AT_ONCE {
            threads.spawn(|| work(&waiting, &screen, &summaries));
        }
    });
    let summaries = summaries.into_inner().unwrap_or_default();
    print(&summaries)?;
    let is_unbroken = summaries.len() == screen.subjects
        && summaries.iter().all(|summary| summary.violations.is_empty() && summary.points > 0);
    Ok(if is_unbroken { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Takes one subject after the other.
fn work(waiting: &Mutex<VecDeque<Subject>>, screen: &Screen, done: &Mutex<Vec<Summary>>) {
    let Ok(runtime) =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()
    else {
        return;
    };
    loop {
        let next = waiting.lock().ok().and_then(|mut waiting| waiting.pop_front());
        let Some(subject) = next else { return };
        let summary = runtime.block_on(subject.sweep(Extent::Whole, || screen.count()));
        screen.finish(&summary);
        if let Ok(mut done) = done.lock() {
            done.push(summary);
        }
    }
}

/// What is shown while it goes on.
#[derive(Default)]
struct Screen {
    subjects: usize,
    points: AtomicUsize,
    done: AtomicUsize,
}

impl Screen {
    fn count(&self) {
        let points = self.points.fetch_add(1, Ordering::SeqCst) + 1;
        let mut stdout = io::stdout().lock();
        if stdout.is_terminal() {
            let (done, all) = (self.done.load(Ordering::SeqCst), self.subjects);
            // Nothing can be done about a closed terminal.
            drop(write!(stdout, "\r{points} points, {done} of {all} subjects\x1b[K"));
            drop(stdout.flush());
        }
    }

    fn finish(&self, summary: &Summary) {
        self.done.fetch_add(1, Ordering::SeqCst);
        let mut stdout = io::stdout().lock();
        if !stdout.is_terminal() {
            drop(writeln!(stdout, "{}: {} points", summary.name, summary.points));
        }
    }
}

/// The table, and below it what was broken.
fn print(summaries: &[Summary]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let clear = if stdout.is_terminal() { "\r\x1b[K" } else { "" };
    writeln!(
        stdout,
        "{clear}\n{:52} {:>7} {:>7} {:>10} {:>8}",
        "subject", "points", "twice", "violations", "seconds"
    )?;
    for Summary { name, points, pairs, violations, took } in summaries {
        let (violations, seconds) = (violations.len(), took.as_secs_f64());
        writeln!(stdout, "{name:52} {points:>7} {pairs:>7} {violations:>10} {seconds:>8.1}")?;
    }
    let points: usize = summaries.iter().map(|summary| summary.points).sum();
    let pairs: usize = summaries.iter().map(|summary| summary.pairs).sum();
    let violations: usize = summaries.iter().map(|summary| summary.violations.len()).sum();
    writeln!(stdout, "{:52} {points:>7} {pairs:>7} {violations:>10}", "all")?;
    for Summary { name, violations, .. } in summaries {
        for violation in violations {
            writeln!(stdout, "\n{name}: {violation}")?;
        }
    }
    Ok(())
}
