//! Secrets Manager and the Lambda runtime on this machine, for tests and demonstrations.
//!
//! It speaks the service's wire protocol on 127.0.0.1, so that the AWS CLI and the SDKs work
//! against it unchanged, runs rotation functions through the Lambda Runtime API, and rotates
//! secrets as Secrets Manager does: see the crate's README for what it is faithful to.
//!
//! ```no_run
//! use std::time::Duration;
//! use turnlock_local::{Function, Local};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let local = Local::builder().function("mine", Function::binary("target/debug/mine")).start().await?;
//! let secret = local.create_secret("app", r#"{"username":"app","password":"old"}"#)?;
//! local.set_rotation(&secret, "mine")?;
//! local.rotate(&secret)?;
//! local.wait_for_rotation(&secret, Duration::from_secs(30)).await?;
//! # Ok(())
//! # }
//! ```

mod authorization;
mod backoff;
mod caller;
mod clock;
mod cron;
mod data;
mod error;
mod event;
mod fault;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod input;
mod invoke;
mod invoked;
mod journal;
mod knobs;
mod lambda;
mod local;
mod lock;
mod operation;
mod operations;
mod policy;
mod protocol;
mod quota;
mod random;
mod rotation;
mod rules;
mod secret;
mod server;
mod service;
mod shape;
mod store;
mod tasks;
mod value;

pub use caller::Access;
pub use error::Refused;
pub use event::{Event, EventKind};
pub use fault::Fault;
pub use invoked::InvokeResult;
pub use journal::{Call, serial_round_trips};
pub use knobs::{Delivery, Hook, Knobs, StepContext};
pub use lambda::Function;
pub use local::{Builder, Local};
pub use operation::{Operation, UnknownOperation};
pub use policy::{Decision, Policy, PolicyError, Request};
pub use rotation::RotationFailure;

/// The account that all ARNs are in.
const ACCOUNT: &str = "123456789012";
/// The region that functions are in, and secrets where a request names none.
const REGION: &str = "us-east-1";
