//! The Lambda runtime: functions, their environments, and what an invocation ends in.

mod concurrency;
mod environment;
mod freezer;
mod function;
mod guard;
mod output;
mod pipe;
mod process;
mod remote;
mod runtime_api;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::lock::lock;
use environment::Environment;
use guard::Guard;

pub(crate) use concurrency::Throttled;
pub(crate) use function::Deployed;
pub use function::Function;

/// How an invocation ended.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Success { payload: Bytes, log: String },
    Failure { error_type: String, error_message: String, payload: Bytes, log: String },
}

impl Answer {
    /// A failure that the runtime reports, not the function.
    pub(crate) fn failure(error_type: &str, error_message: &str) -> Self {
        let body = json!({ "errorType": error_type, "errorMessage": error_message });
        Self::reported(Bytes::from(body.to_string()))
    }

    /// A failure as the function reported it.
    pub(crate) fn reported(payload: Bytes) -> Self {
        let body: Value = serde_json::from_slice(&payload).unwrap_or_default();
        let text =
            |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        Self::Failure {
            error_type: text("errorType"),
            error_message: text("errorMessage"),
            payload,
            log: String::new(),
        }
    }

    fn with_log(mut self, text: String) -> Self {
        match &mut self {
            Self::Success { log, .. } | Self::Failure { log, .. } => *log = text,
        }
        self
    }
}

/// All functions, by name.
#[derive(Debug, Clone, Default)]
pub(crate) struct Functions(Arc<HashMap<String, Arc<Deployed>>>);

impl Functions {
    pub(crate) fn new(functions: HashMap<String, Arc<Deployed>>) -> Self {
        Self(Arc::new(functions))
    }

    /// A function by its name or its ARN, with or without a version or alias.
    pub(crate) fn find(&self, name_or_arn: &str) -> Option<&Arc<Deployed>> {
        let name = name_or_arn.rsplit_once(":function:").map_or(name_or_arn, |(_, name)| name);
        let name = name.split(':').next().unwrap_or(name);
        self.0.get(name)
    }

    /// The function whose code signs with this access key, wherever it runs.
    pub(crate) fn with_access_key(&self, id: &str) -> Option<&Arc<Deployed>> {
        self.0.values().find(|function| function.has_access_key(id))
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.0.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }
}

/// The processes that run, by the access key that each was given.
#[derive(Debug, Clone, Default)]
pub(crate) struct Processes {
    running: Arc<Mutex<HashMap<String, Arc<Environment>>>>,
    guard: Guard,
}

impl Processes {
    pub(crate) fn find(&self, access_key_id: &str) -> Option<Arc<Environment>> {
        lock(&self.running).get(access_key_id).cloned()
    }

    fn add(&self, environment: &Arc<Environment>, pid: Option<u32>) {
        self.guard.watch(pid);
        lock(&self.running).insert(environment.access_key_id.clone(), environment.clone());
    }

    /// Kills all processes and waits until they are gone.
    pub(crate) async fn stop(&self) {
        let environments: Vec<_> = lock(&self.running).values().cloned().collect();
        for environment in &environments {
            environment.kill();
        }
        for environment in &environments {
            environment.exited().await;
        }
    }

    fn remove(&self, access_key_id: &str, pid: Option<u32>) {
        self.guard.forget(pid);
        lock(&self.running).remove(access_key_id);
    }
}
