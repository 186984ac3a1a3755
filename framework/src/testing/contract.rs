//! Every promise in the trait's documentation, as checks that search for a counter-example.

use std::sync::Arc;

use super::event::{Event, Kind, Mishap, Trace};
use super::interleaving::explore;
use super::judge::{Judge, changed};
use super::report::{Check, CounterExample, Report};
use super::run::{DAY, LATER, Run, Stop};
use super::shrink::{replay as replay_events, shrink};
use super::{Fault, Fuse, UnreadableEvent, Value, World};
use crate::{Step, VersionId};

/// How many rotations there are before and with the one that is interfered with: the third is like all that follow.
const ROUNDS: usize = 3;

/// What is tried of what there is: all of it takes seconds in memory, and minutes on a real server.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Of the calls at which something can happen, one in so many is tried; other rotations begin at others.
    pub calls_one_in: usize,
    /// Of the calls at which a second thing can happen, one in so many is tried.
    pub pairs_one_in: usize,
}

impl Default for Limits {
    /// No limits.
    fn default() -> Self {
        Self { calls_one_in: 1, pairs_one_in: 1 }
    }
}

impl Limits {
    /// Of the calls at which something can happen, tries one in so many.
    #[must_use]
    pub fn calls_one_in(mut self, many: usize) -> Self {
        self.calls_one_in = many.max(1);
        self
    }

    /// Of the calls at which a second thing can happen, tries one in so many.
    #[must_use]
    pub fn pairs_one_in(mut self, many: usize) -> Self {
        self.pairs_one_in = many.max(1);
        self
    }

    /// The calls to try; others in each turn.
    fn calls(self, turn: usize) -> impl Iterator<Item = usize> {
        (1 + turn % self.calls_one_in..).step_by(self.calls_one_in)
    }

    fn second_calls(self, turn: usize) -> impl Iterator<Item = usize> {
        (1 + turn % self.pairs_one_in..).step_by(self.pairs_one_in)
    }
}

/// Tries every promise on worlds that `start` makes; each has a fuse, through which all calls to its target go.
pub async fn run<W: World>(start: impl AsyncFn(Arc<Fuse>) -> W) -> Report {
    run_within(start, Limits::default()).await
}

/// The same within limits.
pub async fn run_within<W: World>(start: impl AsyncFn(Arc<Fuse>) -> W, limits: Limits) -> Report {
    let mut checks = Vec::new();
    let judge = match Box::pin(reference(&start)).await {
        Ok(judge) => judge,
        Err(found) => {
            let judge = Judge::default();
            checks.push(judged(&start, &judge, "rotations one after the other", Err(found)).await);
            return Report { checks };
        }
    };
    let search = Search { start: &start, judge: &judge, limits };
    macro_rules! check {
        ($name:literal, $search:expr) => {
            // On the heap, since a test's stack is small.
            let found = Box::pin($search).await;
            checks.push(Box::pin(judged(&start, &judge, $name, found)).await);
        };
    }
    check!("rotations one after the other", search.calm());
    check!("every step comes twice", search.twice());
    check!("all begins again after any step", search.again());
    check!("a fault at any call", search.one_fault(false));
    check!("a fault at any call, while labels lag", search.one_fault(true));
    check!("faults at any two calls", search.two_faults());
    check!("two deliveries at once, in every order of calls", search.at_once());
    check!("a delivery stands still while others go on", search.stalled());
    check!("given up at any call: somebody writes the secret", search.written());
    check!("given up at any call: cancelled, and begun again", search.cancelled());
    check!("given up at any call: AWSPENDING is cleared", search.cleared());
    check!("testSecret alone, with a fault at any call", search.test_only());
    check!("a login of which a call goes wrong", search.tried());
    Report { checks }
}

/// Runs the events of a text again, one a line; a counter-example where they break a promise.
///
/// # Errors
///
/// The text has a line that is no event.
pub async fn replay<W: World>(
    start: impl AsyncFn(Arc<Fuse>) -> W,
    text: &str,
) -> Result<Option<CounterExample>, UnreadableEvent> {
    let trace: Trace = text.parse()?;
    let judge = reference(&start).await.unwrap_or_default();
    let found = replay_events(&start, &judge, &trace.0).await.err();
    Ok(found.map(|(events, stop)| CounterExample { trace: Trace(events), violation: broken(stop) }))
}

