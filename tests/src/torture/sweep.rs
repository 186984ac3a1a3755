//! Point after point, on the same secret.

use std::time::{Duration, Instant};

use super::attempts::{Attempts, Rotated};
use super::canaries::Reader;
use super::promise::{broken_at_the_end, broken_meanwhile};
use super::stage::{Stage, State};
use crate::dice::Dice;
use crate::wire::{Blow, Fuse, Point};

/// After so many nobody reads on.
const MOST_VIOLATIONS: usize = 10;
/// Rotations that are killed twice, of the thousands that there are: the same ones each time.
const PAIRS: usize = 20;
const SEED: u64 = 6;

/// How a sweep has ended.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The subject's name.
    pub name: String,
    /// How many interruptions were made.
    pub points: usize,
    /// What was broken, and at which interruption.
    pub violations: Vec<String>,
    /// How long it took.
    pub took: Duration,
}

/// A stage that is in use.
struct Course<'a, S> {
    stage: S,
    fuse: &'a Fuse,
    attempts: Attempts,
    reader: Reader,
    reference: State,
}

/// Interrupts rotations at every message, in every way, and some of them twice.
pub(crate) async fn sweep<S: Stage>(
    name: String,
    fuse: &Fuse,
    start: impl AsyncFn() -> S,
    progress: impl FnMut(usize),
) -> Summary {
    let began = Instant::now();
    let course = Course::of(start().await, fuse).await;
    let mut sweep = Sweep { fuse, start, progress, course, points: 0, violations: Vec::new() };
    let mut messages = 0;
    for blow in [Blow::LosesAndKills, Blow::DeliversAndKills, Blow::Cuts] {
        let met = sweep.every(blow).await;
        messages = messages.max(met);
    }
    sweep.pairs(messages).await;
    let Sweep { points, violations, .. } = sweep;
    Summary { name, points, violations, took: began.elapsed() }
}

/// A sweep under way.
struct Sweep<'a, S, Start, Progress> {
    fuse: &'a Fuse,
    start: Start,
    progress: Progress,
    course: Course<'a, S>,
    points: usize,
    violations: Vec<String>,
}

impl<S, Start, Progress> Sweep<'_, S, Start, Progress>
where
    S: Stage,
    Start: AsyncFn() -> S,
    Progress: FnMut(usize),
{
    /// Interrupts rotations at every message this way; how many there were.
    ///
    /// Where two users take turns, each is the next one at every other message: that a request is lost leaves what
    /// the loss of the answer before leaves, so each is interrupted everywhere.
    async fn every(&mut self, blow: Blow) -> usize {
        for at in 0.. {
            if self.is_enough() || self.visit(&[Point { at, blow }]).await == 0 {
                return at;
            }
        }
        usize::MAX
    }

    /// Kills twice in a rotation, the second time while the first is repaired.
    async fn pairs(&mut self, messages: usize) {
        let mut dice = Dice::of(SEED);
        for _ in 0..PAIRS {
            if self.is_enough() {
                return;
            }
            let pair = [0, 1].map(|_| Point { at: dice.roll(messages), blow: Blow::LosesAndKills });
            self.visit(&pair).await;
        }
    }

    /// Interrupts a rotation; how often it was.
    async fn visit(&mut self, points: &[Point]) -> usize {
        let Survived { met, mut violations } = self.course.survive(points).await;
        if !violations.is_empty() {
            self.violations.append(&mut violations);
            // What is broken here would break whatever follows.
            self.course = Course::of((self.start)().await, self.fuse).await;
        }
        // A pair of which only one was met is a point that was visited before.
        self.points += usize::from(met == points.len());
        (self.progress)(self.points);
        met
    }

    fn is_enough(&self) -> bool {
        self.violations.len() >= MOST_VIOLATIONS
    }
}

/// What a rotation has shown.
struct Survived {
    /// How often it was interrupted before it had ended.
    met: usize,
    violations: Vec<String>,
}

impl<'a, S: Stage> Course<'a, S> {
    /// A stage after rotations that nobody interrupted.
    async fn of(stage: S, fuse: &'a Fuse) -> Self {
        for _ in 0..2 {
            stage.scene().rotate().await.expect("a rotation that nobody interrupts");
        }
        let reference = stage.state().await;
        let attempts = Attempts::of(stage.scene(), stage.attempts());
        Self { stage, fuse, attempts, reader: Reader::default(), reference }
    }

    /// Interrupts one rotation at these points, and looks at it until it has ended.
    async fn survive(&mut self, points: &[Point]) -> Survived {
        let Self { stage, fuse, attempts, reader, reference } = self;
        stage.begin().await;
        let mut broken = Vec::new();
        let rotated = attempts.rotate(stage.scene(), fuse, points, async || {
            broken.extend(broken_meanwhile(stage, reference).await);
            broken.extend(reader.sightings(stage));
        });
        let Rotated { ended, met } = rotated.await;
        if let Err(error) = ended {
            broken.push(format!("no attempt succeeds: {error:?}"));
        }
        broken.extend(broken_at_the_end(stage, reference).await);
        broken.extend(reader.sightings(stage));
        let told = |what| format!("{met:?}: {what}");
        Survived { met: met.len(), violations: broken.into_iter().map(told).collect() }
    }
}
