use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::sleep;
use turnlock_tests::client::Client;

use super::Place;
use crate::Problem;
use crate::tally::Tally;

const REST: Duration = Duration::from_millis(20);
/// Calls of each kind that have to begin and end after a step.
const AT_LEAST: usize = 4;

/// Programs that use the hub all the time: two that read the secret each time, two that read it once a rotation.
pub(super) struct Consumers<'p> {
    place: &'p Place,
    /// What those have that read the secret rarely.
    read: Mutex<String>,
    pub(super) current: Tally,
    pub(super) kept: Tally,
    over: AtomicBool,
}

/// When a program reads the secret.
#[derive(Clone, Copy)]
enum Reads {
    EachTime,
    OnceARotation,
}

impl<'p> Consumers<'p> {
    /// None that is at work yet.
    pub(super) fn new(place: &'p Place) -> Self {
        let read = Mutex::new(place.current());
        let (current, kept, over) = (Tally::default(), Tally::default(), AtomicBool::new(false));
        Self { place, read, current, kept, over }
    }

    /// Works until all is over.
    pub(super) async fn run(&self) -> Result<(), Problem> {
        let work = |reads| self.work(reads);
        let (often, once) = (Reads::EachTime, Reads::OnceARotation);
        tokio::try_join!(work(often), work(often), work(once), work(once)).map(drop)
    }

    /// Has those that read rarely read AWSCURRENT, which a rotation is about to follow.
    pub(super) fn read_again(&self) {
        *self.read.lock().unwrap_or_else(PoisonError::into_inner) = self.place.current();
    }

    /// Waits until both kinds have used the hub some times more.
    pub(super) async fn go_on(&self) {
        let counts = || [&self.current, &self.kept].map(|tally| tally.total().0);
        let before = counts();
        while counts().iter().zip(before).any(|(now, before)| *now < before + AT_LEAST) {
            sleep(REST).await;
        }
    }

    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    async fn work(&self, reads: Reads) -> Result<(), Problem> {
        while !self.over.load(Ordering::Relaxed) {
            let (token, tally, name) = match reads {
                Reads::EachTime => (self.place.current(), &self.current, "AWSCURRENT"),
                Reads::OnceARotation => {
                    let read = self.read.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    (read, &self.kept, "the token read before the rotation")
                }
            };
            tally.add(self.ask(token).await?.map_err(|status| format!("{name}: {status}")));
            sleep(REST).await;
        }
        Ok(())
    }

    /// Asks the hub who has this token; the status, where it is not accepted.
    async fn ask(&self, token: String) -> Result<Result<(), u16>, Problem> {
        let client = Client::new(self.place.hub.port());
        let answer = tokio::task::spawn_blocking(move || {
            let authorization = format!("Bearer {token}");
            let headers = [("Authorization", authorization.as_str())];
            client.send("GET /hub/api/user", &headers, None)
        });
        let status = answer.await??.status;
        Ok(if status == 200 { Ok(()) } else { Err(status) })
    }
}
