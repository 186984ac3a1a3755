//! A token of a real service over HTTP, while programs use it that read the secret rarely.

mod consumers;
mod place;

use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::time::sleep;
use turnlock_local::{Event, EventKind};

use crate::checks::Checks;
use crate::screen::{Ink, Line, Screen};
use crate::{Problem, heading};
use consumers::Consumers;

pub(crate) use place::Place;

pub(crate) const TITLE: &str =
    "Turnlock rotates a token of JupyterHub; the one before works on until the next.";

/// Between two steps, for consumers to use what there is.
const PAUSE: Duration = Duration::from_millis(500);
/// How many rotations there are.
const ROTATIONS: usize = 2;
/// The tokens that there are in all, and columns of the table.
const TOKENS: usize = ROTATIONS + 1;

/// Whether all was as promised.
pub(crate) async fn show(place: &mut Place, screen: &mut Screen) -> Result<bool, Problem> {
    screen.print(&place.lines())?;
    let consumers = Consumers::new(place);
    let mut most = 0;
    let work = async {
        for number in 1..=ROTATIONS {
            heading(
                screen,
                &format!("Rotation {number}, with a pause of 500 ms between two steps:"),
            )?;
            most = most.max(rotation(place, &consumers, screen).await?);
            screen.print(&explanation(number))?;
        }
        consumers.end();
        Ok::<(), Problem>(())
    };
    tokio::try_join!(work, consumers.run())?;

    heading(screen, "At the end:")?;
    let (checks, failures) = check(place, &consumers, most);
    screen.print(&checks.lines())?;
    let failures = failures.iter().map(|failure| Line::new().add(Ink::Bad, format!("  {failure}")));
    screen.print(&failures.collect::<Vec<_>>())?;
    screen.print(&[Line::new(), conclusion(checks.all_kept()), Line::new()])?;
    Ok(checks.all_kept())
}

fn explanation(number: usize) -> Vec<Line> {
    let text: &[&str] = if number == 1 {
        &[
            "  createSecret had the hub mint t2. Nothing was taken from anybody: t1 works on,",
            "  for those who read the secret before.",
        ]
    } else {
        &[
            "  createSecret had the hub delete t1, which was replaced a rotation ago, and",
            "  mint t3. Whoever read the secret since then has t2 or t3.",
        ]
    };
    [""].iter().chain(text).map(|&line| line.into()).collect()
}

/// Rotates once, and prints what the hub has after each step; the most tokens that it had.
async fn rotation(
    place: &Place,
    consumers: &Consumers<'_>,
    screen: &mut Screen,
) -> Result<usize, Problem> {
    consumers.read_again();
    let mut events = place.scene.local.subscribe();
    let names: String = (1..=TOKENS).map(|number| format!("{:<6}", format!("t{number}"))).collect();
    let title = format!("  after            time  {names}AWSCURRENT  read it now  read it once");
    screen.print(&[Line::new().add(Ink::Faint, title)])?;
    sleep(PAUSE).await;
    consumers.go_on().await;
    screen.print(&[row(place, consumers, "", None)])?;
    let mut most = place.tokens().len();
    place.scene.local.rotate(&place.scene.secret)?;
    loop {
        let Event { kind, .. } = events.recv().await?;
        match kind {
            EventKind::StepFinished { step, duration, error_type, error_message, .. } => {
                if let Some(class) = error_type {
                    let message = error_message.unwrap_or_default();
                    return Err(format!("{step} failed: {class}: {message}").into());
                }
                most = most.max(place.tokens().len());
                // The step is over; those who are under way had their token before.
                let began = Instant::now();
                consumers.go_on().await;
                sleep(PAUSE.saturating_sub(began.elapsed()) / 2).await;
                screen.print(&[row(place, consumers, &step, Some(duration))])?;
            }
            EventKind::RotationSucceeded => return Ok(most),
            EventKind::RotationFailed { error_message } => return Err(error_message.into()),
            EventKind::RotationStarted
            | EventKind::RotationAbandoned
            | EventKind::RotationCancelled
            | EventKind::TestRotationStarted
            | EventKind::TestRotationSucceeded
            | EventKind::TestRotationFailed { .. }
            | EventKind::StepStarted { .. }
            | EventKind::LabelsMoved { .. } => {}
        }
    }
}

/// What there is after a step, and how consumers fared since the row before.
fn row(place: &Place, consumers: &Consumers<'_>, step: &str, took: Option<Duration>) -> Line {
    let took = took.map_or_else(String::new, |took| format!("{} ms", took.as_millis()));
    let mut line = Line::new().add(Ink::Plain, format!("  {step:<13} {took:>7}  "));
    let (known, there) = (place.known(), place.tokens());
    for index in 0..TOKENS {
        let (ink, text) = match known.get(index) {
            Some(token) if there.contains(&token.id) => (Ink::Good, "works"),
            Some(_) => (Ink::Bad, "dead"),
            None => (Ink::Faint, "·"),
        };
        line = line.add(ink, format!("{text:<6}"));
    }
    let current = place.current();
    let number = known.iter().position(|token| token.value == current).map_or(0, |at| at + 1);
    line = line.add(Ink::Plain, format!("t{number:<9}"));
    for tally in [&consumers.current, &consumers.kept] {
        let (times, refused) = tally.since_last();
        let ink = if refused == 0 { Ink::Good } else { Ink::Bad };
        line = line.add(ink, format!("  {:>11}", format!("{times}, {refused} ref.")));
    }
    line
}

/// What was promised, and what went wrong with consumers.
fn check(place: &Place, consumers: &Consumers<'_>, most: usize) -> (Checks, Vec<String>) {
    let (mut checks, mut failures) = (Checks::default(), Vec::new());
    for (tally, who) in [
        (&consumers.current, "programs that read AWSCURRENT each time"),
        (&consumers.kept, "programs that read it once a rotation"),
    ] {
        let (all, failed) = tally.total();
        let text = format!("{all} calls by {who}, {} refused", failed.len());
        checks.add(all > 0 && failed.is_empty(), text);
        failures.extend(failed);
    }
    checks.add(most == 2, format!("the user had {most} tokens at the most"));
    let known = place.known();
    let accepted: Vec<bool> = known.iter().map(|token| place.hub.accepts(&token.value)).collect();
    let right = accepted == [false, true, true] && place.tokens().len() == 2;
    checks.add(right, "the hub refuses t1 and accepts t2 and t3, and has no other token");
    let who = place.hub.who_is(&place.current());
    checks.add(
        Value::from(known.last().map(|token| token.id.as_str())) == who["token_id"],
        "the secret's key_id is what the hub calls t3",
    );
    let bytes = place.untouched();
    let text = "besides key and key_id, all bytes of the secret are as they were";
    checks.add(bytes, text);
    let (log, output) = (place.hub.log(), place.output());
    let seen = |text: &str| known.iter().any(|token| text.contains(&token.value));
    let text = "neither the hub's log nor the function's has t1, t2 or t3";
    checks.add(!seen(&log) && !seen(&output), text);
    (checks, failures)
}

fn conclusion(kept: bool) -> Line {
    if !kept {
        return Line::new().add(Ink::Bad, "Not all was as promised.");
    }
    let text = "; no consumer was refused, not with the token of before either.";
    Line::new().add(Ink::Good, "All as promised").add(Ink::Bold, text)
}
