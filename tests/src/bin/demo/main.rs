//! `make demo`: rotates a password of PostgreSQL twice, shows what happens, and checks itself.
//!
//! One file a concern: `stage` is what is needed, `consumers` are those who use the password, `shooting`
//! runs a rotation and records it as a `film`, `picture` and `costs` draw that, `checks` judge the end,
//! `screen` is where all goes.

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

use checks::Checks;
use costs::Cost;
use film::{Film, Gap};
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
    tail: Duration::from_millis(650),
    tick: Duration::from_millis(25),
    column: Duration::from_millis(50),
};
const FULL_SPEED: Pace = Pace {
    lead: Duration::from_millis(30),
    pause: Duration::ZERO,
    tail: Duration::from_millis(60),
    tick: Duration::from_millis(10),
    column: Duration::from_millis(3),
};

#[tokio::main]
async fn main() -> ExitCode {
    let ended = match Interruption::new() {
        Ok(mut interruption) => {
            tokio::select! {
                ended = show() => ended,
                () = interruption.comes() => Err("interrupted; all is stopped and removed".into()),
            }
        }
        Err(error) => Err(error.into()),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            // Where standard error is gone, nobody is there to be told.
            let _told = writeln!(std::io::stderr(), "\ndemo: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all was as promised.
async fn show() -> Result<bool, Problem> {
    let mut screen = Screen::new(FRAME, picture::WIDTH);
    screen.print(&[
        Line::new(),
        Line::new()
            .add(Ink::Bold, "Turnlock rotates a database password, twice, while it is in use."),
        Line::new(),
    ])?;
    let stage = Stage::set().await?;
    screen.print(&stage.lines())?;
    let session = match stage.passwords().first() {
        Some(first) => stage.consumers.consumer(&first.value).log_in().await?,
        None => return Err("the secret has no password".into()),
    };

    heading(&mut screen, "Rotation 1, slowed down: it waits 700 ms before each further step.")?;
    let (film, slow) = rotation(&stage, &SLOWED, &mut screen).await?;
    screen.print(&[Line::new(), explanation(&film)])?;
    heading(&mut screen, "Rotation 2, at full speed.")?;
    let (film, fast) = rotation(&stage, &FULL_SPEED, &mut screen).await?;

    heading(&mut screen, "At the end:")?;
    let checks = Checks::make(&stage, session, &[slow, fast]).await?;
    screen.print(&checks.lines())?;
    screen.print(&[Line::new(), conclusion(&film, checks.all_kept()), Line::new()])?;
    stage.world.local.stop().await;
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

fn explanation(film: &Film) -> Line {
    let length = film.gap().map_or(Duration::ZERO, Gap::length).as_millis();
    Line::from(format!("  {length}"))
}

fn conclusion(film: &Film, kept: bool) -> Line {
    let length = film.gap().map_or(Duration::ZERO, Gap::length).as_millis();
    let (tried, refused) = film.attempts();
    if !kept {
        return Line::new().add(Ink::Bad, "Not all was as promised.");
    }
    Line::new().add(Ink::Bold, format!("{length} ms, {refused} of {tried}"))
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
