//! The state of Secrets Manager, and the one door through which it changes.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{Notify, broadcast};

use crate::clock::Clock;
use crate::data::DataFile;
use crate::error::ApiError;
use crate::event::{Event, EventKind};
use crate::fault::Faults;
use crate::journal::Call;
use crate::knobs::Knobs;
use crate::lambda::{Functions, Processes};
use crate::lock::lock;
use crate::quota::Quotas;
use crate::rotation::RotationFailure;
use crate::secret::Secret;
use crate::store::Store;
use crate::tasks::Tasks;

/// Events that a slow subscriber may lag behind before it loses some.
const EVENTS_BUFFERED: usize = 4096;
/// Calls and events that are remembered: more than any test looks at, less than a long-lived server
/// would gather.
const REMEMBERED: usize = 100_000;

#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) quotas: Quotas,
    pub(crate) functions: Functions,
    pub(crate) processes: Processes,
    pub(crate) tasks: Tasks,
    pub(crate) rotations: Rotations,
    started: Instant,
    knobs: Mutex<Knobs>,
    store: Mutex<Store>,
    data: Option<DataFile>,
    calls: Mutex<VecDeque<Call>>,
    events: Mutex<VecDeque<Event>>,
    live: broadcast::Sender<Event>,
}

/// Which rotations run in this process, and how the last of each secret ended.
#[derive(Debug, Default)]
pub(crate) struct Rotations {
    /// By ARN and version.
    pub(crate) running: Mutex<HashSet<(String, String)>>,
    pub(crate) outcomes: Mutex<HashMap<String, Result<(), RotationFailure>>>,
    pub(crate) ended: Notify,
}

impl Service {
    pub(crate) fn new(
        knobs: Knobs,
        functions: Functions,
        processes: Processes,
        tasks: Tasks,
        data: Option<DataFile>,
        store: Store,
    ) -> Self {
        let service = Self {
            clock: Clock::default(),
            faults: Faults::default(),
            quotas: Quotas::new(),
            functions,
            processes,
            tasks,
            rotations: Rotations::default(),
            started: Instant::now(),
            knobs: Mutex::new(knobs),
            store: Mutex::new(store),
            data,
            calls: Mutex::default(),
            events: Mutex::default(),
            live: broadcast::Sender::new(EVENTS_BUFFERED),
        };
        for secret in &mut lock(&service.store).secrets {
            secret.remember_labels();
        }
        service
    }

    pub(crate) fn knobs(&self) -> Knobs {
        lock(&self.knobs).clone()
    }

    pub(crate) fn set_knobs(&self, set: impl FnOnce(&mut Knobs)) {
        set(&mut lock(&self.knobs));
    }

    /// Looks at all secrets.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Store) -> T) -> T {
        let mut store = lock(&self.store);
        store.purge(self.clock.now());
        look(&store)
    }

    /// Looks at one secret; dates of access may be set on the way, nothing else.
    pub(crate) fn read<T>(
        &self,
        id: &str,
        read: impl FnOnce(&mut Secret, SystemTime) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let now = self.clock.now();
        let mut store = lock(&self.store);
        store.purge(now);
        read(store.find_mut(id)?, now)
    }

    /// Changes one secret, or leaves it as it was where the change is refused.
    pub(crate) fn change<T>(
        &self,
        id: &str,
        change: impl FnOnce(&mut Secret, SystemTime) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let now = self.clock.now();
        let mut store = lock(&self.store);
        store.purge(now);
        let secret = store.find_mut(id)?;
        let mut changed = secret.clone();
        let result = change(&mut changed, now)?;
        *secret = changed;
        if secret.remember_labels() {
            self.emit(&secret.arn, None, labels_moved(secret));
        }
        self.save(&store)?;
        Ok(result)
    }

    /// Changes the set of secrets.
    pub(crate) fn change_all<T>(
        &self,
        change: impl FnOnce(&mut Store, SystemTime) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        let now = self.clock.now();
        let mut store = lock(&self.store);
        store.purge(now);
        let result = change(&mut store, now)?;
        for secret in &mut store.secrets {
            if secret.remember_labels() {
                self.emit(&secret.arn, None, labels_moved(secret));
            }
        }
        self.save(&store)?;
        Ok(result)
    }

    /// Moves all that has happened into the past.
    pub(crate) fn age(&self, by: Duration) {
        let mut store = lock(&self.store);
        for secret in &mut store.secrets {
            secret.age(by);
        }
        // That it was not written is logged.
        drop(self.save(&store));
    }

    fn save(&self, store: &Store) -> Result<(), ApiError> {
        let Some(data) = &self.data else { return Ok(()) };
        data.write(store).map_err(|error| {
            tracing::error!(%error, "cannot write the data file");
            ApiError::internal()
        })
    }

    pub(crate) fn emit(&self, arn: &str, version_id: Option<&str>, kind: EventKind) {
        let event = Event {
            at: self.started.elapsed(),
            time: self.clock.now(),
            secret_id: arn.to_owned(),
            version_id: version_id.map(str::to_owned),
            kind,
        };
        event.log();
        remember(&self.events, event.clone());
        // Nobody listening is no error.
        let _heard = self.live.send(event);
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        lock(&self.events).iter().cloned().collect()
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Event> {
        self.live.subscribe()
    }

    pub(crate) fn since_start(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.started)
    }

    pub(crate) fn record(&self, call: Call) {
        remember(&self.calls, call);
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        lock(&self.calls).iter().cloned().collect()
    }

    pub(crate) fn clear_calls(&self) {
        lock(&self.calls).clear();
    }
}

fn remember<T>(list: &Mutex<VecDeque<T>>, item: T) {
    let mut list = lock(list);
    if list.len() == REMEMBERED {
        list.pop_front();
    }
    list.push_back(item);
}

fn labels_moved(secret: &Secret) -> EventKind {
    let labels: BTreeMap<_, _> =
        secret.labels().into_iter().map(|(label, (id, _))| (label, id)).collect();
    EventKind::LabelsMoved { labels }
}

/// A service that tasks share.
pub(crate) type Shared = Arc<Service>;
