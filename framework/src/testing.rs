//! What the author of a rotator tests with: Secrets Manager in memory, faults at every call, and the contract.
//!
//! Give [`contract::run`] a [`World`], and it searches for a course of events that breaks a promise: steps that come
//! twice, invocations that die at any call, any two of these, deliveries that overlap in every order of their calls,
//! rotations that are abandoned, labels that lag. What it finds is printed as the shortest list of events that does
//! it, which [`contract::replay`] runs again.
//!
//! `examples/own-rotator` is a rotator that is tested with it, against a real server.

pub mod contract;
mod event;
mod fuse;
mod fused;
mod interleaving;
mod judge;
mod meter;
mod report;
mod run;
mod secret;
mod shrink;
mod vault;
mod wire;
mod world;

pub use event::{Trace, UnreadableEvent};
pub use fuse::{Blown, Fault, Fuse};
pub use fused::Fused;
pub use meter::Meter;
pub use report::{Check, CounterExample, Report};
pub use secret::{Dates, Secret, Value};
pub use vault::{DENIED, MemoryVault};
pub use wire::Wire;
pub use world::{Promise, World};
