//! A framework for AWS Secrets Manager rotation functions.
