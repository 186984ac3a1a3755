//! Consumers that read the secret once an hour never hold a dead key, over weeks of whatever can happen.

use std::ops::AddAssign;
use std::time::Duration;

use turnlock::Document;
use turnlock::vault::Label;

use crate::world::World;
use crate::world::keys::{Keys, OVERLAP};
use turnlock::testing::Fault;
use turnlock::testing::Value;

const QUARTER: Duration = Duration::from_mins(15);
const PER_HOUR: usize = 4;
const PER_DAY: usize = 24 * PER_HOUR;
const WEEKS: usize = 9;
/// How often the service repeats a rotation before it gives up.
const ATTEMPTS: usize = 4;

/// What happened, so that a test can tell that it did.
#[derive(Debug, Default)]
struct Tally {
    rotations: usize,
    faults: usize,
    refused: usize,
    given_up: usize,
    written: usize,
    healed: usize,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, more: Self) {
        self.rotations += more.rotations;
        self.faults += more.faults;
        self.refused += more.refused;
        self.given_up += more.given_up;
        self.written += more.written;
        self.healed += more.healed;
    }
}

/// The same numbers for the same seed.
struct Dice(u64);

impl Dice {
    /// A number below `sides`.
    fn roll(&mut self, sides: usize) -> usize {
        // Knuth's constants; the low bits of such a generator are poor.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.roll(choices.len())]
    }
}

struct Life {
    world: World<Keys>,
    most: usize,
    dice: Dice,
    quarter: usize,
    /// What each consumer has read; nothing where that was a wrong key, written by hand.
    held: [Option<String>; PER_HOUR],
    /// Somebody has written a key that does not work.
    wrong: bool,
    /// The rotation that goes on, and how often it was attempted.
    rotation: Option<(String, usize)>,
    /// When the next one begins.
    due: usize,
    versions: usize,
    tally: Tally,
}

impl Life {
    fn new(world: World<Keys>, most: usize, seed: u64) -> Self {
        Self {
            world,
            most,
            dice: Dice(seed),
            quarter: 0,
            held: [const { None }; PER_HOUR],
            wrong: false,
            rotation: None,
            due: 0,
            versions: 0,
            tally: Tally::default(),
        }
    }

    /// What has to be true at any moment.
    fn check(&self) {
        let keys = self.world.rotator.minted();
        assert!(keys.len() <= self.most, "{keys:?}");
        for held in self.held.iter().flatten() {
            assert!(keys.contains_key(held), "a consumer holds a dead key");
        }
        drop(keys);
        assert!(self.wrong || self.world.works(Label::Current), "the current key is dead");
    }

    fn current(&self) -> String {
        let text = turnlock::Sensitive::new(self.world.text(Label::Current).unwrap());
        Document::parse(text).unwrap().string("key").unwrap()
    }

    fn version(&mut self, kind: &str) -> String {
        self.versions += 1;
        format!("{kind}{}", self.versions)
    }

    async fn live(&mut self) {
        while self.quarter < WEEKS * 7 * PER_DAY {
            self.quarter += 1;
            tokio::time::advance(QUARTER).await;
            self.check();
            let works = self.world.works(Label::Current);
            self.held[self.quarter % PER_HOUR] = works.then(|| self.current());
            self.rotate().await;
            self.check();
            if self.dice.roll(3 * PER_DAY) == 0 {
                self.write_by_hand();
                self.check();
            }
        }
    }

    async fn rotate(&mut self) {
        if self.rotation.is_none() && self.quarter >= self.due {
            let version = self.version("v");
            self.world.app(|secret| secret.begin(&version));
            self.rotation = Some((version, 0));
        }
        let Some((version, attempts)) = self.rotation.take() else { return };
        self.world.fuse.disarm();
        if self.dice.roll(2) == 0 {
            self.world.fuse.arm([1 + self.dice.roll(25)], self.dice.pick(&Fault::CRASHES));
        }
        let done = self.world.attempt(&version, 1).await;
        let blown = self.world.fuse.blown();
        self.tally.faults += blown;
        match done {
            Ok(()) => {
                self.world.app(|secret| secret.end());
                self.tally.rotations += 1;
                self.tally.healed += usize::from(self.wrong);
                self.wrong = false;
                self.wait();
            }
            Err(_) if attempts + 1 < ATTEMPTS => {
                self.tally.refused += usize::from(blown == 0);
                self.rotation = Some((version, attempts + 1));
            }
            Err(_) => {
                self.world.app(|secret| secret.clear(Label::Pending));
                self.tally.given_up += 1;
                self.wait();
            }
        }
        self.wrong &= !self.world.works(Label::Current);
    }

    /// From one rotation to the next it is an hour, a day, a month; or somebody rotates again at once.
    fn wait(&mut self) {
        let hours = self.dice.pick(&[0, 0, 1, 4, 4, 12, 24, 24, 7 * 24, 30 * 24]);
        self.due = self.quarter + hours * PER_HOUR;
    }

    fn write_by_hand(&mut self) {
        let (version, key) = (self.version("m"), format!("by-hand-{}", self.versions));
        let value = match self.dice.roll(4) {
            0 => {
                self.wrong = true;
                self.with_key(&key)
            }
            1 if !self.world.rotator.is_full() => {
                self.world.rotator.add(&key);
                self.wrong = false;
                self.with_key(&key)
            }
            _ => {
                let text = self.world.text(Label::Current).unwrap();
                Value::Text(text.replace("note", &format!("note-{}", self.versions)))
            }
        };
        self.world.app(|secret| secret.write_by_hand(&version, value));
        self.tally.written += 1;
        if self.rotation.take().is_some() {
            self.wait();
        }
    }

    /// The current version with another key.
    fn with_key(&self, key: &str) -> Value {
        Value::Text(self.world.text(Label::Current).unwrap().replace(&self.current(), key))
    }

    /// Whatever has happened, the next rotation in peace succeeds.
    async fn rotate_in_peace(&mut self) {
        self.world.app(|secret| secret.clear(Label::Pending));
        if self.wrong {
            let works =
                self.world.rotator.minted().keys().find(|key| *key != "admins-secret").cloned();
            let value = self.with_key(&works.unwrap());
            let version = self.version("m");
            self.world.app(|secret| secret.write_by_hand(&version, value));
        }
        tokio::time::advance(OVERLAP).await;
        self.world.fuse.disarm();
        let version = self.version("v");
        self.world.rotation_just_now(&version).await;
        assert!(self.world.works(Label::Current));
    }
}

async fn lives(build: fn(usize) -> World<Keys>, of_admin: usize) -> Tally {
    let mut tally = Tally::default();
    for most in [2, 3, 5] {
        for seed in 0..6 {
            let mut life = Life::new(build(most), most + of_admin, seed);
            life.live().await;
            life.rotate_in_peace().await;
            tally += life.tally;
        }
    }
    tally
}

fn happened(tally: &Tally) {
    let Tally { rotations, faults, refused, given_up, written, healed } = *tally;
    assert!(rotations > 150 && faults > 120 && written > 250, "{tally:?}");
    assert!(refused > 120 && given_up > 50 && healed > 12, "{tally:?}");
}

#[tokio::test(start_paused = true)]
async fn consumers_that_read_once_an_hour_never_hold_a_dead_key() {
    happened(&lives(World::keys, 0).await);
}

#[tokio::test(start_paused = true)]
async fn consumers_never_hold_a_dead_key_where_an_admin_retires_it() {
    happened(&lives(World::keys_with_admin, 1).await);
}
