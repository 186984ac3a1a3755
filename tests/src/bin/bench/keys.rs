//! What the rotation of a key costs; AWS has no function for it.

use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use serde_json::json;
use turnlock_local::{Event, Function, serial_round_trips};
use turnlock_tests::provider::Setup;
use turnlock_tests::scene::Scene;
use turnlock_tests::world::keys::{FUNCTION, World};

use crate::process::Process;
use crate::report::{Figures, mib};
use crate::rotation::Rotation;
use crate::statistics::Samples;
use crate::{ROUNDS, STARTS, STEPS, WARM_ROTATIONS, cold_start, counts, size};

/// The longest that any rotation may take: of the slowest key, with the least processor time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(600);

/// Measures `turnlock-api-key` with keys that overlap, at a provider on loopback that speaks TLS.
pub(crate) async fn measure() -> String {
    let program = size::release("turnlock-api-key");
    let mut figures = Figures::new(FUNCTION, size::of_ours(&program));
    for _ in 0..STARTS {
        figures.cold_start.add(cold_start::measure(Command::new(&program)));
    }
    for _ in 0..ROUNDS {
        let world = at_provider(Function::binary(&program)).await;
        round(&world, &mut figures).await;
    }
    let mut text = "turnlock-api-key, overlapping-keys\n".to_owned();
    let mut line = |name: &str, value: String| {
        // Writing to a string does not fail.
        let _written = writeln!(text, "{name:<32}{value}");
    };
    line("zip", format!("{:.2} MiB", mib(figures.zip)));
    line("cold start to the first /next", times(&figures.cold_start));
    line("first rotation, cold process", times(&figures.first_rotation));
    line("warm rotation, four steps", times(&figures.warm_rotation));
    for (step, samples) in STEPS.iter().zip(&figures.steps) {
        line(&format!("  {step}"), times(samples));
    }
    line("  the function's own CPU time", times(&figures.cpu));
    line("peak memory (VmHWM)", format!("{:.1} MiB", figures.memory()));

    let world = at_provider(Function::binary(&program)).await;
    world.local.set_knobs(|knobs| knobs.latency = counts::LATENCY);
    // The third is the first that has all to do that every later one has.
    for _ in 0..3 {
        world.local.clear_calls();
        world.provider.clear_calls();
        rotate(&world).await;
    }
    let calls = world.function_calls();
    line("Secrets Manager calls", calls.len().to_string());
    line("  serial round trips", serial_round_trips(&calls).to_string());
    line("requests to the provider", world.provider.calls().len().to_string());
    text
}

/// A function that was never invoked, and a key of a provider.
pub(crate) async fn at_provider(function: Function) -> World {
    World::of_function(function, Setup { tls: true, ..Setup::default() }).await
}

/// The same with a key that it draws itself, of the kind that takes the longest.
pub(crate) async fn of_signing(function: Function) -> Scene {
    let rotation = json!({
        "provider": "signing-key", "algorithm": "RS256", "bits": 4096, "overlap_minutes": 0,
    });
    Scene::start(FUNCTION, function, &json!({"rotation": rotation}).to_string()).await
}

/// One cold rotation, warm ones, and the memory that they took.
pub(crate) async fn round(scene: &Scene, figures: &mut Figures) {
    figures.first_rotation.add(rotate(scene).await.whole());
    let process = Process::of(FUNCTION);
    for _ in 0..WARM_ROTATIONS {
        let before = process.cpu();
        let rotation = rotate(scene).await;
        figures.cpu.add(process.cpu().saturating_sub(before));
        figures.warm_rotation.add(rotation.whole());
        figures.steps.iter_mut().zip(rotation.steps).for_each(|(samples, step)| samples.add(step));
    }
    figures.peak_kib.push(process.peak_kib());
}

async fn rotate(scene: &Scene) -> Rotation {
    let seen = scene.local.events().len();
    scene.local.rotate(&scene.secret).expect("the rotation begins");
    let ended = scene.local.wait_for_rotation(&scene.secret, PATIENCE).await;
    assert!(ended.is_ok(), "{ended:?}\n{}", scene.local.output(FUNCTION));
    let events: Vec<Event> = scene.local.events().split_off(seen);
    Rotation::of(&events, "")
}

fn times(samples: &Samples) -> String {
    let ((from, to), median) = (samples.spread(), samples.median());
    format!("{median:.1} ms ({from:.1} - {to:.1}, n = {})", samples.count())
}
