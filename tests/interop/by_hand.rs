//! The four steps, one after the other, by whatever invokes a function; and what they did.

use serde_json::{Value, json};

use crate::STEPS;
use crate::scene::{FIRST_PASSWORD, Scene};

/// What the steps answer where they rotate.
pub(crate) const ROTATED: [&str; 4] = ["changed", "changed", "unchanged", "changed"];
/// What they answer where all is done.
pub(crate) const UNCHANGED: [&str; 4] = ["unchanged"; 4];

/// Takes the four steps for a version and prints what each answered; whether all answered as expected.
pub(crate) fn take_steps(
    scene: &Scene<'_>,
    version: &str,
    expected: [&str; 4],
    invoke: impl Fn(&Value) -> Value,
) -> bool {
    let arn = scene.describe()["ARN"].clone();
    let mut is_well = true;
    for (step, outcome) in STEPS.into_iter().zip(expected) {
        let event = json!({"Step": step, "SecretId": arn, "ClientRequestToken": version});
        let answer = invoke(&event);
        is_well &= answer["outcome"] == outcome;
        println!("  {step:<13} {answer}");
    }
    is_well
}

/// Prints the versions under a heading.
pub(crate) fn show(scene: &Scene<'_>, when: &str) {
    println!("  {when}, rotation enabled: {}", scene.describe()["RotationEnabled"]);
    for version in scene.versions() {
        println!("    {version}");
    }
}

/// Whether a version is current, the server has its password, and no other.
pub(crate) async fn is_rotated(scene: &Scene<'_>, version: &str) -> bool {
    let is_current = scene.labelled("AWSCURRENT").as_deref() == Some(version);
    let Some(password) = scene.password(version) else { return false };
    let new_works = scene.accepts(&password).await;
    let old_works = scene.accepts(FIRST_PASSWORD).await;
    println!(
        "  {}: current is the new version: {is_current}; new password works: {new_works}; \
         old one works: {old_works}",
        scene.name
    );
    is_current && new_works && !old_works && password != FIRST_PASSWORD
}
