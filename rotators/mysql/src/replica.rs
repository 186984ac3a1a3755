//! Waiting for a replica to show what was changed at its source.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use turnlock::{Class, TargetError, Verdict};
use turnlock_database::Trust;

use crate::accounts;
use crate::engine::Login;
use crate::session::Session;

/// The longest wait. Aurora's readers lag by milliseconds; a replica that lags by more than this is ill.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(200);

/// Waits until the pending user has its new password at the replica that consumers use.
///
/// Looked for with the admin's login, which is replicated as all accounts are: to try the pending one until it works
/// would be a row of failed logins.
pub(crate) async fn catch_up(
    admin: &Login,
    pending: &Login,
    trust: &Trust,
) -> Result<(), TargetError> {
    let mut session = match Session::open(&admin.at(&pending.server), trust).await? {
        Verdict::Accepted(session) => session,
        Verdict::Rejected(reason) => {
            tracing::debug!("the replica is not asked whether it has caught up: {reason}");
            return Ok(());
        }
    };
    let end = Instant::now() + PATIENCE;
    while !accounts::shows(&mut session, &pending.username, &pending.password).await? {
        if Instant::now() >= end {
            let text = format!(
                "{} is a replica, and after {PATIENCE:?} does not show yet what was changed at its source; \
                 the step can be repeated safely",
                pending.server
            );
            return Err(TargetError::new(Class::Timeout, text));
        }
        sleep(PAUSE).await;
    }
    session.close().await;
    Ok(())
}
