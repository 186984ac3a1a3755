//! Point after point, on the same secret.

use std::time::{Duration, Instant};

use super::attempts::{Attempts, Rotated};
use super::canaries::Reader;
use super::promise::{broken_at_the_end, broken_meanwhile};
use super::stage::{Stage, State};
use super::wires::MANAGER;
use crate::dice::Dice;
use crate::wire::{Blow, Blown, Fuse, Point};

/// After so many nobody reads on.
const MOST_VIOLATIONS: usize = 10;
/// Which rotations are killed twice, of the thousands that there are: the same ones each time.
const SEED: u64 = 6;

/// How much is tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// What leaves something else at the target than the rest: a kill after a request was delivered leaves what the
    /// loss of its answer leaves, unless the server is still at it. Half as many are killed twice.
    Brief,
}

impl Extent {
    fn ways(self) -> &'static [Blow] {
        match self {
            Self::Whole => &[Blow::LosesAndKills, Blow::DeliversAndKills, Blow::Cuts],
            Self::Brief => &[Blow::LosesAndKills, Blow::Cuts],
        }
    }

    fn pairs(self) -> usize {
        match self {
            Self::Whole => 20,
            Self::Brief => 10,
        }
    }
}

/// How a sweep has ended.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The subject's name.
    pub name: String,
    /// At how many points rotations were interrupted.
    pub points: usize,
    /// At how many of these points they were killed twice: a sample.
    pub pairs: usize,
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
    rotations: usize,
}

/// Interrupts rotations at every message, and some of them twice.
pub(crate) async fn sweep<S: Stage>(
    name: String,
    extent: Extent,
    fuse: &Fuse,
    start: impl AsyncFn() -> S,
    progress: impl FnMut(),
) -> Summary {
    let began = Instant::now();
    let course = Course::of(start().await, fuse).await;
    let mut sweep =
        Sweep { fuse, start, progress, course, points: 0, pairs: 0, violations: Vec::new() };
    let mut messages = 0;
    for blow in extent.ways() {
        let met = sweep.every(*blow).await;
        messages = messages.max(met);
    }
    sweep.pairs(extent.pairs(), messages).await;
    let Sweep { points, pairs, violations, .. } = sweep;
    Summary { name, points, pairs, violations, took: began.elapsed() }
}

/// A sweep under way.
struct Sweep<'a, S, Start, Progress> {
    fuse: &'a Fuse,
    start: Start,
    progress: Progress,
    course: Course<'a, S>,
    points: usize,
    pairs: usize,
    violations: Vec<String>,
}

impl<S, Start, Progress> Sweep<'_, S, Start, Progress>
where
    S: Stage,
    Start: AsyncFn() -> S,
    Progress: FnMut(),
{
    /// Interrupts rotations at every message this way; how many there were.
    ///
    /// Where two users take turns, each is the next one at every other message. That a request is lost leaves what
    /// the loss of the answer before it does, and what is left by a request that was delivered before: one of these has
    /// the one turn and one the other, so both users are met everywhere.
    async fn every(&mut self, blow: Blow) -> usize {
        // Each way begins at the same turn.
        if !self.course.rotations.is_multiple_of(2) {
            self.visit(&[]).await;
        }
        for at in 0.. {
            if self.is_enough() || self.visit(&[Point { at, blow }]).await == 0 {
                return at;
            }
        }
        usize::MAX
    }

    /// Kills twice in a rotation, the second time while the first is repaired.
    async fn pairs(&mut self, count: usize, messages: usize) {
        let mut dice = Dice::of(SEED);
        for _ in 0..count {
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
        self.points += usize::from(met > 0 && met == points.len());
        self.pairs += usize::from(met == 2);
        (self.progress)();
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
        let reader = Reader::default();
        Self { stage, fuse, attempts, reader, reference, rotations: 2 }
    }

    /// Interrupts one rotation at these points, and looks at it until it has ended.
    async fn survive(&mut self, points: &[Point]) -> Survived {
        let Self { stage, fuse, attempts, reader, reference, .. } = self;
        stage.begin().await;
        let mut broken = Vec::new();
        let mut attempted = 1;
        let rotated = attempts.rotate(stage.scene(), fuse, points, async || {
            attempted += 1;
            broken.extend(broken_meanwhile(stage, reference).await);
            broken.extend(stage.tidy_by_hand());
            broken.extend(reader.sightings(stage));
        });
        let Rotated { ended, met } = rotated.await;
        self.rotations += 1;
        if let Err(error) = ended {
            broken.push(format!("no attempt succeeds: {error:?}"));
        }
        let is_call = |met: &Blown| met.point.blow == Blow::Cuts && met.is_of(MANAGER);
        if attempted > 1 && met.iter().any(is_call) {
            broken.push("a call that was cut is not made again".to_owned());
        }
        broken.extend(broken_at_the_end(stage, reference).await);
        broken.extend(reader.sightings(stage));
        let told = |what| format!("{met:?}: {what}");
        Survived { met: met.len(), violations: broken.into_iter().map(told).collect() }
    }
}
