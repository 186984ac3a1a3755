//! Two users that take turns, while programs hammer on them; then an account that is nobody's second user.

mod powers;
mod stranger;
mod work;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::postgres::PgConnection;
use tokio::time::{Instant, sleep};
use turnlock_tests::pair::CLONE;
use turnlock_tests::world::{USER, World};

use crate::checks::Checks;
use crate::hammer::hammer;
use crate::screen::{Ink, Line, Screen};
use crate::shooting::LATENCY;
use crate::stage::Stage;
use crate::tally::Tally;
use crate::{Problem, heading};
use powers::Powers;
use work::work;

pub(crate) const TITLE: &str =
    "Turnlock rotates between two database users, five times, while programs hammer on them.";

/// What the user has: objects, privileges, an attribute, settings, a limit.
pub(crate) const STATEMENTS: &str = "\
    ALTER ROLE app CREATEDB CONNECTION LIMIT 60; ALTER ROLE app SET search_path = shop, public; \
    CREATE SCHEMA shop AUTHORIZATION app; \
    SET ROLE app; CREATE TABLE shop.orders (id bigint GENERATED ALWAYS AS IDENTITY, worker int); RESET ROLE; \
    CREATE TABLE public.prices (id int); GRANT SELECT ON public.prices TO app; \
    CREATE TABLE public.salaries (id int); \
    CREATE TABLE public.tickets (holder name); INSERT INTO public.tickets VALUES ('app'), ('boss'); \
    ALTER TABLE public.tickets ENABLE ROW LEVEL SECURITY; GRANT SELECT ON public.tickets TO app; \
    CREATE POLICY own ON public.tickets USING (holder = current_user)";

const ROTATIONS: usize = 5;
/// How long consumers go on before the first rotation and after each.
const BETWEEN: Duration = Duration::from_millis(1200);

/// Whether all was as promised.
pub(crate) async fn show(stage: &mut Stage<World>, screen: &mut Screen) -> Result<bool, Problem> {
    let consumers = "three at once; each reads AWSCURRENT, logs in, writes, reads, creates a table";
    screen.print(&stage.lines(consumers))?;
    stage.world.local.set_knobs(|knobs| knobs.latency = LATENCY);
    let mut checks = Checks::default();
    let mut session = stage.consumer("AWSCURRENT").1.log_in().await?.ok_or("no first login")?;

    heading(screen, "Five rotations; each time consumers change over to the other user:")?;
    let tally = Tally::default();
    rotations(stage, screen, &tally).await?;
    let (all, failures) = tally.total();
    checks.add(
        all > 0 && failures.is_empty(),
        format!("{all} times a consumer logged in anew and worked, {} failed", failures.len()),
    );
    checks.add(
        work(&mut session, ROTATIONS).await.is_ok(),
        "a session that was opened before all this still works",
    );

    heading(screen, "What each login can do:")?;
    let powers = Powers::compare(stage).await?;
    screen.print(&powers.lines())?;
    checks.add(powers.are_equal(), "each login can do what the other can, and no more");
    let others = "SELECT count(*) FROM pg_tables WHERE schemaname = 'shop' AND tableowner <> 'app'";
    let others = stage.world.server.query_one(others).await;
    checks.add(others == "0", "whatever either of them made belongs to app");
    let (app, clone) =
        (stage.world.server.logins(USER).await, stage.world.server.logins(CLONE).await);
    checks.add(
        app.failed + clone.failed == 0 && app.plaintext + clone.plaintext == 0,
        "not one login as app or app_clone failed, the function's among them",
    );

    heading(screen, "A user that is really called svc_clone, beside somebody else's svc:")?;
    let refusal = stranger::refused(stage, &mut checks).await?;
    screen.print(&refusal)?;

    heading(screen, "At the end:")?;
    screen.print(&checks.lines())?;
    let conclusion = if checks.all_kept() {
        let text = "; at no moment was a consumer refused.";
        Line::new().add(Ink::Good, "All as promised").add(Ink::Bold, text)
    } else {
        Line::new().add(Ink::Bad, "Not all was as promised.")
    };
    let failures = failures.iter().map(|failure| Line::new().add(Ink::Bad, format!("  {failure}")));
    screen.print(&failures.collect::<Vec<_>>())?;
    screen.print(&[Line::new(), conclusion, Line::new()])?;
    Ok(checks.all_kept())
}

/// Rotates while consumers work, and prints a row for each rotation.
async fn rotations(
    stage: &Stage<World>,
    screen: &mut Screen,
    tally: &Tally,
) -> Result<(), Problem> {
    let over = AtomicBool::new(false);
    let rotating = async {
        let title = "  rotation    time  AWSCURRENT   consumers  failed  the other login";
        screen.print(&[Line::new().add(Ink::Faint, title)])?;
        for rotation in 0..=ROTATIONS {
            let began = Instant::now();
            if rotation > 0 {
                stage.world.rotate().await.map_err(|error| error.message)?;
            }
            let took = began.elapsed();
            sleep(BETWEEN).await;
            screen.print(&[row(stage, tally, rotation, took).await?])?;
        }
        over.store(true, Ordering::Relaxed);
        Ok::<(), Problem>(())
    };
    let working = |worker| {
        hammer(stage, tally, &over, async move |session: &mut PgConnection| {
            work(session, worker).await
        })
    };
    tokio::try_join!(rotating, working(1), working(2), working(3)).map(drop)
}

async fn row(
    stage: &Stage<World>,
    tally: &Tally,
    rotation: usize,
    took: Duration,
) -> Result<Line, Problem> {
    let (times, failed) = tally.since_last();
    let current = stage.world.user("AWSCURRENT");
    let (name, time, other) = if rotation == 0 {
        ("before".to_owned(), "–".to_owned(), "there is none yet".to_owned())
    } else {
        let (user, consumer) = stage.consumer("AWSPREVIOUS");
        let does = match consumer.log_in().await? {
            Some(mut session) => match work(&mut session, 0).await {
                Ok(role) => format!("logs in, writes, reads, creates as {role}"),
                Err(problem) => format!("logs in, but {problem}"),
            },
            None => "is refused".to_owned(),
        };
        (rotation.to_string(), format!("{} ms", took.as_millis()), format!("{user} {does}"))
    };
    let ink = if failed == 0 { Ink::Good } else { Ink::Bad };
    Ok(Line::new()
        .add(Ink::Plain, format!("  {name:<8} {time:>7}  "))
        .add(Ink::Bold, format!("{current:<11}"))
        .add(Ink::Plain, format!("  {times:>9}  "))
        .add(ink, format!("{failed:>6}"))
        .add(Ink::Plain, format!("  {other}")))
}
