//! What the service does with a rotation: deliver it, again and again, and end it.

use super::{ATTEMPTS, DAY, End, LATER, Run, Stop};
use crate::testing::World;
use crate::testing::event::Event;
use crate::testing::judge::Violation;
use crate::vault::Label;
use crate::{Step, VersionId};

impl<W: World> Run<W> {
    /// A whole rotation, a day after the one before.
    ///
    /// The service takes up again first what was left unfinished, whatever token it is asked to rotate with.
    pub(in crate::testing) async fn rotation(
        &mut self,
        version: &VersionId,
        times: usize,
    ) -> Result<(), Stop> {
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

    /// Delivers a rotation's steps until all have succeeded, with the retries of the service, and ends it.
    ///
    /// Goes no further where somebody gives the rotation up.
    #[expect(clippy::wrong_self_convention, reason = "it goes there, and converts nothing")]
    pub(in crate::testing) async fn to_the_end(
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
    pub(in crate::testing) async fn until_it_fails(
        &mut self,
        version: &VersionId,
    ) -> Result<bool, Stop> {
        let done = self.attempt(version, 1).await?;
        if done {
            self.apply(Event::End(version.clone())).await?;
        }
        Ok(done)
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

    /// Whether the version is still the pending one, and not current.
    pub(in crate::testing) fn is_unfinished(&self, version: &VersionId) -> bool {
        self.secret(|secret| {
            let has = |label: Label| secret.labels.get(label.name()) == Some(version);
            has(Label::Pending) && !has(Label::Current)
        })
    }
}
