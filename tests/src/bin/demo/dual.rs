//! One user whose password of before lives until the next rotation, while programs hammer with both.

mod hammer;

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use turnlock_local::{EventKind, Fault, Operation};
use turnlock_tests::servers::Logins;
use turnlock_tests::world::USER;
use turnlock_tests::world::mysql::World;

use crate::checks::Checks;
use crate::costs::Cost;
use crate::film::Film;
use crate::screen::{Ink, Line, Screen};
use crate::shooting::{SLOWED, rotation};
use crate::stage::{Place as _, Stage};
use crate::{Problem, heading};
use hammer::Hammer;

/// Rotations under the hammer, by their numbers: the first was before.
const ROTATIONS: RangeInclusive<usize> = 2..=7;
/// The one whose function is killed.
const INTERRUPTED: usize = 4;
/// How long consumers go on before the first of them and after each.
const BETWEEN: Duration = Duration::from_millis(500);
/// Between the attempt that is interrupted and the next.
const SPACING: Duration = Duration::from_millis(500);

pub(crate) fn title(product: &str) -> String {
    format!("Turnlock rotates a password of {product}; the one before works on until the next.")
}

/// The secret's strategy.
pub(crate) fn edit(secret: &mut Value) {
    secret["rotation"] = json!({"strategy": "dual-password"});
}

/// Whether all was as promised.
pub(crate) async fn show(stage: &mut Stage<World>, screen: &mut Screen) -> Result<bool, Problem> {
    screen.print(&stage.lines("reads AWSCURRENT and logs in with it over TLS, again and again"))?;
    let mut checks = Checks::default();

    heading(screen, "Rotation 1, slowed down by a pause of 700 ms between two steps:")?;
    let (film, cost) = rotation(stage, &SLOWED, screen).await?;
    screen.print(&EXPLANATION.map(Line::from))?;
    check_film(&mut checks, &film, cost);

    heading(screen, "Rotations 2 to 7, under load:")?;
    screen.print(&LOAD.map(Line::from))?;
    let hammer = Hammer::new(stage);
    let logins = tokio::try_join!(rotations(stage, screen, &hammer), hammer.run())?.0;
    let failures = check_hammer(&mut checks, &hammer, &logins);
    check_passwords(&mut checks, stage).await?;

    heading(screen, "At the end:")?;
    screen.print(&checks.lines())?;
    let failures = failures.iter().map(|failure| Line::new().add(Ink::Bad, format!("  {failure}")));
    screen.print(&failures.collect::<Vec<_>>())?;
    screen.print(&[Line::new(), conclusion(checks.all_kept()), Line::new()])?;
    Ok(checks.all_kept())
}

const EXPLANATION: [&str; 4] = [
    "",
    "  setSecret gave the user p2 and left it p1 as its second password: whoever read",
    "  AWSCURRENT, before finishSecret moved it or after, has a password that works.",
    "  p1 ends in the next rotation.",
];

const LOAD: [&str; 6] = [
    "  Two programs read AWSCURRENT each time they log in. Two others keep the one",
    "  before: the password that was current when the last rotation began. In",
    "  rotation 4 the function is killed when it is about to move AWSCURRENT, and all",
    "  is tried again: setSecret has set p5 already, and must not push out p4, which",
    "  consumers have.",
    "",
];

/// Rotates while consumers work, and prints a row for each rotation; the function's logins in each.
async fn rotations(
    stage: &Stage<World>,
    screen: &mut Screen,
    hammer: &Hammer<'_>,
) -> Result<Vec<Logins>, Problem> {
    let title = "  rotation     time  with AWSCURRENT  with the one before  the function's logins";
    screen.print(&[Line::new().add(Ink::Faint, title)])?;
    pause(hammer).await;
    screen.print(&[row(hammer, "before", "–", "–")])?;
    let mut all = Vec::new();
    for number in ROTATIONS {
        hammer.read_again().await;
        let (mark, began) = (stage.world.mark(), Instant::now());
        let interrupted = number == INTERRUPTED;
        if interrupted {
            rotate_twice(stage).await?
        } else {
            rotate(stage).await?
        }
        let took = format!("{} ms", began.elapsed().as_millis());
        let logins = stage.world.logins_since(mark).await;
        pause(hammer).await;
        let (accepted, failed) = (logins.accepted, logins.failed);
        let killed = if interrupted { " killed" } else { "" };
        let accepted_and_failed = format!("{accepted}, {failed} refused");
        screen.print(&[row(hammer, &format!("{number}{killed}"), &took, &accepted_and_failed)])?;
        all.push(logins);
    }
    hammer.end();
    Ok(all)
}

