//! Two users of MySQL or MariaDB that take turns, while somebody grants and revokes.

mod comparison;
mod zoo;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::mysql::MySqlConnection;
use tokio::time::{Instant, sleep};
use turnlock_tests::servers::Logins;
use turnlock_tests::world::mysql::{ADMIN, USER, World};

use crate::checks::Checks;
use crate::hammer::hammer;
use crate::screen::{Ink, Line, Screen};
use crate::shooting::LATENCY;
use crate::stage::Stage;
use crate::tally::Tally;
use crate::{Problem, heading};
use comparison::Comparison;

pub(crate) use zoo::statements;

/// The other of the two.
const CLONE: &str = "app_clone";
/// How long consumers go on before the first rotation and after each.
const BETWEEN: Duration = Duration::from_millis(500);
/// Times that consumers work after a rotation, before the next one begins.
const AT_LEAST: usize = 6;

pub(crate) fn title(product: &str) -> String {
    format!("Turnlock rotates between two users of {product} while somebody grants and revokes.")
}

/// Whether all was as promised.
pub(crate) async fn show(stage: &mut Stage<World>, screen: &mut Screen) -> Result<bool, Problem> {
    screen.print(&stage.lines("three at once; each reads AWSCURRENT, logs in, writes, reads"))?;
    stage.world.local.set_knobs(|knobs| knobs.latency = LATENCY);
    heading(screen, "What app has been granted is no easy reading:")?;
    let granted = comparison::grants(&stage.world.server, USER).await;
    screen.print(&comparison::wrapped(&granted, 74))?;

    heading(screen, "Five rotations, and a change by hand before all but the first:")?;
    let (tally, mut checks) = (Tally::default(), Checks::default());
    rotations(stage, screen, &tally, &mut checks).await?;
    let (all, failures) = tally.total();
    checks.add(
        all > 0 && failures.is_empty(),
        format!("{all} times a consumer logged in anew and worked, {} failed", failures.len()),
    );

    heading(screen, "SHOW GRANTS and SHOW CREATE USER, of both:")?;
    let comparison = Comparison::make(&stage.world.server).await;
    screen.print(&comparison.lines())?;
    let passwords = stage.passwords();
    let (written, output) = (stage.world.server.written().await, stage.output());
    let seen = |text: &str| passwords.iter().skip(1).any(|password| text.contains(&password.value));
    checks.add(
        !seen(&written) && !seen(&output),
        "no new password stands in the server's logs: statements, slow ones, changes",
    );

    heading(screen, "At the end:")?;
    screen.print(&checks.lines())?;
    let failures = failures.iter().map(|failure| Line::new().add(Ink::Bad, format!("  {failure}")));
    screen.print(&failures.collect::<Vec<_>>())?;
    let conclusion = if checks.all_kept() {
        let text = "; whoever is current, nothing was missing and nothing came back.";
        Line::new().add(Ink::Good, "All as promised").add(Ink::Bold, text)
    } else {
        Line::new().add(Ink::Bad, "Not all was as promised.")
    };
    screen.print(&[Line::new(), conclusion, Line::new()])?;
    Ok(checks.all_kept())
}

/// Rotates while consumers work, and prints a row for each rotation.
async fn rotations(
    stage: &Stage<World>,
    screen: &mut Screen,
    tally: &Tally,
    checks: &mut Checks,
) -> Result<(), Problem> {
    let over = AtomicBool::new(false);
    let rotating = async {
        let title =
            "  rotation     time  AWSCURRENT       consumers  function's logins  SHOW GRANTS";
        screen.print(&[Line::new().add(Ink::Faint, title)])?;
        pause(tally).await;
        screen.print(&[row(tally, "before", "–", USER, ["–", "–"])])?;
        let (mut are_equal, mut are_calm, mut stays_revoked) = (true, true, true);
        for number in 1..=zoo::CHANGES.len() + 1 {
            if let Some(change) = number.checked_sub(2).and_then(|index| zoo::CHANGES.get(index)) {
                let statement = change.by_hand(&stage.consumer("AWSCURRENT").0);
                stage.world.server.sql(&statement).await;
                let line = format!("{:<21}{statement}", "");
                screen.print(&[Line::new().add(Ink::Bold, line)])?;
            }
            let (mark, began) = (stage.world.mark(), Instant::now());
            stage.world.rotate().await.map_err(|error| error.message)?;
            let took = format!("{} ms", began.elapsed().as_millis());
            let logins = stage.world.server.logins_of(mark, &[USER, CLONE, ADMIN]).await;
            let comparison = Comparison::make(&stage.world.server).await;
            pause(tally).await;
            let user = stage.consumer("AWSCURRENT").0;
            let counted = format!("{}, {} refused", logins.accepted, logins.failed);
            screen.print(&[row(
                tally,
                &number.to_string(),
                &took,
                &user,
                [&counted, comparison.verdict()],
            )])?;
            are_equal &= comparison.is_equal();
            are_calm &= logins == Logins { accepted: 4, failed: 0, plaintext: 0 };
            let made = zoo::CHANGES.iter().take(number - 1);
            stays_revoked &= made.clone().all(|change| comparison.agrees(change));
        }
        over.store(true, Ordering::Relaxed);
        checks.add(are_equal, "after each rotation, each has what the other has, and no more");
        checks
            .add(stays_revoked, "what was granted by hand is still there; what was revoked is not");
        checks.add(are_calm, "a rotation takes 4 logins over TLS, 0 refused");
        Ok::<(), Problem>(())
    };
    let working = || {
        hammer(stage, tally, &over, async |session: &mut MySqlConnection| zoo::work(session).await)
    };
    tokio::try_join!(rotating, working(), working(), working()).map(drop)
}

async fn pause(tally: &Tally) {
    sleep(BETWEEN).await;
    let before = tally.total().0;
    while tally.total().0 < before + AT_LEAST {
        sleep(Duration::from_millis(10)).await;
    }
}

fn row(tally: &Tally, number: &str, took: &str, user: &str, rest: [&str; 2]) -> Line {
    let (times, refused) = tally.since_last();
    let ink = if refused == 0 { Ink::Good } else { Ink::Bad };
    let [logins, grants] = rest;
    Line::new()
        .add(Ink::Plain, format!("  {number:<8} {took:>8}  "))
        .add(Ink::Bold, format!("{user:<10}  "))
        .add(ink, format!("{:>14}", format!("{times}, {refused} failed")))
        .add(Ink::Plain, format!("  {logins:<17}  {grants}"))
}
