//! A function as it is declared, and as it is deployed.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::concurrency::{Concurrency, Throttled};
use super::environment::{Environment, Invocation};
use super::output::Output;
use super::{Answer, Processes, process, remote};
use crate::lock::lock;
use crate::policy::Policy;
use crate::random;
use crate::tasks::Tasks;
use crate::{ACCOUNT, REGION};

/// Lambda gives a function this long before its first invocation.
const INIT_LIMIT: Duration = Duration::from_secs(10);
const TIMEOUT_BY_DEFAULT: Duration = Duration::from_secs(30);

/// A Lambda function: a command that speaks the Runtime API, or a URL that speaks Invoke.
#[derive(Debug, Clone)]
pub struct Function {
    pub(super) target: Target,
    pub(super) timeout: Duration,
    pub(super) memory_mb: u32,
    concurrency: Option<usize>,
    policy: Option<Policy>,
    access_keys: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) enum Target {
    Command { program: PathBuf, args: Vec<String>, env: Vec<(String, String)> },
    Url(String),
}

impl Function {
    /// A program that is started with `AWS_LAMBDA_RUNTIME_API` and asks for its invocations.
    ///
    /// A script that starts the program proper must `exec` it: only the process started here is
    /// killed.
    pub fn binary(program: impl AsRef<Path>) -> Self {
        let program = program.as_ref().to_owned();
        Self::new(Target::Command { program, args: Vec::new(), env: Vec::new() })
    }

    /// A server that speaks Invoke, such as `cargo lambda watch`: `http://127.0.0.1:9000`, no TLS.
    ///
    /// A URL without a path has `/2015-03-31/functions/NAME/invocations` added to it.
    pub fn url(url: impl Into<String>) -> Self {
        Self::new(Target::Url(url.into()))
    }

    fn new(target: Target) -> Self {
        Self {
            target,
            timeout: TIMEOUT_BY_DEFAULT,
            memory_mb: 128,
            concurrency: None,
            policy: None,
            access_keys: Vec::new(),
        }
    }

    /// Adds an argument. A URL has none.
    #[must_use]
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        if let Target::Command { args, .. } = &mut self.target {
            args.push(arg.into());
        }
        self
    }

    /// Adds a variable to the function's environment. A URL has none.
    ///
    /// Of this process's own environment a function sees only what starting a program takes
    /// (`PATH`, `HOME`, …), never AWS credentials or profiles.
    #[must_use]
    pub fn env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        if let Target::Command { env, .. } = &mut self.target {
            env.push((name.into(), value.into()));
        }
        self
    }

    /// Sets how long an invocation may take: 30 s, unless it is set.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`: 128, unless it is set. It limits nothing.
    #[must_use]
    pub fn memory_mb(mut self, memory_mb: u32) -> Self {
        self.memory_mb = memory_mb;
        self
    }

    /// Sets how many invocations may run at once, as Lambda's reserved concurrency does: what is over
    /// it is throttled. No limit, unless it is set; with 0 all are throttled.
    #[must_use]
    pub fn concurrency(mut self, most: usize) -> Self {
        self.concurrency = Some(most);
        self
    }

    /// Attaches a policy to the function's role, besides those that it has. Without one it may do everything.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = Some(self.policy.unwrap_or_default().and(policy));
        self
    }

    /// Names an access key id that the function's code signs with, where it runs elsewhere: behind a URL.
    #[must_use]
    pub fn access_key(mut self, id: impl Into<String>) -> Self {
        self.access_keys.push(id.into());
        self
    }
}

/// A function that can be invoked, and its environments.
#[derive(Debug)]
pub(crate) struct Deployed {
    pub(super) name: String,
    pub(super) function: Function,
    /// Where Secrets Manager is.
    pub(super) endpoint: String,
    pub(super) output: Arc<Output>,
    pub(super) processes: Processes,
    pub(super) tasks: Tasks,
    concurrency: Concurrency,
    idle: Mutex<Vec<Arc<Environment>>>,
    /// What its role may do; `None` for everything.
    policy: Mutex<Option<Arc<Policy>>>,
}

