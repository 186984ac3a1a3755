//! A throwaway MySQL or MariaDB server for one test.

mod configuration;
mod installation;
mod log;
mod replica;
mod root;
mod server;
mod setup;

pub use server::Server;
pub use setup::{Product, Setup};

pub use crate::servers::{Logins, Mark, Tls};
