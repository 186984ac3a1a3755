use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::{Future, pending};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};
use tokio::task::yield_now;

tokio::task_local! {
    static DELIVERY: usize;
}

/// What goes wrong in the call that blows the fuse.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The call fails and has no effect.
    FailsBefore,
    /// The call takes effect, and then fails.
    LosesAnswer,
    /// The invocation dies before the effect.
    DiesBefore,
    /// The invocation dies after the effect.
    DiesAfter,
    /// The call has no effect and never comes back.
    NeverAnswers,
    /// Secrets Manager throttles it; any other call fails without an effect.
    IsThrottled,
    /// Nothing: something happens elsewhere just before it, as [`Fuse::meanwhile`] says.
    IsOvertaken,
}

impl Fault {
    /// What a crash, or a network that breaks, can be.
    pub const CRASHES: [Self; 4] =
        [Self::FailsBefore, Self::LosesAnswer, Self::DiesBefore, Self::DiesAfter];
}

/// The call failed, because the fuse blew.
#[derive(Clone, Copy, Debug)]
pub struct Blown {
    /// Whether it is Secrets Manager that has too much to do.
    pub throttled: bool,
}

/// Whether others can see that a call was made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sort {
    /// It reads what Secrets Manager has.
    ReadsVault,
    /// It changes what Secrets Manager has.
    ChangesVault,
    /// It reads what the target has.
    ReadsTarget,
    /// It may change what the target has.
    ChangesTarget,
}

impl Sort {
    /// Whether it is all the same which of the two comes first.
    ///
    /// Two changes are never, wherever they are made: somebody may look at both places in between.
    pub(crate) fn is_independent_of(self, other: Self) -> bool {
        match (self, other) {
            (Self::ReadsVault | Self::ReadsTarget, Self::ReadsVault | Self::ReadsTarget) => true,
            (Self::ReadsVault, Self::ChangesTarget)
            | (Self::ChangesTarget, Self::ReadsVault)
            | (Self::ReadsTarget, Self::ChangesVault)
            | (Self::ChangesVault, Self::ReadsTarget) => true,
            (Self::ReadsVault | Self::ChangesVault, Self::ReadsVault | Self::ChangesVault)
            | (Self::ReadsTarget | Self::ChangesTarget, Self::ReadsTarget | Self::ChangesTarget)
            | (Self::ChangesVault, Self::ChangesTarget)
            | (Self::ChangesTarget, Self::ChangesVault) => false,
        }
    }
}

/// A fuse in every wire: each call to Secrets Manager or to a target goes through it, and it can blow.
#[derive(Default)]
pub struct Fuse {
    state: Mutex<State>,
    death: Notify,
}

