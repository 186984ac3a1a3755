//! Background tasks that end when their owner does.

use std::future::Future;
use std::sync::{Arc, Mutex};

use tokio::task::JoinSet;

use crate::lock::lock;

/// A set of tasks; clones share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tasks(Arc<Mutex<Option<JoinSet<()>>>>);

impl Tasks {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Some(JoinSet::new()))))
    }

    /// Starts a task, unless all were stopped already.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(set) = lock(&self.0).as_mut() {
            while set.try_join_next().is_some() {}
            set.spawn(task);
        }
    }

    /// Stops all tasks for good. A child process that a task owns is killed with it.
    pub(crate) fn stop(&self) {
        drop(lock(&self.0).take());
    }

    /// Stops all tasks and waits until they are gone.
    pub(crate) async fn stopped(&self) {
        let set = lock(&self.0).take();
        if let Some(mut set) = set {
            set.shutdown().await;
        }
    }
}
