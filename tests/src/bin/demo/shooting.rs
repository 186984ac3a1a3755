//! Films one rotation while it happens.

use std::time::Duration;

use sqlx::Connection as _;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};
use turnlock_local::{Event, EventKind, Hook};
use turnlock_tests::servers::{Logins, Mark};
use turnlock_tests::world::USER;

use crate::Problem;
use crate::costs::{Cost, Costs};
use crate::film::{Film, Login};
use crate::picture;
use crate::screen::{Line, Screen};
use crate::stage::{Place, Stage};

/// About what a call to the service takes within a region; calls made at once are seen to overlap.
pub(crate) const LATENCY: Duration = Duration::from_millis(20);

/// How fast a rotation is to go, and how closely it is watched.
pub(crate) struct Pace {
    /// Before the rotation.
    pub(crate) lead: Duration,
    /// Before each step but the first.
    pub(crate) pause: Duration,
    /// Between two consumers.
    pub(crate) tick: Duration,
    /// The least time that a column of the picture stands for.
    pub(crate) column: Duration,
}

/// Slow enough to be followed.
pub(crate) const SLOWED: Pace = Pace {
    lead: Duration::from_millis(350),
    pause: Duration::from_millis(700),
    tick: Duration::from_millis(25),
    column: Duration::from_millis(60),
};

/// Rotates once and shows it; what was seen, and what all steps cost.
pub(crate) async fn rotation<P: Place>(
    stage: &Stage<P>,
    pace: &Pace,
    screen: &mut Screen,
) -> Result<(Film, Cost), Problem> {
    let mut shooting = Shooting::new(stage, pace);
    shooting.run(screen).await?;
    let cost = shooting.costs().total();
    Ok((shooting.film, cost))
}

/// A step of the function that waits for its permission to begin.
type Gate = oneshot::Sender<()>;

/// One rotation in the making.
struct Shooting<'s, P: Place> {
    stage: &'s Stage<P>,
    pace: &'s Pace,
    /// How many passwords there will be.
    count: usize,
    film: Film,
    attempts: JoinSet<Result<Login, sqlx::Error>>,
    ticks: u32,
    /// The log's end before the step that is under way.
    mark: Option<Mark>,
    logins: Vec<Logins>,
    held: Option<(Instant, Gate)>,
    rotate_at: Option<Instant>,
    end_at: Option<Instant>,
    failure: Option<String>,
}

impl<'s, P: Place> Shooting<'s, P> {
    fn new(stage: &'s Stage<P>, pace: &'s Pace) -> Self {
        let passwords = stage.passwords();
        Self {
            stage,
            pace,
            count: passwords.len() + 1,
            film: Film::begin(passwords, stage.world.labels()),
            attempts: JoinSet::new(),
            ticks: 0,
            mark: None,
            logins: Vec::new(),
            held: None,
            rotate_at: Some(Instant::now() + pace.lead),
            end_at: None,
            failure: None,
        }
    }

    /// Rotates, and shows it live; the last frame stays.
    async fn run(&mut self, screen: &mut Screen) -> Result<(), Problem> {
        let local = &self.stage.world.local;
        let (sender, mut gates) = mpsc::unbounded_channel();
        local.set_knobs(|knobs| {
            knobs.before_step = Some(hook(sender));
            knobs.latency = LATENCY;
        });
        local.clear_calls();
        let mut events = local.subscribe();
        let (mut ticks, mut frames) = (every(self.pace.tick), every(Duration::from_millis(50)));
        while self.end_at.is_none_or(|end| end > Instant::now()) {
            tokio::select! {
                event = events.recv() => self.take_in(event)?,
                Some(gate) = gates.recv() => self.hold(gate).await,
                () = due(self.held.as_ref().map(|(at, _)| *at)) => self.release(),
                () = due(self.rotate_at) => self.rotate()?,
                () = due(self.end_at) => {}
                Some(login) = self.attempts.join_next() => self.film.add_login(login??),
                _ = ticks.tick() => self.send_consumers(),
                _ = frames.tick() => screen.draw(&self.frame(self.film.now()))?,
            }
        }
        let ended = self.film.now();
        while let Some(login) = self.attempts.join_next().await {
            self.film.add_login(login??);
        }
        screen.print(&self.frame(ended))?;
        self.failure.take().map_or(Ok(()), |failure| Err(failure.into()))
    }

