//! A password that is changed by whoever has it.

use std::slice::from_ref;

use turnlock::{Class, Sensitive, TargetError};
use turnlock_database::Trust;

use crate::accounts;
use crate::digest::{self, STEP};
use crate::engine::Login;
use crate::fault::{IN_THE_HISTORY, NOT_THE_FIRST, WITHOUT_THE_FIRST};
use crate::session::Session;
use crate::sql::literal;
use crate::strict;
use crate::version::{Product, Version};

/// The beginning of MySQL's changes: only this form of the name can be used without a privilege, and a replica may be
/// without the account.
const ALTER: &str = "ALTER USER IF EXISTS CURRENT_USER()";

/// Gives the account that is logged in its next password; the one before is dead at once.
///
/// `by` is what logged in.
pub(crate) async fn set(
    session: &mut Session,
    by: &Login,
    pending: &Login,
    trust: &Trust,
) -> Result<(), TargetError> {
    check(session, pending)?;
    let version = session.facts().version;
    if version.product == Product::MariaDb {
        return set_at_mariadb(session, pending).await;
    }
    let next = change(version, &pending.password, &by.password);
    set_at_mysql(session, &next, by, pending, trust).await
}

/// Gives the account that is logged in its next password, and keeps the one that consumers have as the second.
pub(crate) async fn retain(
    session: &mut Session,
    by: &Login,
    pending: &Login,
    trust: &Trust,
) -> Result<(), TargetError> {
    check(session, pending)?;
    let next = retaining(&pending.password, &by.password);
    set_at_mysql(session, &next, by, pending, trust).await
}

/// Makes a change that the server makes only while the password that logged in is the first one.
///
/// So whoever comes second, or again, cannot push the consumers' password out, and nobody has to try the pending one
/// first, which would be a failed login in every calm rotation.
async fn set_at_mysql(
    session: &mut Session,
    conditional: &Sensitive,
    by: &Login,
    pending: &Login,
    trust: &Trust,
) -> Result<(), TargetError> {
    let doing = doing(pending);
    let Err(mut refusal) = session.change(from_ref(conditional), &doing).await else {
        return Ok(());
    };
    if refusal.number == Some(NOT_THE_FIRST) {
        accounts::lock(session, &pending.username).await?;
        if Session::accepts(by, trust).await? {
            // It is the second one, and the first is the pending one already, or nobody's: an interrupted rotation
            // has left it. Replaced without RETAIN, it leaves the second one where it is.
            match session.change(&[unconditional(&pending.password)], &doing).await {
                Err(again) => refusal = again,
                Ok(()) => return Ok(()),
            }
        }
    }
    // To a repetition the server can say these, whose password was set before: the history has it then.
    let repeated = [NOT_THE_FIRST, WITHOUT_THE_FIRST, IN_THE_HISTORY].map(Some);
    if repeated.contains(&refusal.number) && Session::accepts(pending, trust).await? {
        return Ok(());
    }
    Err(refusal.into())
}

fn doing(pending: &Login) -> String {
    format!("changing the password of {}", pending.username)
}

/// The server stores a digest in its log of changes and hides the password in all other logs.
fn change(version: Version, password: &Sensitive, accepted: &Sensitive) -> Sensitive {
    if !version.has_replace() {
        return unconditional(password);
    }
    let (password, accepted) = (literal(password.expose()), literal(accepted.expose()));
    Sensitive::new(format!("{ALTER} IDENTIFIED BY {password} REPLACE {accepted}"))
}

fn unconditional(password: &Sensitive) -> Sensitive {
    Sensitive::new(format!("{ALTER} IDENTIFIED BY {}", literal(password.expose())))
}

fn retaining(password: &Sensitive, accepted: &Sensitive) -> Sensitive {
    let (password, accepted) = (literal(password.expose()), literal(accepted.expose()));
    Sensitive::new(format!(
        "{ALTER} IDENTIFIED BY {password} REPLACE {accepted} RETAIN CURRENT PASSWORD"
    ))
}

async fn set_at_mariadb(session: &mut Session, pending: &Login) -> Result<(), TargetError> {
    let doing = &doing(pending);
    let digest = digest::native(&pending.password);
    let by_digest = Sensitive::new(format!("SET PASSWORD = {}", literal(digest.expose())));
    match session.ask(&by_digest, doing).await {
        Err(refusal) if strict::refuses_digests(session, &refusal) => {
            strict::set(session, &[String::new()], pending, doing).await
        }
        done => Ok(done.map(drop)?),
    }
}

/// Refuses a login that the server took for another user: that one's password would be changed.
///
/// An account without a name takes every user that has none of its own, and a proxy acts as another account.
pub(crate) fn check_account(session: &Session, login: &Login) -> Result<(), TargetError> {
    let account = &session.facts().account;
    if account.user == login.username {
        return Ok(());
    }
    let text = format!(
        "{} takes the login of {} for the account '{}'@'{}', whose password is not this secret's; make an account \
         for {}",
        session.server(),
        login.username,
        account.user,
        account.host,
        login.username
    );
    Err(TargetError::new(Class::Refused, text))
}

/// Refuses a server that would make a digest which accepts no password: it makes it with as many rounds as it is set
/// to, stores the thousands, and checks with these. Seen with MySQL 9.7.
fn check_rounds(session: &Session) -> Result<(), TargetError> {
    let rounds = session.facts().rounds;
    if rounds.is_multiple_of(STEP) {
        return Ok(());
    }
    let text = format!(
        "{} has caching_sha2_password_digest_rounds at {rounds}: it makes digests that accept no password, unless \
         that is a multiple of {STEP}",
        session.server()
    );
    Err(TargetError::new(Class::Refused, text))
}

fn check(session: &Session, pending: &Login) -> Result<(), TargetError> {
    session.check_server()?;
    check_account(session, pending)?;
    check_rounds(session)?;
    session.facts().rules.check(&pending.password, &pending.username, session.server())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statement(version: &str) -> String {
        let version = Version::parse(version).unwrap();
        change(version, &Sensitive::new("it's"), &Sensitive::new(r"o\d")).expose().to_owned()
    }

    #[test]
    fn the_change_is_made_only_while_the_password_is_the_first_where_the_server_can_say_so() {
        let conditional =
            r"ALTER USER IF EXISTS CURRENT_USER() IDENTIFIED BY 'it''s' REPLACE 'o\d'";
        for version in ["8.0.13", "8.0.36", "8.4.6", "9.7.4"] {
            assert_eq!(statement(version), conditional, "{version}");
        }
        for version in ["5.7.44-log", "8.0.12"] {
            assert_eq!(
                statement(version),
                "ALTER USER IF EXISTS CURRENT_USER() IDENTIFIED BY 'it''s'"
            );
        }
    }

    #[test]
    fn the_current_password_is_retained_only_while_it_is_the_first() {
        let statement = retaining(&Sensitive::new("new"), &Sensitive::new("old"));
        assert_eq!(
            statement.expose(),
            "ALTER USER IF EXISTS CURRENT_USER() IDENTIFIED BY 'new' REPLACE 'old' RETAIN CURRENT PASSWORD"
        );
    }
}
