//! Whether one user can do all that the other can, and in what words it cannot.

use turnlock::{Class, TargetError};

use super::catalog::{Grants, Scene, User};
use super::state::State;
use super::turn::Turn;

/// Compares the user that is logged in with the current one.
///
/// # Errors
///
/// Class `refused`, with every difference named.
pub(crate) fn compare(
    scene: &Scene,
    server: &str,
    current: &str,
    pending: &str,
) -> Result<(), TargetError> {
    let (first, mut found) = match Turn::read(scene, server, current, pending)? {
        Turn::New { first } => (first, vec![format!("there is no role {pending}")]),
        Turn::Second { first, second, .. } => (first, second_apart(first, second)),
        Turn::First { first, second, mark } => {
            let (own, its) = (State::of(first), State::of(second));
            let known = mark.first == own.digest() && mark.second == its.digest();
            (first, if known { Vec::new() } else { own.differences(&its) })
        }
        // AWS's function did the step before: its second user acts as nobody else.
        Turn::Unmarked { current, pending } => {
            let mut found = losses(current, pending);
            found.extend(closed(current, pending));
            return if found.is_empty() {
                Ok(())
            } else {
                Err(lacking(&pending.name, &current.name, &found))
            };
        }
    };
    let state = State::of(first);
    let second = if first.name == current { pending } else { current };
    found.extend(state.acting_in_turn(first, second));
    let role = state.role(&scene.database).unwrap_or(&first.name);
    if scene.role != role {
        found.push(format!("it acts as {} and not as {role}", scene.role));
    }
    if found.is_empty() { Ok(()) } else { Err(lacking(pending, current, &found)) }
}

/// Names the differences as an error.
pub(crate) fn lacking(pending: &str, current: &str, differences: &[String]) -> TargetError {
    let text = format!(
        "{pending} is not equal to {current}, which stays in use: {}",
        differences.join(", ")
    );
    TargetError::new(Class::Refused, text)
}

/// What tells a second login from the user that it acts as.
fn second_apart(first: &User, second: &User) -> Vec<String> {
    let mut found = State::of(first).differences(&State::of(second));
    if !second.may_act_as(first) {
        found.push(format!("it is no member of {}", first.name));
    } else if !second.inherits(first) {
        found.push(format!("it does not inherit from {}", first.name));
    }
    let others = second.memberships.iter().filter(|grant| grant.role != first.name);
    found.extend(others.map(|grant| format!("it is a member of {}", grant.role)));
    found.extend(attributes(second, first).iter().map(|attribute| format!("it has {attribute}")));
    found
}

/// What consumers of `current` would lose with `pending`, where neither acts as the other.
pub(crate) fn losses(current: &User, pending: &User) -> Vec<String> {
    let mut found = Vec::new();
    if !pending.inherits(current) {
        let missing = |role: &&String| **role != pending.name && !pending.is_member_of(role);
        let roles = current.reaches.iter().filter(missing);
        found.extend(roles.map(|role| format!("it is no member of {role}")));
        if !current.is_member_of(&pending.name) {
            found.push(format!("it is no member of {}", current.name));
        }
        if let Some(grants) = current.grants.as_ref().filter(|grants| grants.count > 0) {
            found.push(own_privileges(&current.name, grants, &pending.name));
        }
    }
    found.extend(
        attributes(current, pending).iter().map(|attribute| format!("it lacks {attribute}")),
    );
    let (mut own, its) = (State::of(current), State::of(pending));
    if current.is_member_of(&pending.name) {
        // AWS's function does not give the limits of the first user to the second: there is no wish behind
        // that they are not there.
        if own.connection_limit < 0 {
            own.connection_limit = its.connection_limit;
        }
        own.valid_until = own.valid_until.or_else(|| its.valid_until.clone());
    }
    found.extend(own.not_in(&its));
    found
}

/// Privileges that were granted to a user itself, with some of the objects by name.
fn own_privileges(name: &str, grants: &Grants, other: &str) -> String {
    let count = grants.count;
    // A line break in a name could pass for a line of the log.
    let shown = grants.some.iter().map(|object| object.replace(char::is_control, "?"));
    let shown = shown.collect::<Vec<_>>().join(", ");
    let such = match shown.as_str() {
        "" => " of other databases".to_owned(),
        _ => format!(", such as {shown}"),
    };
    format!(
        "{name} has privileges of its own on {count} objects{such} (grant {other} the same; in other \
         databases, revoke them from {name}, too)"
    )
}

/// What `current` owns and `pending` cannot use, until it is handed over.
fn closed(current: &User, pending: &User) -> Vec<String> {
    let mut found = Vec::new();
    if pending.inherits(current) {
        return found;
    }
    if current.objects > 0 {
        found.push(format!("{} owns {} objects", current.name, current.objects));
    }
    let databases = current.objects_elsewhere.iter();
    found.extend(databases.map(|database| format!("{} owns objects in {database}", current.name)));
    found
}

/// The attributes that `one` has and `other` has not.
pub(crate) fn attributes(one: &User, other: &User) -> Vec<&'static str> {
    [
        ("SUPERUSER", one.superuser, other.superuser),
        ("CREATEROLE", one.create_role, other.create_role),
        ("CREATEDB", one.create_database, other.create_database),
        ("BYPASSRLS", one.bypass_rls, other.bypass_rls),
    ]
    .into_iter()
    .filter_map(|(name, one, other)| (one && !other).then_some(name))
    .collect()
}
