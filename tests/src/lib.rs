//! What the tests of the whole share: real servers, servers with one fault, the built binaries.
//!
//! Everything here belongs to the test that started it and ends with it, also when the test is killed.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "what cannot be set up fails the test that needs it"
)]

pub mod abilities;
pub mod alias;
pub mod amazon;
pub mod binaries;
pub mod canary;
pub mod certificates;
pub mod client;
pub mod database;
pub mod descriptions;
pub mod dice;
pub mod elsewhere;
pub mod emulator;
pub mod errors;
pub mod exchange;
pub mod faults;
pub mod fleet;
pub mod holder;
pub mod jupyterhub;
pub mod jwt;
pub mod key_ways;
pub mod metrics;
pub mod mysql;
pub mod offspring;
pub mod one_user;
pub mod openid;
pub mod pair;
pub mod permissions;
pub mod ports;
pub mod postgres;
pub mod project;
pub mod provider;
pub mod rds;
pub mod redshift;
pub mod refusal;
pub mod runtime_api;
pub mod scene;
pub mod serve;
pub mod servers;
pub mod tally;
pub mod tools;
pub mod torture;
pub mod tunnel;
pub mod turns;
pub mod watch;
pub mod wire;
pub mod world;
