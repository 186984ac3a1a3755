//! Rotations that are interrupted at every message, on real servers: a search for one that locks somebody out.
//!
//! A fuse in the wires of the function counts its messages and blows at each in turn. After every attempt, and at the
//! end of the rotation, the promises are looked at as the target has them.

mod attempts;
mod canaries;
pub mod keys;
pub mod mysql;
pub mod postgres;
mod promise;
mod stage;
mod sweep;
mod wires;

pub use sweep::{Extent, Summary};

use crate::wire::Fuse;
use sweep::sweep;

/// A strategy at an engine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Subject {
    /// PostgreSQL.
    Postgres(postgres::Way),
    /// MySQL and MariaDB.
    MySql(mysql::Way),
    /// A provider of keys.
    Keys(keys::Way),
}

impl Subject {
    /// All there are.
    pub fn all() -> Vec<Self> {
        let databases = postgres::Way::ALL.into_iter().map(Self::Postgres);
        let databases = databases.chain(mysql::Way::all().map(Self::MySql));
        databases.chain(keys::Way::ALL.into_iter().map(Self::Keys)).collect()
    }

    /// The engine and the strategy.
    pub fn name(self) -> String {
        match self {
            Self::Postgres(way) => way.name().to_owned(),
            Self::MySql(way) => way.name(),
            Self::Keys(way) => way.name().to_owned(),
        }
    }

    /// Interrupts rotations everywhere; `progress` is called after each.
    pub async fn sweep(self, extent: Extent, progress: impl FnMut()) -> Summary {
        let (name, fuse) = (self.name(), Fuse::default());
        match self {
            Self::Postgres(way) => {
                sweep(name, extent, &fuse, async || way.start(&fuse).await, progress).await
            }
            Self::MySql(way) => {
                sweep(name, extent, &fuse, async || way.start(&fuse).await, progress).await
            }
            Self::Keys(way) => {
                sweep(name, extent, &fuse, async || way.start(&fuse).await, progress).await
            }
        }
    }
}