type Meanwhile = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct State {
    /// After how many calls to blow, and how; after how many more to blow again.
    gaps: VecDeque<(usize, Fault)>,
    /// The delivery and the number of the call within it to blow at.
    planned: Vec<(usize, usize, Fault)>,
    /// The beginning of the name of a call to blow at, once.
    name: Option<(&'static str, Fault)>,
    meanwhile: Option<Meanwhile>,
    blown: usize,
    since: usize,
    log: Vec<String>,
    in_flight: usize,
    round_trips: usize,
    /// Whose the calls are that do not say so: messages on a wire.
    under_way: usize,
    /// How many calls each delivery has made.
    made: BTreeMap<usize, usize>,
    struck: Vec<Struck>,
    /// Where calls wait to be let through one by one, if they do.
    held: Option<Vec<Held>>,
    /// How many calls were let through and have not come to their end.
    busy: usize,
}

/// A call that the fuse blew at.
#[derive(Clone, Debug)]
pub(crate) struct Struck {
    pub(crate) delivery: usize,
    /// Its number within the delivery, from 1.
    pub(crate) call: usize,
    pub(crate) name: String,
    pub(crate) fault: Fault,
}

struct Held {
    delivery: usize,
    sort: Sort,
    go: oneshot::Sender<()>,
}

impl Fuse {
    /// Blows at the call that many calls from now, then again that many after it, and so on.
    pub fn arm(&self, gaps: impl IntoIterator<Item = usize>, fault: Fault) {
        self.arm_each(gaps.into_iter().map(|gap| (gap, fault)));
    }

    /// The same, each time in another way.
    pub fn arm_each(&self, gaps: impl IntoIterator<Item = (usize, Fault)>) {
        let meanwhile = self.state().meanwhile.take();
        *self.state() = State { gaps: gaps.into_iter().collect(), meanwhile, ..State::default() };
    }

    /// Blows at the first call whose name begins like that.
    pub fn arm_at(&self, name: &'static str, fault: Fault) {
        *self.state() = State { name: Some((name, fault)), ..State::default() };
    }

    /// Blows at a call of a delivery, by its number from 1.
    pub(crate) fn plan(&self, delivery: usize, call: usize, fault: Fault) {
        self.state().planned.push((delivery, call, fault));
    }

    /// Messages on a wire are this delivery's from now on; with 0, nobody's.
    pub(crate) fn is_under_way(&self, delivery: usize) {
        self.state().under_way = delivery;
    }

    /// What happens elsewhere when a call [is overtaken](Fault::IsOvertaken).
    pub fn meanwhile(&self, what: impl Fn() + Send + Sync + 'static) {
        self.state().meanwhile = Some(Arc::new(what));
    }

    /// Never blows, and counts from zero.
    pub fn disarm(&self) {
        *self.state() = State::default();
    }

    /// How often it blew since it was armed.
    pub fn blown(&self) -> usize {
        self.state().blown
    }

    /// The names of all calls since it was armed.
    pub fn log(&self) -> Vec<String> {
        self.state().log.clone()
    }

    /// How often calls were waited for since it was armed; those that overlap count once.
    pub fn round_trips(&self) -> usize {
        self.state().round_trips
    }

    /// Notes what is not a call.
    pub fn note(&self, what: impl Into<String>) {
        self.state().log.push(what.into());
    }

    /// Resolves when the invocation dies, from now on.
    pub fn death(&self) -> impl Future<Output = ()> {
        self.death.notified()
    }

    /// Makes a call that changes the target, which takes effect after others had the chance to begin theirs.
    ///
    /// # Errors
    ///
    /// Where the fuse blows: whoever calls makes of it what a broken connection would be.
    pub async fn call<T>(
        &self,
        name: impl Into<String>,
        effect: impl FnOnce() -> T,
    ) -> Result<T, Blown> {
        self.pass(name.into(), Sort::ChangesTarget, async { effect() }).await
    }

    /// Makes a call that only reads what the target has.
    ///
    /// # Errors
    ///
    /// As those of [`call`](Self::call).
    pub async fn look<T>(
        &self,
        name: impl Into<String>,
        effect: impl FnOnce() -> T,
    ) -> Result<T, Blown> {
        self.pass(name.into(), Sort::ReadsTarget, async { effect() }).await
    }

    /// Makes a call of any sort, during which no other one is let through.
    pub(crate) async fn pass<T>(
        &self,
        name: String,
        sort: Sort,
        effect: impl Future<Output = T>,
    ) -> Result<T, Blown> {
        let (fault, was_held) = self.begin_in_turn(name, sort).await;
        let done = self.carry_out(fault, effect).await;
        self.is_through(was_held);
        done
    }

    /// Makes a call that makes other ones itself, which are let through each on its own.
    pub(crate) async fn pass_open<T>(
        &self,
        name: String,
        sort: Sort,
        effect: impl Future<Output = T>,
    ) -> Result<T, Blown> {
        let (fault, was_held) = self.begin_in_turn(name, sort).await;
        self.is_through(was_held);
        self.carry_out(fault, effect).await
    }

    /// What goes wrong in the call, and whether it had to wait until it was let through.
    async fn begin_in_turn(&self, name: String, sort: Sort) -> (Option<Fault>, bool) {
        let fault = self.begin(name);
        (fault, self.wait_for_its_turn(sort).await)
    }

    async fn carry_out<T>(
        &self,
        fault: Option<Fault>,
        effect: impl Future<Output = T>,
    ) -> Result<T, Blown> {
        match fault {
            None => Ok(effect.await),
            Some(Fault::FailsBefore) => Err(Blown { throttled: false }),
            Some(Fault::IsThrottled) => Err(Blown { throttled: true }),
            Some(Fault::LosesAnswer) => {
                effect.await;
                Err(Blown { throttled: false })
            }
            Some(Fault::DiesBefore) => self.die().await,
            Some(Fault::DiesAfter) => {
                effect.await;
                self.die().await
            }
            Some(Fault::NeverAnswers) => pending().await,
            Some(Fault::IsOvertaken) => {
                let meanwhile = self.state().meanwhile.clone();
                if let Some(meanwhile) = meanwhile {
                    meanwhile();
                }
                Ok(effect.await)
            }
        }
    }

    fn begin(&self, name: String) -> Option<Fault> {
        let mut state = self.state();
        if state.in_flight == 0 {
            state.round_trips += 1;
        }
        state.in_flight += 1;
        state.since += 1;
        let delivery = match delivery() {
            0 => state.under_way,
            known => known,
        };
        let made = state.made.entry(delivery).or_default();
        *made += 1;
        let call = *made;
        let since = state.since;
        let by_count = state.gaps.pop_front_if(|(gap, _)| *gap == since).map(|(_, fault)| fault);
        let by_plan = state.planned.iter().find(|plan| (plan.0, plan.1) == (delivery, call));
        let by_plan = by_plan.map(|plan| plan.2);
        let by_name = state.name.take_if(|(begin, _)| name.starts_with(*begin));
        state.log.push(name.clone());
        let fault = by_count.or(by_plan).or_else(|| by_name.map(|(_, fault)| fault))?;
        state.since = 0;
        state.blown += 1;
        state.struck.push(Struck { delivery, call, name, fault });
        Some(fault)
    }

    fn is_through(&self, was_held: bool) {
        let mut state = self.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        state.busy = state.busy.saturating_sub(usize::from(was_held));
    }

    /// Where calls are held, this one is, too, unless it belongs to no delivery.
    fn queue(&self, sort: Sort) -> Option<oneshot::Receiver<()>> {
        let (go, turn) = oneshot::channel();
        let delivery = delivery();
        let mut state = self.state();
        state.held.as_mut().filter(|_| delivery > 0)?.push(Held { delivery, sort, go });
        Some(turn)
    }

    /// Whether it had to wait until it was let through.
    async fn wait_for_its_turn(&self, sort: Sort) -> bool {
        let Some(turn) = self.queue(sort) else {
            yield_now().await;
            return false;
        };
        // Whoever holds calls and goes away lets them all through.
        drop(turn.await);
        true
    }

    async fn die<T>(&self) -> T {
        self.forget();
        self.death.notify_waiters();
        pending().await
    }

    /// Nothing is under way any more.
    fn forget(&self) {
        let mut state = self.state();
        (state.in_flight, state.busy) = (0, 0);
    }

    /// From now on, calls wait to be let through; or no longer.
    pub(crate) fn hold(&self, on: bool) {
        let mut state = self.state();
        state.held = on.then(Vec::new);
        state.busy = 0;
    }

    /// Whether no call that was let through is still under way.
    pub(crate) fn is_quiet(&self) -> bool {
        self.state().busy == 0
    }

    /// The sort of the call that a delivery waits to make, of several the first.
    pub(crate) fn waiting(&self, delivery: usize) -> Option<Sort> {
        let state = self.state();
        let held = state.held.as_ref()?;
        held.iter().find(|held| held.delivery == delivery).map(|held| held.sort)
    }

    /// Lets a delivery make the call that it waits to make.
    pub(crate) fn let_through(&self, delivery: usize) {
        let mut state = self.state();
        let Some(held) = state.held.as_mut() else { return };
        let Some(at) = held.iter().position(|held| held.delivery == delivery) else { return };
        let call = held.remove(at);
        if call.go.send(()).is_ok() {
            state.busy += 1;
        }
    }

    /// The calls that the fuse blew at since it was armed.
    pub(crate) fn struck(&self) -> Vec<Struck> {
        self.state().struck.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Fuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fuse").field("blown", &self.blown()).finish_non_exhaustive()
    }
}

/// The calls that `work` makes are that delivery's.
pub(crate) fn delivered<T>(
    delivery: usize,
    work: impl Future<Output = T>,
) -> impl Future<Output = T> {
    DELIVERY.scope(delivery, work)
}

fn delivery() -> usize {
    DELIVERY.try_with(|delivery| *delivery).unwrap_or_default()
}
