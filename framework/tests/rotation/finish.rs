//! finishSecret moves one label by compare-and-swap, and knows a lost answer from a lost race.

use turnlock::vault::Label;
use turnlock::{Class, Outcome, Step, VersionId};

use crate::world::World;
use crate::world::database::Database;
use turnlock::testing::Fault;
use turnlock::testing::Value;

async fn tested() -> World<Database> {
    let world = World::single_user();
    world.app(|secret| secret.begin("v1"));
    for step in [Step::Create, Step::Set, Step::Test] {
        world.step(step, "v1").await.unwrap();
    }
    world
}

fn current(world: &World<Database>) -> VersionId {
    world.app(|secret| secret.labels[Label::Current.name()].clone())
}

#[tokio::test(start_paused = true)]
async fn a_move_that_took_effect_and_lost_its_answer_is_a_success() {
    let world = tested().await;
    world.fuse.arm_at("UpdateSecretVersionStage", Fault::LosesAnswer);
    assert_eq!(world.step(Step::Finish, "v1").await.unwrap(), Outcome::Unchanged);
    assert_eq!(world.fuse.blown(), 1);
    assert_eq!(current(&world), VersionId::new("v1"));
}

#[tokio::test(start_paused = true)]
async fn a_move_that_took_no_effect_is_an_error() {
    let world = tested().await;
    world.fuse.arm_at("UpdateSecretVersionStage", Fault::FailsBefore);
    let failure = world.step(Step::Finish, "v1").await.unwrap_err().failure();
    assert_eq!(failure.class(), Class::Tcp);
    assert!(failure.to_string().contains("UpdateSecretVersionStage"), "{failure}");
    assert_eq!(current(&world), VersionId::new("v0"));
}

/// Moves the label to a version of somebody else's as soon as this step has asked where it is.
#[tokio::test(start_paused = true)]
async fn a_move_that_lost_against_another_version_is_an_error_and_moves_nothing() {
    let world = tested().await;
    world.fuse.disarm();
    let rival = async {
        while world.fuse.log()
            != ["DescribeSecret app-secret", "UpdateSecretVersionStage app-secret"]
        {
            tokio::task::yield_now().await;
        }
        world.app(|secret| {
            secret.put("rival", Value::Text("{}".into()));
            secret.labels.insert(Label::Current.name(), VersionId::new("rival"));
        });
    };
    let ((), done) = tokio::join!(biased; rival, world.step(Step::Finish, "v1"));
    let failure = done.unwrap_err().failure();
    assert!(failure.to_string().contains("InvalidParameterException"), "{failure}");
    assert_eq!(current(&world), VersionId::new("rival"));
}

#[tokio::test(start_paused = true)]
async fn the_pending_label_is_left_to_the_service() {
    let world = tested().await;
    world.step(Step::Finish, "v1").await.unwrap();
    let pending = world.app(|secret| secret.labels.get(Label::Pending.name()).cloned());
    assert_eq!(pending, Some(VersionId::new("v1")));
    assert_eq!(world.app(|s| s.labels[Label::Previous.name()].clone()), VersionId::new("v0"));
}
