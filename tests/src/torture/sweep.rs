//! Point after point, on the same secret.

use std::time::{Duration, Instant};

use super::attempts::Attempts;
use super::canaries::Reader;
use super::promise::{broken_at_the_end, broken_meanwhile};
use super::stage::{Stage, State};
use crate::wire::{Blow, Fuse, Point};

/// The first attempt, and what the service tries after it.
const ATTEMPTS: u32 = 4;
/// After so many nobody reads on.
const MOST_VIOLATIONS: usize = 10;

/// How a sweep has ended.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The subject's name.
    pub name: &'static str,
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

/// Interrupts rotations at every message.
pub(crate) async fn sweep<S: Stage>(
    name: &'static str,
    fuse: &Fuse,
    start: impl AsyncFn() -> S,
    mut progress: impl FnMut(usize),
) -> Summary {
    let began = Instant::now();
    let mut course = Course::of(start().await, fuse).await;
    let mut summary = Summary { name, points: 0, violations: Vec::new(), took: Duration::ZERO };
    for blow in [Blow::LosesAndKills] {
        for at in 0.. {
            let Survived { met, mut violations } = course.survive(Point { at, blow }).await;
            if !violations.is_empty() {
                summary.violations.append(&mut violations);
                course = Course::of(start().await, fuse).await;
            }
            if !met || summary.violations.len() >= MOST_VIOLATIONS {
                break;
            }
            summary.points += 1;
            progress(summary.points);
        }
    }
    summary.took = began.elapsed();
    summary
}

/// What a rotation has shown.
struct Survived {
    /// It was interrupted, and had not ended before.
    met: bool,
    violations: Vec<String>,
}

impl<'a, S: Stage> Course<'a, S> {
    /// A stage after rotations that nobody interrupted.
    async fn of(stage: S, fuse: &'a Fuse) -> Self {
        for _ in 0..2 {
            stage.scene().rotate().await.expect("a rotation that nobody interrupts");
        }
        let reference = stage.state().await;
        let attempts = Attempts::of(stage.scene(), ATTEMPTS);
        Self { stage, fuse, attempts, reader: Reader::default(), reference }
    }

    /// Interrupts one rotation at a point, and looks at it until it has ended.
    async fn survive(&mut self, point: Point) -> Survived {
        let Self { stage, fuse, attempts, reader, reference } = self;
        stage.begin().await;
        fuse.arm(point);
        let mut broken = Vec::new();
        let rotated = attempts.rotate(stage.scene(), fuse, async || {
            fuse.mend();
            broken.extend(broken_meanwhile(stage, reference).await);
            broken.extend(reader.sightings(stage));
        });
        if let Err(error) = rotated.await {
            broken.push(format!("no attempt succeeds: {error:?}"));
        }
        let blown = fuse.blown();
        fuse.mend();
        broken.extend(broken_at_the_end(stage, reference).await);
        broken.extend(reader.sightings(stage));
        let message = blown.as_ref().map_or("nothing", |blown| &blown.message);
        let told = |what| format!("{point:?}, {message}: {what}");
        Survived { met: blown.is_some(), violations: broken.into_iter().map(told).collect() }
    }
}
