//! The server, the stand-in and a secret for each function.

use std::time::Duration;

use serde_json::json;
use turnlock_local::{Knobs, Local};
use turnlock_tests::database::Database;

use crate::rotation::Rotation;
use crate::subject::{Strategy, Subject};

const FIRST_PASSWORD: &str = "first-password";
/// The longest that any rotation may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Functions that were never invoked, each with a role and a secret of its own.
#[derive(Debug)]
pub(crate) struct Stage<'s> {
    pub(crate) server: &'s Database,
    pub(crate) local: Local,
}

impl<'s> Stage<'s> {
    /// Deploys the functions to a stand-in whose every call takes this long.
    pub(crate) async fn set(
        server: &'s Database,
        subjects: &[&Subject],
        latency: Duration,
    ) -> Stage<'s> {
        let knobs = Knobs { latency, attempts: 1, ..Knobs::default() };
        let deployed = subjects.iter().fold(Local::builder().knobs(knobs), |local, subject| {
            local.function(&subject.name, subject.function(server.ca_file()))
        });
        let local = deployed.start().await.expect("the stand-in starts");
        for Subject { name, strategy, .. } in subjects {
            server.make_user(name, FIRST_PASSWORD).await;
            let mut secret = server.secret_of(name, FIRST_PASSWORD);
            if *strategy != Strategy::SingleUser {
                let admin = server.secret_of_admin().to_string();
                let admin = local.create_secret(&format!("admin-of-{name}"), &admin);
                secret["masterarn"] = json!(admin.expect("a secret"));
            }
            if *strategy == Strategy::DualPassword {
                secret["rotation"] = json!({"strategy": strategy.name()});
            }
            local.create_secret(name, &secret.to_string()).expect("a secret");
            local.set_rotation(name, name).expect("rotation");
        }
        Self { server, local }
    }

    /// Rotates a subject's secret once.
    pub(crate) async fn rotate(&self, subject: &Subject) -> Rotation {
        let (mark, seen) = (self.server.mark(), self.local.events().len());
        self.local.rotate(&subject.name).expect("the rotation begins");
        let ended = self.local.wait_for_rotation(&subject.name, PATIENCE).await;
        assert!(ended.is_ok(), "{}: {ended:?}\n{}", subject.name, self.local.output(&subject.name));
        let events = self.local.events();
        let events = events.get(seen..).unwrap_or_default();
        Rotation::of(events, &self.server.log_since(mark))
    }
}
