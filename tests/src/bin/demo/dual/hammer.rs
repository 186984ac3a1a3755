//! Programs that log in all the time: some with what the secret says, some with what they once read.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use sqlx::Connection as _;
use tokio::sync::RwLock;
use tokio::time::sleep;
use turnlock_tests::world::USER;
use turnlock_tests::world::mysql::World;

use crate::Problem;
use crate::stage::Stage;
use crate::tally::Tally;

const PAUSE: Duration = Duration::from_millis(10);
/// Logins of each kind that have to begin and end after a rotation, before the next one begins.
const AT_LEAST: usize = 6;

/// Where a program has its password from.
#[derive(Clone, Copy)]
pub(crate) enum Source {
    /// It reads `AWSCURRENT` each time.
    Current,
    /// It keeps what it read before the last rotation began.
    Kept,
}

/// All of the programs.
pub(crate) struct Hammer<'s> {
    stage: &'s Stage<World>,
    /// What those have that keep it; whoever logs in holds it for reading, so that no login outlives a change.
    kept: RwLock<String>,
    pub(crate) current: Tally,
    pub(crate) before: Tally,
    over: AtomicBool,
}

impl<'s> Hammer<'s> {
    /// None that logs in yet; those that keep a password have that of AWSPREVIOUS.
    pub(crate) fn new(stage: &'s Stage<World>) -> Self {
        let kept = RwLock::new(stage.world.password("AWSPREVIOUS"));
        let (current, before, over) = (Tally::default(), Tally::default(), AtomicBool::new(false));
        Self { stage, kept, current, before, over }
    }

    /// Two programs of each kind, until all is over.
    pub(crate) async fn run(&self) -> Result<(), Problem> {
        let work = |source| self.work(source);
        let [current, kept] = [Source::Current, Source::Kept];
        tokio::try_join!(work(current), work(current), work(kept), work(kept)).map(drop)
    }

    /// Has those that keep a password read the one that is current now, which a rotation is about to follow.
    pub(crate) async fn read_again(&self) {
        *self.kept.write().await = self.stage.world.password("AWSCURRENT");
    }

    /// Waits until both kinds have logged in some times more.
    pub(crate) async fn go_on(&self) {
        let counts = || [&self.current, &self.before].map(|tally| tally.total().0);
        let before = counts();
        while counts().iter().zip(before).any(|(now, before)| *now < before + AT_LEAST) {
            sleep(PAUSE).await;
        }
    }

    /// Ends it.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    async fn work(&self, source: Source) -> Result<(), Problem> {
        while !self.over.load(Ordering::Relaxed) {
            let kept = self.kept.read().await;
            let (password, tally, name) = match source {
                Source::Current => {
                    (self.stage.world.password("AWSCURRENT"), &self.current, "AWSCURRENT")
                }
                Source::Kept => (kept.clone(), &self.before, "the password of before"),
            };
            let result = match self.stage.consumers.consumer(USER, &password).log_in().await {
                Ok(Some(session)) => {
                    session.close().await?;
                    Ok(())
                }
                Ok(None) => Err(format!("{name} is refused")),
                Err(error) => Err(format!("{name}: {error}")),
            };
            drop(kept);
            tally.add(result);
            sleep(PAUSE).await;
        }
        Ok(())
    }
}
