//! Keys of providers, rotated by the real function: one program, so that its tests share the machine well.

mod calm;
mod consumers;
mod crashes;
mod doubles;
mod escapes;
mod exchanges;
mod faults;
mod guards;
mod healing;
mod leaks;
mod metrics;
mod networks;
mod refusals;
mod services;
mod signing_keys;
mod strategies;
