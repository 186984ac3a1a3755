//! Whether the policies of the functions' roles are enough for every strategy, and have nothing more.
//!
//! Every strategy rotates a real secret under the whole policy, which has to suffice. Then one action of one statement
//! is taken away at a time, and the strategies that used it rotate again: some have to fail, or nobody needs the action.

mod role;
mod stage;
mod table;
mod way;

use crate::scene::StepError;

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
        let grants = role.grants();
        let mut failures = vec![Vec::new(); grants.len()];
        for way in ways.iter().filter(|way| way.function == role.function()) {
            let stage = way.start().await;
            let (outcome, accesses) = stage.run(&role.policy()).await;
            let rotates = outcome.is_ok();
            table.whole.push((*way, outcome.map_err(Failure::of)));
            // What fails anyhow would seem to need everything.
            let used = grants.iter().zip(&mut failures);
            for (grant, failures) in used.filter(|(grant, _)| grant.is_used_by(&accesses)) {
                if !rotates || grant.unseen().is_some() {
                    continue;
                }
                if let (Err(error), _) = stage.run(&role.without(grant)).await {
                    failures.push((*way, Failure::of(error)));
                }
            }
        }
        for (grant, failures) in grants.into_iter().zip(failures) {
            let outcome = match grant.unseen() {
                Some(reason) => Outcome::Unseen(reason),
                None if failures.is_empty() => Outcome::Unneeded,
                None => Outcome::Needed(failures),
            };
            table.rows.push(Row { function: role.function(), grant, outcome });
        }
    }
    table
}

impl Failure {
    fn of(error: StepError) -> Self {
        let message = crate::errors::normal(&error.message);
        let said = message.split_once(": ").map_or(message.as_str(), |(_, said)| said);
        // The class is said already.
        let class = format!(" ({})", error.class);
        let said = said.strip_suffix(&class).unwrap_or(said);
        Self { text: said.to_owned(), step: error.step, class: error.class }
    }
}
