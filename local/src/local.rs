//! The library's face: start it, drive it, look at what happened.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast;

use crate::REGION;
use crate::caller::Caller;
use crate::data::DataFile;
use crate::error::{ApiError, Refused};
use crate::event::Event;
use crate::fault::Fault;
use crate::input::Input;
use crate::invoked::InvokeResult;
use crate::journal::Call;
use crate::knobs::Knobs;
use crate::lambda::{Deployed, Function, Functions, Processes};
use crate::operation::Operation;
use crate::policy::Policy;
use crate::rotation::{self, RotationFailure};
use crate::service::{Service, Shared};
use crate::store::Store;
use crate::tasks::Tasks;
use crate::{operations, random, server};

/// What [`Local`] is to be started with.
#[derive(Debug, Default)]
pub struct Builder {
    port: u16,
    functions: Vec<(String, Function)>,
    knobs: Knobs,
    data: Option<PathBuf>,
    forward_output: bool,
}

impl Builder {
    /// The port on 127.0.0.1; 0, unless it is set, for any that is free.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Deploys a function.
    #[must_use]
    pub fn function(mut self, name: impl Into<String>, function: Function) -> Self {
        self.functions.push((name.into(), function));
        self
    }

    /// Sets all knobs.
    #[must_use]
    pub fn knobs(mut self, knobs: Knobs) -> Self {
        self.knobs = knobs;
        self
    }

    /// Keeps the state in a file, of mode 0600, which is read at the start.
    #[must_use]
    pub fn data(mut self, path: impl Into<PathBuf>) -> Self {
        self.data = Some(path.into());
        self
    }

    /// Copies what functions print to our own stderr, each line after the function's name.
    #[must_use]
    pub fn forward_output(mut self, forward: bool) -> Self {
        self.forward_output = forward;
        self
    }

    /// Starts to serve.
    ///
    /// # Errors
    ///
    /// The port is taken, or the data file can't be read or is not one.
    pub async fn start(self) -> io::Result<Local> {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await?;
        let endpoint = format!("http://{}", listener.local_addr()?);
        let data = self.data.as_deref().map(DataFile::new);
        let store = data.as_ref().map_or_else(|| Ok(Store::default()), DataFile::read)?;
        let (tasks, processes) = (Tasks::new(), Processes::default());
        let deploy = |(name, function): (String, Function)| {
            let deployed = Deployed::new(
                &name,
                function,
                &endpoint,
                self.forward_output,
                processes.clone(),
                tasks.clone(),
            );
            (name, Arc::new(deployed))
        };
        let functions: HashMap<_, _> = self.functions.into_iter().map(deploy).collect();
        let functions = Functions::new(functions);
        let service = Arc::new(Service::new(self.knobs, functions, processes, tasks, data, store));
        service.tasks.spawn(server::serve(service.clone(), listener));
        service.tasks.spawn(rotation::run_timer(service.clone()));
        rotation::resume(&service);
        Ok(Local { service, endpoint })
    }
}

/// Secrets Manager and the Lambda runtime, running. Dropping it stops the server and kills the
/// functions' processes.
#[derive(Debug)]
pub struct Local {
    service: Shared,
    endpoint: String,
}

impl Local {
    /// Begins to describe one.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// `http://127.0.0.1:PORT`, for `AWS_ENDPOINT_URL_SECRETS_MANAGER` and for Invoke.
    pub fn endpoint(&self) -> String {
        self.endpoint.clone()
    }

    /// The ARN of a function, deployed or not.
    pub fn function_arn(&self, name: &str) -> String {
        format!("arn:aws:lambda:{REGION}:{}:function:{name}", crate::ACCOUNT)
    }

    /// The names of the functions, in order.
    pub fn functions(&self) -> Vec<String> {
        self.service.functions.names().into_iter().map(str::to_owned).collect()
    }

    /// Every call since the start, or since [`clear_calls`](Self::clear_calls), in the order of
    /// their ends: the last hundred thousand. Calls made through this type are not among them.
    pub fn calls(&self) -> Vec<Call> {
        self.service.calls()
    }

    /// Forgets the calls.
    pub fn clear_calls(&self) {
        self.service.clear_calls();
    }

    /// What happened to secrets since the start: the last hundred thousand events.
    pub fn events(&self) -> Vec<Event> {
        self.service.events()
    }

