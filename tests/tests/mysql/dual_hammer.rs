//! Consumers that never pause while one user's password is rotated and the one before stays alive.

#![expect(clippy::expect_used, clippy::panic, reason = "a failed test should panic")]

use std::sync::Arc;

use tokio::sync::RwLock;
use turnlock_local::Hook;
use turnlock_tests::mysql::Setup;
use turnlock_tests::one_user::Way;
use turnlock_tests::tally::Tally;
use turnlock_tests::world::mysql::{FIRST_PASSWORD, USER, World};

/// Half of them read AWSCURRENT afresh for each login, the others hold on to what they have read.
const CONSUMERS: usize = 4;
const ROTATIONS: usize = 10;
/// The logins of each consumer between two rotations, at least.
const LOGINS: usize = 6;

/// A world, its consumers at work, and the password that half of them hold on to.
struct Hammer {
    world: Arc<World>,
    tally: Arc<Tally>,
    consumers: Vec<tokio::task::JoinHandle<()>>,
}

impl Hammer {
    async fn start(way: Way) -> Self {
        let setup = Setup { max_connections: 40, ..Setup::default() };
        let world = Arc::new(way.start(setup).await);
        let held = Arc::new(RwLock::new(FIRST_PASSWORD.to_owned()));
        hold_on(&world, &held);
        let tally = Tally::of(CONSUMERS);
        let consumers = (0..CONSUMERS).map(|number| {
            let (world, held) = (Arc::clone(&world), Arc::clone(&held));
            let consumer = tally.consumer(number);
            tokio::spawn(async move {
                while consumer.goes_on() {
                    if number % 2 == 0 {
                        assert_let_in(&world, &world.password("AWSCURRENT"), "AWSCURRENT").await;
                    } else {
                        let held = held.read().await;
                        assert_let_in(&world, &held, "the one before").await;
                    }
                    consumer.finish();
                }
            })
        });
        let consumers = consumers.collect();
        tally.advance(LOGINS).await;
        Self { world, tally, consumers }
    }

    async fn end(self) {
        self.tally.end();
        for consumer in self.consumers {
            consumer.await.expect("every login succeeds");
        }
        // Hundreds of them: that none has failed says something.
        let sessions = self.tally.sessions();
        assert!(sessions.iter().all(|count| *count >= LOGINS * ROTATIONS), "{sessions:?}");
    }
}

/// Has what is held become the current password before each setSecret, and at no other time.
///
/// So it is used through the rest of that rotation, when it becomes the previous one, and until the next
/// setSecret. A server has room for two passwords: the one before dies when the next one is set.
fn hold_on(world: &Arc<World>, held: &Arc<RwLock<String>>) {
    // The knobs are part of the world.
    let (weak, held) = (Arc::downgrade(world), Arc::clone(held));
    let hook = Hook::new(move |context| {
        let (world, held) = (weak.upgrade(), Arc::clone(&held));
        async move {
            if let Some(world) = world.filter(|_| context.step == "setSecret") {
                *held.write().await = world.password("AWSCURRENT");
            }
        }
    });
    world.local.set_knobs(|knobs| knobs.before_step = Some(hook));
}

async fn assert_let_in(world: &World, password: &str, which: &str) {
    let login = world.server.log_in(USER, password).await;
    drop(login.unwrap_or_else(|error| panic!("{which}: {error}")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_ten_rotations_both_awscurrent_and_the_one_before_log_in() {
    for way in Way::DUAL {
        let hammer = Hammer::start(way).await;
        for _ in 0..ROTATIONS {
            hammer.world.rotate().await.unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
            hammer.world.assert_rotated(way).await;
            hammer.tally.advance(LOGINS).await;
        }
        hammer.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_was_given_up_has_the_next_one_push_out_nobodys_password() {
    for way in Way::DUAL {
        let hammer = Hammer::start(way).await;
        for _ in 0..ROTATIONS / 2 {
            let given_up = hammer.world.abandon().await;
            assert!(hammer.world.logs_in(&given_up).await, "{way:?}: it was set");
            hammer.tally.advance(LOGINS).await;
            hammer.world.rotate().await.unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
            hammer.world.assert_rotated(way).await;
            assert!(!hammer.world.logs_in(&given_up).await, "{way:?}: nobody has it");
            hammer.tally.advance(LOGINS).await;
        }
        hammer.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_rotations_that_were_given_up_in_a_row_cost_nobodys_login() {
    for way in Way::DUAL {
        let hammer = Hammer::start(way).await;
        for _ in 0..ROTATIONS {
            hammer.world.abandon().await;
            hammer.tally.advance(LOGINS).await;
        }
        hammer.world.rotate().await.unwrap_or_else(|error| panic!("{way:?}: {error:?}"));
        hammer.world.assert_rotated(way).await;
        hammer.end().await;
    }
}
