//! One course of events on one world, and what has to hold at each moment of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::event::{Event, Kind};
use super::judge::{Judge, Violation};
use super::{Fuse, MemoryVault, Secret, Value, World};
use crate::vault::Label;
use crate::{Failure, Step, VersionId};

mod delivery;
mod service;

pub(super) use delivery::deliver;

/// The secret that is rotated.
const SECRET: &str = "secret";
/// The version that it begins with.
const FIRST: &str = "v0";

/// How long after a failure the service tries again; longer than any invocation goes on.
pub(super) const LATER: Duration = Duration::from_mins(15);
/// How long after a rotation the next one begins.
pub(super) const DAY: Duration = Duration::from_hours(24);
/// After how many rotations there are as many credentials as there will ever be.
const SETTLED: usize = 2;
/// What one invocation has.
const DEADLINE: Duration = Duration::from_secs(60);
/// More than any search needs: a rotation that is cut twice is done at the third attempt.
const ATTEMPTS: usize = 6;

/// Why a run stops.
#[derive(Debug)]
pub(super) enum Stop {
    /// A promise is broken.
    Violated(Violation),
    /// The service would never do that.
    Impossible,
}

/// How a delivery ended.
#[derive(Debug)]
pub(super) enum End {
    Done,
    Failed(Failure),
    Died,
}

pub(super) struct Run<W: World> {
    pub(super) fuse: Arc<Fuse>,
    pub(super) vault: Arc<MemoryVault>,
    pub(super) world: W,
    pub(super) trace: Vec<Event>,
    pub(super) judge: Judge,
    /// How far the attempt at a version came: how many steps could be delivered.
    reached: BTreeMap<VersionId, usize>,
    pub(super) deliveries: usize,
    /// How much time has to pass before the service delivers createSecret again, after a failure.
    pub(super) wait: Duration,
    /// How much time has to pass before anybody rotates again.
    rest: Duration,
    /// How many rotations came to their end.
    ended: usize,
    /// How many versions were written by hand.
    written: usize,
    /// Whether the rotation that goes on was given up by somebody.
    pub(super) is_abandoned: bool,
    /// What happens where a call is overtaken.
    overtaken: Option<Kind>,
}

impl<W: World> Run<W> {
    pub(super) async fn start(start: &impl AsyncFn(Arc<Fuse>) -> W, judge: Judge) -> Self {
        let fuse = Arc::new(Fuse::default());
        let world = Box::pin(start(Arc::clone(&fuse))).await;
        let vault = Arc::new(MemoryVault::new(Arc::clone(&fuse)));
        vault.insert(SECRET, Secret::new(FIRST, Value::Text(world.secret())));
        if let Some((id, text)) = world.admin() {
            vault.insert(id.as_str(), Secret::new(FIRST, Value::Text(text)));
        }
        fuse.disarm();
        let mut run = Self {
            fuse,
            vault,
            world,
            trace: Vec::new(),
            judge,
            reached: BTreeMap::new(),
            deliveries: 0,
            wait: Duration::ZERO,
            rest: Duration::ZERO,
            ended: 0,
            written: 0,
            is_abandoned: false,
            overtaken: None,
        };
        run.judge.others = run.world.others().await;
        run
    }

    /// Looks at the secret, or changes it behind everybody's back.
    pub(super) fn secret<T>(&self, look: impl FnOnce(&mut Secret) -> T) -> T {
        self.vault.with(SECRET, look)
    }

    /// Lets one thing happen, and looks whether every promise still holds.
    pub(super) async fn apply(&mut self, event: Event) -> Result<Option<End>, Stop> {
        if !matches!(event, Event::Step(..) | Event::AtOnce(..)) {
            self.trace.push(event.clone());
        }
        match &event {
            Event::Rotate(version) => self.begin(version)?,
            Event::RotateForTest(version) => {
                self.begin(version)?;
                self.secret(|secret| secret.begin_test(version.as_str()));
                self.reached.insert(version.clone(), Step::ALL.len());
            }
            Event::Step(step, version, mishaps) => {
                return Box::pin(self.step(*step, version, mishaps)).await.map(Some);
            }
            Event::AtOnce(pair, order) => {
                let mut order = order.iter();
                Box::pin(self.at_once(pair, &mut |waiting| next_of(&mut order, waiting))).await?;
            }
            Event::End(version) => self.end(version).await?,
            Event::Write(version) => {
                self.write(version);
                self.rest = DAY;
            }
            Event::Cancel => {
                self.cancel();
                self.rest = DAY;
            }
            Event::Resume => self.secret(|secret| secret.rotation_enabled = true),
            Event::Clear => self.secret(|secret| secret.clear(Label::Pending)),
            Event::Pass(time) => self.pass(*time),
            Event::Lag => self.secret(|secret| secret.labels_lag = true),
            Event::Try(mishap) => Box::pin(self.try_current(mishap)).await?,
            Event::Count if self.ended < SETTLED => return Err(Stop::Impossible),
            Event::Count => {
                let found = self.world.credentials().await;
                self.judge.nothing_is_left_over(found).map_err(Stop::Violated)?;
            }
        }
        self.look().await?;
        Ok(None)
    }

