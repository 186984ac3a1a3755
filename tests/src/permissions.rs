//! Whether the policies of the functions' roles are enough for every strategy, and have nothing more.
//!
//! Every strategy rotates a real secret under the whole policy, which has to suffice. Then one action of one statement
//! is taken away at a time, and the strategies that used it rotate again: some have to fail, or nobody needs the action.

mod role;
mod stage;
mod table;
mod way;

use turnlock_local::Access;

use crate::scene::StepError;
use stage::Stage;

pub use role::{Grant, Role};
pub use table::{Failure, Outcome, Row, Table};
pub use way::{ADMIN_SECRETS, KMS_KEY, Way};

/// Rotates each way's secret under its function's role, whole and with one action less at a time.
///
/// A way whose function has none of these roles is left out. Servers are started once a way; a rotation that fails is
/// finished under no policy, so that the next one begins where all do.
pub async fn prove(roles: &[Role], ways: &[Way]) -> Table {
    let mut table = Table::default();
    for role in roles {
        let mut tried = Vec::new();
        for way in ways.iter().filter(|way| way.function() == role.function()) {
            let stage = way.start().await;
            let (outcome, accesses) = stage.run(&role.policy()).await;
            table.whole.push((*way, outcome.map_err(Failure::of)));
            tried.push(Tried { way: *way, stage, accesses });
        }
        for grant in role.grants() {
            let outcome = without(role, &grant, &tried).await;
            table.rows.push(Row { function: role.function(), grant, outcome });
        }
    }
    table
}

/// A way that was gone under the whole policy.
struct Tried {
    way: Way,
    stage: Stage,
    /// What IAM was asked on it.
    accesses: Vec<Access>,
}

async fn without(role: &Role, grant: &Grant, tried: &[Tried]) -> Outcome {
    if let Some(reason) = grant.unseen() {
        return Outcome::Unseen(reason);
    }
    let policy = role.without(grant);
    let mut failures = Vec::new();
    let users = tried.iter().filter(|tried| grant.is_used_by(&tried.accesses));
    for Tried { way, stage, .. } in users {
        if let (Err(error), _) = stage.run(&policy).await {
            failures.push((*way, Failure::of(error)));
        }
    }
    if failures.is_empty() { Outcome::Unneeded } else { Outcome::Needed(failures) }
}

impl Failure {
    fn of(error: StepError) -> Self {
        let message = crate::errors::normal(&error.message);
        let said = message.split_once(": ").map_or(message.as_str(), |(_, said)| said);
        Self { step: error.step, class: error.class, text: said.to_owned() }
    }
}
