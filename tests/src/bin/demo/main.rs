//! `make demo`: rotates a password of PostgreSQL twice, shows what happens, and checks itself.
//! `make demo-alternating`: the same with two users that take turns. `make demo-mysql`: MySQL and MariaDB.
//! `make demo-api-key`: a token of JupyterHub.
//!
//! One file a concern: `stage` is what is needed, `consumers` are those who use the password, `shooting`
//! runs a rotation and records it as a `film`, `picture` and `costs` draw that, `tally` counts, `checks` judge
//! the end, `screen` is where all goes. `hammer` is a program at work. `single` is one user of PostgreSQL, `alternating` are two, `dual` is one of
//! MySQL with two passwords, `grants` are two of MySQL,
//! `keys` is a service with tokens.

mod alternating;
mod checks;
mod consumers;
mod costs;
mod dual;
mod film;
mod grants;
mod hammer;
mod keys;
mod picture;
mod screen;
mod shooting;
mod single;
mod stage;
mod tally;
mod text;

use std::io::Write as _;
use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};
use turnlock_tests::mysql::Product;

use screen::{Ink, Line, Screen};
use stage::{Stage, Strike};

/// Whatever keeps the demo from going on.
type Problem = Box<dyn std::error::Error + Send + Sync>;

/// Rows of the tallest frame: the picture of three passwords and the table below it.
const FRAME: usize = 20;

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

/// Whether all was as promised. Everything is gone when this returns, whatever it returns.
async fn demonstrate() -> Result<bool, Problem> {
    let scenario = std::env::args().nth(1);
    let screen = Screen::new(FRAME, picture::WIDTH);
    let mut theatre = Theatre { screen, interruption: Interruption::new()? };
    match scenario.as_deref() {
        None => {
            let set = Stage::of_one_user();
            theatre.play(single::TITLE, "PostgreSQL", set, single::show).await
        }
        Some("alternating") => {
            let set = Stage::of_two_users(alternating::STATEMENTS);
            theatre.play(alternating::TITLE, "PostgreSQL", set, alternating::show).await
        }
        Some("api-key") => {
            theatre.play(keys::TITLE, "JupyterHub", keys::Place::set(), keys::show).await
        }
        Some("mysql") => mysql(&mut theatre).await,
        Some(_) => Err("usage: demo [alternating | mysql | api-key]".into()),
    }
}

/// All that there is to see of MySQL and MariaDB; what is not as promised does not end it.
async fn mysql(theatre: &mut Theatre) -> Result<bool, Problem> {
    let mut kept = true;
    for product in Product::ALL {
        let name = stage::mysql::name(product);
        let set = Stage::of_mysql(product, "DO 0", dual::edit);
        kept &= theatre.play(&dual::title(name), name, set, dual::show).await?;
        let statements = grants::statements(product);
        let set = Stage::of_mysql(product, &statements, |_| ());
        kept &= theatre.play(&grants::title(name), name, set, grants::show).await?;
    }
    Ok(kept)
}

/// Where plays are shown, until somebody interrupts them.
struct Theatre {
    screen: Screen,
    interruption: Interruption,
}

impl Theatre {
    /// Sets the stage, shows the play and strikes the stage; whether all was as promised.
    async fn play<S: Strike>(
        &mut self,
        title: &str,
        server: &str,
        set: impl Future<Output = Result<S, Problem>>,
        show: impl AsyncFnOnce(&mut S, &mut Screen) -> Result<bool, Problem>,
    ) -> Result<bool, Problem> {
        let Self { screen, interruption } = self;
        heading(screen, title)?;
        screen.draw(&[format!("  starting {server} …").into()])?;
        let mut stage = tokio::select! {
            stage = set => stage?,
            () = interruption.comes() => return interrupted(),
        };
        let ended = tokio::select! {
            ended = show(&mut stage, screen) => ended,
            () = interruption.comes() => interrupted(),
        };
        stage.strike().await;
        ended
    }
}

fn interrupted() -> Result<bool, Problem> {
    Err("interrupted; all that it had started is gone".into())
}

fn heading(screen: &mut Screen, text: &str) -> Result<(), Problem> {
    screen.print(&[Line::new(), Line::new().add(Ink::Bold, text), Line::new()])?;
    Ok(())
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
