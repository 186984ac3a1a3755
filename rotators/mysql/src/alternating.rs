//! Two users that take turns, each with the privileges and settings of the other.
//!
//! Whoever is current has what is right; the other one is made equal to it before it is let in: what was granted
//! since is granted to it, and what was revoked is revoked from it. Each account of the current user has its
//! counterpart, of the other name and the same host.
//!
//! `scene` is what the server says of the two, `ownership` whether the other account may be touched, `plan` the
//! statements, `comparison` whether the two are equal, `preflight` whether the admin may do it.

mod comparison;
mod ownership;
mod plan;
mod preflight;
mod scene;

use turnlock::{Class, History, TargetError, VersionId};

use self::plan::Plan;
use self::scene::Scene;
use crate::engine::Login;
use crate::session::Session;
use crate::strict;

pub(crate) use comparison::compare;
pub(crate) use preflight::check;

/// Brings the pending user in step with the current one, and lets it in with its new password.
pub(crate) async fn set(
    admin: &mut Session,
    current: &Login,
    pending: &Login,
    version: &VersionId,
    history: History<'_, Login>,
) -> Result<(), TargetError> {
    let scene = look(admin, current, &pending.username, history).await?;
    let plan = Plan::of(&scene, admin, pending, version)?;
    let doing = format!("changing {}", pending.username);
    match admin.change(&plan.0, &doing).await {
        Err(refusal) if strict::refuses_digests(admin, &refusal) => {
            Err(strict::refuse(admin, &doing, "passwords of two users that take turns"))
        }
        done => Ok(done?),
    }
}

async fn look(
    admin: &mut Session,
    current: &Login,
    pending: &str,
    history: History<'_, Login>,
) -> Result<Scene, TargetError> {
    admin.check_server()?;
    let longest = admin.facts().version.longest_name();
    if pending.chars().count() > longest {
        let text = format!(
            "{pending} is longer than the {longest} characters that {} allows; name the second user in \
             rotation.alternate_username",
            admin.server()
        );
        return Err(TargetError::new(Class::Refused, text));
    }
    let scene = Scene::look(admin, current, pending).await?;
    ownership::check(&scene, admin.server(), current, pending, history).await?;
    Ok(scene)
}
