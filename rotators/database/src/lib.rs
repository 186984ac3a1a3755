//! What the rotators of SQL databases share.
//!
//! `login` is what is read of a secret, for any `engine`; `strategy` how it gives way to the next one and to whom.
//! `relay` is the way to the `server`, `tls` whom to trust there, `fault` why it could not be asked. `rds` asks
//! Amazon RDS where the database of an admin's secret is, and which host is a replica of which.

mod engine;
pub mod fault;
mod login;
mod rds;
pub mod relay;
mod server;
mod strategy;
mod tls;

pub use engine::Engine;
pub use login::Login;
pub use rds::{DatabaseArn, Endpoint, Rds, Relation};
pub use relay::Relay;
pub use server::Server;
pub use strategy::{Strategy, alternate};
pub use tls::Trust;
