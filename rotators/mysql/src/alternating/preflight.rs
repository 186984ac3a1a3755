//! Whether the next rotation will find what it needs.

use turnlock::{Class, History, TargetError};

use super::look;
use crate::account::plain;
use crate::administered::settable;
use crate::engine::Login;
use crate::privileges::Privileges;
use crate::rights;
use crate::session::Session;

/// As many are named, the rest is counted.
const NAMED: usize = 20;

/// Checks, changing nothing, that the admin could let the other user in, and equal to the current one.
pub(crate) async fn check(
    admin: &mut Session,
    current: &Login,
    pending: &str,
    history: History<'_, Login>,
) -> Result<(), TargetError> {
    admin.check_server()?;
    let own = rights::privileges(admin).await?;
    let mut missing = Vec::new();
    if !own.has_everywhere("CREATE USER") {
        missing.push("CREATE USER on *.*".to_owned());
    }
    if !own.has_in("mysql", "SELECT") {
        // Without it, nothing else can be seen.
        missing.push("SELECT on mysql.*".to_owned());
        return Err(lacking(admin, &current.username, pending, &missing));
    }
    let scene = look(admin, current, pending, history).await?;
    let none = Privileges::default();
    for pair in &scene.pairs {
        settable(&pair.current.held, admin.server())?;
        let known = pair.known.as_ref().map_or(&none, |side| &side.state.privileges);
        let wanted = &pair.current.state.privileges;
        missing.extend(own.lacks_to_change(known, wanted, scene.version));
    }
    missing.sort();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    Err(lacking(admin, &current.username, pending, &missing))
}

fn lacking(admin: &Session, current: &str, pending: &str, missing: &[String]) -> TargetError {
    let named: Vec<String> = missing.iter().take(NAMED).map(|item| plain(item)).collect();
    let more = match missing.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let text = format!(
        "at {} the admin {} may not let {pending} take turns with {current}; missing: {}{more}",
        admin.server(),
        admin.facts().account,
        named.join(", ")
    );
    TargetError::new(Class::Permission, text)
}
