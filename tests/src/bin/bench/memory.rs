//! What a rotation takes with the processor time that Lambda gives each memory size.

use std::fmt::Write as _;
use std::io;

use turnlock_tests::database::{Database, Kind};

use crate::quota::Quota;
use crate::report::Figures;
use crate::statistics::Samples;
use crate::subject::{Strategy, Subject};
use crate::{ROUNDS, STARTS, STEPS, cold_start, keys, measure, size, title};

/// In MB: the least that there is, and its doubles up to one processor.
const SIZES: [u32; 5] = [128, 256, 512, 1024, 1769];

/// The strategies with the fewest and the most logins.
const MEASURED: [(Kind, Strategy); 4] = [
    (Kind::Postgres, Strategy::SingleUser),
    (Kind::Postgres, Strategy::AlternatingUsers),
    (Kind::MySql, Strategy::SingleUser),
    (Kind::MySql, Strategy::AlternatingUsers),
];

/// Rounds of what takes seconds.
const SIGNING_ROUNDS: usize = 2;

/// A table of each strategy; one line where this machine has no quotas to give.
pub(crate) async fn tables() -> String {
    match SIZES.into_iter().map(Quota::of).collect::<io::Result<Vec<_>>>() {
        Ok(quotas) => measured(&quotas).await,
        Err(problem) => {
            format!("Memory sizes were not measured: no cgroup of version 1: {problem}\n")
        }
    }
}

async fn measured(quotas: &[Quota]) -> String {
    let mut text = String::new();
    for (kind, strategy) in MEASURED {
        let server = Database::start(kind).await;
        let subjects: Vec<Subject> =
            quotas.iter().map(|quota| Subject::throttled(kind, strategy, quota)).collect();
        let figures = measure(&server, &subjects.iter().collect::<Vec<_>>(), strategy).await;
        text += &table(&title(&server, kind, strategy).await, &figures);
    }
    text += &table("turnlock-api-key, overlapping-keys", &of_keys(quotas).await);
    text += &table("turnlock-api-key, RSA keys of 4096 bits", &of_signing_keys(quotas).await);
    text + NOTES
}

async fn of_keys(quotas: &[Quota]) -> Vec<Figures> {
    let program = size::release("turnlock-api-key");
    let mut figures = nothing(quotas);
    for _ in 0..STARTS {
        for (quota, figures) in quotas.iter().zip(&mut figures) {
            figures.cold_start.add(cold_start::measure(quota.command(&program)));
        }
    }
    for _ in 0..ROUNDS {
        for (quota, figures) in quotas.iter().zip(&mut figures) {
            let world = keys::at_provider(quota.function(&program)).await;
            keys::round(&world, figures).await;
        }
    }
    figures
}

async fn of_signing_keys(quotas: &[Quota]) -> Vec<Figures> {
    let program = size::release("turnlock-api-key");
    let mut figures = nothing(quotas);
    for _ in 0..SIGNING_ROUNDS {
        for (quota, figures) in quotas.iter().zip(&mut figures) {
            let function = quota.function(&program).timeout(keys::PATIENCE);
            keys::round(&keys::of_signing(function).await, figures).await;
        }
    }
    figures
}

fn nothing(quotas: &[Quota]) -> Vec<Figures> {
    quotas.iter().map(|quota| Figures::new(&quota.memory_mb().to_string(), 0)).collect()
}

/// One line a figure, one column a size.
fn table(title: &str, figures: &[Figures]) -> String {
    let mut text = format!("{title}\n");
    let mut line = |what: &str, cells: Vec<String>| {
        let cells: String = cells.iter().map(|cell| format!("{cell:>17}")).collect();
        // Writing to a string cannot fail.
        let _written = writeln!(text, "{what:<32}{cells}");
    };
    line("ms: median (ninth tenth)", SIZES.map(|size| format!("{size} MB")).to_vec());
    let mut times = |what: &str, samples: &dyn Fn(&Figures) -> &Samples| {
        if figures.iter().all(|figures| samples(figures).count() > 0) {
            line(what, figures.iter().map(|figures| cell(samples(figures))).collect());
        }
    };
    times("cold start to the first /next", &|figures| &figures.cold_start);
    times("first rotation, cold process", &|figures| &figures.first_rotation);
    times("warm rotation, four steps", &|figures| &figures.warm_rotation);
    for (index, step) in STEPS.into_iter().enumerate() {
        times(&format!("  {step}"), &|figures| &figures.steps[index]);
    }
    times("  the function's own CPU time", &|figures| &figures.cpu);
    times("dead password held by consumers", &|figures| &figures.dead_password);
    let peak = figures.iter().map(|figures| format!("{:.1}", figures.memory())).collect();
    line("peak memory (VmHWM), MiB", peak);
    text + "\n"
}

fn cell(samples: &Samples) -> String {
    format!("{:.1} ({:.1})", samples.median(), samples.spread().1)
}

/// How it was measured.
const NOTES: &str = "
The function alone has the processor time of a size, shared out every 20 ms as on Lambda; servers and stand-in have the
machine. A process has it from its start; Lambda gives a function more until it asks for its first event.
";
