//! `cargo lambda watch` as the Runtime API, and `cargo lambda invoke`.

use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;
use turnlock_tests::project;

use crate::scene::Scene;
use turnlock_tests::emulator::{self, Emulator};
use turnlock_tests::ports;

/// The Runtime API, which builds and starts our function at its first invocation.
#[derive(Debug)]
pub(crate) struct CargoLambda(Emulator);

impl CargoLambda {
    /// Starts it for the function in this workspace, with Secrets Manager elsewhere.
    pub(crate) fn watch(scene: &Scene<'_>, secrets_manager: &str) -> Self {
        let port = ports::free();
        let listen = port.to_string();
        let arguments = ["lambda", "watch", "--ignore-changes", "--invoke-address", "127.0.0.1"];
        let arguments = [arguments.as_slice(), &["--invoke-port", &listen]].concat();
        let ca_file = scene.server.ca_file();
        let emulator = Emulator::start("deploy/bin/cargo-lambda", port, &arguments, &|command| {
            command.current_dir(project::root().join("rotators/postgres"));
            command.env("CARGO_TARGET_DIR", project::target());
            command.env("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets_manager);
            command.env("TLS_CA_FILE", ca_file);
        });
        Self(emulator)
    }

    /// Invokes the function; what it answers, or the error as JSON or as text.
    pub(crate) fn invoke(&self, event: &Value) -> Value {
        invoke(self.0.port(), Event::Argument, event)
    }
}

/// How `cargo lambda invoke` is given its event.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Argument,
    File,
}

/// Invokes our function at a port of this machine; what it answers, or the error as JSON or as text.
pub(crate) fn invoke(port: u16, how: Event, event: &Value) -> Value {
    let event = event.to_string();
    let mut command = Command::new(project::cache().join("deploy/bin/cargo-lambda"));
    command.args(["lambda", "invoke", "--invoke-address", "127.0.0.1", "--invoke-port"]);
    command.arg(port.to_string());
    match how {
        Event::Argument => command.args(["--data-ascii", &event]),
        Event::File => command.arg("--data-file").arg(file(&event)),
    };
    let output = command.arg("turnlock-postgres").output().expect("cargo lambda runs");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
        let said = if output.stdout.is_empty() { output.stderr } else { output.stdout };
        Value::String(String::from_utf8_lossy(&said).trim().to_owned())
    })
}

fn file(event: &str) -> PathBuf {
    let file = emulator::folder().join("event.json");
    std::fs::write(&file, event).expect("the target folder can be written");
    file
}
