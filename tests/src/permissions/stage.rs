//! A secret that is rotated again and again, each time under another policy.

use std::fmt;
use std::ops::Deref;

use turnlock_local::{Access, Policy};

use crate::postgres::Server;
use crate::rds::AmazonRds;
use crate::scene::{Scene, StepError};

/// A secret with its target, and what decides what its function may do.
pub(super) struct Stage {
    pub(super) world: Box<dyn Deref<Target = Scene> + Send + Sync>,
    pub(super) function: &'static str,
    pub(super) rds: Option<AmazonRds>,
    /// A replica, which ends with the stage.
    pub(super) replica: Option<Server>,
    /// Whether each rotation begins where one was given up after its change, and the label was cleared.
    pub(super) given_up: bool,
}

impl Stage {
    /// Rotates under a policy, which is then lifted; how that ended, and what IAM was asked.
    ///
    /// # Panics
    ///
    /// If a rotation that failed cannot be finished under no policy.
    pub(super) async fn run(&self, policy: &Policy) -> (Result<(), StepError>, Vec<Access>) {
        if self.given_up {
            let version = self.world.rotate_but_for_the_end().await;
            self.world.clear_pending(&version);
        }
        self.world.local.clear_calls();
        self.enforce(Some(policy));
        let outcome = self.world.rotate().await;
        let mut accesses: Vec<Access> =
            self.world.function_calls().into_iter().flat_map(|call| call.accesses).collect();
        accesses.extend(self.rds.iter().flat_map(AmazonRds::take_accesses));
        accesses.sort();
        accesses.dedup();
        self.enforce(None);
        if outcome.is_err() {
            self.world.retry().await.expect("without a policy the rotation is finished");
        }
        (outcome, accesses)
    }

    fn enforce(&self, policy: Option<&Policy>) {
        let local = &self.world.local;
        local.set_policy(self.function, policy.cloned());
        if let Some(rds) = &self.rds {
            drop(rds.take_accesses());
            rds.enforce(policy.cloned(), &local.function_arn(self.function));
        }
    }
}

impl fmt::Debug for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { function, given_up, replica, .. } = self;
        f.debug_struct("Stage")
            .field("function", function)
            .field("given_up", given_up)
            .field("replica", replica)
            .finish_non_exhaustive()
    }
}
