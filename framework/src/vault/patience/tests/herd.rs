//! A thousand rotations that are due at once, under an account's quota of writes, in a time that only seems to pass.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tokio::task::LocalSet;

use super::*;

const SECRETS: usize = 1000;
const WRITES_A_SECOND: f64 = 50.0;
/// The time for a step where Lambda gives it 30 s.
const STEP: Duration = Duration::from_secs(29);
/// What the steps take besides their writes.
const CREATE: Duration = Duration::from_millis(30);
const SET_AND_TEST: Duration = Duration::from_millis(100);
const FINISH: Duration = Duration::from_millis(20);

/// An account's quota, as a bucket that holds a second's writes.
struct Quota {
    tokens: Cell<f64>,
    filled: Cell<Instant>,
    asked: Cell<usize>,
}

impl Quota {
    fn write(&self) -> Answer {
        let grown = self.filled.replace(Instant::now()).elapsed().as_secs_f64() * WRITES_A_SECOND;
        let tokens = WRITES_A_SECOND.min(self.tokens.get() + grown);
        self.asked.set(self.asked.get() + 1);
        let enough = tokens >= 1.0;
        self.tokens.set(if enough { tokens - 1.0 } else { tokens });
        if enough { Ok(1) } else { failure("ThrottlingException") }
    }

    /// A step that writes; whether it is done in time.
    async fn step(&self, patience: Patience) -> bool {
        let write = || std::future::ready(self.write());
        patience.spend_until(Instant::now() + STEP, write).await.is_ok()
    }
}

/// How it went.
struct Herd {
    quota: Quota,
    due: Cell<usize>,
    failed: Cell<usize>,
    /// How long each new password was at the target before consumers could read it.
    dead: RefCell<Vec<Duration>>,
}

impl Herd {
    async fn of(environments: usize) -> (Rc<Self>, Duration) {
        let tokens = Cell::new(WRITES_A_SECOND);
        let quota = Quota { tokens, filled: Cell::new(Instant::now()), asked: Cell::new(0) };
        let herd = Self {
            quota,
            due: Cell::new(SECRETS),
            failed: Cell::new(0),
            dead: RefCell::new(Vec::new()),
        };
        let (herd, start, set) = (Rc::new(herd), Instant::now(), LocalSet::new());
        for _ in 0..environments {
            let herd = Rc::clone(&herd);
            drop(set.spawn_local(async move { herd.work().await }));
        }
        set.await;
        (herd, start.elapsed())
    }

    /// One environment: a rotation after the other, each repeated until it is done.
    async fn work(&self) {
        while let Some(left) = self.due.get().checked_sub(1) {
            self.due.set(left);
            self.step(CREATE, Patience::LONG).await;
            sleep(SET_AND_TEST).await;
            let set = Instant::now();
            self.step(FINISH, Patience::SHORT).await;
            self.dead.borrow_mut().push(set.elapsed());
        }
    }

    async fn step(&self, takes: Duration, patience: Patience) {
        sleep(takes).await;
        while !self.quota.step(patience).await {
            self.failed.set(self.failed.get() + 1);
            sleep(Duration::from_secs(1) + takes).await;
        }
    }
}

#[expect(clippy::print_stdout, reason = "figures of a run are its result, too")]
#[tokio::test(start_paused = true)]
async fn environments_that_share_a_quota_use_all_of_it_and_end_what_they_began_first() {
    for (environments, most_failed, longest) in [(20, 5, 15), (100, 60, 40), (1000, 500, 60)] {
        let (herd, took) = Herd::of(environments).await;
        let mut dead = herd.dead.borrow_mut();
        dead.sort_unstable();
        assert_eq!(dead.len(), SECRETS);
        let rate = SECRETS as f64 / took.as_secs_f64();
        let at = |part: usize| dead[(SECRETS - 1) * part / 100].as_secs_f64();
        println!(
            "{environments} environments: {rate:.1} rotations a second; {} writes taken, {} throttled; {} steps \
             failed; {:.2} s median, {:.2} s ninth tenth, {:.2} s longest from setSecret to finishSecret",
            2 * SECRETS,
            herd.quota.asked.get() - 2 * SECRETS,
            herd.failed.get(),
            at(50),
            at(90),
            at(100)
        );
        assert!((20.0..27.0).contains(&rate), "{rate} rotations a second");
        assert!(herd.failed.get() <= most_failed, "{} failed", herd.failed.get());
        assert!(at(100) <= f64::from(longest), "{} s", at(100));
    }
}
