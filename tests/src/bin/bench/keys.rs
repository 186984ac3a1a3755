//! What the rotation of a key costs; AWS has no function for it.

use std::fmt::Write as _;
use std::process::Command;

use turnlock_local::{Event, serial_round_trips};
use turnlock_tests::provider::Setup;
use turnlock_tests::world::keys::{FUNCTION, World};

use crate::process::Process;
use crate::report::mib;
use crate::rotation::Rotation;
use crate::statistics::{Samples, median};
use crate::{ROUNDS, STARTS, STEPS, WARM_ROTATIONS, cold_start, counts, samples_of_steps, size};

/// Measures `turnlock-api-key` with keys that overlap, at a provider on loopback that speaks TLS.
pub(crate) async fn measure() -> String {
    let program = size::release("turnlock-api-key");
    let (mut starts, mut first, mut warm) = (Samples::new(), Samples::new(), Samples::new());
    let (mut cpu, mut steps, mut peak_kib) = (Samples::new(), samples_of_steps(), Vec::new());
    for _ in 0..STARTS {
        starts.add(cold_start::measure(Command::new(&program)));
    }
    for _ in 0..ROUNDS {
        let world = World::of_program(&program, Setup { tls: true, ..Setup::default() }).await;
        first.add(rotate(&world).await.whole());
        let process = Process::of(FUNCTION);
        for _ in 0..WARM_ROTATIONS {
            let before = process.cpu();
            let rotation = rotate(&world).await;
            cpu.add(process.cpu().saturating_sub(before));
            warm.add(rotation.whole());
            steps.iter_mut().zip(rotation.steps).for_each(|(samples, step)| samples.add(step));
        }
        peak_kib.push(process.peak_kib());
    }
    let mut text = "turnlock-api-key, overlapping-keys\n".to_owned();
    let mut line = |name: &str, value: String| {
        // Writing to a string does not fail.
        let _written = writeln!(text, "{name:<32}{value}");
    };
    line("zip", format!("{:.2} MiB", mib(size::of_ours(&program))));
    line("cold start to the first /next", times(&starts));
    line("first rotation, cold process", times(&first));
    line("warm rotation, four steps", times(&warm));
    for (step, samples) in STEPS.iter().zip(&steps) {
        line(&format!("  {step}"), times(samples));
    }
    line("  the function's own CPU time", times(&cpu));
    line("peak memory (VmHWM)", format!("{:.1} MiB", mib(median(&peak_kib) * 1024)));

    let world = World::of_program(&program, Setup { tls: true, ..Setup::default() }).await;
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

async fn rotate(world: &World) -> Rotation {
    let seen = world.local.events().len();
    world.rotate().await.expect("a rotation");
    let events: Vec<Event> = world.local.events().split_off(seen);
    Rotation::of(&events, "")
}

fn times(samples: &Samples) -> String {
    let ((from, to), median) = (samples.spread(), samples.median());
    format!("{median:.1} ms ({from:.1} - {to:.1}, n = {})", samples.count())
}
