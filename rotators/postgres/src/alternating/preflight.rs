//! Whether the next rotation will find what it needs.

use turnlock::{Class, History, TargetError, VersionId};

use super::catalog::{self, Scene, User};
use super::part;
use super::plan::{GRANTS_HAVE_OPTIONS, Part, Plan};
use crate::login::Login;
use crate::session::{Access, Session, field};
use crate::sql::literal;

/// How many connections there are, and how many there may be.
const CONNECTIONS: &str = "SELECT \
    (SELECT count(*) FROM pg_stat_activity WHERE usename = {user}), \
    (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL), \
    current_setting('max_connections')::bigint \
      - current_setting('superuser_reserved_connections')::bigint \
      - coalesce(current_setting('reserved_connections', true)::bigint, 0)";

/// From this version on, a superuser can let others set a parameter.
const PARAMETERS_HAVE_GRANTS: u32 = 150_000;

/// The parameters that the login may not set.
const PARAMETERS: &str = "SELECT string_agg(DISTINCT quote_ident(p.name), ', ') \
    FROM unnest(ARRAY[{names}]) p(name) WHERE NOT has_parameter_privilege(p.name, 'SET')";

/// Checks, changing nothing, that the admin could let the alternate user in, and equal to the current one.
pub(crate) async fn check(
    admin: &mut Session,
    current: &Login,
    pending: &str,
    history: History<'_>,
) -> Result<(), TargetError> {
    admin.check_settings()?;
    let names = [current.username.as_str(), pending];
    let scene = Scene::of(&admin.look(&catalog::question(names), names, Access::Look).await?)?;
    // The admin's, of which the user's host may be a replica.
    let server = admin.server().to_owned();
    let part = part(&scene, &server, current, pending, history).await?;
    let missing = missing(&scene, &part);
    if !missing.is_empty() {
        let text = format!(
            "at {server} the admin {} may not let {pending} take turns with {}; missing: {}",
            scene.me.name,
            current.username,
            missing.join(", ")
        );
        return Err(TargetError::new(Class::Permission, text));
    }
    let plan = Plan::of(&scene, &part, pending, &VersionId::new("test"))?;
    if !scene.me.superuser {
        check_parameters(admin, &scene, &plan).await?;
    }
    check_connections(admin, current).await
}

/// Whether the admin may set the parameters that have to be copied.
async fn check_parameters(
    admin: &mut Session,
    scene: &Scene,
    plan: &Plan,
) -> Result<(), TargetError> {
    if scene.version >= PARAMETERS_HAVE_GRANTS && !plan.parameters.is_empty() {
        let names: Vec<String> = plan.parameters.iter().map(|name| literal(name)).collect();
        let question = PARAMETERS.replace("{names}", &names.join(", "));
        let row = admin.ask(&question, "reading the rights on parameters").await?;
        if let Some(missing) = field::<Option<String>>(&row, 0)? {
            let text = format!(
                "the admin {} may not set what the other user has set; missing: GRANT SET ON PARAMETER {missing}",
                scene.me.name
            );
            return Err(TargetError::new(Class::Permission, text));
        }
    } else if !plan.demands.is_empty() {
        // Whether it is allowed is known by doing it only, and here nothing is done.
        let demands = plan.demands.join(", ");
        tracing::warn!("the next rotation will need more than CREATEROLE: {demands}");
    }
    Ok(())
}

/// Whether there is room for the sessions of both users, while consumers change over.
async fn check_connections(admin: &mut Session, current: &Login) -> Result<(), TargetError> {
    let connections = CONNECTIONS.replace("{user}", &literal(&current.username));
    let row = admin.ask(&connections, "counting connections").await?;
    let (own, all, most): (i64, i64, i64) = (field(&row, 0)?, field(&row, 1)?, field(&row, 2)?);
    if all + own > most {
        let text = format!(
            "{current} has {all} of {most} connections in use, {own} of them by {}: while consumers change \
             over, both users have sessions, and there is no room for as many again",
            current.username
        );
        return Err(TargetError::new(Class::TooManyConnections, text));
    }
    Ok(())
}

/// What the rules of `CREATE ROLE`, `GRANT` and `ALTER ROLE` ask of an admin that this one does not have.
fn missing(scene: &Scene, part: &Part<'_>) -> Vec<String> {
    let me = &scene.me;
    if me.superuser {
        return Vec::new();
    }
    let (first, second) = match part {
        Part::Second { first, second, .. } => (*first, *second),
        Part::First { first, second, .. } => (*first, Some(*second)),
    };
    let users: Vec<&User> = std::iter::once(first).chain(second).collect();
    let options = scene.version >= GRANTS_HAVE_OPTIONS;
    let mut missing = Vec::new();
    if !me.create_role {
        missing.push("CREATEROLE".to_owned());
    }
    for user in &users {
        if user.superuser {
            missing.push(format!("SUPERUSER ({} has it)", user.name));
        }
        if options && !user.administered {
            missing.push(format!("ADMIN OPTION on {} (from version 16)", user.name));
        }
    }
    let joined = second.is_some_and(|second| second.inherits(first));
    if options && !joined && first.administered && first.grantor.is_none() {
        missing.push(format!("INHERIT on the role that has ADMIN OPTION on {}", first.name));
    }
    if users.iter().any(|user| user.replication) && !(options && me.replication) {
        let who = if options { "REPLICATION" } else { "SUPERUSER (before version 16)" };
        missing.push(format!("{who}, since {} has REPLICATION", first.name));
    }
    if me.restricted {
        let text = "membership in rds_password (rds.restrict_password_commands is on)";
        missing.push(text.to_owned());
    }
    missing
}