type Found = Result<usize, (Vec<Event>, Stop)>;

fn broken(stop: Stop) -> Option<super::judge::Violation> {
    match stop {
        Stop::Violated(violation) => Some(violation),
        Stop::Impossible => None,
    }
}

async fn judged<W: World>(
    start: &impl AsyncFn(Arc<Fuse>) -> W,
    judge: &Judge,
    name: &'static str,
    found: Found,
) -> Check {
    match found {
        Ok(points) => Check { name, points, counter_example: None },
        Err((events, Stop::Violated(violation))) => {
            let shortest = shrink(start, judge, events, violation).await;
            Check { name, points: 1, counter_example: Some(shortest) }
        }
        Err((events, Stop::Impossible)) => {
            let example = CounterExample { trace: Trace(events), violation: None };
            Check { name, points: 1, counter_example: Some(example) }
        }
    }
}

/// What calm rotations change, and leave.
async fn reference<W: World>(
    start: &impl AsyncFn(Arc<Fuse>) -> W,
) -> Result<Judge, (Vec<Event>, Stop)> {
    let mut run = Run::start(start, Judge::default()).await;
    let mut judge = Judge::default();
    for round in 1..=ROUNDS {
        if let Err(stop) = run.rotation(&version(round), 1).await {
            return Err((run.trace, stop));
        }
        let texts = run.secret(|secret| secret.versions.clone());
        let text = |value: &Option<Value>| match value {
            Some(Value::Text(text)) => Some(text.clone()),
            Some(Value::Binary | Value::Refused(_)) | None => None,
        };
        let (first, last) = (texts.first(), texts.last());
        let first = first.and_then(|(_, value)| text(value));
        let last = last.and_then(|(_, value)| text(value));
        judge.changed.extend(changed(first.as_deref(), last.as_deref()));
    }
    judge.credentials = Some(run.world.credentials().await);
    Ok(judge)
}

fn version(round: usize) -> VersionId {
    VersionId::new(format!("v{round}"))
}

/// One search after the other over worlds of one kind.
struct Search<'a, S> {
    start: &'a S,
    judge: &'a Judge,
    limits: Limits,
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
                    0 => break,
                    met => points += met,
                }
            }
        }
        Ok(points)
    }

    async fn calm(&self) -> Found {
        self.each_round(async |run, version| {
            run.apply(Event::Rotate(version.clone())).await?;
            run.to_the_end(version, 1).await?;
            Ok(1)
        })
        .await
    }

    async fn twice(&self) -> Found {
        self.each_round(async |run, version| {
            run.apply(Event::Rotate(version.clone())).await?;
            run.to_the_end(version, 2).await?;
            Ok(Step::ALL.len())
        })
        .await
    }

    async fn again(&self) -> Found {
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

    async fn one_fault(&self, lag: bool) -> Found {
        let mut points = 0;
        for fault in Fault::CRASHES.into_iter().chain([Fault::IsThrottled]) {
            points += self
                .each_call(async |run, version, call| {
                    if lag {
                        run.apply(Event::Lag).await?;
                    }
                    run.apply(Event::Rotate(version.clone())).await?;
                    run.fuse.arm([call], fault);
                    run.to_the_end(version, 1).await?;
                    Ok(run.fuse.blown())
                })
                .await?;
        }
        Ok(points)
    }

    async fn two_faults(&self) -> Found {
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
        for [one, other] in kinds {
            for round in 1..=ROUNDS {
                for first in self.limits.calls(round) {
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

    async fn at_once(&self) -> Found {
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

    async fn stalled(&self) -> Found {
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

    async fn written(&self) -> Found {
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

    async fn cancelled(&self) -> Found {
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

    async fn cleared(&self) -> Found {
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

    async fn test_only(&self) -> Found {
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

    async fn tried(&self) -> Found {
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
