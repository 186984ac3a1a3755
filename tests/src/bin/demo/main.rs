//! `make demo`: rotates a password of PostgreSQL twice, shows what happens, and checks itself.
//! `make demo-alternating`: the same with two users that take turns.
//!
//! One file a concern: `stage` is what is needed, `consumers` are those who use the password, `shooting`
//! runs a rotation and records it as a `film`, `picture` and `costs` draw that, `checks` judge the end,
//! `screen` is where all goes. `alternating` is all of the two users.

mod alternating;
mod checks;
mod consumers;
mod costs;
mod film;
mod picture;
mod screen;
mod shooting;
mod stage;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use turnlock_tests::world::USER;

use checks::Checks;
use costs::Cost;
use film::Film;
use screen::{Ink, Line, Screen};
use shooting::{Pace, Shooting};
use stage::Stage;

/// Whatever keeps the demo from going on.
type Problem = Box<dyn std::error::Error + Send + Sync>;

/// Rows of the tallest frame: the picture of three passwords and the table below it.
const FRAME: usize = 20;

const SLOWED: Pace = Pace {
    lead: Duration::from_millis(350),
    pause: Duration::from_millis(700),
    tick: Duration::from_millis(25),
    column: Duration::from_millis(60),
};
const FULL_SPEED: Pace = Pace {
    lead: Duration::from_millis(60),
    pause: Duration::ZERO,
    tick: Duration::from_millis(10),
    column: Duration::from_millis(1),
};

#[tokio::main]
async fn main() -> ExitCode {
    match demonstrate().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            // Where standard error is gone, nobody is there to be told.
            let _told = writeln!(std::io::stderr(), "\ndemo: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// What there is to see.
#[derive(Clone, Copy)]
enum Scenario {
    OneUser,
    TwoUsers,
}

impl Scenario {
    fn chosen() -> Result<Self, Problem> {
        match std::env::args().nth(1).as_deref() {
            None => Ok(Self::OneUser),
            Some("alternating") => Ok(Self::TwoUsers),
            Some(_) => Err("usage: demo [alternating]".into()),
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::OneUser => "Turnlock rotates a database password, twice, while it is in use.",
            Self::TwoUsers => alternating::TITLE,
        }
    }

    async fn set(self) -> Result<Stage, Problem> {
        match self {
            Self::OneUser => Stage::of_one_user().await,
            Self::TwoUsers => Stage::of_two_users(alternating::STATEMENTS).await,
        }
    }

    async fn show(self, stage: &mut Stage, screen: &mut Screen) -> Result<bool, Problem> {
        match self {
            Self::OneUser => show(stage, screen).await,
            Self::TwoUsers => alternating::show(stage, screen).await,
        }
    }
}

/// Whether all was as promised. Everything is gone when this returns, whatever it returns.
async fn demonstrate() -> Result<bool, Problem> {
    let scenario = Scenario::chosen()?;
    let mut interruption = Interruption::new()?;
    let mut screen = Screen::new(FRAME, picture::WIDTH);
    heading(&mut screen, scenario.title())?;
    screen.draw(&["  starting PostgreSQL …".into()])?;
    let mut stage = tokio::select! {
        stage = scenario.set() => stage?,
        () = interruption.comes() => return interrupted(),
    };
    let ended = tokio::select! {
        ended = scenario.show(&mut stage, &mut screen) => ended,
        () = interruption.comes() => interrupted(),
    };
    stage.strike().await;
    ended
}

fn interrupted() -> Result<bool, Problem> {
    Err("interrupted; all that it had started is gone".into())
}

async fn show(stage: &Stage, screen: &mut Screen) -> Result<bool, Problem> {
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

fn heading(screen: &mut Screen, text: &str) -> Result<(), Problem> {
    screen.print(&[Line::new(), Line::new().add(Ink::Bold, text), Line::new()])?;
    Ok(())
}

async fn rotation(
    stage: &Stage,
    pace: &Pace,
    screen: &mut Screen,
) -> Result<(Film, Cost), Problem> {
    let mut shooting = Shooting::new(stage, pace);
    shooting.run(screen).await?;
    let cost = shooting.costs().total();
    Ok((shooting.film, cost))
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

/// What asks a program to end.
struct Interruption([Signal; 3]);

impl Interruption {
    fn new() -> std::io::Result<Self> {
        let [interrupt, terminate, hangup] =
            [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        Ok(Self([signal(interrupt)?, signal(terminate)?, signal(hangup)?]))
    }

    async fn comes(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}
