//! Two deliveries at once: their calls in every order that can make a difference.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::event::{Event, Mishap};
use super::fuse::Sort;
use super::judge::Judge;
use super::run::{End, LATER, Run, Stop, deliver};
use super::{Fuse, World};
use crate::{Step, VersionId};

/// Who comes next, of the deliveries that wait to make a call of that sort; nobody, where it is of no use to go on.
pub(super) type Choose<'a> = dyn FnMut(&[Option<Sort>; 2]) -> Option<usize> + Send + 'a;

/// A delivery, or several one after the other; it ends with its first that fails.
type Delivery<'a> = Pin<Box<dyn Future<Output = End> + Send + 'a>>;

/// Two deliveries under way.
struct Both<'a> {
    fuse: &'a Fuse,
    deliveries: [Delivery<'a>; 2],
    /// The numbers under which their calls are counted.
    numbers: [usize; 2],
    ended: [Option<End>; 2],
}

impl Both<'_> {
    /// Waits until each of the two waits to make a call, or has ended.
    async fn settle(&mut self) {
        poll_fn(|context| self.poll(context)).await;
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        for (delivery, ended) in self.deliveries.iter_mut().zip(&mut self.ended) {
            if ended.is_none()
                && let Poll::Ready(end) = delivery.as_mut().poll(context)
            {
                *ended = Some(end);
            }
        }
        let waiting = self.waiting();
        let mut each = self.ended.iter().zip(&waiting);
        let settled = each.all(|(ended, waiting)| ended.is_some() || waiting.is_some());
        if settled && self.fuse.is_quiet() { Poll::Ready(()) } else { Poll::Pending }
    }

    fn waiting(&self) -> [Option<Sort>; 2] {
        self.numbers.map(|number| self.fuse.waiting(number))
    }
}

impl<W: World> Run<W> {
    /// Has both deliver, and calls made one by one in the order that is chosen; whether it came to the end.
    pub(super) async fn at_once(
        &mut self,
        pair: &[(Step, VersionId); 2],
        choose: &mut Choose<'_>,
    ) -> Result<bool, Stop> {
        if pair.iter().any(|(step, version)| !self.is_possible(*step, version)) {
            return Err(Stop::Impossible);
        }
        let numbers = self.numbers();
        let (world, vault, fuse) = (&self.world, &self.vault, &*self.fuse);
        let [(one, its), (other, others)] = pair;
        let deliveries: [Delivery<'_>; 2] = [
            Box::pin(deliver(world, vault, fuse, (*one, its), numbers[0])),
            Box::pin(deliver(world, vault, fuse, (*other, others), numbers[1])),
        ];
        let both = Both { fuse, deliveries, numbers, ended: [None, None] };
        let mut order = Vec::new();
        let driven = self.drive(both, choose, &mut order).await;
        self.trace.push(Event::AtOnce(pair.clone(), order));
        let Some(ended) = driven? else { return Ok(false) };
        for ((step, version), ended) in pair.iter().zip(ended) {
            self.heard(*step, version, &ended, false)?;
        }
        Ok(true)
    }

    /// Lets a delivery go on until that call, then the whole rotation, then the rest of it; whether it has that call.
    pub(super) async fn stall(
        &mut self,
        step: Step,
        version: &VersionId,
        mishap: &Mishap,
    ) -> Result<bool, Stop> {
        let numbers = self.numbers();
        let (world, vault, fuse) = (&self.world, &self.vault, &*self.fuse);
        let rotation = async {
            let mut last = End::Died;
            for step in Step::ALL {
                last = deliver(world, vault, fuse, (step, version), numbers[1]).await;
                if !matches!(last, End::Done) {
                    break;
                }
            }
            last
        };
        let deliveries: [Delivery<'_>; 2] = [
            Box::pin(deliver(world, vault, fuse, (step, version), numbers[0])),
            Box::pin(rotation),
        ];
        let both = Both { fuse, deliveries, numbers, ended: [None, None] };
        let (mut made, mut stalled) = (1, false);
        let mut choose = |waiting: &[Option<Sort>; 2]| match waiting {
            [Some(_), _] if made < mishap.call => {
                made += 1;
                Some(0)
            }
            [first, Some(_)] => {
                stalled |= first.is_some();
                Some(1)
            }
            [first, None] => first.map(|_| 0),
        };
        let driven = self.drive(both, &mut choose, &mut Vec::new()).await?;
        let Some([one, other]) = driven else { return Ok(stalled) };
        self.heard(step, version, &one, false)?;
        if matches!(other, End::Done) {
            Step::ALL.into_iter().for_each(|step| self.has_done(step, version));
        }
        self.heard(Step::Create, version, &other, false)?;
        Ok(stalled)
    }

    fn numbers(&mut self) -> [usize; 2] {
        self.deliveries += 2;
        [self.deliveries - 1, self.deliveries]
    }

