//! A key that is current is never retired, whatever people write into the secret or move by hand between rotations.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use turnlock_local::{Fault, Operation};
use turnlock_tests::dice::Dice;
use turnlock_tests::key_ways::Way;
use turnlock_tests::provider::{Callback, Oddity};
use turnlock_tests::world::keys::{ACCOUNT, World};

/// Short, so that what an attempt has left is soon old enough to be touched.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Walks, each with a secret of its own.
const WALKS: u64 = 12;
/// Walks at once.
const AT_ONCE: usize = 3;
/// Of each walk.
const STEPS: usize = 14;

/// What people do.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Rotate,
    RotateButForTheEnd,
    ClearTheLabel,
    EditTheNote,
    WriteNonsenseForTheId,
    WriteTheIdOfAnotherKey,
    StoreAnOldVersionAgain,
    StoreAKeyMintedByHand,
    StoreAKeyMintedByHandAndForgetTheId,
    MoveTheLabel,
    LabelAVersion,
}

const DEEDS: [Deed; 13] = [
    Deed::Rotate,
    Deed::Rotate,
    Deed::Rotate,
    Deed::RotateButForTheEnd,
    Deed::ClearTheLabel,
    Deed::EditTheNote,
    Deed::WriteNonsenseForTheId,
    Deed::WriteTheIdOfAnotherKey,
    Deed::StoreAnOldVersionAgain,
    Deed::StoreAKeyMintedByHand,
    Deed::StoreAKeyMintedByHandAndForgetTheId,
    Deed::MoveTheLabel,
    Deed::LabelAVersion,
];

impl Deed {
    async fn perform(self, world: &World, dice: &mut Dice) {
        let versions = world.local.versions(&world.secret);
        match self {
            // That it is refused is fine.
            Self::Rotate => drop(world.retry().await),
            Self::RotateButForTheEnd => {
                let fault = Fault::AccessDenied;
                world.local.fail_next(Operation::UpdateSecretVersionStage, 1, fault);
                drop(world.retry().await);
                world.local.clear_faults();
            }
            Self::ClearTheLabel => {
                if let Some(pending) = world.labels().get("AWSPENDING") {
                    world.clear_pending(pending);
                }
            }
            Self::EditTheNote => world.edit(|secret| secret["note"] = json!(dice.roll(1000))),
            Self::WriteNonsenseForTheId => world.edit(|secret| secret["key_id"] = json!("k9999")),
            Self::WriteTheIdOfAnotherKey => {
                let ids = world.ids();
                world.edit(|secret| secret["key_id"] = json!(dice.choose(&ids)));
            }
            Self::StoreAnOldVersionAgain => {
                let old =
                    world.local.value_of(&world.secret, &dice.choose::<String>(&versions).clone());
                let live = old.filter(|text| world.provider.accepts(&key_in(text)));
                if let Some(old) = live {
                    world.local.put_value(&world.secret, &old).expect("a write");
                }
            }
            Self::StoreAKeyMintedByHand => {
                let key = world.provider.mint(ACCOUNT, "by hand");
                world.edit(|secret| {
                    secret["key"] = json!(key.value);
                    secret["key_id"] = json!(key.id);
                });
            }
            Self::StoreAKeyMintedByHandAndForgetTheId => {
                let key = world.provider.mint(ACCOUNT, "by hand");
                world.edit(|secret| secret["key"] = json!(key.value));
            }
            Self::MoveTheLabel => {
                let to = &dice.choose::<String>(&versions).clone();
                if world
                    .local
                    .value_of(&world.secret, to)
                    .is_some_and(|text| world.provider.accepts(&key_in(&text)))
                {
                    move_label(world, "AWSCURRENT", to);
                }
            }
            Self::LabelAVersion => {
                move_label(world, "in-use", &dice.choose::<String>(&versions).clone())
            }
        }
    }
}

fn key_in(text: &str) -> String {
    let secret: Value = serde_json::from_str(text).expect("JSON");
    secret["key"].as_str().expect("a key").to_owned()
}

fn move_label(world: &World, label: &str, to: &str) {
    let mut request =
        json!({"SecretId": world.secret, "VersionStage": label, "MoveToVersionId": to});
    match world.labels().get(label) {
        Some(from) if from == to => return,
        Some(from) => request["RemoveFromVersionId"] = json!(from),
        None => {}
    }
    let moved = world.local.call(Operation::UpdateSecretVersionStage, &request);
    moved.expect("a label can be moved");
}

/// Notes every call to the provider after which AWSCURRENT is dead.
fn watch(world: &Arc<World>) -> Arc<Mutex<Vec<String>>> {
    let (weak, deaths) = (Arc::downgrade(world), Arc::<Mutex<Vec<String>>>::default());
    let found = Arc::clone(&deaths);
    let look = Callback::new(move || {
        if let Some(world) = weak.upgrade().filter(|world| !world.works("AWSCURRENT")) {
            let call = world.provider.requests().pop().map(|request| request.path);
            found.lock().expect("no test has panicked").push(format!("{call:?}"));
        }
    });
    world.provider.fail_all("*", Oddity::Runs(look).after_acting());
    deaths
}

/// Does what the dice say; how many keys were retired meanwhile.
async fn walk(way: Way, seed: u64) -> usize {
    let mut dice = Dice::of(seed);
    let world = Arc::new(way.start(TIMEOUT).await);
    let deaths = watch(&world);
    let mut deeds = Vec::new();
    for _ in 0..STEPS {
        let deed = *dice.choose(&DEEDS);
        deed.perform(&world, &mut dice).await;
        let version = world.document("AWSCURRENT");
        deeds.push(format!("{deed:?} -> {} {}", version["key"], version["key_id"]));
        let deaths = deaths.lock().expect("no test has panicked");
        assert!(deaths.is_empty(), "seed {seed}, {way:?}: {deeds:#?}: {deaths:?}");
    }
    world.provider.calls().into_iter().filter(|call| *call == "retire").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_current_key_lives_through_weeks_of_deeds_by_hand() {
    let ways = [Way { limit: None, ..Way::OWN }, Way { limit: None, ..Way::ADMIN }, Way::UNLISTED];
    let (mut walks, mut retired, mut begun) = (JoinSet::new(), 0, 0);
    for seed in 0..WALKS {
        for way in ways {
            if walks.len() >= AT_ONCE {
                retired += walks.join_next().await.expect("one").expect("the current key lives");
            }
            walks.spawn(walk(way, seed));
            begun += 1;
        }
    }
    while let Some(done) = walks.join_next().await {
        retired += done.expect("the current key lives");
    }
    assert!(retired > begun, "{retired} keys were retired in {begun} walks");
}
