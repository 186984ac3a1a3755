//! Rotations at a port that no database is at.

use std::time::{Duration, Instant};

use serde_json::Value;
use turnlock_local::{Function, Local};

use crate::canary::{Canary, assert_absent};
use crate::world::FIRST_PASSWORD;

/// Takes createSecret and setSecret of a secret with [`FIRST_PASSWORD`], of which setSecret has to fail.
///
/// Returns how long setSecret took in a process that is warm.
///
/// # Panics
///
/// If it fails otherwise, or tells the password.
pub async fn fails(secret: &Value, function: Function, words: &[&str], class: &str) -> Duration {
    let local = Local::builder().function("f", function).start().await.expect("the stand-in");
    let secret = local.create_secret("app", &secret.to_string()).expect("a secret");
    local.set_rotation(&secret, "f").expect("rotation");
    local.set_knobs(|knobs| knobs.attempts = 1);
    let version = local.rotate(&secret).expect("the rotation begins");
    local.wait_for_rotation(&secret, Duration::from_secs(60)).await.expect_err("nothing is there");
    assert_ne!(local.labels(&secret)["AWSCURRENT"], version);

    // Once more by hand, in a process that is warm.
    let began = Instant::now();
    let event =
        serde_json::json!({"Step": "setSecret", "SecretId": secret, "ClientRequestToken": version});
    let result = local.invoke("f", event).await;
    let took = began.elapsed();
    let message = result.error_message.unwrap_or_default();
    assert_eq!(result.error_type.as_deref(), Some(class), "{message}");
    for word in words {
        assert!(message.contains(word), "no `{word}` in: {message}");
    }
    let output = local.output("f");
    let canary = Canary::of("the password", FIRST_PASSWORD);
    assert_absent(&[canary], &[("error", &message), ("function", &output)]);
    assert!(output.contains(&message), "{output}");
    took
}