    /// Lets calls through one by one, and looks at each moment; how both ended, unless nobody was chosen.
    async fn drive(
        &self,
        mut both: Both<'_>,
        choose: &mut Choose<'_>,
        order: &mut Vec<usize>,
    ) -> Result<Option<[End; 2]>, Stop> {
        self.fuse.hold(true);
        let driven = self.let_through(&mut both, choose, order).await;
        // Who still waits is gone before calls are made freely again.
        let Both { ended, deliveries, .. } = both;
        drop(deliveries);
        self.fuse.hold(false);
        let [one, other] = ended;
        Ok(if driven? { one.zip(other).map(|(one, other)| [one, other]) } else { None })
    }

    async fn let_through(
        &self,
        both: &mut Both<'_>,
        choose: &mut Choose<'_>,
        order: &mut Vec<usize>,
    ) -> Result<bool, Stop> {
        loop {
            both.settle().await;
            self.look().await?;
            if both.ended.iter().all(Option::is_some) {
                return Ok(true);
            }
            let Some(next) = choose(&both.waiting()) else { return Ok(false) };
            order.push(next + 1);
            if let Some(number) = both.numbers.get(next) {
                self.fuse.let_through(*number);
            }
        }
    }
}

/// One choice on the way to an order of calls.
struct Choice {
    waiting: [Option<Sort>; 2],
    chosen: usize,
    tried: [bool; 2],
    /// Whose call need not come next: the same orders follow where it came before.
    asleep: [bool; 2],
}

impl Choice {
    fn new(waiting: [Option<Sort>; 2], asleep: [bool; 2]) -> Option<Self> {
        let mut choice = Self { waiting, chosen: 0, tried: [false; 2], asleep };
        choice.turn().then_some(choice)
    }

    /// Chooses the next one that makes a difference; whether there is one.
    fn turn(&mut self) -> bool {
        let Self { waiting, tried, asleep, .. } = self;
        let mut each = waiting.iter().zip(tried.iter()).zip(asleep.iter());
        let next =
            each.position(|((waiting, tried), asleep)| waiting.is_some() && !tried && !asleep);
        let Some(next) = next else { return false };
        self.chosen = next;
        self.tried[next] = true;
        true
    }

    /// Who is asleep after this choice: whoever was tried before, if its call is independent of the one that was made.
    fn asleep_after(&self) -> [bool; 2] {
        let made = self.waiting[self.chosen];
        [0, 1].map(|who| {
            let known = who != self.chosen && (self.asleep[who] || self.tried[who]);
            let independent = match (self.waiting[who], made) {
                (Some(one), Some(made)) => one.is_independent_of(made),
                _ => false,
            };
            known && independent
        })
    }
}

/// Tries all orders of the calls of two deliveries that can make a difference, after `before`; how many there are.
///
/// After each, the rotation is delivered again to its end, and another one comes after it. Orders that differ only in
/// calls that do not see each other are one (a search with sleep sets).
pub(super) async fn explore<W: World>(
    start: &impl AsyncFn(Arc<Fuse>) -> W,
    judge: &Judge,
    before: &[Event],
    pair: &[(Step, VersionId); 2],
    next: &VersionId,
) -> Result<usize, (Vec<Event>, Stop)> {
    let (mut choices, mut orders) = (Vec::<Choice>::new(), 0);
    loop {
        let mut run = Run::start(start, judge.clone()).await;
        let mut depth = 0;
        let mut choose = |waiting: &[Option<Sort>; 2]| {
            if depth == choices.len() {
                let asleep = choices.last().map_or([false; 2], Choice::asleep_after);
                choices.push(Choice::new(*waiting, asleep)?);
            }
            depth += 1;
            choices.get(depth - 1).map(|choice| choice.chosen)
        };
        match one_order(&mut run, before, pair, next, &mut choose).await {
            Ok(complete) => orders += usize::from(complete),
            Err(stop) => return Err((run.trace, stop)),
        }
        while choices.last_mut().is_some_and(|choice| !choice.turn()) {
            choices.pop();
        }
        if choices.is_empty() {
            return Ok(orders);
        }
    }
}

async fn one_order<W: World>(
    run: &mut Run<W>,
    before: &[Event],
    pair: &[(Step, VersionId); 2],
    next: &VersionId,
    choose: &mut Choose<'_>,
) -> Result<bool, Stop> {
    for event in before {
        run.apply(event.clone()).await?;
    }
    if !run.at_once(pair, choose).await? {
        return Ok(false);
    }
    run.apply(Event::Pass(LATER)).await?;
    let [(_, version), _] = pair;
    run.to_the_end(version, 1).await?;
    run.rotation(next, 1).await?;
    run.apply(Event::Count).await?;
    Ok(true)
}
