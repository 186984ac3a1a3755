//! The stand-in of this project, whose functions `cargo lambda invoke` invokes.
//!
//! `RotateSecret` names a function that cannot be reached: the rotation fails in its first step and leaves the
//! pending version, empty, behind. The steps are then taken by hand.

use std::time::Duration;

use turnlock_local::{Function, Knobs, Local, RotationFailure};
use turnlock_tests::postgres::{Server, Setup};
use turnlock_tests::world;

use crate::by_hand::{self, ROTATED, UNCHANGED};
use crate::cargo_lambda::{self, Event};
use crate::scene::Scene;
use turnlock_tests::ports;

const NOBODY: &str = "nobody";
const PATIENCE: Duration = Duration::from_secs(60);

/// Prints what happened; whether all went well.
pub(crate) async fn run() -> bool {
    let server = Server::start(Setup::default()).await;
    let nobody = Function::url(format!("http://127.0.0.1:{}", ports::free()));
    let local = Local::builder()
        .knobs(Knobs { attempts: 1, ..Knobs::default() })
        .function(world::FUNCTION, world::function(&server))
        .function(NOBODY, nobody);
    let port = ports::free();
    let local = local.port(port).start().await.expect("the stand-in starts");
    println!("turnlock-local as Secrets Manager and as Lambda, called by cargo lambda invoke:\n");
    let mut is_well = true;
    for (name, option, how) in
        [("by_argument", "--data-ascii", Event::Argument), ("by_file", "--data-file", Event::File)]
    {
        println!("  {option}:");
        let scene = Scene::set(&server, &local.endpoint(), name).await;
        is_well &= rotate(&scene, &local, port, how).await;
    }
    local.stop().await;
    println!();
    is_well
}

/// One rotation, each of its steps taken twice.
async fn rotate(scene: &Scene<'_>, local: &Local, port: u16, how: Event) -> bool {
    local.set_rotation(scene.name, NOBODY).expect("the function is deployed");
    let version = local.rotate(scene.name).expect("the rotation begins");
    let ended = local.wait_for_rotation(scene.name, PATIENCE).await;
    let mut is_well =
        matches!(&ended, Err(RotationFailure::Failed { step, .. }) if step == "createSecret");
    by_hand::show(scene, "after rotate-secret, its function out of reach");
    is_well &= scene.labelled("AWSPENDING").as_ref() == Some(&version);
    is_well &= scene.password(&version).is_none();
    let invoke = |event: &_| cargo_lambda::invoke(port, how, event);
    is_well &= by_hand::take_steps(scene, &version, ROTATED, invoke);
    println!("  the same steps again:");
    is_well &= by_hand::take_steps(scene, &version, UNCHANGED, invoke);
    by_hand::show(scene, "after the steps");
    is_well & by_hand::is_rotated(scene, &version).await
}
