//! Rotates MySQL and MariaDB passwords in AWS Secrets Manager.

mod account;
mod sql;
