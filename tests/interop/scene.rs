//! A role of a server, and an emulator's secret for it.

use serde_json::{Value, json};
use turnlock_tests::postgres::Server;
use turnlock_tests::tools::AwsCli;
use turnlock_tests::world;

/// The role's password before anything was rotated.
pub(crate) const FIRST_PASSWORD: &str = "first-password";

/// A PostgreSQL server of ours, and a secret at a Secrets Manager that may not be.
#[derive(Debug)]
pub(crate) struct Scene<'s> {
    pub(crate) server: &'s Server,
    pub(crate) aws: AwsCli,
    /// The name of the role and of the secret.
    pub(crate) name: &'s str,
}

impl<'s> Scene<'s> {
    /// Creates the role and the secret.
    pub(crate) async fn set(server: &'s Server, endpoint: &str, name: &'s str) -> Self {
        server.sql(&format!("CREATE ROLE {name} LOGIN PASSWORD '{FIRST_PASSWORD}'")).await;
        let aws = AwsCli::new(endpoint);
        let secret = world::secret_of(server, name, &json!(FIRST_PASSWORD)).to_string();
        aws.json(["secretsmanager", "create-secret", "--name", name, "--secret-string", &secret]);
        Self { server, aws, name }
    }

    /// Which version has which labels, and whether it has a value and which.
    pub(crate) fn versions(&self) -> Vec<String> {
        let described = self.describe();
        let versions = described["VersionIdsToStages"].as_object().cloned().unwrap_or_default();
        versions
            .iter()
            .map(|(id, labels)| {
                let labels: Vec<_> =
                    labels.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                let password = self.password(id).unwrap_or_else(|| "no value".to_owned());
                let shown =
                    if password == FIRST_PASSWORD { "the first password" } else { "another" };
                let shown = if password == "no value" { "no value" } else { shown };
                format!("{} {}: {shown}", id.get(..8).unwrap_or(id), labels.join(" + "))
            })
            .collect()
    }

    pub(crate) fn describe(&self) -> Value {
        self.aws.json(["secretsmanager", "describe-secret", "--secret-id", self.name])
    }

    /// The password of a version, if it has a value.
    pub(crate) fn password(&self, version: &str) -> Option<String> {
        let get = ["secretsmanager", "get-secret-value", "--secret-id", self.name, "--version-id"];
        let output = self.aws.run(get.into_iter().chain([version]));
        let answer: Value = serde_json::from_slice(&output.stdout).ok()?;
        let secret: Value = serde_json::from_str(answer["SecretString"].as_str()?).ok()?;
        secret["password"].as_str().map(str::to_owned)
    }

    /// The version that has a label.
    pub(crate) fn labelled(&self, label: &str) -> Option<String> {
        let described = self.describe();
        let versions = described["VersionIdsToStages"].as_object()?;
        let found = versions.iter().find(|(_, labels)| {
            labels.as_array().is_some_and(|labels| labels.iter().any(|found| found == label))
        });
        found.map(|(id, _)| id.clone())
    }

    /// Whether the server lets the role in.
    pub(crate) async fn accepts(&self, password: &str) -> bool {
        self.server.can_log_in(self.name, password, "postgres").await
    }
}
