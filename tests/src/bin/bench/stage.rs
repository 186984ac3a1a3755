//! The server, the stand-in and a secret for each function.

use std::time::Duration;

use serde_json::json;
use turnlock_local::{Knobs, Local};
use turnlock_tests::postgres::Server;
use turnlock_tests::world;

use crate::rotation::Rotation;
use crate::subject::Subject;

const FIRST_PASSWORD: &str = "first-password";
/// The longest that any rotation may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Functions that were never invoked, each with a role and a secret of its own.
#[derive(Debug)]
pub(crate) struct Stage<'s> {
    pub(crate) server: &'s Server,
    pub(crate) local: Local,
}

impl<'s> Stage<'s> {
    /// Deploys the functions to a stand-in whose every call takes this long.
    pub(crate) async fn set(
        server: &'s Server,
        subjects: &[&Subject],
        latency: Duration,
    ) -> Stage<'s> {
        let knobs = Knobs { latency, attempts: 1, ..Knobs::default() };
        let deployed = subjects.iter().fold(Local::builder().knobs(knobs), |local, subject| {
            local.function(subject.name, subject.function(server.ca_file()))
        });
        let local = deployed.start().await.expect("the stand-in starts");
        for Subject { name, .. } in subjects {
            let role = format!(
                "DROP ROLE IF EXISTS {name}; CREATE ROLE {name} LOGIN PASSWORD '{FIRST_PASSWORD}'"
            );
            server.sql(&role).await;
            let secret = world::secret_of(server, name, &json!(FIRST_PASSWORD));
            local.create_secret(name, &secret.to_string()).expect("a secret");
            local.set_rotation(name, name).expect("rotation");
        }
        Self { server, local }
    }

    /// Rotates a subject's secret once.
    pub(crate) async fn rotate(&self, subject: &Subject) -> Rotation {
        let (mark, seen) = (self.server.mark(), self.local.events().len());
        self.local.rotate(subject.name).expect("the rotation begins");
        let ended = self.local.wait_for_rotation(subject.name, PATIENCE).await;
        assert!(ended.is_ok(), "{}: {ended:?}\n{}", subject.name, self.local.output(subject.name));
        let events = self.local.events();
        let events = events.get(seen..).unwrap_or_default();
        Rotation::of(events, &self.server.log_since(mark))
    }
}
