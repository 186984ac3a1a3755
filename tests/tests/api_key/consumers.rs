//! Consumers that read the secret once an hour, through days of rotations: what they hold is never dead.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;
use turnlock_local::{Fault, Operation};
use turnlock_tests::dice::Dice;
use turnlock_tests::key_ways::Way;
use turnlock_tests::scene::StepError;
use turnlock_tests::world::keys::{ACCOUNT, FUNCTION, World};

/// Short, so that what an attempt has left is soon old enough to be touched.
const SHORT: Duration = Duration::from_secs(3);
/// Where no attempt leaves anything.
const LONG: Duration = Duration::from_secs(30);
/// From one look at the consumers to the next.
const TICK: Duration = Duration::from_mins(10);
/// Each reads at another tick of the hour.
const CONSUMERS: usize = 6;
const TICKS_A_DAY: usize = 24 * CONSUMERS;

/// A world with the overlap that it has by default, its consumers, and the time of its tests.
struct Day {
    world: World,
    held: Vec<String>,
    ticks: usize,
    /// What has happened, for whoever reads of a failure.
    story: Vec<String>,
}

impl Day {
    async fn start(way: Way, timeout: Duration) -> Self {
        let world = way.start(timeout).await;
        world.edit(|secret| secret["rotation"] = json!({"provider": "harness"}));
        let held = vec![world.first.value.clone(); CONSUMERS];
        let mut day = Self { world, held, ticks: 0, story: Vec::new() };
        // Whoever has stored the secret did so long ago.
        for _ in 0..TICKS_A_DAY {
            day.pass();
        }
        day
    }

    /// Lets ten minutes pass; what everybody holds has to work, and one reads anew.
    fn pass(&mut self) {
        self.world.local.age(TICK);
        self.world.provider.advance(TICK);
        self.assert_all_are_let_in();
        let reader = self.ticks % CONSUMERS;
        self.held[reader] = self.world.key("AWSCURRENT");
        self.ticks += 1;
    }

    fn assert_all_are_let_in(&self) {
        for (number, key) in self.held.iter().enumerate() {
            let (ticks, story) = (self.ticks, &self.story);
            let works = self.world.provider.accepts(key);
            assert!(works, "consumer {number} is locked out after tick {ticks}: {story:#?}");
        }
    }

    async fn rotate(&mut self) -> Result<(), StepError> {
        let rotated = self.world.retry().await;
        self.story.push(format!("{}: rotated: {rotated:?}", self.ticks));
        self.assert_all_are_let_in();
        rotated
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rotations_every_four_hours_lock_nobody_out_who_reads_once_an_hour() {
    for way in Way::ALL.map(|way| Way { limit: Some(2), ..way }) {
        let mut day = Day::start(way, LONG).await;
        for tick in 0..TICKS_A_DAY {
            if tick % (4 * CONSUMERS) == 0 {
                day.rotate().await.unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
                day.world.assert_rotated(way, "every four hours");
            }
            day.pass();
        }
        let keys = day.world.ids();
        assert_eq!(keys.len(), 2, "{way:?}: the rest is gone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_rotation_is_refused_for_two_hours_and_then_done() {
    for way in [Way::OWN, Way::ADMIN] {
        let mut day = Day::start(way, LONG).await;
        day.rotate().await.expect("a rotation");
        for minutes in (0..120).step_by(10) {
            let refused = day.rotate().await.expect_err("consumers may have the one before");
            let told = refused.message.contains("for 120 minutes, until");
            assert!(told && refused.class == "refused", "after {minutes}: {refused:?}");
            assert!(refused.message.contains("rotation.overlap_minutes"), "{refused:?}");
            day.pass();
        }
        day.rotate().await.expect("everybody has changed over");
        day.pass();
    }
}

/// What happens between rotations, and in the middle of them.
async fn happen(day: &mut Day, dice: &mut Dice) {
    let world = &day.world;
    let deed = match dice.roll(9) {
        0..=2 => return drop(day.rotate().await),
        3 => {
            world.local.fail_next(Operation::UpdateSecretVersionStage, 1, Fault::AccessDenied);
            drop(day.rotate().await);
            return day.world.local.clear_faults();
        }
        4 => {
            let call = u32::try_from(dice.roll(12)).expect("a few");
            world.local.fail_after(call, Fault::CrashAfter);
            // So that Secrets Manager hears of the end, where the function dies after it.
            world.local.set_knobs(|knobs| knobs.attempts = 2);
            drop(day.rotate().await);
            day.world.local.set_knobs(|knobs| knobs.attempts = 1);
            return day.world.local.clear_faults();
        }
        5 => {
            if let Some(pending) = world.labels().get("AWSPENDING") {
                world.clear_pending(pending);
            }
            "the label was cleared"
        }
        6 => {
            let request = json!({"SecretId": world.secret});
            world.local.call(Operation::CancelRotateSecret, &request).expect("it is cancelled");
            world.local.set_rotation(&world.secret, FUNCTION).expect("it is on again");
            "it was cancelled"
        }
        7 => {
            world.edit(|secret| secret["note"] = json!(dice.roll(1000)));
            "the note was edited"
        }
        _ => {
            let key = world.provider.mint(ACCOUNT, "by hand");
            world.edit(|secret| {
                secret["key"] = json!(key.value);
                secret["key_id"] = json!(key.id);
            });
            "a key was stored by hand"
        }
    };
    let line = format!("{}: {deed}", day.ticks);
    day.story.push(line);
}

#[tokio::test(flavor = "multi_thread")]
async fn rotations_cut_off_cancelled_and_overtaken_by_hand_lock_nobody_out() {
    const SEEDS: u64 = 4;
    let mut days = JoinSet::new();
    for seed in 0..SEEDS {
        let way = if seed % 2 == 0 { Way::OWN } else { Way::ADMIN };
        days.spawn(async move {
            let mut dice = Dice::of(seed);
            let mut day = Day::start(Way { limit: None, ..way }, SHORT).await;
            for _ in 0..2 * TICKS_A_DAY {
                if dice.roll(12) == 0 {
                    happen(&mut day, &mut dice).await;
                }
                day.pass();
            }
            // In the end it goes on as ever.
            day.world.local.set_knobs(|knobs| knobs.attempts = 12);
            for _ in 0..2 {
                for _ in 0..4 * CONSUMERS {
                    day.pass();
                }
                day.rotate().await.unwrap_or_else(|error| panic!("{seed}: {error:?}"));
            }
            assert!(day.world.works("AWSCURRENT") && day.world.works("AWSPREVIOUS"));
        });
    }
    while let Some(done) = days.join_next().await {
        done.expect("nobody is locked out");
    }
}
