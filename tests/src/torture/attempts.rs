//! One rotation with all its attempts, stopped between each two.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use turnlock_local::Hook;

use crate::scene::{Scene, StepError};
use crate::wire::Fuse;

/// The stops between two attempts, of all rotations of a scene.
pub(crate) struct Attempts(mpsc::UnboundedReceiver<oneshot::Sender<()>>);

impl Attempts {
    /// Has a scene try a rotation so often, and stop before each attempt but the first.
    pub(crate) fn of(scene: &Scene, most: u32) -> Self {
        let (stops, stopped) = mpsc::unbounded_channel();
        let hook = Hook::new(move |context| {
            let (go, gone_on) = oneshot::channel();
            let again = context.attempt > 1 && context.step == "createSecret";
            if again {
                // Nobody to ask is nobody to wait for.
                drop(stops.send(go));
            }
            async move {
                if again {
                    drop(gone_on.await);
                }
            }
        });
        scene.local.set_knobs(|knobs| {
            knobs.attempts = most;
            knobs.attempt_spacing = Duration::ZERO;
            knobs.before_step = Some(hook);
        });
        Self(stopped)
    }

    /// Rotates to the end; kills the function where the fuse has it, and calls `between` before each next attempt.
    pub(crate) async fn rotate(
        &mut self,
        scene: &Scene,
        fuse: &Fuse,
        mut between: impl AsyncFnMut(),
    ) -> Result<(), StepError> {
        scene.local.rotate(&scene.secret).expect("the rotation begins");
        let ended = scene.settle();
        tokio::pin!(ended);
        let mut is_killed = false;
        loop {
            tokio::select! {
                ended = &mut ended => return ended,
                () = fuse.kills(), if !is_killed => {
                    scene.local.kill_functions().await;
                    is_killed = true;
                }
                Some(go) = self.0.recv() => {
                    between().await;
                    is_killed = false;
                    // A rotation that has ended meanwhile waits no more.
                    go.send(()).unwrap_or_default();
                }
            }
        }
    }
}
