//! One rotation with all its attempts, stopped between each two.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use turnlock_local::Hook;

use crate::scene::{Scene, StepError};
use crate::wire::{Blown, Fuse, Point};

/// The stops between two attempts, of all rotations of a scene.
pub(crate) struct Attempts {
    stopped: mpsc::UnboundedReceiver<oneshot::Sender<()>>,
    spacing: Duration,
}

impl Attempts {
    /// Has a scene try a rotation so often, and stop before each attempt but the first; from the third on, it waits.
    pub(crate) fn of(scene: &Scene, (most, spacing): (u32, Duration)) -> Self {
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
            knobs.before_step = Some(hook);
        });
        Self { stopped, spacing }
    }

    /// Rotates to the end, and interrupts that at the first point, then at the next one counted from there, and so on;
    /// calls `between` before each attempt but the first.
    pub(crate) async fn rotate(
        &mut self,
        scene: &Scene,
        fuse: &Fuse,
        points: &[Point],
        mut between: impl AsyncFnMut(),
    ) -> Rotated {
        let mut points = points.iter().copied();
        let mut met = Vec::new();
        points.by_ref().take(1).for_each(|point| fuse.arm(point));
        scene.local.set_knobs(|knobs| knobs.attempt_spacing = Duration::ZERO);
        scene.local.rotate(&scene.secret).expect("the rotation begins");
        let ended = scene.settle();
        tokio::pin!(ended);
        let ended = loop {
            tokio::select! {
                ended = &mut ended => break ended,
                () = fuse.kills() => {
                    scene.local.kill_functions().await;
                    // Between two steps nothing fails: the next one has another process.
                    met.extend(fuse.mend());
                    points.by_ref().take(1).for_each(|point| fuse.arm(point));
                }
                Some(go) = self.stopped.recv() => {
                    between().await;
                    scene.local.set_knobs(|knobs| knobs.attempt_spacing = self.spacing);
                    // A rotation that has ended meanwhile waits no more.
                    go.send(()).unwrap_or_default();
                }
            }
        };
        if fuse.is_dark() {
            scene.local.kill_functions().await;
        }
        met.extend(fuse.mend());
        Rotated { ended, met }
    }
}

/// A rotation, to its end.
pub(crate) struct Rotated {
    pub(crate) ended: Result<(), StepError>,
    /// The points that it has come to, and the messages there.
    pub(crate) met: Vec<Blown>,
}
