//! What the rotators of SQL databases share.
//!
//! `rds` asks Amazon RDS where the database of an admin's secret is, and which host is a replica of which.

mod rds;

pub use rds::{DatabaseArn, Endpoint, Rds, Relation};
