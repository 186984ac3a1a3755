//! What the rotators of SQL databases share.
//!
//! `login` is what is read of a secret, for any `engine`; `strategy` how it gives way to the next one and to whom.
//! `relay` is the way to the `server`, `tls` whom to trust there, `fault` why it could not be asked, `rights` what was
//! not allowed there. `rds` asks Amazon RDS where the database of an admin's secret is, and which host is a replica
//! of which; `replica` waits for one.

mod engine;
pub mod fault;
mod login;
mod rds;
pub mod relay;
mod replica;
mod rights;
mod server;
mod strategy;
mod tls;

pub use engine::Engine;
pub use login::Login;
pub use rds::{DatabaseArn, Endpoint, Rds, Relation};
pub use relay::Relay;
pub use replica::Lag;
pub use rights::lacking;
pub use server::Server;
pub use strategy::{Strategy, alternate, hand_over, successor};
pub use tls::Trust;
