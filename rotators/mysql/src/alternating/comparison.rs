//! Whether one user can do all that the other can, seen by the two themselves.

use turnlock::{Class, Sensitive, TargetError, Verdict};
use turnlock_database::Trust;

use super::scene::{State, attainable, statements};
use crate::account::Account;
use crate::engine::Login;
use crate::privileges::comparison;
use crate::privileges::existence::Doubt;
use crate::session::Session;
use crate::settings;

/// Compares the pending user, in its own session, with the current one, which logs in for it.
///
/// # Errors
///
/// Class `refused`, with the differences named.
pub(crate) async fn compare(
    pending: &mut Session,
    current: &Login,
    trust: &Trust,
) -> Result<(), TargetError> {
    let mut current = match Session::open(current, trust).await? {
        Verdict::Accepted(session) => session,
        // Another version has proved it, and setSecret has compared the two.
        Verdict::Rejected(reason) => {
            tracing::warn!("the two users are not compared once more: {reason}");
            return Ok(());
        }
    };
    let (one, its) = look(&mut current).await?;
    let (other, others) = look(pending).await?;
    let (one_has, other_has) = (&its.privileges, &others.privileges);
    // Who has a privilege sees what it is for.
    let doubt = Doubt::between(one_has, other_has);
    let attained = attainable(&mut current, one_has, other_has, doubt, DOING).await?;
    let doubt = Doubt::between(other_has, one_has);
    let kept = attainable(pending, other_has, one_has, doubt, DOING).await?;
    current.close().await;
    let mut found = comparison::compare((&one, &attained), (&other, &kept));
    let apart = settings::compare(&its.settings, &others.settings);
    found.extend(apart.into_iter().map(|setting| format!("another {setting}")));
    if one.host != other.host {
        found.push(format!(
            "the server takes {} for {other} and {} for {one}",
            other.user, one.user
        ));
    }
    if found.is_empty() {
        return Ok(());
    }
    let text = format!(
        "{} is not equal to {}, which stays in use: {}",
        other.user,
        one.user,
        found.join("; ")
    );
    Err(TargetError::new(Class::Refused, text))
}

const DOING: &str = "comparing the two users";

/// What an account says of itself.
async fn look(session: &mut Session) -> Result<(Account, State), TargetError> {
    let facts = session.facts();
    let (account, version) = (facts.account.clone(), facts.version);
    let mut all = vec![version.printing().to_owned()];
    // The privileges of an active role would stand among its own.
    all.extend(version.has_roles().then(|| "SET ROLE NONE".to_owned()));
    let skipped = all.len();
    all.extend(statements(&account, "CURRENT_USER()", version));
    let answers = session.ask(&Sensitive::new(all.join("; ")), DOING).await?;
    let mut answers = answers.iter().skip(skipped);
    let state = State::read(&mut answers, &account, version, DOING)?;
    Ok((account, state))
}
