//! Rotates MySQL and MariaDB passwords in AWS Secrets Manager.

mod account;
#[cfg_attr(not(test), expect(dead_code, reason = "the strategies will use it"))]
mod dialect;
#[cfg_attr(not(test), expect(dead_code, reason = "the strategies will use it"))]
mod privileges;
#[cfg_attr(not(test), expect(dead_code, reason = "the strategies will use it"))]
mod settings;
#[expect(dead_code, reason = "sessions will use the guard")]
mod sql;
mod tokens;
