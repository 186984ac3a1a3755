//! A throwaway PostgreSQL server for one test.

mod installation;
mod log;
mod server;
mod setup;
mod standby;
mod superuser;
mod supervisor;
mod template;

pub use log::{Logins, Mark};
pub use server::Server;
pub use setup::{Authentication, PasswordEncryption, Setup, Tls, Version};
