//! Waiting for a replica to show what was changed at its source.

use turnlock::{TargetError, Verdict, VersionId};
use turnlock_database::{Lag, Trust};

use crate::alternating;
use crate::engine::Login;
use crate::session::Session;

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
    let lag = Lag::of(&pending.server);
    while !alternating::shows(&mut session, current, pending, version).await? {
        lag.wait().await?;
    }
    session.close().await;
    Ok(())
}
