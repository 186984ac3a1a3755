//! From a long course of events to one of which nothing can be left out.

use std::sync::Arc;

use super::event::{Event, Trace};
use super::judge::{Judge, Violation};
use super::report::CounterExample;
use super::run::{Run, Stop};
use super::{Fuse, World};

/// Replays events, until a promise is broken or the service would do no such thing; the events until then.
pub(super) async fn replay<W: World>(
    start: &impl AsyncFn(Arc<Fuse>) -> W,
    judge: &Judge,
    events: &[Event],
) -> Result<(), (Vec<Event>, Stop)> {
    let mut run = Run::start(start, judge.clone()).await;
    for (at, event) in events.iter().enumerate() {
        if let Err(stop) = run.apply(event.clone()).await {
            return Err((events.iter().take(at + 1).cloned().collect(), stop));
        }
    }
    Ok(())
}

/// Leaves out one event or mishap after the other, as long as the same promise is broken.
pub(super) async fn shrink<W: World>(
    start: &impl AsyncFn(Arc<Fuse>) -> W,
    judge: &Judge,
    events: Vec<Event>,
    violation: Violation,
) -> CounterExample {
    let mut found = (events, violation);
    while let Some(shorter) = shorter(start, judge, &found).await {
        found = shorter;
    }
    let (events, violation) = found;
    CounterExample { trace: Trace(events), violation: Some(violation) }
}

async fn shorter<W: World>(
    start: &impl AsyncFn(Arc<Fuse>) -> W,
    judge: &Judge,
    (events, violation): &(Vec<Event>, Violation),
) -> Option<(Vec<Event>, Violation)> {
    for candidate in candidates(events) {
        let replayed = replay(start, judge, &candidate).await;
        if let Err((events, Stop::Violated(found))) = replayed
            && found.promise == violation.promise
        {
            return Some((events, found));
        }
    }
    None
}

/// The same without one rotation, without one event, or without one mishap; the shortest first.
fn candidates(events: &[Event]) -> Vec<Vec<Event>> {
    let mut all = Vec::new();
    let begins = |event: &Event| matches!(event, Event::Rotate(_) | Event::RotateForTest(_));
    let starts: Vec<usize> =
        events.iter().enumerate().filter(|(_, event)| begins(event)).map(|(at, _)| at).collect();
    for bounds in starts.windows(2) {
        if let [from, to] = bounds {
            all.push(without(events, *from, *to));
        }
    }
    for at in 0..events.len() {
        all.push(without(events, at, at + 1));
        if let Some(Event::Step(step, version, mishaps)) = events.get(at) {
            for mishap in 0..mishaps.len() {
                let mut fewer = mishaps.clone();
                fewer.remove(mishap);
                let mut candidate = events.to_vec();
                candidate[at] = Event::Step(*step, version.clone(), fewer);
                all.push(candidate);
            }
        }
    }
    all
}

fn without(events: &[Event], from: usize, to: usize) -> Vec<Event> {
    let (before, after) = (events.iter().take(from), events.iter().skip(to));
    before.chain(after).cloned().collect()
}
