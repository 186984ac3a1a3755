//! Rotations that are interrupted at every message, on real servers: a search for one that locks somebody out.
//!
//! A fuse in the wires of the function counts its messages and blows at each in turn. After every attempt, and at the
//! end of the rotation, the promises are looked at as the target has them.

mod attempts;
mod canaries;
pub mod postgres;
mod promise;
mod stage;
mod sweep;
mod wires;

pub use sweep::Summary;

use crate::wire::Fuse;
use sweep::sweep;

/// A strategy at an engine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Subject {
    /// PostgreSQL.
    Postgres(postgres::Way),
}

impl Subject {
    /// All there are.
    pub fn all() -> Vec<Self> {
        postgres::Way::ALL.map(Self::Postgres).to_vec()
    }

    /// The engine and the strategy.
    pub fn name(self) -> &'static str {
        match self {
            Self::Postgres(way) => way.name(),
        }
    }

    /// Interrupts rotations everywhere; `progress` is told of every point that was visited.
    pub async fn sweep(self, progress: impl FnMut(usize)) -> Summary {
        let fuse = Fuse::default();
        match self {
            Self::Postgres(way) => {
                sweep(self.name(), &fuse, async || way.start(&fuse).await, progress).await
            }
        }
    }
}
