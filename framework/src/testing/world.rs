use std::future::{Future, ready};
use std::sync::Arc;
use std::time::Duration;

use super::MemoryVault;
use crate::{Document, Rotator, SecretId, Vault};

/// A target, a rotator of credentials there, and a secret with the first of them.
///
/// The contract is tried on hundreds of worlds, each new. It asks for one with a [`Fuse`](super::Fuse), through which each
/// call to the target has to go: in a target in memory by [`Fuse::call`](super::Fuse::call) and [`Fuse::look`](super::Fuse::look),
/// before a real server by [`Fused`](super::Fused) and [`Wire`](super::Wire).
pub trait World: Send + Sync + 'static {
    /// What is tried.
    type Rotator: Rotator;

    /// The rotator.
    fn rotator(&self) -> &Self::Rotator;

    /// The text of the secret's first version, whose credential the target accepts.
    fn secret(&self) -> String;

    /// The secret of the admin whom the first one names, and its text.
    fn admin(&self) -> Option<(SecretId, String)> {
        None
    }

    /// How the framework reaches Secrets Manager; for whoever puts something between the two.
    fn vault(&self, vault: Arc<MemoryVault>) -> impl Vault {
        vault
    }

    /// What consumers are promised.
    fn promise(&self) -> Promise;

    /// Whether a consumer who has read this version is served: that it can log in, and do what it is there for.
    ///
    /// This is the judge, so it goes past the rotator and past the fuse.
    fn accepts(&self, version: &Document) -> impl Future<Output = bool> + Send;

    /// All that no rotation may change, as text: other accounts, what accounts may do.
    fn others(&self) -> impl Future<Output = String> + Send {
        ready(String::new())
    }

    /// How many credentials or accounts there are that rotations can have made, so that one that is left over is seen.
    fn credentials(&self) -> impl Future<Output = usize> + Send {
        ready(0)
    }

    /// So much time passes, for a target that keeps dates.
    fn pass(&self, time: Duration) {
        let _ = time;
    }
}

/// What consumers are promised at any moment of any rotation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Promise {
    /// Some version of the secret is accepted; the current one is again at the end of each rotation.
    ///
    /// All that one password can keep.
    SomeVersion,
    /// The current version is accepted.
    Current,
    /// The current version is accepted, and after each rotation the one before it, too.
    CurrentAndPrevious,
}
