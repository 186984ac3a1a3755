//! Waiting for a replica to show what was changed at its source.

use turnlock::{TargetError, Verdict};
use turnlock_database::{Lag, Trust};

use crate::accounts;
use crate::engine::Login;
use crate::session::Session;

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
    let lag = Lag::of(&pending.server);
    while !accounts::shows(&mut session, &pending.username, &pending.password).await? {
        lag.wait().await?;
    }
    session.close().await;
    Ok(())
}
