//! Who may change a password, and where a second one can be kept: asked before it is needed.

use turnlock::{Class, Holder, Sensitive, TargetError};
use turnlock_database::{Strategy, lacking};

use crate::account::Account;
use crate::engine::Login;
use crate::privileges::Privileges;
use crate::session::{Session, text, unexpected};
use crate::version::{Product, Version};
use crate::{accounts, administered, own};

/// From MySQL 8.0.16 on, whoever changes an account that has it needs it too.
const SYSTEM_USER: &str = "SYSTEM_USER";

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
///
/// A user needs no privilege to change its own password.
pub(crate) async fn check(
    session: &mut Session,
    strategy: Strategy,
    holder: Holder,
    current: &Login,
) -> Result<(), TargetError> {
    let server = session.server().to_owned();
    match (holder, strategy) {
        (Holder::Own, strategy) => {
            own::check_account(session, current)?;
            if strategy != Strategy::DualPassword {
                return Ok(());
            }
            let own = privileges(session).await?;
            let may = ["APPLICATION_PASSWORD_ADMIN", "CREATE USER"];
            if may.into_iter().any(|privilege| own.has_everywhere(privilege)) {
                return Ok(());
            }
            let what = "the user may not keep a second password of its own";
            lacking(&server, what, &["APPLICATION_PASSWORD_ADMIN".to_owned()])
        }
        (Holder::Admin, _) => check_admin(session, &server, current).await,
    }
}

async fn check_admin(
    admin: &mut Session,
    server: &str,
    current: &Login,
) -> Result<(), TargetError> {
    let user = current.username.as_str();
    let mut missing = Vec::new();
    let chosen = match accounts::look(admin, &[user]).await {
        Ok(found) => {
            let found = found.into_iter().flatten().collect();
            administered::choose(found, server, current, None)?
        }
        Err(error) if error.class() == Class::Permission => {
            missing.push(format!("SELECT ON {}", accounts::table(admin.facts().version)));
            Vec::new()
        }
        Err(error) => return Err(error),
    };
    let own = privileges(admin).await?;
    if !own.may_change_accounts() {
        missing.push("CREATE USER".to_owned());
    }
    for held in &chosen {
        let plugin = administered::settable(held, server)?;
        administered::usable(plugin, held, current)?;
        if !own.has_everywhere(SYSTEM_USER) && is_system(admin, &held.account).await? {
            missing.push(format!("{SYSTEM_USER} ({} has it)", held.account));
        }
    }
    lacking(server, &format!("the admin may not change the password of {user}"), &missing)
}

/// What a session may do, with the privileges of its active roles, as the server prints it.
pub(crate) async fn privileges(session: &mut Session) -> Result<Privileges, TargetError> {
    let version = session.facts().version;
    let doing = "asking for privileges";
    let question = Sensitive::new(format!("{}; SHOW GRANTS", version.printing()));
    let answers = session.ask(&question, doing).await?;
    let shown = answers.last().ok_or_else(|| unexpected(doing))?;
    Privileges::read_session(shown.iter().filter_map(|row| text(row, 0)), version)
}

/// Whether only accounts with `SYSTEM_USER` may change this one: it has that itself, and not by a role.
async fn is_system(admin: &mut Session, account: &Account) -> Result<bool, TargetError> {
    if !admin.facts().version.has_system_users() {
        return Ok(false);
    }
    let doing = format!("asking for the privileges of {account}");
    let version = admin.facts().version;
    let question = format!("{}; SHOW GRANTS FOR {}", version.printing(), account.quoted());
    match admin.ask(&Sensitive::new(question), &doing).await.map_err(TargetError::from) {
        Ok(answers) => {
            let shown = answers.last().ok_or_else(|| unexpected(&doing))?;
            let rows = shown.iter().filter_map(|row| text(row, 0));
            Ok(Privileges::read(rows, account, version)?.has_everywhere(SYSTEM_USER))
        }
        // Whoever may not ask is told by the change itself.
        Err(error) if error.class() == Class::Permission => Ok(false),
        Err(error) => Err(error),
    }
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
