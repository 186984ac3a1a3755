//! What a provider's documentation shows of its requests and answers, played to the function for API keys.
//!
//! The description that is built in is used unchanged, with its own host and TLS: the function's requests go through
//! a proxy on this machine, which has a certificate for every host.

mod pattern;
mod play;
mod provider;
mod script;
mod sent;

pub use play::Play;
pub use script::{Fault, Script, built_in};
