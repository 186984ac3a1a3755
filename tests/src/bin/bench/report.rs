//! The table that is printed.

use std::fmt::Write as _;

use crate::counts::Counts;
use crate::statistics::{Samples, median};
use crate::subject::Subject;
use crate::{STEPS, samples_of_steps};

/// All that was measured of one function.
#[derive(Debug)]
pub(crate) struct Figures {
    name: String,
    pub(crate) zip: u64,
    pub(crate) cold_start: Samples,
    pub(crate) first_rotation: Samples,
    pub(crate) warm_rotation: Samples,
    pub(crate) steps: [Samples; 4],
    pub(crate) cpu: Samples,
    pub(crate) dead_password: Samples,
    pub(crate) peak_kib: Vec<u64>,
    pub(crate) counts: Option<Counts>,
}

/// The aims beside AWS's function: ours is at most this part of theirs.
const COLD_START_AIM: f64 = 20.0;
const WARM_ROTATION_AIM: f64 = 8.0;
const MEMORY_AIM: f64 = 5.0;
const ZIP_AIM_BYTES: u64 = 4 * MIB;
const MIB: u64 = 1024 * 1024;

impl Figures {
    /// Of a function that was not measured yet.
    pub(crate) fn of(subject: &Subject) -> Self {
        Self::new(&subject.name, subject.zip)
    }

    /// Of a function of this name and a zip of this size in bytes.
    pub(crate) fn new(name: &str, zip: u64) -> Self {
        Self {
            name: name.to_owned(),
            zip,
            cold_start: Samples::default(),
            first_rotation: Samples::default(),
            warm_rotation: Samples::default(),
            steps: samples_of_steps(),
            cpu: Samples::default(),
            dead_password: Samples::default(),
            peak_kib: Vec::new(),
            counts: None,
        }
    }

    /// The peak memory, in MiB.
    pub(crate) fn memory(&self) -> f64 {
        mib(median(&self.peak_kib) * 1024)
    }
}

/// One line a figure, one column a function, and where there are two what is between them.
pub(crate) fn table(figures: &[Figures], title: &str) -> String {
    let mut table = Table { text: format!("{title}\n"), figures };
    table.head();
    table.size();
    if figures.iter().all(|figures| figures.cold_start.count() > 0) {
        table.times("cold start to the first /next", |f| &f.cold_start, Some(COLD_START_AIM));
    }
    table.times("first rotation, cold process", |f| &f.first_rotation, None);
    table.times("warm rotation, four steps", |f| &f.warm_rotation, Some(WARM_ROTATION_AIM));
    for (index, step) in STEPS.into_iter().enumerate() {
        table.times(&format!("  {step}"), |f| &f.steps[index], None);
    }
    table.times("  the function's own CPU time", |f| &f.cpu, None);
    if figures.iter().all(|figures| figures.dead_password.count() > 0) {
        table.times("dead password held by consumers", |f| &f.dead_password, None);
    }
    table.memory();
    table.counts();
    table.text
}

struct Table<'f> {
    text: String,
    figures: &'f [Figures],
}

impl Table<'_> {
    fn head(&mut self) {
        let names = self.figures.iter().map(|figures| figures.name.clone()).collect();
        self.line("median (tenth - ninth tenth)", names, "ratio");
    }

    fn size(&mut self) {
        let cells = self.figures.iter().map(|f| format!("{:.2} MiB", mib(f.zip))).collect();
        let ours = self.figures.first().map_or(0, |figures| figures.zip);
        let verdict = if ours <= ZIP_AIM_BYTES { "met" } else { "MISSED" };
        self.line("zip", cells, &format!("aim: at most 4 MiB, {verdict}"));
    }

    fn times(&mut self, what: &str, samples: impl Fn(&Figures) -> &Samples, aim: Option<f64>) {
        let cell = |figures: &Figures| {
            let samples = samples(figures);
            let (low, high) = samples.spread();
            format!("{:.1} ms ({low:.1} - {high:.1}, n = {})", samples.median(), samples.count())
        };
        let cells = self.figures.iter().map(cell).collect();
        let ratio = self.ratio(|figures| samples(figures).median(), aim);
        self.line(what, cells, &ratio);
    }

    fn memory(&mut self) {
        let cells = self.figures.iter().map(|f| format!("{:.1} MiB", f.memory())).collect();
        let ratio = self.ratio(Figures::memory, Some(MEMORY_AIM));
        self.line("peak memory (VmHWM)", cells, &ratio);
    }

    fn counts(&mut self) {
        self.count("Secrets Manager calls", |counts| counts.calls);
        self.count("  serial round trips", |counts| counts.serial_round_trips);
        self.count("logins accepted", |counts| counts.logins.accepted);
        self.count("  of them without TLS", |counts| counts.logins.plaintext);
        self.count("logins failed", |counts| counts.logins.failed);
    }

    fn count(&mut self, what: &str, count: fn(&Counts) -> usize) {
        let number = |figures: &Figures| figures.counts.as_ref().map(count);
        let cells = self.figures.iter().filter_map(number).map(|number| number.to_string());
        let cells = cells.collect();
        self.line(what, cells, "");
    }

    /// Theirs by ours, and whether that reaches the aim.
    fn ratio(&self, number: impl Fn(&Figures) -> f64, aim: Option<f64>) -> String {
        let [ours, theirs] = self.figures else { return String::new() };
        let (ours, theirs) = (number(ours), number(theirs));
        let ratio = format!("1/{:.1}", theirs / ours);
        let Some(aim) = aim else { return ratio };
        let verdict = if theirs >= ours * aim { "met" } else { "MISSED" };
        format!("{ratio}, aim: at most 1/{aim:.0}, {verdict}")
    }

    fn line(&mut self, what: &str, cells: Vec<String>, ratio: &str) {
        let cells: String = cells.iter().map(|cell| format!("{cell:<38}")).collect();
        let line = format!("{what:<34}{cells}{ratio}");
        // Writing to a string cannot fail.
        let _written = writeln!(self.text, "{}", line.trim_end());
    }
}

pub(crate) fn mib(bytes: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "sizes are far below 2^52")]
    let bytes = bytes as f64;
    bytes / 1024.0 / 1024.0
}

/// How it was measured.
pub(crate) const NOTES: &str = "
Rotations are timed step by step, from the invocation to the answer, at a stand-in without latency and a server
on the same machine; what of a warm one is not the function's own CPU time is the server's and the stand-in's. On
Lambda only the former is slowed down by a small memory size. Calls and logins are counted in a warm rotation. The
dead password is held from the COMMIT of the new one, by the server's log, to the move of AWSCURRENT, by the
stand-in's events, with no pause between the steps. zip: for AWS's function its source, its driver and, for
PostgreSQL, libpq; boto3 is in Lambda's own runtime. AWS's function for MySQL runs on MariaDB, as it sends MySQL 9
what that does not know.
";
