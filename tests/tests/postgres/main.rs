//! One PostgreSQL user, rotated by the real function: one program, so that its tests share the machine well.

mod calm;
mod derived;
mod leaks;
mod metrics;
mod odd_secrets;
mod odd_servers;
mod preflight;
mod recovery;
mod refusals_of_events;
mod refusals_of_networks;
mod refusals_of_secrets;
mod refusals_of_secrets_manager;
mod refusals_of_servers;
