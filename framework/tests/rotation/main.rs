//! What the framework promises of a rotation, over a vault and targets in memory.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failed test should panic"
)]
#![expect(clippy::print_stdout, reason = "a search tells how many points it tried")]

#[path = "../world/mod.rs"]
mod world;

mod calls;
mod canaries;
mod consumers;
mod contract;
mod crashes;
mod creation;
mod deadline;
mod derived;
mod finish;
mod flaws;
mod healing;
mod keepers;
mod metrics;
mod overlaps;
mod peers;
mod refusals;
mod repeats;
mod retirement;
mod test_only;
