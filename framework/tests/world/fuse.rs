//! A fuse in every wire: each call to the vault or to a target goes through it, and it can blow.

use std::collections::VecDeque;
use std::future::{Future, pending};
use std::sync::{Mutex, MutexGuard};

use tokio::sync::Notify;
use tokio::task::yield_now;

/// What goes wrong in the call that blows the fuse.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// The call fails and has no effect.
    FailsBefore,
    /// The call takes effect, and then fails.
    LosesAnswer,
    /// The process dies before the effect.
    DiesBefore,
    /// The process dies after the effect.
    DiesAfter,
    /// The call has no effect and never comes back.
    NeverAnswers,
}

impl Fault {
    pub(crate) const CRASHES: [Self; 4] =
        [Self::FailsBefore, Self::LosesAnswer, Self::DiesBefore, Self::DiesAfter];
}

/// The call failed, because the fuse blew.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blown;

#[derive(Default)]
pub(crate) struct Fuse {
    state: Mutex<State>,
    death: Notify,
}

#[derive(Default)]
struct State {
    /// After how many calls to blow, and after how many more to blow again.
    gaps: VecDeque<usize>,
    /// The beginning of the name of a call to blow at, once.
    name: Option<&'static str>,
    fault: Option<Fault>,
    blown: usize,
    since: usize,
    log: Vec<String>,
    in_flight: usize,
    round_trips: usize,
}

impl Fuse {
    /// Blows at the call that many calls from now, then again that many after it, and so on.
    pub(crate) fn arm(&self, gaps: impl IntoIterator<Item = usize>, fault: Fault) {
        *self.state() =
            State { gaps: gaps.into_iter().collect(), fault: Some(fault), ..State::default() };
    }

    /// Blows at the first call whose name begins like that.
    pub(crate) fn arm_at(&self, name: &'static str, fault: Fault) {
        *self.state() = State { name: Some(name), fault: Some(fault), ..State::default() };
    }

    /// Never blows, and counts from zero.
    pub(crate) fn disarm(&self) {
        *self.state() = State::default();
    }

    /// How often it blew since it was armed.
    pub(crate) fn blown(&self) -> usize {
        self.state().blown
    }

    /// The names of all calls since it was armed.
    pub(crate) fn log(&self) -> Vec<String> {
        self.state().log.clone()
    }

    /// How often calls were waited for since it was armed; those that overlap count once.
    pub(crate) fn round_trips(&self) -> usize {
        self.state().round_trips
    }

    /// Notes what is not a call.
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.state().log.push(what.into());
    }

    /// Resolves when the process dies, from now on.
    pub(crate) fn death(&self) -> impl Future<Output = ()> {
        self.death.notified()
    }

    /// Makes a call, which takes effect after others had the chance to begin theirs.
    pub(crate) async fn call<T>(
        &self,
        name: impl Into<String>,
        effect: impl FnOnce() -> T,
    ) -> Result<T, Blown> {
        let fault = self.begin(name.into());
        yield_now().await;
        let answer = match fault {
            None => Ok(effect()),
            Some(Fault::FailsBefore) => Err(Blown),
            Some(Fault::LosesAnswer) => {
                effect();
                Err(Blown)
            }
            Some(Fault::DiesBefore) => self.die().await,
            Some(Fault::DiesAfter) => {
                effect();
                self.die().await
            }
            Some(Fault::NeverAnswers) => pending().await,
        };
        let mut state = self.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        drop(state);
        answer
    }

    fn begin(&self, name: String) -> Option<Fault> {
        let mut state = self.state();
        if state.in_flight == 0 {
            state.round_trips += 1;
        }
        state.in_flight += 1;
        state.since += 1;
        let by_count = state.gaps.front() == Some(&state.since);
        let by_name = state.name.is_some_and(|wanted| name.starts_with(wanted));
        state.log.push(name);
        if !by_count && !by_name {
            return None;
        }
        state.gaps.pop_front();
        state.name = None;
        state.since = 0;
        state.blown += 1;
        state.fault
    }

    async fn die<T>(&self) -> T {
        self.state().in_flight = 0;
        self.death.notify_waiters();
        pending().await
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}
