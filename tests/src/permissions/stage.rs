//! A secret that is rotated again and again, each time under another policy.

use std::fmt;
use std::ops::Deref;

use turnlock_local::{Access, Policy};

use crate::postgres::Server;
use crate::rds::AmazonRds;
use crate::scene::{Scene, StepError};

/// A secret with its target, and what decides what its function may do.
pub(super) struct Stage {
    world: Box<dyn Deref<Target = Scene> + Send + Sync>,
    function: &'static str,
    rds: Option<AmazonRds>,
    /// A replica, which ends with the stage.
    replica: Option<Server>,
    /// Whether each rotation begins where one was given up before finishSecret, and the label was cleared.
    given_up: bool,
}

impl Stage {
    /// A secret that this function rotates.
    pub(super) fn of(
        function: &'static str,
        world: impl Deref<Target = Scene> + Send + Sync + 'static,
    ) -> Self {
        Self { world: Box::new(world), function, rds: None, replica: None, given_up: false }
    }

    /// Has the function ask this service where databases are.
    pub(super) fn asking(self, rds: AmazonRds) -> Self {
        Self { rds: Some(rds), ..self }
    }

    /// Keeps a replica as long as the stage.
    pub(super) fn beside(self, replica: Server) -> Self {
        Self { replica: Some(replica), ..self }
    }

    /// Has each rotation begin after one that was given up.
    pub(super) fn given_up(self) -> Self {
        Self { given_up: true, ..self }
    }

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
