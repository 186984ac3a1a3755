//! Amazon RDS as far as it tells where databases are: `DescribeDBInstances` and `DescribeDBClusters`.
//!
//! Written from the API reference, as the answers of one account in all regions: a request is about the region
//! that it is signed for.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use turnlock_local::{Access, Policy};

mod model;
mod role;
mod wire;

use role::Role;

pub use model::{ACCOUNT, Cluster, Instance, REGION, host};

/// The server; it listens from its start until it is dropped, on a thread of its own.
#[derive(Debug)]
pub struct AmazonRds {
    endpoint: String,
    state: Arc<Mutex<State>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// A request that has come in.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Call {
    /// `DescribeDBInstances` or `DescribeDBClusters`.
    pub action: String,
    /// The identifier or the ARN that was asked for.
    pub identifier: String,
    /// The region that the request is signed for.
    pub region: String,
}

/// What the server does instead of answering.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The caller has no permission.
    AccessDenied,
    /// There were too many calls.
    Throttling,
    /// An answer that is no XML.
    Nonsense,
    /// It never answers.
    Silence,
}

#[derive(Debug, Default)]
struct State {
    instances: Vec<Instance>,
    clusters: Vec<Cluster>,
    fault: Option<Fault>,
    calls: Vec<Call>,
    role: Role,
}

impl AmazonRds {
    /// Starts to listen, with no database yet.
    pub fn start() -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        listener.set_nonblocking(true).expect("a socket of ours");
        let state = Arc::new(Mutex::new(State::default()));
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::clone(&state);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                tokio::select! {
                    () = serve(listener, shared) => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            endpoint: format!("http://{address}"),
            state,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// What `AWS_ENDPOINT_URL_RDS` is to be.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Puts a DB instance there, instead of one of the same name and region.
    pub fn put_instance(&self, instance: Instance) {
        let mut state = lock(&self.state);
        state.instances.retain(|other| other.arn() != instance.arn());
        state.instances.push(instance);
    }

    /// Puts a DB cluster there with its members, instead of one of the same name and region.
    ///
    /// The members are instances of the cluster's engine and port.
    pub fn put_cluster(&self, cluster: Cluster) {
        for (id, _) in &cluster.members {
            self.put_instance(cluster.member(id));
        }
        let mut state = lock(&self.state);
        state.clusters.retain(|other| other.arn() != cluster.arn());
        state.clusters.push(cluster);
    }

    /// Does this instead of answering, from now on.
    pub fn fail(&self, fault: Fault) {
        lock(&self.state).fault = Some(fault);
    }

    /// Answers again from now on.
    pub fn recover(&self) {
        lock(&self.state).fault = None;
    }

    /// Has a function's role ask from now on that has this policy; none, to let it ask for everything.
    pub fn enforce(&self, policy: Option<Policy>, function_arn: &str) {
        lock(&self.state).role.enforce(policy, function_arn);
    }

    /// What the role's policy was asked so far, and forgets it.
    pub fn take_accesses(&self) -> Vec<Access> {
        lock(&self.state).role.take_accesses()
    }

    /// The requests so far, and forgets them.
    pub fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut lock(&self.state).calls)
    }
}

impl Drop for AmazonRds {
    fn drop(&mut self) {
        drop(self.stop.take());
        // A panic of the server has failed the test already, by the answer that it did not give.
        drop(self.thread.take().map(JoinHandle::join));
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("nobody panics while holding the lock")
}

async fn serve(listener: std::net::TcpListener, state: Arc<Mutex<State>>) {
    let listener = TcpListener::from_std(listener).expect("a socket that does not block");
    // Dropped with this future, and all connections with it.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let service = service_fn(move |request| answer(Arc::clone(&state), request));
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service);
            // A client that hangs up in the middle has its own reasons.
            drop(connection.await);
        });
    }
}

async fn answer(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, hyper::Error> {
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let signature = head.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (status, body) = match wire::call(signature.unwrap_or_default(), &body) {
        Some(call) => {
            let reply = lock(&state).answer(call);
            match reply {
                Some(reply) => reply,
                None => std::future::pending().await,
            }
        }
        None => wire::error(400, "MissingParameter"),
    };
    let response = Response::builder().status(status).header(CONTENT_TYPE, "text/xml");
    Ok(response.body(Full::new(body.into())).expect("a status and a header that are right"))
}

impl State {
    fn answer(&mut self, call: Call) -> Option<(u16, String)> {
        self.calls.push(call.clone());
        if let Err(refusal) = self.role.may(&call) {
            return Some(wire::refusal(403, "AccessDenied", &refusal));
        }
        let reply = match (self.fault, call.action.as_str()) {
            (Some(Fault::Silence), _) => return None,
            (Some(Fault::AccessDenied), _) => wire::error(403, "AccessDenied"),
            (Some(Fault::Throttling), _) => wire::error(400, "Throttling"),
            (Some(Fault::Nonsense), _) => (200, "nonsense".to_owned()),
            (None, "DescribeDBInstances") => {
                let found = self.instances.iter().find(|instance| {
                    instance.region == call.region && is(&call, &instance.id, &instance.arn())
                });
                let missing = || wire::error(404, "DBInstanceNotFound");
                found.map_or_else(missing, |found| (200, wire::instance(found)))
            }
            (None, "DescribeDBClusters") => {
                let found = self.clusters.iter().find(|cluster| {
                    cluster.region == call.region && is(&call, &cluster.id, &cluster.arn())
                });
                let missing = || wire::error(404, "DBClusterNotFoundFault");
                found.map_or_else(missing, |found| (200, wire::cluster(found)))
            }
            (None, _) => wire::error(400, "InvalidAction"),
        };
        Some(reply)
    }
}

fn is(call: &Call, id: &str, arn: &str) -> bool {
    [id, arn].iter().any(|name| name.eq_ignore_ascii_case(&call.identifier))
}