async fn rotate(stage: &Stage<World>) -> Result<(), Problem> {
    stage.world.rotate().await.map_err(|error| error.message.into())
}

/// A rotation whose function is killed as it begins to move the label, and the retry.
async fn rotate_twice(stage: &Stage<World>) -> Result<(), Problem> {
    let local = &stage.world.local;
    local.set_knobs(|knobs| (knobs.attempts, knobs.attempt_spacing) = (2, SPACING));
    local.fail_next(Operation::UpdateSecretVersionStage, 1, Fault::CrashBefore);
    let seen = local.events().len();
    rotate(stage).await?;
    local.set_knobs(|knobs| knobs.attempts = 1);
    let is_set = |kind: &EventKind| matches!(kind, EventKind::StepStarted { step, .. } if step == "setSecret");
    let sets = local.events().iter().skip(seen).filter(|event| is_set(&event.kind)).count();
    if sets == 2 { Ok(()) } else { Err(format!("setSecret ran {sets} times, not twice").into()) }
}

async fn pause(hammer: &Hammer<'_>) {
    sleep(BETWEEN).await;
    hammer.go_on().await;
}

fn row(hammer: &Hammer<'_>, number: &str, took: &str, logins: &str) -> Line {
    let line = Line::new().add(Ink::Plain, format!("  {number:<8} {took:>8}"));
    let line =
        [(&hammer.current, 15), (&hammer.before, 19)].iter().fold(line, |line, (tally, width)| {
            let (times, refused) = tally.since_last();
            let ink = if refused == 0 { Ink::Good } else { Ink::Bad };
            let width = width - " refused".len();
            line.add(Ink::Plain, "  ")
                .add(ink, format!("{:>width$} refused", format!("{times}, {refused}")))
        });
    line.add(Ink::Plain, format!("  {logins}"))
}

fn check_film(checks: &mut Checks, film: &Film, cost: Cost) {
    let let_in = film.logins_with(0).all(|login| login.accepted) && film.gap().is_none();
    checks.add(let_in, "in rotation 1, nobody was refused who had p1 or read AWSCURRENT");
    checks.add(
        cost.calls <= 13,
        "a rotation by an admin takes 13 calls to Secrets Manager at the most",
    );
}

/// Returns what went wrong, to be shown.
fn check_hammer(checks: &mut Checks, hammer: &Hammer<'_>, logins: &[Logins]) -> Vec<String> {
    let mut failures = Vec::new();
    for (tally, with) in
        [(&hammer.current, "AWSCURRENT"), (&hammer.before, "the password of before")]
    {
        let (all, failed) = tally.total();
        let text = format!("{all} logins with {with}, {} refused", failed.len());
        checks.add(all > 0 && failed.is_empty(), text);
        failures.extend(failed);
    }
    let calm = |(logins, number): (&Logins, usize)| {
        let accepted = if number == INTERRUPTED { 4 } else { 2 };
        *logins == Logins { accepted, failed: 0, plaintext: 0 }
    };
    checks.add(
        logins.len() == ROTATIONS.count() && logins.iter().zip(ROTATIONS).all(calm),
        "a rotation takes 2 logins over TLS, 0 refused; the one tried again, 4",
    );
    failures
}

async fn check_passwords(checks: &mut Checks, stage: &Stage<World>) -> Result<(), Problem> {
    let passwords = stage.passwords();
    let (count, mut let_in) = (passwords.len(), Vec::new());
    for (password, number) in passwords.iter().zip(1..) {
        if stage.consumers.consumer(USER, &password.value).log_in().await?.is_some() {
            let_in.push(number);
        }
    }
    checks.add(
        count == ROTATIONS.end() + 1 && let_in == [count - 1, count],
        format!("of p1 to p{count} the server lets in the last two, and no other"),
    );
    let (written, output) = (stage.world.server.written().await, stage.output());
    let seen = |text: &str| passwords.iter().skip(1).any(|password| text.contains(&password.value));
    checks.add(
        !seen(&written) && !seen(&output),
        "p2 to p8 stand in none of the server's logs: statements, slow ones, changes",
    );
    Ok(())
}

fn conclusion(kept: bool) -> Line {
    if !kept {
        return Line::new().add(Ink::Bad, "Not all was as promised.");
    }
    let text = "; no consumer was refused, with either password.";
    Line::new().add(Ink::Good, "All as promised").add(Ink::Bold, text)
}
