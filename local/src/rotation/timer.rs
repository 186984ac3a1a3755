//! Rotations that nobody asked for just now: scheduled ones, and those that a restart cut off.

use std::time::Duration;

use super::{launch, start};
use crate::random;
use crate::secret::Secret;
use crate::service::Shared;

const TICK: Duration = Duration::from_millis(500);

/// Rotates what is due, for as long as the service lives.
pub(crate) async fn run_timer(service: Shared) {
    loop {
        tokio::time::sleep(TICK).await;
        rotate_due(&service);
    }
}

/// Starts every rotation whose window has opened; returns the ARNs.
///
/// The service rotates at some time in the window; here it is at once when it opens.
pub(crate) fn rotate_due(service: &Shared) -> Vec<String> {
    let now = service.clock.now();
    let due = |secret: &&Secret| {
        let rotation = secret.rotation.as_ref().filter(|rotation| rotation.enabled);
        let window = rotation.and_then(|rotation| rotation.window);
        let idle = secret.deleted.is_none() && secret.rotating.is_none();
        idle && window.is_some_and(|(start, _)| start <= now)
    };
    let arns: Vec<String> = service
        .look(|store| store.secrets.iter().filter(due).map(|secret| secret.arn.clone()).collect());
    for arn in &arns {
        // A stuck rotation is taken up again, and says so by an error that nobody reads here.
        if let Err(error) = start(service, arn, &random::uuid(), false) {
            tracing::info!(secret = arn, message = error.message, "scheduled rotation");
        }
    }
    arns
}

/// Takes up the rotations that were in progress when the state was last written.
pub(crate) fn resume(service: &Shared) {
    let cut_off: Vec<_> = service.look(|store| {
        let rotating = |secret: &Secret| {
            let rotating = secret.rotating.as_ref()?;
            Some((secret.arn.clone(), rotating.version_id.clone(), rotating.test_only))
        };
        store.secrets.iter().filter_map(rotating).collect()
    });
    for (arn, version_id, test_only) in cut_off {
        launch(service, &arn, &version_id, test_only);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{EventKind, Function, Local, Operation};

    #[tokio::test]
    async fn a_window_that_opens_starts_a_rotation_by_itself() {
        let function = Function::binary("/bin/false");
        let local = Local::builder().function("f", function).start().await.expect("starts");
        local.create_secret("app", "old").expect("creates");
        let request = json!({
            "SecretId": "app", "ClientRequestToken": random::uuid(), "RotateImmediately": false,
            "RotationLambdaARN": local.function_arn("f"),
            "RotationRules": { "AutomaticallyAfterDays": 1 },
        });
        local.call(Operation::RotateSecret, &request).expect("sets the schedule");
        let _failed = local.wait_for_rotation("app", Duration::from_secs(60)).await;
        let mut events = local.subscribe();
        local.service().clock.advance(Duration::from_secs(86_400));
        let started = async {
            while events.recv().await.expect("events").kind != EventKind::RotationStarted {}
        };
        tokio::time::timeout(Duration::from_secs(60), started).await.expect("the timer fires");
    }
}
