//! One course of events on one world, and what has to hold at each moment of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::event::{Event, Kind, Mishap};
use super::fuse::{Struck, delivered};
use super::judge::{Judge, Violation};
use super::{Fault, Fuse, MemoryVault, Secret, Value, World};
use crate::rotator::Verdict;
use crate::vault::Label;
use crate::{
    Failure, PasswordPolicy, RotationEvent, Rotator as _, SecretId, Step, VersionId, rotate,
};

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
        self.secret(|secret| secret.rotation_enabled = false);
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

    async fn step(
        &mut self,
        step: Step,
        version: &VersionId,
        mishaps: &[Mishap],
    ) -> Result<End, Stop> {
        if !self.is_possible(step, version) {
            return Err(Stop::Impossible);
        }
        let stall = mishaps.iter().find(|mishap| mishap.kind == Kind::Stall);
        if let Some(mishap) = stall {
            self.outrun(step, version, mishap).await?;
            return Ok(End::Died);
        }
        self.deliveries += 1;
        let delivery = self.deliveries;
        for mishap in mishaps {
            let fault = match &mishap.kind {
                Kind::Fault(fault) => *fault,
                Kind::Write(_) | Kind::Cancel | Kind::Stall => {
                    self.overtake(mishap.kind.clone());
                    Fault::IsOvertaken
                }
            };
            self.fuse.plan(delivery, mishap.call, fault);
        }
        let before = self.is_abandoned;
        self.fuse.is_under_way(delivery);
        let ended = self.deliver(step, version, delivery).await;
        self.fuse.is_under_way(0);
        let struck = self.fuse.struck();
        let met: Vec<Mishap> = struck
            .into_iter()
            .filter(|struck| struck.delivery == delivery)
            .filter_map(|struck| self.mishap(struck))
            .collect();
        self.has_been_overtaken(&met);
        let is_calm = met.is_empty() && !before && !self.is_abandoned;
        self.trace.push(Event::Step(step, version.clone(), met));
        match &ended {
            End::Done => self.has_done(step, version),
            End::Failed(failure) => {
                self.wait = self.wait.max(LATER);
                let secret = self.secret(|secret| secret.clone());
                let seen = self.judge.a_failure::<W>(&secret, failure, is_calm);
                seen.map_err(Stop::Violated)?;
            }
            End::Died => self.wait = self.wait.max(LATER),
        }
        self.look().await?;
        Ok(ended)
    }

    /// From now on, this happens where a call is overtaken.
    pub(super) fn overtake(&mut self, kind: Kind) {
        let vault = Arc::clone(&self.vault);
        self.overtaken = Some(kind.clone());
        self.fuse.meanwhile(move || match &kind {
            Kind::Write(version) => write(&vault, version),
            Kind::Cancel => vault.with(SECRET, |secret| secret.rotation_enabled = false),
            Kind::Fault(_) | Kind::Stall => {}
        });
    }

    fn mishap(&self, struck: Struck) -> Option<Mishap> {
        let kind = match struck.fault {
            Fault::IsOvertaken => self.overtaken.clone()?,
            fault @ (Fault::FailsBefore
            | Fault::LosesAnswer
            | Fault::DiesBefore
            | Fault::DiesAfter
            | Fault::NeverAnswers
            | Fault::IsThrottled) => Kind::Fault(fault),
        };
        Some(Mishap { kind, call: struck.call, name: struck.name })
    }

    fn has_been_overtaken(&mut self, met: &[Mishap]) {
        for mishap in met {
            match &mishap.kind {
                Kind::Write(version) => {
                    self.written += 1;
                    self.is_abandoned = true;
                    // finishSecret may have come before; whoever wrote last has the label then.
                    self.judge.written = Some(version.clone());
                    self.rest = DAY;
                }
                Kind::Cancel => {
                    self.is_abandoned = true;
                    self.rest = DAY;
                }
                Kind::Fault(_) | Kind::Stall => {}
            }
        }
    }

    /// Delivers a step, as one invocation.
    async fn deliver(&self, step: Step, version: &VersionId, delivery: usize) -> End {
        deliver(&self.world, &self.vault, &self.fuse, (step, version), delivery).await
    }

    /// Delivers a rotation's steps until all have succeeded, with the retries of the service, and ends it.
    ///
    /// Goes no further where somebody gives the rotation up.
    #[expect(clippy::wrong_self_convention, reason = "it goes there, and converts nothing")]
    pub(super) async fn to_the_end(
        &mut self,
        version: &VersionId,
        times: usize,
    ) -> Result<(), Stop> {
        for _ in 0..ATTEMPTS {
            if self.attempt(version, times).await? {
                self.apply(Event::End(version.clone())).await?;
                return Ok(());
            }
            if self.is_abandoned {
                return Ok(());
            }
            self.apply(Event::Pass(LATER)).await?;
        }
        Err(Stop::Violated(Violation::never_done(ATTEMPTS)))
    }

    /// Delivers a rotation's steps once; whether all succeeded, and it was ended.
    pub(super) async fn until_it_fails(&mut self, version: &VersionId) -> Result<bool, Stop> {
        let done = self.attempt(version, 1).await?;
        if done {
            self.apply(Event::End(version.clone())).await?;
        }
        Ok(done)
    }

    /// Has a delivery stand still before one of its calls, while the whole rotation is delivered; whether it has that call.
    pub(super) async fn outrun(
        &mut self,
        step: Step,
        version: &VersionId,
        mishap: &Mishap,
    ) -> Result<bool, Stop> {
        let stalled = self.stall(step, version, mishap).await;
        self.trace.push(Event::Step(step, version.clone(), vec![mishap.clone()]));
        let stalled = stalled?;
        self.look().await?;
        Ok(stalled)
    }

    /// Whether the version is still the pending one, and not current.
    pub(super) fn is_unfinished(&self, version: &VersionId) -> bool {
        self.secret(|secret| {
            let has = |label: Label| secret.labels.get(label.name()) == Some(version);
            has(Label::Pending) && !has(Label::Current)
        })
    }

    async fn attempt(&mut self, version: &VersionId, times: usize) -> Result<bool, Stop> {
        for step in Step::ALL {
            for _ in 0..times {
                let delivered = self.apply(Event::Step(step, version.clone(), Vec::new())).await?;
                if self.is_abandoned || !matches!(delivered, Some(End::Done)) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// A whole rotation, a day after the one before.
    ///
    /// The service takes up again first what was left unfinished, whatever token it is asked to rotate with.
    pub(super) async fn rotation(&mut self, version: &VersionId, times: usize) -> Result<(), Stop> {
        self.apply(Event::Pass(DAY)).await?;
        let left = self.secret(|secret| secret.labels.get(Label::Pending.name()).cloned());
        if let Some(left) = left.filter(|left| self.is_unfinished(left)) {
            self.apply(Event::Rotate(left.clone())).await?;
            self.to_the_end(&left, 1).await?;
            self.apply(Event::Pass(DAY)).await?;
        }
        self.apply(Event::Rotate(version.clone())).await?;
        self.to_the_end(version, times).await
    }

    /// A credential is tried while a call goes wrong; that is never a verdict.
    async fn try_current(&mut self, mishap: &Mishap) -> Result<(), Stop> {
        let Kind::Fault(fault) = mishap.kind else { return Err(Stop::Impossible) };
        let text = self.secret(|secret| secret.text(Label::Current).map(str::to_owned));
        let Some(credential) = text.as_deref().and_then(super::judge::credential::<W>) else {
            return Err(Stop::Impossible);
        };
        self.deliveries += 1;
        self.fuse.plan(self.deliveries, mishap.call, fault);
        self.fuse.is_under_way(self.deliveries);
        let before = self.fuse.blown();
        let tried = self.world.rotator().test(&credential);
        let tried = delivered(self.deliveries, tokio::time::timeout(DEADLINE, tried)).await;
        self.fuse.is_under_way(0);
        match tried {
            Ok(Ok(Verdict::Rejected(reason))) if self.fuse.blown() > before => {
                Err(Stop::Violated(Violation::not_known(&reason)))
            }
            _ if self.fuse.blown() == before => Err(Stop::Impossible),
            _ => Ok(()),
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

/// Delivers a step, as one invocation, whose calls are counted under that number.
pub(super) async fn deliver<W: World>(
    world: &W,
    vault: &Arc<MemoryVault>,
    fuse: &Fuse,
    (step, version): (Step, &VersionId),
    delivery: usize,
) -> End {
    let event = RotationEvent {
        step,
        secret_id: SecretId::new(SECRET),
        version: version.clone(),
        rotation_token: None,
    };
    let (policy, deadline) = (PasswordPolicy::default(), Instant::now() + DEADLINE);
    let vault = world.vault(Arc::clone(vault));
    let work = Box::pin(rotate(world.rotator(), &vault, &policy, &event, deadline));
    tokio::select! {
        biased;
        done = delivered(delivery, work) => match done {
            Ok(_) => End::Done,
            Err(failure) => End::Failed(failure),
        },
        () = fuse.death() => End::Died,
    }
}
