//! Rotates PostgreSQL passwords in AWS Secrets Manager.
