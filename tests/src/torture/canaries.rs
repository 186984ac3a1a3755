//! The secrets of each version, looked for in all that was printed, answered and logged since the look before.

use std::collections::BTreeSet;

use super::promise::value;
use super::stage::Stage;
use crate::canary::Canary;

/// How far the texts have been read.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    log: usize,
    output: usize,
    events: usize,
}

impl Reader {
    /// Where secrets stand in what is new.
    pub(crate) fn sightings(&mut self, stage: &impl Stage) -> Vec<String> {
        let scene = stage.scene();
        let log = rest(stage.log(), &mut self.log);
        let output = rest(scene.output(), &mut self.output);
        let events = scene.local.events();
        let new = events.get(self.events..).unwrap_or_default();
        let told = format!("{new:?}");
        self.events = events.len();
        let labels = ["AWSCURRENT", "AWSPREVIOUS", "AWSPENDING"];
        let newest = scene.local.versions(&scene.secret).pop();
        let versions = labels.into_iter().chain(newest.as_deref());
        let secrets: BTreeSet<String> = versions
            .filter_map(|version| value(stage, version))
            .flat_map(|value| stage.secrets(&value))
            .collect();
        let texts =
            [("the target's log", &log), ("the function's output", &output), ("events", &told)];
        let mut sightings = Vec::new();
        for secret in secrets {
            let canary = Canary::of("a version's secret", secret);
            for (name, text) in texts {
                for sighting in canary.sightings(name, text) {
                    sightings.push(format!("{}: a secret, {}", sighting.text, sighting.dress));
                }
            }
        }
        sightings
    }
}

/// What is new of a text that grows, and loses its beginning when it is long.
fn rest(mut text: String, read: &mut usize) -> String {
    let length = text.len();
    if *read <= length && text.is_char_boundary(*read) {
        text.drain(..*read);
    }
    *read = length;
    text
}