    /// What happens from now on, live.
    pub fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.service.subscribe()
    }

    /// What a function printed, all its processes together: the last few megabytes.
    pub fn output(&self, function: &str) -> String {
        self.service.functions.find(function).map(|function| function.output()).unwrap_or_default()
    }

    /// How many invocations of a function were throttled, as Lambda's metric `Throttles` counts them.
    pub fn throttles(&self, function: &str) -> u64 {
        self.service.functions.find(function).map_or(0, |function| function.throttles())
    }

    /// Waits for the end of the rotation in progress, or tells how the last one ended.
    ///
    /// # Errors
    ///
    /// It failed, was abandoned or cancelled, did not end in time, or never began.
    pub async fn wait_for_rotation(
        &self,
        secret_id: &str,
        timeout: Duration,
    ) -> Result<(), RotationFailure> {
        rotation::wait(&self.service, secret_id, timeout).await
    }

    /// Invokes a function and waits for its answer.
    pub async fn invoke(&self, function: &str, event: Value) -> InvokeResult {
        let Some(function) = self.service.functions.find(function) else {
            return InvokeResult {
                status: 404,
                error_type: Some("ResourceNotFoundException".to_owned()),
                error_message: Some(format!("Function not found: {function}")),
                payload: Value::Null,
            };
        };
        function.invoke(Bytes::from(event.to_string()), false).await.into()
    }

    /// Gives a function's role another policy from now on; none, to let it do everything.
    pub fn set_policy(&self, function: &str, policy: Option<Policy>) {
        if let Some(function) = self.service.functions.find(function) {
            function.set_policy(policy);
        }
    }

    /// Has the next calls of an operation, whoever makes them, end in a fault.
    pub fn fail_next(&self, operation: Operation, count: u32, fault: Fault) {
        self.service.faults.plan(Some(operation), 0, count, fault);
    }

    /// Lets functions make so many calls, of any operation, and has the next one end in a fault:
    /// with this a test breaks a rotation at each of its calls in turn.
    pub fn fail_after(&self, calls: u32, fault: Fault) {
        self.service.faults.plan(None, calls, 1, fault);
    }

    /// Takes back the faults that no call has met yet.
    pub fn clear_faults(&self) {
        self.service.faults.clear();
    }

    /// The knobs as they are now.
    pub fn knobs(&self) -> Knobs {
        self.service.knobs()
    }

    /// Turns knobs; what is in progress heeds them from its next step on.
    pub fn set_knobs(&self, set: impl FnOnce(&mut Knobs)) {
        self.service.set_knobs(set);
    }

    /// Sets the service's clock forward, and starts the rotations that this makes due.
    pub fn advance(&self, by: Duration) -> Vec<String> {
        self.service.clock.advance(by);
        self.rotate_due()
    }

    /// The same for functions that compare dates with this machine's clock: that stays, and the past moves away.
    pub fn age(&self, by: Duration) -> Vec<String> {
        self.service.age(by);
        self.rotate_due()
    }

    /// Starts the scheduled rotations that are due, without waiting for the timer that does the
    /// same twice a second; returns the ARNs.
    pub fn rotate_due(&self) -> Vec<String> {
        rotation::rotate_due(&self.service)
    }

    /// Calls an operation without HTTP, journal and faults: `Ok` is the answer's body.
    ///
    /// # Errors
    ///
    /// The service refused: the code and the message.
    pub fn call(&self, operation: Operation, request: &Value) -> Result<Value, Refused> {
        Ok(self.perform(operation, request)?)
    }

    #[cfg(test)]
    pub(crate) fn service(&self) -> &Shared {
        &self.service
    }

    fn perform(&self, operation: Operation, request: &Value) -> Result<Value, ApiError> {
        let caller = Caller::new(None, None);
        let input = Input::parse(operation, request.to_string().as_bytes())?;
        operations::perform(&self.service, &caller, operation, &input)
    }

    /// Creates a secret of this text; returns its ARN.
    ///
    /// # Errors
    ///
    /// The service refused.
    pub fn create_secret(&self, name: &str, value: &str) -> Result<String, Refused> {
        let request =
            json!({ "Name": name, "SecretString": value, "ClientRequestToken": random::uuid() });
        let answer = self.perform(Operation::CreateSecret, &request)?;
        Ok(answer.get("ARN").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// Writes a new current value, as a person would; returns the version's id.
    ///
    /// # Errors
    ///
    /// The service refused.
    pub fn put_value(&self, secret_id: &str, value: &str) -> Result<String, Refused> {
        let token = random::uuid();
        let request =
            json!({ "SecretId": secret_id, "SecretString": value, "ClientRequestToken": token });
        self.perform(Operation::PutSecretValue, &request)?;
        Ok(token)
    }

    /// Puts a tag on a secret as one of AWS's own services does: the key may begin with `aws:`, which
    /// `TagResource` refuses.
    ///
    /// # Errors
    ///
    /// There is no such secret, or it has 50 tags.
    pub fn tag_as_aws(&self, secret_id: &str, key: &str, value: &str) -> Result<(), Refused> {
        let tag = (key.to_owned(), value.to_owned());
        Ok(operations::add_tags(&self.service, secret_id, vec![tag])?)
    }

    /// Turns rotation on without rotating.
    ///
    /// # Errors
    ///
    /// There is no such secret or function.
    pub fn set_rotation(&self, secret_id: &str, function: &str) -> Result<(), Refused> {
        self.set_schedule(secret_id, function, &Value::Null)
    }

    /// Turns rotation on by `RotationRules`, without rotating and without a test of it.
    ///
    /// # Errors
    ///
    /// There is no such secret or function, or the rules are none.
    pub fn set_schedule(
        &self,
        secret_id: &str,
        function: &str,
        rules: &Value,
    ) -> Result<(), Refused> {
        let arn = self.function_arn(function);
        Ok(operations::set_function(&self.service, secret_id, &arn, rules)?)
    }

    /// `RotateSecret`; returns the new version's id. The rotation goes on in the background.
    ///
    /// # Errors
    ///
    /// The service refused.
    pub fn rotate(&self, secret_id: &str) -> Result<String, Refused> {
        let token = random::uuid();
        let request = json!({ "SecretId": secret_id, "ClientRequestToken": token });
        self.perform(Operation::RotateSecret, &request)?;
        Ok(token)
    }

    /// `RotateSecret` with `RotateImmediately=false`: testSecret alone; returns the version's id.
    ///
    /// # Errors
    ///
    /// The service refused.
    pub fn test_rotation(&self, secret_id: &str) -> Result<String, Refused> {
        let token = random::uuid();
        let request = json!({
            "SecretId": secret_id, "ClientRequestToken": token, "RotateImmediately": false,
        });
        self.perform(Operation::RotateSecret, &request)?;
        Ok(token)
    }

    /// The value of the version that has this label or this id: text, or base64 of bytes.
    /// It neither lags nor counts as a read.
    pub fn value_of(&self, secret_id: &str, label_or_version: &str) -> Option<String> {
        self.service.look(|store| {
            let secret = store.find(secret_id).ok()?;
            let version = secret.labelled(label_or_version);
            let version = version.or_else(|| secret.version(label_or_version))?;
            version.value.as_ref().map(|value| value.expose().to_owned())
        })
    }

    /// Where each label is: version ids by label.
    pub fn labels(&self, secret_id: &str) -> BTreeMap<String, String> {
        self.service.look(|store| {
            let labels = store.find(secret_id).map(|secret| secret.labels()).unwrap_or_default();
            labels.into_iter().map(|(label, (id, _))| (label, id)).collect()
        })
    }

    /// The ids of all versions, deprecated ones too, in the order of their creation.
    pub fn versions(&self, secret_id: &str) -> Vec<String> {
        self.service.look(|store| {
            let secret = store.find(secret_id);
            let versions = secret.map(|secret| secret.versions.as_slice()).unwrap_or_default();
            versions.iter().map(|version| version.id.clone()).collect()
        })
    }

    /// Kills the functions' processes, at whatever they are, and waits until they are gone: the next invocation
    /// starts a new one.
    pub async fn kill_functions(&self) {
        self.service.processes.stop().await;
    }

    /// Stops the server, kills the functions' processes and waits until they are gone.
    pub async fn stop(self) {
        self.service.processes.stop().await;
        self.service.tasks.stopped().await;
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.service.tasks.stop();
    }
}
