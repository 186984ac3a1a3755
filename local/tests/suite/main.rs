//! The stand-in against the contract it claims to keep.
//!
//! `cfg(test)` says nothing new here, but lets the lints know helpers of tests for what they are.

#[cfg(test)]
mod concurrency;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod functions;
#[cfg(test)]
mod labels;
#[cfg(test)]
mod operations;
#[cfg(test)]
mod policies;
#[cfg(test)]
mod process;
#[cfg(test)]
mod rotation;
#[cfg(test)]
mod support;
#[cfg(test)]
mod wire;
