//! One execution environment: a process and the invocation it is in.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Mutex as AsyncMutex, mpsc, oneshot, watch};

use super::Answer;
use super::freezer::{Freezer, Frozen};
use super::output::Output;
use super::pipe::Pipe;
use crate::lock::lock;
use crate::random;

/// What a process is asked to do.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) request_id: String,
    pub(super) payload: Bytes,
    pub(super) step: Option<String>,
    pub(super) timeout: Duration,
    pub(super) answered: oneshot::Sender<Answer>,
    /// Told when the process takes the invocation: its time begins.
    pub(super) taken: oneshot::Sender<()>,
}

/// The invocation that the process has taken.
#[derive(Debug)]
struct Current {
    request_id: String,
    step: Option<String>,
    answered: oneshot::Sender<Answer>,
}

/// A process, one invocation at a time.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(super) function: String,
    pub(super) function_arn: String,
    /// What the process signs its requests with: the journal knows it by that.
    pub(super) access_key_id: String,
    sender: mpsc::UnboundedSender<Invocation>,
    queue: AsyncMutex<mpsc::UnboundedReceiver<Invocation>>,
    current: Mutex<Option<Current>>,
    pub(super) freezer: Freezer,
    /// How the process exited.
    exit: watch::Sender<Option<String>>,
    doomed: watch::Sender<bool>,
    /// What it printed since its invocation began.
    pub(super) log: Arc<Output>,
    pipes: Mutex<Vec<Arc<Pipe>>>,
}

impl Environment {
    pub(super) fn new(function: &str, function_arn: String) -> Self {
        let (sender, queue) = mpsc::unbounded_channel();
        Self {
            function: function.to_owned(),
            function_arn,
            access_key_id: random::access_key_id(),
            sender,
            queue: AsyncMutex::new(queue),
            current: Mutex::default(),
            freezer: Freezer::default(),
            exit: watch::Sender::new(None),
            doomed: watch::Sender::new(false),
            log: Arc::new(Output::new(None)),
            pipes: Mutex::default(),
        }
    }

    pub(crate) fn function(&self) -> &str {
        &self.function
    }

    /// The rotation step that it is in.
    pub(crate) fn step(&self) -> Option<String> {
        lock(&self.current).as_ref().and_then(|current| current.step.clone())
    }

    pub(super) fn send(&self, invocation: Invocation) {
        // The receiver is part of self, so it cannot be gone.
        let _sent = self.sender.send(invocation);
    }

    /// The next invocation, whenever it comes, as the process takes it. Until then the process stands still.
    pub(super) async fn next(&self) -> Option<(String, Bytes, Duration)> {
        let mut queue = self.queue.lock().await;
        let invocation = match queue.try_recv() {
            Ok(invocation) => invocation,
            Err(_) => {
                let frozen: Frozen<'_> = self.freezer.freeze();
                let next = queue.recv().await;
                drop(frozen);
                next?
            }
        };
        drop(queue);
        let Invocation { request_id, payload, step, timeout, answered, taken } = invocation;
        *lock(&self.current) = Some(Current { request_id: request_id.clone(), step, answered });
        // Whoever waited may have given up.
        let _told = taken.send(());
        Some((request_id, payload, timeout))
    }

    /// Hands over the answer to the current invocation; false, where the id is another's.
    pub(super) fn answer(&self, request_id: &str, answer: Answer) -> bool {
        let current = lock(&self.current).take_if(|current| current.request_id == request_id);
        current.map(|current| current.answered.send(answer)).is_some()
    }

    /// The process could not get ready: answers the invocation that it was started for.
    pub(super) async fn init_failed(&self, answer: Answer) {
        let waiting = self.queue.lock().await.try_recv();
        if let Ok(invocation) = waiting {
            let _answered = invocation.answered.send(answer);
        }
    }

    pub(super) fn is_alive(&self) -> bool {
        self.exit.borrow().is_none() && !*self.doomed.borrow()
    }

    pub(crate) fn kill(&self) {
        self.doomed.send_replace(true);
    }

    /// Waits until it is to be killed.
    pub(super) async fn doom(&self) {
        // The sender is part of self.
        let mut doomed = self.doomed.subscribe();
        let _seen = doomed.wait_for(|doomed| *doomed).await;
    }

    pub(super) fn set_exited(&self, status: String) {
        self.exit.send_replace(Some(status));
    }

    /// Waits for the end of the process; tells its exit status.
    pub(super) async fn exited(&self) -> String {
        let mut exit = self.exit.subscribe();
        let status = exit.wait_for(Option::is_some).await;
        status.ok().and_then(|status| status.clone()).unwrap_or_default()
    }

    pub(super) fn clear_log(&self) {
        self.log.clear();
    }

    /// Keeps a pipe that the process prints to.
    pub(super) fn prints_to(&self, pipe: Pipe) -> Arc<Pipe> {
        let pipe = Arc::new(pipe);
        lock(&self.pipes).push(pipe.clone());
        pipe
    }

    /// Takes in what the process has printed until now: whoever has its answer finds all that it printed before.
    pub(super) fn catch_up(&self) {
        for pipe in lock(&self.pipes).iter() {
            pipe.drain();
        }
    }

    pub(super) fn log_tail(&self) -> String {
        self.log.text()
    }
}