    /// What the rotation cost so far.
    fn costs(&self) -> Costs {
        Costs::count(&self.film, &self.stage.world.function_calls(), &self.logins)
    }

    fn frame(&self, now: Duration) -> Vec<Line> {
        let mut lines = picture::lines(&self.film, self.count, self.pace.column, now);
        lines.push(Line::new());
        lines.extend(self.costs().lines());
        lines
    }

    fn rotate(&mut self) -> Result<(), Problem> {
        self.rotate_at = None;
        self.stage.world.local.rotate(&self.stage.world.secret)?;
        Ok(())
    }

    fn take_in(
        &mut self,
        event: Result<Event, broadcast::error::RecvError>,
    ) -> Result<(), Problem> {
        let event = event?;
        self.film.add_event(&event);
        if let EventKind::StepFinished { step, error_type: Some(class), error_message, .. } =
            &event.kind
        {
            let message = error_message.as_deref().unwrap_or_default();
            self.failure = Some(format!("{step} failed: {class}: {message}"));
        }
        let failed =
            matches!(event.kind, EventKind::RotationFailed { .. } | EventKind::RotationAbandoned);
        if failed || event.kind == EventKind::RotationSucceeded {
            // As much as it takes for the labels at the end to be legible.
            self.end_at = Some(Instant::now() + self.film.now() * 3 / 10);
        }
        Ok(())
    }

    /// Counts the logins of the step before, and lets the next one wait for a while.
    async fn hold(&mut self, gate: Gate) {
        let pause = if self.mark.is_none() { Duration::ZERO } else { self.pace.pause };
        self.count_logins().await;
        self.mark = Some(self.stage.world.mark());
        self.held = Some((Instant::now() + pause, gate));
    }

    /// The function has its answers already, so the server has logged them.
    async fn count_logins(&mut self) {
        if let Some(mark) = self.mark {
            self.logins.push(self.stage.world.logins_since(mark).await);
        }
    }

    fn release(&mut self) {
        if let Some((_, gate)) = self.held.take() {
            // Nobody waits any more where the rotation was given up.
            let _gone = gate.send(());
        }
    }

    /// One consumer with the password that AWSCURRENT has now, and at times one with each of the others.
    fn send_consumers(&mut self) {
        const MOST: usize = 6;
        if self.attempts.len() >= MOST {
            return;
        }
        let tick = self.ticks;
        self.ticks += 1;
        let known = self.film.passwords.len();
        self.film.passwords.extend(self.stage.passwords().into_iter().skip(known));
        let labels = self.stage.world.labels();
        for (index, password) in self.film.passwords.iter().enumerate() {
            let has = |label| labels.get(label) == Some(&password.version);
            let is_current = has("AWSCURRENT");
            // Logins take time from the rotation, so passwords with little to tell are tried less often.
            let rest = if is_current {
                1
            } else if has("AWSPENDING") {
                2
            } else {
                6
            };
            if !tick.is_multiple_of(rest) {
                continue;
            }
            let consumer = self.stage.consumers.consumer(USER, &password.value);
            let (start, started) = (self.film.now(), Instant::now());
            self.attempts.spawn(async move {
                let session = consumer.log_in().await?;
                let (at, accepted) = (start + started.elapsed(), session.is_some());
                if let Some(session) = session {
                    session.close().await?;
                }
                Ok(Login { at, password: index, current: is_current, accepted })
            });
        }
    }
}

fn hook(gates: mpsc::UnboundedSender<Gate>) -> Hook {
    Hook::new(move |_| {
        let gates = gates.clone();
        async move {
            let (gate, opened) = oneshot::channel();
            if gates.send(gate).is_ok() {
                // A gate that is dropped is open, too.
                let _opened = opened.await;
            }
        }
    })
}

fn every(period: Duration) -> Interval {
    let mut interval = interval(period);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Waits for a moment; for ever, where there is none.
async fn due(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}
