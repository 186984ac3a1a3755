//! Rotates API keys, random tokens and signing keys in AWS Secrets Manager.

pub mod local;
