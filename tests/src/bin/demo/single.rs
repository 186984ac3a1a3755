//! One user by itself, twice: once slowed down, once at full speed.

use std::time::Duration;

use turnlock_tests::world::{USER, World};

use crate::checks::Checks;
use crate::film::Film;
use crate::screen::{Ink, Line, Screen};
use crate::shooting::{Pace, SLOWED, rotation};
use crate::stage::Stage;
use crate::{Problem, heading};

pub(crate) const TITLE: &str = "Turnlock rotates a database password, twice, while it is in use.";

const FULL_SPEED: Pace = Pace {
    lead: Duration::from_millis(60),
    pause: Duration::ZERO,
    tick: Duration::from_millis(10),
    column: Duration::from_millis(1),
};

/// Whether all was as promised.
pub(crate) async fn show(stage: &mut Stage<World>, screen: &mut Screen) -> Result<bool, Problem> {
    screen.print(&stage.lines("reads AWSCURRENT and logs in with it over TLS, again and again"))?;
    let first = stage.passwords().into_iter().next().ok_or("the secret has no password")?;
    let session = stage.consumers.consumer(USER, &first.value).log_in().await?;
    let session = session.ok_or("the database refuses the first password")?;

    heading(screen, "Rotation 1, slowed down by a pause of 700 ms between two steps:")?;
    let (film, slow) = rotation(stage, &SLOWED, screen).await?;
    screen.print(&explanation(&film))?;
    heading(screen, "Rotation 2, at full speed:")?;
    let (film, fast) = rotation(stage, &FULL_SPEED, screen).await?;

    heading(screen, "At the end:")?;
    let checks = Checks::make(stage, session, &[slow, fast]).await?;
    screen.print(&checks.lines())?;
    screen.print(&[Line::new(), conclusion(&film, checks.all_kept()), Line::new()])?;
    Ok(checks.all_kept())
}

/// What the picture of the slowed rotation shows.
fn explanation(film: &Film) -> Vec<Line> {
    let Some(gap) = film.gap() else { return Vec::new() };
    let (length, pauses) = (gap.length().as_millis(), 2 * SLOWED.pause.as_millis());
    vec![
        Line::new(),
        "  setSecret replaced p1 at the database, finishSecret moved AWSCURRENT to p2. Whoever"
            .into(),
        "  read AWSCURRENT in between got a password that was dead already:".into(),
        format!("  for {length} ms here, {pauses} ms of them the two pauses.").into(),
    ]
}

fn conclusion(film: &Film, kept: bool) -> Line {
    if !kept {
        return Line::new().add(Ink::Bad, "Not all was as promised.");
    }
    let gap = film.gap().map_or_else(
        || "no consumer was refused".to_owned(),
        |gap| format!("AWSCURRENT was a dead password for {} ms", gap.length().as_millis()),
    );
    Line::new().add(Ink::Good, "All as promised").add(Ink::Bold, format!("; at full speed {gap}."))
}
