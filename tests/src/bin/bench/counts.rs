//! What a warm rotation asks of Secrets Manager and of the server.

use std::time::Duration;

use turnlock_local::serial_round_trips;
use turnlock_tests::servers::Logins;

use crate::stage::Stage;
use crate::subject::Subject;

/// So that calls made at once are seen to overlap.
pub(crate) const LATENCY: Duration = Duration::from_millis(5);

/// Numbers that do not depend on the machine.
#[derive(Debug)]
pub(crate) struct Counts {
    /// Calls of Secrets Manager.
    pub(crate) calls: usize,
    /// The longest chain of calls of which each waited for the one before.
    pub(crate) serial_round_trips: usize,
    /// Logins of all roles.
    pub(crate) logins: Logins,
}

impl Counts {
    /// Counts one rotation, after one that only warms up.
    pub(crate) async fn of(stage: &Stage<'_>, subject: &Subject) -> Self {
        stage.rotate(subject).await;
        stage.local.clear_calls();
        let mark = stage.server.mark();
        stage.rotate(subject).await;
        let mut calls = stage.local.calls();
        calls.retain(|call| call.from_function.as_deref() == Some(subject.name.as_str()));
        let roles = subject.strategy.roles(&subject.name);
        let roles: Vec<&str> = roles.iter().map(String::as_str).collect();
        let logins = stage.server.logins_of(mark, &roles).await;
        Self { calls: calls.len(), serial_round_trips: serial_round_trips(&calls), logins }
    }
}
