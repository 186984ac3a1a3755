//! What has to be true after an attempt, and after a rotation.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::stage::{Keeps, Stage, State};

/// Servers need a moment to see that a client is gone.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(2);

/// What is broken after an attempt that was interrupted.
pub(crate) async fn broken_meanwhile(stage: &impl Stage, reference: &State) -> Vec<String> {
    let mut broken = vec![left_over(stage).await];
    let current = works(stage, "AWSCURRENT").await;
    if !current && stage.keeps().current {
        broken.push("AWSCURRENT is locked out".to_owned());
    }
    if !current && stage.keeps().any && !any_works(stage).await {
        broken.push("no version works".to_owned());
    }
    let state = stage.state().await;
    broken.push(difference("other accounts", &reference.others, &state.others));
    // Who is let in has all that it is to have.
    if state.own != reference.own && stage.keeps().current && works(stage, "AWSPENDING").await {
        broken.push(difference("AWSPENDING works, and its account", &reference.own, &state.own));
    }
    broken.retain(|what| !what.is_empty());
    broken
}

/// What is broken after a rotation.
pub(crate) async fn broken_at_the_end(stage: &impl Stage, reference: &State) -> Vec<String> {
    let Keeps { previous, .. } = stage.keeps();
    let mut broken = vec![left_over(stage).await];
    if !works(stage, "AWSCURRENT").await {
        broken.push("AWSCURRENT is locked out".to_owned());
    }
    let works_still = works(stage, "AWSPREVIOUS").await;
    if previous.is_some_and(|previous| previous != works_still) {
        broken.push(format!("AWSPREVIOUS works: {works_still}"));
    }
    if stage.scene().labels().contains_key("AWSPENDING") {
        broken.push("AWSPENDING is left".to_owned());
    }
    let state = stage.state().await;
    broken.push(difference("own accounts", &reference.own, &state.own));
    broken.push(difference("other accounts", &reference.others, &state.others));
    broken.retain(|what| !what.is_empty());
    broken
}

/// Sessions and locks that stay.
async fn left_over(stage: &impl Stage) -> String {
    let began = Instant::now();
    loop {
        let left = stage.left_over().await;
        if left.is_empty() {
            return left;
        }
        if began.elapsed() > PATIENCE {
            return format!("left over: {left}");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn works(stage: &impl Stage, version: &str) -> bool {
    match value(stage, version) {
        Some(value) => stage.accepts(&value).await,
        None => false,
    }
}

async fn any_works(stage: &impl Stage) -> bool {
    let scene = stage.scene();
    for version in scene.local.versions(&scene.secret).iter().rev() {
        if works(stage, version).await {
            return true;
        }
    }
    false
}

/// The value of a version that has one.
pub(crate) fn value(stage: &impl Stage, version: &str) -> Option<Value> {
    let scene = stage.scene();
    let text = scene.local.value_of(&scene.secret, version)?;
    Some(serde_json::from_str(&text).expect("the value is JSON"))
}

/// The lines that only one of two texts has.
fn difference(what: &str, wanted: &str, found: &str) -> String {
    if wanted == found {
        return String::new();
    }
    let only = |these: &str, those: &str| -> String {
        let lines = these.lines().filter(|line| !those.lines().any(|other| other == *line));
        lines.collect::<Vec<_>>().join("; ")
    };
    format!("{what}: [{}] became [{}]", only(wanted, found), only(found, wanted))
}
