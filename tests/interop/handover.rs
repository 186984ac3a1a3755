//! One rotation, each of whose steps is taken by our function or by AWS's: all sixteen ways.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use turnlock_local::{Hook, Knobs, Local};
use turnlock_tests::database::{Database, Kind};

use crate::STEPS;
use crate::aws_function::{AwsFunction, SINGLE_USER, folder_of};

pub(crate) const OURS: &str = "turnlock";
pub(crate) const THEIRS: &str = "aws";
const FIRST_PASSWORD: &str = "first-password";
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Who takes each of the four steps.
pub(crate) type Cast = [&'static str; 4];

/// Prints a line for each of the sixteen; whether all went well.
pub(crate) async fn run(any: &AwsFunction, kind: Kind) -> bool {
    let server = Database::start(kind).await;
    let (name, theirs) = (server.name().await, folder_of(kind, SINGLE_USER));
    println!("{name}: a rotation shared with {theirs}, whoever takes which step:\n");
    let theirs = any.of(kind, SINGLE_USER);
    let head = STEPS.map(|step| format!("{step:<13}")).concat();
    println!("{head}result  logins accepted, failed");
    let knobs = Knobs { attempts: 1, ..Knobs::default() };
    let ours = server.function();
    let local = Local::builder().knobs(knobs);
    let local = local.function(OURS, ours).function(THEIRS, theirs.function(server.ca_file()));
    let local = Arc::new(local.start().await.expect("the stand-in starts"));
    let mut is_well = true;
    for number in 0..16_u8 {
        let cast = cast(number);
        let role = format!("role_{number}");
        let mark = server.mark();
        let result = rotate(&server, &local, &role, cast).await;
        let logins = server.logins_of(mark, &[&role]).await;
        let cells = cast.map(|name| format!("{name:<13}")).concat();
        let verdict = result.as_ref().map_or("FAILED", |()| "ok");
        // Of the accepted and the failed, one each is our own check at the end.
        let (accepted, failed) = (logins.accepted, logins.failed);
        println!("{cells}{verdict:<8}{}, {}", accepted.saturating_sub(1), failed.saturating_sub(1));
        if let Err(problem) = result {
            println!("    {problem}");
            is_well = false;
        }
    }
    println!();
    is_well
}

/// One of the sixteen ways.
pub(crate) fn cast(number: u8) -> Cast {
    [8, 4, 2, 1].map(|bit| if number & bit == 0 { OURS } else { THEIRS })
}

async fn rotate(
    server: &Database,
    local: &Arc<Local>,
    role: &str,
    cast: Cast,
) -> Result<(), String> {
    server.make_user(role, FIRST_PASSWORD).await;
    let mut secret = server.secret_of(role, FIRST_PASSWORD);
    secret["note"] = json!({"of": ["somebody", 1.5, null], "emoji": "🔑"});
    let arn = local.create_secret(role, &secret.to_string()).map_err(|e| format!("{e:?}"))?;
    local.set_rotation(&arn, OURS).map_err(|e| format!("{e:?}"))?;
    cast_roles(local, cast);

    let version = local.rotate(&arn).map_err(|e| format!("{e:?}"))?;
    let ended = local.wait_for_rotation(&arn, PATIENCE).await;
    ended.map_err(|failure| format!("{failure:?}"))?;

    let labels = local.labels(&arn);
    check(labels.get("AWSCURRENT") == Some(&version), "AWSCURRENT has not moved")?;
    check(!labels.contains_key("AWSPENDING"), "AWSPENDING is still there")?;
    let text = local.value_of(&arn, "AWSCURRENT").ok_or("the new version has no value")?;
    let mut new: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let password = new["password"].as_str().unwrap_or_default().to_owned();
    check(password != FIRST_PASSWORD, "the password has not changed")?;
    check(server.can_log_in(role, &password).await, "the new password is refused")?;
    let old_works = server.can_log_in(role, FIRST_PASSWORD).await;
    check(!old_works, "the old password still works")?;
    new["password"] = json!(FIRST_PASSWORD);
    check(new == secret, "another field has changed")
}

/// Hands the secret over before each step of the first attempt; a second one is ours, as after a change of the
/// ARN. Counts the attempts.
pub(crate) fn cast_roles(local: &Arc<Local>, cast: Cast) -> Arc<AtomicU32> {
    let attempts = Arc::new(AtomicU32::new(0));
    let (stage, counted) = (Arc::downgrade(local), attempts.clone());
    let hook = Hook::new(move |context| {
        let stage = stage.clone();
        counted.fetch_max(context.attempt, Ordering::Relaxed);
        async move {
            let index = STEPS.iter().position(|step| *step == context.step).unwrap_or_default();
            let Some(local) = stage.upgrade() else { return };
            let function = if context.attempt == 1 { cast[index] } else { OURS };
            local.set_rotation(&context.secret_id, function).expect("the function is deployed");
        }
    });
    local.set_knobs(|knobs| knobs.before_step = Some(hook));
    attempts
}

pub(crate) fn check(holds: bool, otherwise: &str) -> Result<(), String> {
    holds.then_some(()).ok_or_else(|| otherwise.to_owned())
}