    fn begin(&mut self, version: &VersionId) -> Result<(), Stop> {
        let pending = self.secret(|secret| secret.labels.get(Label::Pending.name()).cloned());
        let is_free =
            pending.is_none_or(|pending| pending == *version || !self.is_unfinished(&pending));
        if !is_free || !self.rest.is_zero() {
            return Err(Stop::Impossible);
        }
        self.secret(|secret| {
            secret.rotation_enabled = true;
            secret.begin(version.as_str());
        });
        self.is_abandoned = false;
        self.reached.entry(version.clone()).or_insert(1);
        Ok(())
    }

    async fn end(&mut self, version: &VersionId) -> Result<(), Stop> {
        let is_test =
            self.trace.iter().any(|event| *event == Event::RotateForTest(version.clone()));
        if is_test {
            self.secret(|secret| secret.end_test(version.as_str()));
            return Ok(());
        }
        if self.reached.get(version) != Some(&(Step::ALL.len() + 1)) {
            return Err(Stop::Impossible);
        }
        self.secret(Secret::end);
        self.ended += 1;
        self.rest = DAY;
        let secret = self.secret(|secret| secret.clone());
        let ended = self.judge.a_rotation_ended(&self.world, &secret, version).await;
        ended.map_err(Stop::Violated)
    }

    fn pass(&mut self, time: Duration) {
        self.vault.with(SECRET, |secret| secret.age(time));
        self.world.pass(time);
        self.wait = self.wait.saturating_sub(time);
        self.rest = self.rest.saturating_sub(time);
    }

    fn write(&mut self, version: &VersionId) {
        self.written += 1;
        write(&self.vault, version);
        self.is_abandoned = true;
        self.judge.written = Some(version.clone());
    }

    fn cancel(&mut self) {
        self.secret(Secret::cancel);
        self.is_abandoned = true;
    }

    /// A version that nobody has written yet.
    pub(super) fn by_hand(&self) -> VersionId {
        VersionId::new(format!("by-hand-{}", self.written + 1))
    }

    /// Looks whether what has to hold at any moment does.
    pub(super) async fn look(&self) -> Result<(), Stop> {
        let secret = self.secret(|secret| secret.clone());
        self.judge.a_moment(&self.world, &secret).await.map_err(Stop::Violated)
    }

    /// Whether the service could deliver the step now.
    pub(super) fn is_possible(&self, step: Step, version: &VersionId) -> bool {
        let reached = self.reached.get(version).copied().unwrap_or_default();
        position(step) < reached && (step != Step::Create || self.wait.is_zero())
    }

    pub(super) fn has_done(&mut self, step: Step, version: &VersionId) {
        if let Some(reached) = self.reached.get_mut(version) {
            *reached = (*reached).max(position(step) + 2);
        }
        if step == Step::Finish && !self.is_abandoned {
            self.judge.written = None;
            self.rest = DAY;
        }
    }
}

/// Where a step stands among the four.
pub(super) fn position(step: Step) -> usize {
    match step {
        Step::Create => 0,
        Step::Set => 1,
        Step::Test => 2,
        Step::Finish => 3,
    }
}

/// Somebody writes the value of `AWSCURRENT` once more, as a version of its own.
fn write(vault: &MemoryVault, version: &VersionId) {
    vault.with(SECRET, |secret| {
        let text = secret.text(Label::Current).unwrap_or_default();
        let text = format!("{text} ");
        secret.write_by_hand(version.as_str(), Value::Text(text));
    });
}

/// Takes the next delivery of a list that can make a call, and the first that can once the list is at its end.
fn next_of(
    order: &mut std::slice::Iter<'_, usize>,
    waiting: &[Option<super::fuse::Sort>; 2],
) -> Option<usize> {
    let can = |at: usize| waiting.get(at).is_some_and(Option::is_some);
    let listed = order.by_ref().map(|number| number - 1).find(|at| can(*at));
    listed.or_else(|| (0..waiting.len()).find(|at| can(*at)))
}
