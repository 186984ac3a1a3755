//! Secrets Manager and the Lambda runtime on this machine.
