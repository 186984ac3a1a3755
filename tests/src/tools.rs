//! Programs that are not ours, as `tests/setup test` installed them.

use std::ffi::OsStr;
use std::process::{Command, Output};

use serde_json::Value;

use crate::project;

/// The AWS CLI, pointed at an endpoint on this machine.
#[derive(Clone, Debug)]
pub struct AwsCli {
    endpoint: String,
    access_key: String,
}

impl AwsCli {
    /// One for an endpoint such as `http://127.0.0.1:4566`.
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self { endpoint: endpoint.into(), access_key: "test".to_owned() }
    }

    /// The same with the access key that emulators take for an account: its number.
    #[must_use]
    pub fn account(self, number: &str) -> Self {
        Self { access_key: number.to_owned(), ..self }
    }

    /// Runs it and waits.
    ///
    /// It has dummy credentials, no configuration of the user's, and does not try a failed call again.
    ///
    /// # Panics
    ///
    /// If it is not installed.
    pub fn run(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
        Command::new(project::cache().join("aws-cli/bin/aws"))
            .args(["--endpoint-url", &self.endpoint, "--output", "json"])
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LC_ALL", "C.UTF-8")
            .env("AWS_ACCESS_KEY_ID", &self.access_key)
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_DEFAULT_REGION", "us-east-1")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_PAGER", "")
            .env("AWS_MAX_ATTEMPTS", "1")
            .output()
            .expect("the AWS CLI is not installed: run tests/setup test")
    }

    /// Runs it and reads what it prints as JSON; nothing printed is null.
    ///
    /// # Panics
    ///
    /// If it fails; the message holds what it said.
    pub fn json(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Value {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the AWS CLI failed: {said}");
        if output.stdout.trim_ascii().is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&output.stdout).expect("the AWS CLI prints JSON")
    }
}
