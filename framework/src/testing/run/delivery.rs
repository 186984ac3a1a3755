//! One delivery of a step, and what goes wrong in it.

use std::sync::Arc;

use tokio::time::Instant;

use super::{DAY, DEADLINE, End, LATER, Run, SECRET, Stop, write};
use crate::rotator::Verdict;
use crate::testing::event::{Event, Kind, Mishap};
use crate::testing::fuse::{Struck, delivered};
use crate::testing::judge::{Violation, credential};
use crate::testing::{Fault, Fuse, MemoryVault, Secret, World};
use crate::vault::Label;
use crate::{PasswordPolicy, RotationEvent, Rotator as _, SecretId, Step, VersionId, rotate};

impl<W: World> Run<W> {
    pub(super) async fn step(
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
        let ended = deliver(&self.world, &self.vault, &self.fuse, (step, version), delivery).await;
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
        self.heard(step, version, &ended, is_calm)?;
        self.look().await?;
        Ok(ended)
    }

    /// Takes in how a delivery ended; a calm one is one to which nothing happened.
    pub(in crate::testing) fn heard(
        &mut self,
        step: Step,
        version: &VersionId,
        ended: &End,
        is_calm: bool,
    ) -> Result<(), Stop> {
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
        Ok(())
    }

    /// From now on, this happens where a call is overtaken.
    pub(in crate::testing) fn overtake(&mut self, kind: Kind) {
        let vault = Arc::clone(&self.vault);
        self.overtaken = Some(kind.clone());
        self.fuse.meanwhile(move || match &kind {
            Kind::Write(version) => write(&vault, version),
            Kind::Cancel => vault.with(SECRET, Secret::cancel),
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

    /// Has a delivery stand still before one of its calls, while the whole rotation is delivered; whether it has that call.
    pub(in crate::testing) async fn outrun(
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

    /// A credential is tried while a call goes wrong; that is never a verdict.
    pub(super) async fn try_current(&mut self, mishap: &Mishap) -> Result<(), Stop> {
        let Kind::Fault(fault) = mishap.kind else { return Err(Stop::Impossible) };
        let text = self.secret(|secret| secret.text(Label::Current).map(str::to_owned));
        let Some(credential) = text.as_deref().and_then(credential::<W>) else {
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

/// Delivers a step, as one invocation, whose calls are counted under that number.
pub(in crate::testing) async fn deliver<W: World>(
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
