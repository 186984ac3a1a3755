//! A password that is changed by whoever has it.

use turnlock::{Class, Sensitive, TargetError, Verdict};
use turnlock_database::Trust;

use crate::digest;
use crate::engine::Login;
use crate::fault::{IN_THE_HISTORY, NOT_THE_FIRST, OPTION_PREVENTS, Refusal, WITHOUT_THE_FIRST};
use crate::session::Session;
use crate::sql::literal;
use crate::version::{Product, Version};

/// Whose password it is: only this form of the name can be used without a privilege.
const SELF: &str = "CURRENT_USER()";

/// Gives the account that is logged in its next password; the one before is dead at once.
///
/// `accepted` is the password that logged in.
pub(crate) async fn set(
    session: &mut Session,
    accepted: &Sensitive,
    pending: &Login,
    trust: &Trust,
) -> Result<(), TargetError> {
    session.check_server()?;
    match session.facts().version {
        Version { product: Product::MariaDb, .. } => set_at_mariadb(session, pending).await,
        version => {
            let next = change(version, &pending.password, accepted);
            set_at_mysql(session, &next, pending, trust).await
        }
    }
}

/// Gives the account that is logged in its next password, and keeps the one that consumers have as the second.
pub(crate) async fn retain(
    session: &mut Session,
    accepted: &Sensitive,
    pending: &Login,
    trust: &Trust,
) -> Result<(), TargetError> {
    session.check_server()?;
    let next = retaining(&pending.password, accepted);
    set_at_mysql(session, &next, pending, trust).await
}

/// Runs a change that the server makes only while the password that logged in is the first one.
///
/// Where that is the second one, the first is the pending one already, or nobody's: an interrupted rotation has
/// left it. Then it is replaced without RETAIN, which leaves the second one, the consumers', where it is. So
/// whoever comes second, or again, can push nobody's password out.
async fn set_at_mysql(
    session: &mut Session,
    conditional: &Sensitive,
    pending: &Login,
    trust: &Trust,
) -> Result<(), TargetError> {
    let doing = doing(pending);
    let done = match session.ask(conditional, &doing).await {
        Err(Refusal { number: Some(NOT_THE_FIRST), .. }) => {
            session.ask(&unconditional(&pending.password), &doing).await
        }
        done => done,
    };
    let Err(refusal) = done else { return Ok(()) };
    // To a repetition the server can say these, whose password was set before: the history has it then.
    if let Some(IN_THE_HISTORY | WITHOUT_THE_FIRST) = refusal.number
        && let Verdict::Accepted(session) = Session::open(pending, trust).await?
    {
        session.close().await;
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
    Sensitive::new(format!("ALTER USER {SELF} IDENTIFIED BY {password} REPLACE {accepted}"))
}

fn unconditional(password: &Sensitive) -> Sensitive {
    Sensitive::new(format!("ALTER USER {SELF} IDENTIFIED BY {}", literal(password.expose())))
}

fn retaining(password: &Sensitive, accepted: &Sensitive) -> Sensitive {
    let (password, accepted) = (literal(password.expose()), literal(accepted.expose()));
    Sensitive::new(format!(
        "ALTER USER {SELF} IDENTIFIED BY {password} REPLACE {accepted} RETAIN CURRENT PASSWORD"
    ))
}

async fn set_at_mariadb(session: &mut Session, pending: &Login) -> Result<(), TargetError> {
    let doing = doing(pending);
    let digest = digest::native(&pending.password);
    let by_digest = Sensitive::new(format!("SET PASSWORD = {}", literal(digest.expose())));
    match session.ask(&by_digest, &doing).await {
        // With strict_password_validation a server that checks passwords takes none that it cannot read.
        Err(Refusal { number: Some(OPTION_PREVENTS), .. }) => {}
        done => return Ok(done.map(drop)?),
    }
    if session.facts().general_log {
        let text = format!(
            "{doing} at {}: the server checks passwords and takes no digests (strict_password_validation), \
             but has its general_log on, where the password would stand; turn either off, or name an admin in \
             masterarn",
            session.server()
        );
        return Err(TargetError::new(Class::Policy, text));
    }
    // What a slow statement was goes into the slow log as it is.
    let readable = Sensitive::new(format!(
        "SET long_query_time = 3600; SET PASSWORD = PASSWORD({})",
        literal(pending.password.expose())
    ));
    Ok(session.ask(&readable, &doing).await.map(drop)?)
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
        let conditional = r"ALTER USER CURRENT_USER() IDENTIFIED BY 'it''s' REPLACE 'o\d'";
        for version in ["8.0.13", "8.0.36", "8.4.6", "9.7.4"] {
            assert_eq!(statement(version), conditional, "{version}");
        }
        for version in ["5.7.44-log", "8.0.12"] {
            assert_eq!(statement(version), "ALTER USER CURRENT_USER() IDENTIFIED BY 'it''s'");
        }
    }

    #[test]
    fn the_current_password_is_retained_only_while_it_is_the_first() {
        let statement = retaining(&Sensitive::new("new"), &Sensitive::new("old"));
        assert_eq!(
            statement.expose(),
            "ALTER USER CURRENT_USER() IDENTIFIED BY 'new' REPLACE 'old' RETAIN CURRENT PASSWORD"
        );
    }
}
