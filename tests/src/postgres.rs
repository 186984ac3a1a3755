//! A throwaway PostgreSQL server for one test.

mod installation;
mod log;
mod server;
mod setup;
mod standby;
mod superuser;

pub use server::Server;
pub use setup::{Authentication, PasswordEncryption, Setup, Version};

pub use crate::servers::{Logins, Mark, Tls};
