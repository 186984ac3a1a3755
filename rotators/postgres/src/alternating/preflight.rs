//! Whether the next rotation will find what it needs.

use turnlock::{Class, History, TargetError, VersionId};
use turnlock_database::lacking;

use super::catalog::{Scene, User};
use super::part;
use super::plan::{Part, Plan};
use crate::engine::Login;
use crate::rights::{Changed, Changer};
use crate::session::{Access, Session, field};
use crate::sql::literal;

/// How many connections there are, and how many there may be.
const CONNECTIONS: &str = "SELECT \
    (SELECT count(*) FROM pg_stat_activity WHERE usename = {user}), \
    (SELECT count(*) FROM pg_stat_activity WHERE datid IS NOT NULL), \
    current_setting('max_connections')::bigint \
      - current_setting('superuser_reserved_connections')::bigint \
      - coalesce(current_setting('reserved_connections', true)::bigint, 0), \
    (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()), \
    (SELECT d.datconnlimit::bigint FROM pg_database d WHERE d.datname = current_database())";

/// From this version on, a superuser can let others set a parameter.
const PARAMETERS_HAVE_GRANTS: i32 = 150_000;

/// The parameters that the login may not set.
const PARAMETERS: &str = "SELECT string_agg(DISTINCT quote_ident(p.name), ', ') \
    FROM unnest(ARRAY[{names}]) p(name) WHERE NOT has_parameter_privilege(p.name, 'SET')";

/// Checks, changing nothing, that the admin could let the alternate user in, and equal to the current one.
pub(crate) async fn check(
    admin: &mut Session,
    current: &Login,
    pending: &str,
    history: History<'_, Login>,
) -> Result<(), TargetError> {
    admin.check_settings()?;
    let names = [current.username.as_str(), pending];
    let scene = Scene::look(admin, names, Access::Look).await?;
    // The admin's, of which the user's host may be a replica.
    let server = admin.server().to_owned();
    let part = part(&scene, &server, current, pending, history).await?;
    let plan = Plan::of(&scene, &part, pending, &VersionId::new("test"))?;
    let mut missing = missing(&scene, &part, &plan);
    missing.extend(missing_parameters(admin, &scene, &plan).await?);
    let me = &scene.me.name;
    let what = format!("the admin {me} may not let {pending} take turns with {}", current.username);
    lacking(admin.server(), &what, &missing)?;
    if !plan.demands.is_empty() && !scene.me.superuser {
        // Whether it is allowed is known by doing it only, and here nothing is done.
        let demands = plan.demands.join(", ");
        tracing::warn!("the next rotation will need more than CREATEROLE: {demands}");
    }
    check_connections(admin, current).await
}

/// The parameters that have to be copied and that the admin may not set, where the server can tell.
async fn missing_parameters(
    admin: &mut Session,
    scene: &Scene,
    plan: &Plan,
) -> Result<Option<String>, TargetError> {
    if scene.version < PARAMETERS_HAVE_GRANTS || plan.parameters.is_empty() || scene.me.superuser {
        return Ok(None);
    }
    let names: Vec<String> = plan.parameters.iter().map(|name| literal(name)).collect();
    let question = PARAMETERS.replace("{names}", &names.join(", "));
    let row = admin.ask(&question, "reading the rights on parameters").await?;
    let missing = field::<Option<String>>(&row, 0)?;
    Ok(missing.map(|names| format!("GRANT SET ON PARAMETER {names}")))
}

/// Whether there is room for the sessions of both users, while consumers change over.
async fn check_connections(admin: &mut Session, current: &Login) -> Result<(), TargetError> {
    let connections = CONNECTIONS.replace("{user}", &literal(&current.username));
    let row = admin.ask(&connections, "counting connections").await?;
    let own: i64 = field(&row, 0)?;
    let of_server: (i64, i64) = (field(&row, 1)?, field(&row, 2)?);
    let of_database: (i64, i64) = (field(&row, 3)?, field(&row, 4)?);
    for (place, (all, most)) in [
        (current.server.to_string(), of_server),
        (format!("the database {}", current.database.as_deref().unwrap_or_default()), of_database),
    ] {
        // A database without a limit has -1.
        if most >= 0 && all + own > most {
            let text = format!(
                "{place} has {all} of {most} connections in use, {own} of them by {}: while consumers \
                 change over, both users have sessions, and there is no room for as many again",
                current.username
            );
            return Err(TargetError::new(Class::TooManyConnections, text));
        }
    }
    Ok(())
}

/// What the rules of `CREATE ROLE`, `GRANT` and `ALTER ROLE` ask of an admin that this one does not have.
fn missing(scene: &Scene, part: &Part<'_>, plan: &Plan) -> Vec<String> {
    let me = Changer {
        version: scene.version,
        superuser: scene.me.superuser,
        create_role: scene.me.create_role,
        restricted: scene.me.restricted,
    };
    let (first, second) = match part {
        Part::Second { first, second, .. } => (*first, *second),
        Part::First { first, second, .. } => (*first, Some(*second)),
    };
    let users: Vec<Changed<'_>> = std::iter::once(first).chain(second).map(changed).collect();
    let mut missing = me.lacks(&users);
    let joined = second.is_some_and(|second| second.inherits(first));
    if me.needs_admin_option() && !joined && first.administered && first.grantor.is_none() {
        missing.push(format!("INHERIT on the role that has ADMIN OPTION on {}", first.name));
    }
    if plan.gives_replication && !scene.me.replication && !me.superuser {
        missing.push(format!("REPLICATION (which {} has)", first.name));
    }
    missing
}

fn changed(user: &User) -> Changed<'_> {
    Changed {
        name: &user.name,
        superuser: user.superuser,
        replicates: user.replication,
        administered: user.administered,
    }
}
