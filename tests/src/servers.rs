//! What throwaway servers of every kind have in common: a supervisor, a folder, certificates, a log with logins.

mod logins;
mod process;
mod supervisor;
mod template;
mod tls;

pub(crate) use logins::{Connection, Verdict};
pub use logins::{Logins, Mark};
pub(crate) use process::{Kind, Process};
pub use tls::Tls;
