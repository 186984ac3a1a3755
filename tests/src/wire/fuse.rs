//! The fuse: at one message of all its wires it blows.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::watch;

/// What happens at the message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Blow {
    /// It is lost, and nothing gets through any more, in neither direction: whoever spoke is to be killed now.
    LosesAndKills,
    /// The server gets it, and then nothing gets through any more. It counts requests alone: an answer that reaches
    /// somebody who is killed at once is lost.
    DeliversAndKills,
    /// It is lost, and its connection is cut on both sides; the others stay.
    Cuts,
}

/// Where the fuse blows, and how.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Point {
    /// So many messages come before.
    pub at: usize,
    /// What happens.
    pub blow: Blow,
}

/// A counter of messages, shared by the wires that it is given to.
#[derive(Clone)]
pub struct Fuse(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    blown: watch::Sender<Option<Blown>>,
}

#[derive(Default)]
struct State {
    seen: usize,
    point: Option<Point>,
    /// Nothing gets through.
    is_dark: bool,
    /// How often it was light again: connections of before stay dead.
    life: usize,
}

/// The message at which the fuse has blown.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Blown {
    /// Where that was, and how.
    pub point: Point,
    /// Between whom, and what it was; no secret is in it.
    pub message: String,
}

impl Blown {
    /// Whether the message was to or from this server.
    pub(crate) fn is_of(&self, server: &str) -> bool {
        self.message.split(": ").next().is_some_and(|side| side.ends_with(server))
    }
}

/// Which connections a connection lives with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Life(usize);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Direction {
    Request,
    Answer,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Fate {
    Passes,
    /// It passes, and none after it.
    IsTheLast,
    IsLost,
    /// It is lost, and both sides hear of it.
    Cuts,
}

impl Default for Fuse {
    fn default() -> Self {
        let blown = watch::Sender::new(None);
        Self(Arc::new(Shared { state: Mutex::default(), blown }))
    }
}

impl Fuse {
    /// Blows at this message from now on, once.
    pub fn arm(&self, point: Point) {
        let mut state = self.state();
        state.seen = 0;
        state.point = Some(point);
        self.0.blown.send_replace(None);
    }

    /// Lets new connections through again, and blows no more; where it has blown since it was armed.
    pub fn mend(&self) -> Option<Blown> {
        let mut state = self.state();
        state.point = None;
        if state.is_dark {
            state.is_dark = false;
            state.life += 1;
        }
        drop(state);
        self.0.blown.send_replace(None)
    }

    /// Whether nothing gets through.
    pub fn is_dark(&self) -> bool {
        self.state().is_dark
    }

    /// Waits until somebody has to be killed.
    pub(crate) async fn kills(&self) {
        let mut blown = self.0.blown.subscribe();
        let kills = |blown: &Option<Blown>| {
            blown.as_ref().is_some_and(|blown| blown.point.blow != Blow::Cuts)
        };
        // The sender is ours, so it cannot be gone.
        drop(blown.wait_for(kills).await);
    }

    /// A life for a new connection, if anything gets through.
    pub(super) fn connect(&self) -> Option<Life> {
        let state = self.state();
        (!state.is_dark).then_some(Life(state.life))
    }

    /// Whether a connection is one that messages get through.
    pub(super) fn is_alive(&self, life: Life) -> bool {
        self.state().reaches(life)
    }

    /// Counts a message.
    pub(super) fn meet(
        &self,
        life: Life,
        direction: Direction,
        message: impl FnOnce() -> String,
    ) -> Fate {
        let mut state = self.state();
        if !state.reaches(life) {
            return Fate::IsLost;
        }
        let counts = |point: &mut Point| {
            direction == Direction::Request || point.blow != Blow::DeliversAndKills
        };
        let Some(point) = state.point.take_if(|point| counts(point)) else {
            return Fate::Passes;
        };
        state.seen += 1;
        if state.seen <= point.at {
            state.point = Some(point);
            return Fate::Passes;
        }
        state.is_dark = point.blow != Blow::Cuts;
        drop(state);
        let way = match direction {
            Direction::Request => "to",
            Direction::Answer => "from",
        };
        let message = format!("{way} {}", message());
        self.0.blown.send_replace(Some(Blown { point, message }));
        match point.blow {
            Blow::LosesAndKills => Fate::IsLost,
            Blow::DeliversAndKills => Fate::IsTheLast,
            Blow::Cuts => Fate::Cuts,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().expect("nobody panics while holding the lock")
    }
}

impl State {
    fn reaches(&self, life: Life) -> bool {
        !self.is_dark && life == Life(self.life)
    }
}

impl fmt::Debug for Fuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fuse").field("is_dark", &self.is_dark()).finish_non_exhaustive()
    }
}
