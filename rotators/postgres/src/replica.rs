//! Waiting for a replica to show what was changed at its source.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use turnlock::{Class, TargetError, Verdict, VersionId};
use turnlock_database::Trust;

use crate::alternating;
use crate::engine::Login;
use crate::session::Session;

/// The longest wait. Aurora's readers lag by milliseconds; a replica that lags by more than this is ill.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(200);

/// Waits until the pending user of a version is at the replica that consumers use.
///
/// Looked for with the current user's login, which works: to try the pending one until it does would be a
/// row of failed logins.
pub(crate) async fn catch_up(
    current: &Login,
    pending: &Login,
    version: &VersionId,
    trust: &Trust,
) -> Result<(), TargetError> {
    let mut session = match Session::open(current, trust).await? {
        Verdict::Accepted(session) => session,
        // Another version has proved the current user; testSecret will tell when the pending one is there.
        Verdict::Rejected(_) => return Ok(()),
    };
    let end = Instant::now() + PATIENCE;
    while !alternating::shows(&mut session, current, pending, version).await? {
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