impl Deployed {
    pub(crate) fn new(
        name: &str,
        function: Function,
        endpoint: &str,
        forward_output: bool,
        processes: Processes,
        tasks: Tasks,
    ) -> Self {
        let prefix = forward_output.then(|| name.to_owned());
        Self {
            name: name.to_owned(),
            concurrency: Concurrency::new(function.concurrency),
            policy: Mutex::new(function.policy.clone().map(Arc::new)),
            function,
            endpoint: endpoint.to_owned(),
            output: Arc::new(Output::new(prefix)),
            processes,
            tasks,
            idle: Mutex::default(),
        }
    }

    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{}", self.name)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What its role may do; `None` for everything.
    pub(crate) fn policy(&self) -> Option<Arc<Policy>> {
        lock(&self.policy).clone()
    }

    pub(crate) fn set_policy(&self, policy: Option<Policy>) {
        *lock(&self.policy) = policy.map(Arc::new);
    }

    pub(crate) fn has_access_key(&self, id: &str) -> bool {
        self.function.access_keys.iter().any(|key| key == id)
    }

    pub(crate) fn output(&self) -> String {
        self.output.text()
    }

    /// How many invocations were throttled, as Lambda's metric `Throttles` counts them.
    pub(crate) fn throttles(&self) -> u64 {
        self.concurrency.throttles()
    }

    /// Invokes the function: in an environment that is free, else in a new one.
    pub(crate) async fn invoke(&self, payload: Bytes, with_log: bool) -> Result<Answer, Throttled> {
        // Held until the environment is idle again, so that the next invocation finds it.
        let _room = self.concurrency.enter()?;
        if let Target::Url(url) = &self.function.target {
            let answer = remote::invoke(url, &self.name, payload, self.function.timeout).await;
            return answer.ok_or_else(|| self.concurrency.throttle());
        }
        Ok(self.invoke_here(payload, with_log).await)
    }

    async fn invoke_here(&self, payload: Bytes, with_log: bool) -> Answer {
        let environment = match self.free_environment().await {
            Ok(environment) => environment,
            Err(error) => {
                let message = format!("the function could not be started: {error}");
                return Answer::failure("Runtime.InvalidEntrypoint", &message);
            }
        };
        environment.clear_log();
        let answer = self.invoke_in(&environment, payload).await;
        environment.catch_up();
        let log = if with_log { environment.log_tail() } else { String::new() };
        if environment.is_alive() {
            lock(&self.idle).push(environment);
        }
        answer.with_log(log)
    }

    /// The environment used last, as Lambda does; the others stay idle.
    async fn free_environment(&self) -> std::io::Result<Arc<Environment>> {
        let free = {
            let mut idle = lock(&self.idle);
            idle.retain(|environment| environment.is_alive());
            idle.pop()
        };
        match free {
            Some(environment) => Ok(environment),
            None => process::start(self).await,
        }
    }

    async fn invoke_in(&self, environment: &Arc<Environment>, payload: Bytes) -> Answer {
        let request_id = random::uuid();
        let (answered, mut answer) = oneshot::channel();
        let (taken, has_taken) = oneshot::channel();
        let timeout = self.function.timeout;
        let step = step_of(&payload);
        let invocation =
            Invocation { request_id: request_id.clone(), payload, step, timeout, answered, taken };
        environment.send(invocation);
        let overdue = async {
            if tokio::time::timeout(INIT_LIMIT, has_taken).await.is_err() {
                return INIT_LIMIT;
            }
            tokio::time::sleep(timeout).await;
            timeout
        };
        let ended = tokio::select! {
            biased;
            answer = &mut answer => return answer.unwrap_or_else(|_| exited(&request_id, "killed")),
            status = environment.exited() => Ok(status),
            limit = overdue => Err(limit),
        };
        let status = match ended {
            Ok(status) => status,
            Err(limit) => {
                environment.kill();
                return timed_out(&request_id, limit);
            }
        };
        // It may have answered with its last breath.
        answer.try_recv().unwrap_or_else(|_| exited(&request_id, &status))
    }
}

fn timed_out(request_id: &str, limit: Duration) -> Answer {
    let seconds = limit.as_secs_f64();
    let message =
        format!("RequestId: {request_id} Error: Task timed out after {seconds:.2} seconds");
    Answer::failure("Sandbox.Timedout", &message)
}

fn exited(request_id: &str, status: &str) -> Answer {
    let message = format!("RequestId: {request_id} Error: Runtime exited with error: {status}");
    Answer::failure("Runtime.ExitError", &message)
}

/// The rotation step that an event asks for, for the journal.
fn step_of(payload: &[u8]) -> Option<String> {
    let event: serde_json::Value = serde_json::from_slice(payload).ok()?;
    event.get("Step")?.as_str().map(str::to_owned)
}
