//! Every promise in the trait's documentation, as checks that search for a counter-example.

use std::sync::Arc;

use super::event::{Event, Trace};
use super::judge::{Judge, changed};
use super::report::{Check, CounterExample, Report};
use super::run::{Run, Stop};
use super::shrink::{replay as replay_events, shrink};
use super::{Fuse, UnreadableEvent, Value, World};

mod limits;
mod search;

pub use limits::Limits;
use search::{ROUNDS, Search, version};

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
    check!("a fault at any call", search.one_fault());
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
