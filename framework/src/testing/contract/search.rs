//! The searches, one after the other over worlds of one kind.

use std::sync::Arc;

use super::{Found, Limits};
use crate::testing::event::{Event, Kind, Mishap};
use crate::testing::interleaving::explore;
use crate::testing::judge::{Judge, Violation};
use crate::testing::run::{DAY, LATER, Run, Stop};
use crate::testing::{Fault, Fuse, World};
use crate::{Step, VersionId};

/// How many rotations there are before and with the one that is interfered with: the third is like all that follow.
pub(super) const ROUNDS: usize = 3;

/// The version that a rotation makes.
pub(super) fn version(round: usize) -> VersionId {
    VersionId::new(format!("v{round}"))
}

/// What is searched, and how much of it.
pub(super) struct Search<'a, S> {
    pub(super) start: &'a S,
    pub(super) judge: &'a Judge,
    pub(super) limits: Limits,
}

impl<W: World, S: AsyncFn(Arc<Fuse>) -> W> Search<'_, S> {
    /// A world in which all rotations before that one were calm.
    async fn before(&self, round: usize) -> Result<Run<W>, (Vec<Event>, Stop)> {
        let mut run = Run::start(self.start, self.judge.clone()).await;
        for round in 1..round {
            if let Err(stop) = run.rotation(&version(round), 1).await {
                return Err((run.trace, stop));
            }
        }
        Ok(run)
    }

    /// Has something happen in each of the first rotations, then another calm one; how many points it says it was.
    async fn each_round(
        &self,
        happen: impl AsyncFn(&mut Run<W>, &VersionId) -> Result<usize, Stop>,
    ) -> Found {
        let mut points = 0;
        for round in 1..=ROUNDS {
            points += self.one_round(round, &happen).await?;
        }
        Ok(points)
    }

    async fn one_round(
        &self,
        round: usize,
        happen: &impl AsyncFn(&mut Run<W>, &VersionId) -> Result<usize, Stop>,
    ) -> Found {
        let mut run = self.before(round).await?;
        let all = async {
            run.apply(Event::Pass(DAY)).await?;
            let points = happen(&mut run, &version(round)).await?;
            run.fuse.disarm();
            run.rotation(&version(round + ROUNDS), 1).await?;
            run.rotation(&version(round + 2 * ROUNDS), 1).await?;
            run.apply(Event::Count).await?;
            Ok(points)
        };
        let done = Box::pin(all).await;
        done.map_err(|stop| (run.trace, stop))
    }

    /// The same at each call of the rotation: the first that says it was none ends it.
    async fn each_call(
        &self,
        happen: impl AsyncFn(&mut Run<W>, &VersionId, usize) -> Result<usize, Stop>,
    ) -> Found {
        let mut points = 0;
        for round in 1..=ROUNDS {
            for call in 1.. {
                let at =
                    async |run: &mut Run<W>, version: &VersionId| happen(run, version, call).await;
                match self.one_round(round, &at).await? {
                    0 if call == 1 => {
                        return Err((Vec::new(), Stop::Violated(Violation::nothing_tried())));
                    }
                    0 => break,
                    met => points += met,
                }
            }
        }
        Ok(points)
    }

    pub(super) async fn calm(&self) -> Found {
        self.each_round(async |run, version| {
            run.apply(Event::Rotate(version.clone())).await?;
            run.to_the_end(version, 1).await?;
            Ok(1)
        })
        .await
    }

    pub(super) async fn twice(&self) -> Found {
        self.each_round(async |run, version| {
            run.apply(Event::Rotate(version.clone())).await?;
            run.to_the_end(version, 2).await?;
            Ok(Step::ALL.len())
        })
        .await
    }

    pub(super) async fn again(&self) -> Found {
        let mut points = 0;
        for last in Step::ALL {
            points += self
                .each_round(async |run, version| {
                    run.apply(Event::Rotate(version.clone())).await?;
                    for step in Step::ALL.into_iter().take_while(|step| *step != last).chain([last])
                    {
                        run.apply(Event::Step(step, version.clone(), Vec::new())).await?;
                    }
                    run.to_the_end(version, 1).await?;
                    Ok(1)
                })
                .await?;
        }
        Ok(points)
    }

    pub(super) async fn one_fault(&self) -> Found {
        let mut points = 0;
        for fault in Fault::CRASHES.into_iter().chain([Fault::IsThrottled]) {
            points += self
                .each_call(async |run, version, call| {
                    run.apply(Event::Rotate(version.clone())).await?;
                    run.fuse.arm([call], fault);
                    run.to_the_end(version, 1).await?;
                    Ok(run.fuse.blown())
                })
                .await?;
        }
        Ok(points)
    }

    pub(super) async fn two_faults(&self) -> Found {
        use Fault::{DiesAfter, DiesBefore, FailsBefore, LosesAnswer};
        let kinds = [
            [DiesBefore, DiesBefore],
            [DiesBefore, DiesAfter],
            [DiesAfter, DiesBefore],
            [DiesAfter, DiesAfter],
            [FailsBefore, FailsBefore],
            [LosesAnswer, LosesAnswer],
        ];
        let (mut points, mut turn) = (0, 0_usize);
        for (kind, [one, other]) in kinds.into_iter().enumerate() {
            for round in 1..=ROUNDS {
                for first in self.limits.calls(round + ROUNDS * kind) {
                    let (mut blown, before) = (0, points);
                    turn += 1;
                    for second in self.limits.second_calls(turn) {
                        let at = async |run: &mut Run<W>, version: &VersionId| {
                            run.apply(Event::Rotate(version.clone())).await?;
                            run.fuse.arm_each([(first, one), (second, other)]);
                            run.to_the_end(version, 1).await?;
                            Ok(run.fuse.blown())
                        };
                        blown = self.one_round(round, &at).await?;
                        points += usize::from(blown == 2);
                        if blown < 2 {
                            break;
                        }
                    }
                    if blown == 0 && points == before {
                        break;
                    }
                }
            }
        }
        Ok(points)
    }

    pub(super) async fn at_once(&self) -> Found {
        let mut points = 0;
        for round in 1..=ROUNDS {
            for (place, late) in Step::ALL.into_iter().enumerate() {
                for early in Step::ALL.into_iter().take(place + 1) {
                    let version = version(round);
                    let mut run = self.before(round).await?;
                    let begun: Result<(), Stop> = async {
                        run.apply(Event::Pass(DAY)).await?;
                        run.apply(Event::Rotate(version.clone())).await?;
                        for step in Step::ALL.into_iter().take(place) {
                            run.apply(Event::Step(step, version.clone(), Vec::new())).await?;
                        }
                        Ok(())
                    }
                    .await;
                    if let Err(stop) = begun {
                        return Err((run.trace, stop));
                    }
                    let pair = [(early, version.clone()), (late, version)];
                    let next = self::version(round + ROUNDS);
                    points += explore(self.start, self.judge, &run.trace, &pair, &next).await?;
                }
            }
        }
        Ok(points)
    }

    pub(super) async fn stalled(&self) -> Found {
        let mut points = 0;
        for place in 0..Step::ALL.len() {
            points += self
                .each_call(async |run, version, call| {
                    run.apply(Event::Rotate(version.clone())).await?;
                    let mut steps = Step::ALL.into_iter().skip(place);
                    for step in Step::ALL.into_iter().take(place) {
                        run.apply(Event::Step(step, version.clone(), Vec::new())).await?;
                    }
                    let Some(step) = steps.next() else { return Ok(0) };
                    let mishap = Mishap { kind: Kind::Stall, call, name: String::new() };
                    let stalled = run.outrun(step, version, &mishap).await?;
                    run.apply(Event::Pass(LATER)).await?;
                    run.to_the_end(version, 1).await?;
                    Ok(usize::from(stalled))
                })
                .await?;
        }
        Ok(points)
    }

    pub(super) async fn written(&self) -> Found {
        let mut points = 0;
        for lag in [false, true] {
            points += self
                .each_call(async |run, version, call| {
                    if lag {
                        run.apply(Event::Lag).await?;
                    }
                    run.apply(Event::Rotate(version.clone())).await?;
                    run.overtake(Kind::Write(run.by_hand()));
                    run.fuse.arm([call], Fault::IsOvertaken);
                    run.to_the_end(version, 1).await?;
                    Ok(run.fuse.blown())
                })
                .await?;
        }
        Ok(points)
    }

    pub(super) async fn cancelled(&self) -> Found {
        let mut points = 0;
        for same_token in [true, false] {
            points += self
                .each_call(async |run, version, call| {
                    run.apply(Event::Rotate(version.clone())).await?;
                    run.overtake(Kind::Cancel);
                    run.fuse.arm([call], Fault::IsOvertaken);
                    run.to_the_end(version, 1).await?;
                    let blown = run.fuse.blown();
                    run.fuse.disarm();
                    if blown > 0 {
                        run.apply(Event::Pass(DAY)).await?;
                        if same_token && run.is_unfinished(version) {
                            run.apply(Event::Rotate(version.clone())).await?;
                            run.to_the_end(version, 1).await?;
                        } else {
                            run.apply(Event::Resume).await?;
                            run.apply(Event::Clear).await?;
                        }
                    }
                    Ok(blown)
                })
                .await?;
        }
        Ok(points)
    }

    pub(super) async fn cleared(&self) -> Found {
        let mut points = 0;
        for fault in [Fault::DiesBefore, Fault::DiesAfter] {
            points += self
                .each_call(async |run, version, call| {
                    run.apply(Event::Rotate(version.clone())).await?;
                    run.fuse.arm([call], fault);
                    if run.until_it_fails(version).await? {
                        return Ok(0);
                    }
                    run.apply(Event::Clear).await?;
                    Ok(1)
                })
                .await?;
        }
        Ok(points)
    }

    pub(super) async fn test_only(&self) -> Found {
        let mut points = 0;
        for fault in Fault::CRASHES {
            points += self
                .each_call(async |run, version, call| {
                    let test = VersionId::new(format!("{version}-test"));
                    let mut blown = 0;
                    for is_cut in [true, false] {
                        run.apply(Event::Pass(DAY)).await?;
                        run.apply(Event::RotateForTest(test.clone())).await?;
                        if is_cut {
                            run.fuse.arm([call], fault);
                        }
                        run.apply(Event::Step(Step::Test, test.clone(), Vec::new())).await?;
                        blown += if is_cut { run.fuse.blown() } else { 0 };
                        run.fuse.disarm();
                        run.apply(Event::End(test.clone())).await?;
                    }
                    run.apply(Event::Pass(DAY)).await?;
                    run.apply(Event::Rotate(version.clone())).await?;
                    run.to_the_end(version, 1).await?;
                    Ok(blown)
                })
                .await?;
        }
        Ok(points)
    }

    pub(super) async fn tried(&self) -> Found {
        let mut points = 0;
        for fault in [Fault::FailsBefore, Fault::LosesAnswer] {
            for round in 1..=ROUNDS {
                for call in 1.. {
                    let mut run = self.before(round).await?;
                    let mishap = Mishap { kind: Kind::Fault(fault), call, name: String::new() };
                    match run.apply(Event::Try(mishap)).await {
                        Ok(_) => points += 1,
                        Err(Stop::Impossible) => break,
                        Err(stop) => return Err((run.trace, stop)),
                    }
                }
            }
        }
        Ok(points)
    }
}
