//! Two users that take turns, of whom the second acts as the first.
//!
//! The first user is whose name the objects have, whose attributes count and whom privileges are granted
//! to. The second is a login: a member of the first with `ALTER ROLE … SET role`, so that whatever it makes
//! belongs to the first. A comment on the second is the mark by which the next rotation knows the pair.
//!
//! `catalog` is what the server says of the two, `mark` the comment, `list` a kind of setting with more than
//! one spelling, `state` what has to be kept in step, `turn` whose turn it is, `plan` the statements,
//! `ownership` those that hand objects over, `comparison` whether the two are equal, `preflight` what the next
//! rotation will need.

mod catalog;
mod comparison;
mod list;
mod mark;
mod ownership;
mod plan;
mod preflight;
mod state;
mod turn;

use turnlock::{History, Sensitive, TargetError, VersionId};

use self::catalog::Scene;
use self::plan::{Origin, Part, Plan};
use self::turn::Turn;
use crate::engine::Login;
use crate::session::{Access, Session};

pub(crate) use preflight::check;

/// Brings the pending user in step with the current one, and lets it in with its new password.
pub(crate) async fn set(
    admin: &mut Session,
    current: &Login,
    pending: &Login,
    version: &VersionId,
    history: History<'_, Login>,
    verifier: Sensitive,
) -> Result<(), TargetError> {
    let names = [current.username.as_str(), pending.username.as_str()];
    let scene = Scene::look(admin, names, Access::Change).await?;
    let part = part(&scene, admin.server(), current, &pending.username, history).await?;
    let mut plan = Plan::of(&scene, &part, &pending.username, version)?;
    for note in &plan.notes {
        tracing::warn!("{note}");
    }
    plan.statements.push(plan::let_in(&pending.username, &verifier));
    let statements = plan.statements.iter().map(Sensitive::expose).collect::<Vec<_>>();
    // One text for all, made in one go: a string that grows leaves copies of itself behind.
    let all = Sensitive::new(statements.join("; "));
    admin.commit(&all, &pending.username, &plan.demands, &plan.settings).await
}

/// Compares the two users in the pending one's session.
pub(crate) async fn compare(
    session: &mut Session,
    current: &Login,
    pending: &Login,
) -> Result<(), TargetError> {
    let names = [current.username.as_str(), pending.username.as_str()];
    let scene = Scene::look(session, names, Access::Look).await?;
    comparison::compare(&scene, session.server(), names[0], names[1])
}

/// Whether a server has what [`set`] did for a version: it is written on the second user.
pub(crate) async fn shows(
    session: &mut Session,
    current: &Login,
    pending: &Login,
    version: &VersionId,
) -> Result<bool, TargetError> {
    let names = [current.username.as_str(), pending.username.as_str()];
    let scene = Scene::look(session, names, Access::Look).await?;
    let version = version.as_str();
    Ok(names.iter().filter_map(|name| scene.user(name)).any(|user| user.is_marked_for(version)))
}

/// Settles whether an account without a mark is ours.
async fn part<'a>(
    scene: &'a Scene,
    server: &str,
    current: &Login,
    pending: &str,
    history: History<'_, Login>,
) -> Result<Part<'a>, TargetError> {
    let (current, adopt) = (current.username.as_str(), current.adopt);
    let (user, other) = match Turn::read(scene, server, current, pending)? {
        Turn::New { first } => {
            return Ok(Part::Second { first, second: None, origin: Origin::Ours });
        }
        Turn::Second { first, second, mark } => {
            let origin = if mark.is_adopted { Origin::Kept } else { Origin::Ours };
            return Ok(Part::Second { first, second: Some(second), origin });
        }
        Turn::First { first, second, mark } => {
            // The mark is a name. Who dropped that role, and made another of its name, left no membership.
            if !second.is_member_of(pending) && !history.proves(pending).await? {
                return Err(turn::replaced(current, pending));
            }
            return Ok(Part::First { first, second, mark: Some(mark) });
        }
        Turn::Unmarked { current, pending } => (current, pending),
    };
    // Only where there is a reason to think so: a login that fails may lock a stranger's account.
    if turn::related(user, other) && history.proves(pending).await? {
        // Whose mark was removed by hand may be one that was taken over, and what it owns somebody else's.
        let origin = if adopt { Origin::Adopted } else { Origin::Ours };
        return Ok(if user.is_member_of(pending) {
            Part::First { first: other, second: user, mark: None }
        } else {
            Part::Second { first: user, second: Some(other), origin }
        });
    }
    if adopt && !user.is_member_of(pending) {
        return Ok(Part::Second { first: user, second: Some(other), origin: Origin::Adopted });
    }
    Err(turn::foreign(user, pending, adopt))
}
