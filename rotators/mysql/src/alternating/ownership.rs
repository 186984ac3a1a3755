//! Whether an account of the second name is ours, and the mark by which the next rotation knows it.

use serde::Deserialize;
use turnlock::{Class, History, TargetError};

use super::scene::{Scene, Side};
use crate::engine::Login;

/// What MySQL keeps for us in the attribute of an account: whom it takes turns with.
#[derive(Deserialize)]
struct Mark {
    alternates_with: String,
}

/// The mark of an account that takes turns with a user, as MySQL prints JSON.
pub(super) fn mark(other: &str) -> String {
    // A text is printed by both in the same way.
    format!("{{\"alternates_with\": {}}}", serde_json::Value::from(other))
}

/// Refuses to copy an account whose password no version of the secret has, and to touch one that was not made for this
/// secret and is not to be adopted.
///
/// Ours is what has our mark, or logs in with a password that a version of the secret has.
pub(super) async fn check(
    scene: &Scene,
    server: &str,
    current: &Login,
    other: &str,
    history: History<'_, Login>,
) -> Result<(), TargetError> {
    for side in scene.pairs.iter().map(|pair| &pair.current) {
        // Somebody was let in by that name, but it can have been as another account: one without a name is one.
        let name = &current.username;
        let has_password = side.held.plugin().is_some();
        if has_password
            && !side.held.accepts(&current.password)
            && !is_known(side, name, history).await?
        {
            let text = format!(
                "{} at {server} has a password that no version of the secret has, so there is no reason to \
                 let a second user do what it can",
                side.held.account
            );
            return Err(TargetError::new(Class::AuthRejected, text));
        }
    }
    for side in scene.pairs.iter().filter_map(|pair| pair.known.as_ref()) {
        if !(is_marked(side, current) || current.adopt || is_known(side, other, history).await?) {
            return Err(foreign(side, server, other, scene.version.has_attributes()));
        }
    }
    if let Some(side) = scene.unpaired.first() {
        let ours = is_marked(side, current) || is_known(side, other, history).await?;
        let whose = if ours { "" } else { "was not made for this secret, " };
        let text = format!(
            "{} exists at {server}, {whose}and no account of {user} has its host: consumers from there would \
             not be let in. It is not touched. Drop it, make one of {user} for that host with the current \
             password, or name another second user in rotation.alternate_username",
            side.held.account,
            user = current.username
        );
        return Err(TargetError::new(Class::Refused, text));
    }
    if let Some(account) = scene.left_out.first() {
        let text = format!(
            "{account} exists at {server} with another password than the secret's: consumers from its host would be let \
             in after every other rotation only, as {other}. It is not touched. Give it the current \
             password, drop it, or have the strategy single-user"
        );
        return Err(TargetError::new(Class::Refused, text));
    }
    Ok(())
}

fn is_marked(side: &Side, current: &Login) -> bool {
    let mark = side.state.settings.mark().and_then(|mark| serde_json::from_str::<Mark>(mark).ok());
    mark.is_some_and(|mark| mark.alternates_with == current.username)
}

/// Told by what the server has stored, as a login that fails may lock a stranger's account.
async fn is_known(
    side: &Side,
    other: &str,
    history: History<'_, Login>,
) -> Result<bool, TargetError> {
    history.knows(other, |old| side.held.accepts(&old.password)).await
}

fn foreign(side: &Side, server: &str, other: &str, has_marks: bool) -> TargetError {
    let account = &side.held.account;
    let no_mark = if has_marks { "it has no mark of ours, and " } else { "" };
    let text = format!(
        "{account} exists at {server} and was not made for this secret: {no_mark}no version of the secret has its \
         password. It is not touched. Name another second user in rotation.alternate_username, or say \
         \"rotation\": {{\"adopt\": true}} to have {other} taken over, with new privileges and a new password"
    );
    TargetError::new(Class::Refused, text)
}
