use std::time::Duration;

use turnlock_local::Operation;

use crate::canary::assert_absent;
use crate::world::keys::{ACCOUNT, StepError, World};

/// How often a consumer asks whether it is let in.
const OFTEN: Duration = Duration::from_millis(10);

impl World {
    /// Rotates, or goes on with what is unfinished; whoever has `AWSCURRENT` has to be let in all the time.
    ///
    /// # Panics
    ///
    /// If a consumer is not let in, or the error tells a secret.
    pub async fn rotate_with_consumers(&self) -> Result<(), StepError> {
        let rotation = self.retry();
        tokio::pin!(rotation);
        let ended = loop {
            tokio::select! {
                ended = &mut rotation => break ended,
                () = tokio::time::sleep(OFTEN) => assert!(self.works("AWSCURRENT")),
            }
        };
        assert!(self.works("AWSCURRENT"), "{ended:?}");
        if let Err(error) = &ended {
            // What is printed is for the end of a test: there is too much of it to be read each time.
            assert_absent(&self.provider.canaries(), &[("the error", &error.message)]);
        }
        ended
    }

    /// Rotates, which has to fail before anything is written or minted; returns how it failed.
    ///
    /// # Panics
    ///
    /// If the rotation succeeds, writes, changes the provider or tells a secret.
    pub async fn rotate_refused(&self) -> StepError {
        let keys = format!("{:?}", self.provider.keys(ACCOUNT));
        let before = self.scene.local.value_of(&self.scene.secret, "AWSCURRENT");
        self.scene.local.clear_calls();
        let error = self.rotate().await.expect_err("the rotation fails");
        assert_eq!(self.calls_of(Operation::PutSecretValue), 0, "{error:?}");
        assert_eq!(self.calls_of(Operation::UpdateSecretVersionStage), 0, "{error:?}");
        assert!(self.scene.local.value_of(&self.scene.secret, "AWSCURRENT") == before, "{error:?}");
        assert!(format!("{:?}", self.provider.keys(ACCOUNT)) == keys, "{error:?}");
        let where_from = format!("Rotation failed in {} of {}: ", error.step, self.scene.secret);
        assert!(error.message.starts_with(&where_from), "{error:?}");
        assert!(error.message.ends_with(&format!(" ({})", error.class)), "{error:?}");
        self.assert_silent(&error.message);
        error
    }

    /// Fails if this text or the function's output holds anything secret that the provider has issued.
    ///
    /// # Panics
    ///
    /// If one does.
    pub fn assert_silent(&self, text: &str) {
        let output = self.output();
        let texts = [("the text", text), ("the function's output", &output)];
        assert_absent(&self.provider.canaries(), &texts);
    }
}
