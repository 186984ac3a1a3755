//! What tests rely on, and what the project says of itself: one program, so that its tests share the machine well.

mod aws_cli;
mod canaries;
mod error_texts;
mod house_rules;
mod mysql;
mod permissions;
mod postgres;
mod provider;
mod roles;
mod services;
mod template;
mod vaults;
