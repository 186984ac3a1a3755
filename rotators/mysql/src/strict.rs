//! MariaDB with `strict_password_validation`, its default: where a plugin checks passwords, it takes no digest.

use turnlock::{Class, Sensitive, TargetError};

use crate::engine::Login;
use crate::fault::{OPTION_PREVENTS, Refusal};
use crate::session::Session;
use crate::sql::literal;

/// What to do about it, for an error's text.
const REMEDY: &str = "SET GLOBAL strict_password_validation = OFF, after which it takes digests and this function \
     checks by the rules of simple_password_check";

/// Whether a digest was refused because the server wants to check the password.
pub(crate) fn refuses_digests(session: &Session, refusal: &Refusal) -> bool {
    // ALTER USER tells only that it could not be done to the account.
    session.facts().strict && refusal.number == Some(OPTION_PREVENTS)
}

/// Sets the password as a text, where no log of the server would have it.
///
/// `whose` are the accounts as they stand behind `SET PASSWORD`. The server tells its replicas the digest.
pub(crate) async fn set(
    session: &mut Session,
    whose: &[String],
    pending: &Login,
    doing: &str,
) -> Result<(), TargetError> {
    if session.facts().general_log {
        let text = "its general_log is on, where the password would stand; turn that off, or ";
        return Err(refused(session, doing, text));
    }
    let password = literal(pending.password.expose());
    let sets: Vec<_> = whose
        .iter()
        .map(|whose| Sensitive::new(format!("SET PASSWORD{whose} = PASSWORD({password})")))
        .collect();
    let sets = sets.iter().map(Sensitive::expose).collect::<Vec<_>>();
    // What a slow statement was goes into the slow log as it is.
    let all = Sensitive::new(format!("SET long_query_time = 3600; {}", sets.join("; ")));
    Ok(session.ask(&all, doing).await.map(drop)?)
}

/// Refuses what can be set by digests alone; `what` that is, such as `two passwords`.
pub(crate) fn refuse(session: &Session, doing: &str, what: &str) -> TargetError {
    refused(session, doing, &format!("{what} can be set only as digests; "))
}

fn refused(session: &Session, doing: &str, why: &str) -> TargetError {
    let server = session.server();
    let text = format!(
        "{doing} at {server}: the server checks passwords and takes no digests (strict_password_validation), \
         but {why}{REMEDY}"
    );
    TargetError::new(Class::Policy, text)
}
