//! What has to hold: each promise, and how it is seen to be broken.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::value::RawValue;

use super::{Promise, Secret, Value, World};
use crate::vault::Label;
use crate::{Credential, Document, Failure, Rotator, Sensitive, TargetError, VersionId};

type CredentialOf<W> = <<W as World>::Rotator as Rotator>::Credential;

/// A text shorter than this can stand in a message by chance.
const SHORTEST_SECRET: usize = 8;

/// A promise that does not hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Violation {
    /// Which promise, in words that never differ.
    pub(super) promise: &'static str,
    /// What was seen instead.
    pub(super) found: String,
}

impl Violation {
    fn new(promise: &'static str, found: impl Into<String>) -> Self {
        Self { promise, found: found.into() }
    }

    pub(super) fn never_done(attempts: usize) -> Self {
        let found = format!("{attempts} attempts were not enough");
        Self::new("a rotation comes to its end", found)
    }

    pub(super) fn nothing_tried() -> Self {
        Self::new("a search has something to try", "no call was met; do all go through the fuse?")
    }

    pub(super) fn not_known(reason: &TargetError) -> Self {
        let found = format!("a login of which a call failed was taken for rejected: {reason}");
        Self::new("not knowing is an error, never a verdict", found)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} – {}", self.promise, self.found)
    }
}

/// What the promises are compared with.
#[derive(Clone, Debug, Default)]
pub(super) struct Judge {
    /// What no rotation may change, as it was at the start.
    pub(super) others: String,
    /// The fields that a calm rotation changes.
    pub(super) changed: BTreeSet<String>,
    /// How many credentials there are after calm rotations.
    pub(super) credentials: Option<usize>,
    /// The version that somebody wrote since the last rotation.
    pub(super) written: Option<VersionId>,
}

impl Judge {
    /// What has to hold at any moment.
    pub(super) async fn a_moment<W: World>(
        &self,
        world: &W,
        secret: &Secret,
    ) -> Result<(), Violation> {
        let current = Holder::of::<W>(secret, Label::Current);
        let mut works = accepts(world, current.text).await;
        if !works && world.promise() != Promise::SomeVersion {
            let found = format!("the target rejects {}", current.name);
            return Err(Violation::new("AWSCURRENT works", found));
        }
        for (_, value) in secret.versions.iter().rev() {
            works = works || accepts(world, text(value.as_ref())).await;
        }
        if !works {
            let versions: Vec<&str> = secret.versions.iter().map(|(id, _)| id.as_str()).collect();
            let found = format!("the target rejects each of {}", versions.join(", "));
            return Err(Violation::new("some version of the secret works", found));
        }
        if let Some(written) = &self.written
            && secret.labels.get(Label::Current.name()) != Some(written)
        {
            let found = format!("{} is AWSCURRENT, and {written} was written last", current.name);
            return Err(Violation::new("what somebody writes stays AWSCURRENT", found));
        }
        if world.others().await != self.others {
            let found = "what World::others tells is not what it was at the start";
            return Err(Violation::new("nothing else is changed", found));
        }
        Ok(())
    }

    /// What has to hold when a rotation has come to its end.
    pub(super) async fn a_rotation_ended<W: World>(
        &self,
        world: &W,
        secret: &Secret,
        version: &VersionId,
    ) -> Result<(), Violation> {
        let current = Holder::of::<W>(secret, Label::Current);
        if secret.labels.get(Label::Current.name()) != Some(version) {
            let found = format!("{} is AWSCURRENT, not {version}", current.name);
            return Err(Violation::new("a rotation makes its version AWSCURRENT", found));
        }
        if !accepts(world, current.text).await {
            let found = format!("the target rejects {}", current.name);
            return Err(Violation::new("AWSCURRENT works after a rotation", found));
        }
        let previous = Holder::of::<W>(secret, Label::Previous);
        if world.promise() == Promise::CurrentAndPrevious && !accepts(world, previous.text).await {
            let found = format!("the target rejects {}", previous.name);
            return Err(Violation::new("AWSPREVIOUS works after a rotation", found));
        }
        let first = secret.versions.first().and_then(|(_, value)| text(value.as_ref()));
        for field in changed(first, current.text) {
            if !self.changed.contains(&field) && !self.changed.is_empty() {
                let found = format!("field `{field}` is not what it was");
                return Err(Violation::new("the rest of the document stays as it is", found));
            }
        }
        Ok(())
    }

    /// What has to hold of a delivery that failed; a calm one is one to which nothing happened.
    pub(super) fn a_failure<W: World>(
        &self,
        secret: &Secret,
        failure: &Failure,
        is_calm: bool,
    ) -> Result<(), Violation> {
        let texts = [failure.to_string(), format!("{failure:?}")];
        for (id, value) in &secret.versions {
            let whole = text(value.as_ref());
            let login = whole.and_then(credential::<W>);
            for (field, value) in fields(whole) {
                let hidden: String = serde_json::from_str(value.get()).unwrap_or_default();
                let is_name = login.as_ref().is_some_and(|login| login.principal() == hidden);
                let may_be_seen = is_name || hidden.len() < SHORTEST_SECRET;
                let is_secret = self.changed.contains(&field) && !may_be_seen;
                if is_secret && texts.iter().any(|text| text.contains(&hidden)) {
                    let found = format!("the error has field `{field}` of {id} in it");
                    return Err(Violation::new("no error shows a secret", found));
                }
            }
        }
        if is_calm {
            return Err(Violation::new("without a fault, no step fails", failure.to_string()));
        }
        Ok(())
    }

    pub(super) fn nothing_is_left_over(&self, found: usize) -> Result<(), Violation> {
        match self.credentials {
            Some(expected) if expected != found => {
                let found =
                    format!("there are {found} credentials, after calm rotations {expected}");
                Err(Violation::new("nothing is left over at the target", found))
            }
            _ => Ok(()),
        }
    }
}

/// A version that has a label.
struct Holder<'a> {
    name: String,
    text: Option<&'a str>,
}

impl<'a> Holder<'a> {
    fn of<W: World>(secret: &'a Secret, label: Label) -> Self {
        let id = secret.labels.get(label.name());
        let name = id.map_or_else(|| "no version".to_owned(), |id| format!("{label} {id}"));
        let principal = secret.text(label).and_then(credential::<W>);
        let name = match principal {
            Some(credential) => format!("{name} of {}", credential.principal()),
            None => name,
        };
        Self { name, text: secret.text(label) }
    }
}

/// The credential of a version's text, if it is one.
pub(super) fn credential<W: World>(text: &str) -> Option<CredentialOf<W>> {
    let document = Document::parse(Sensitive::new(text)).ok()?;
    CredentialOf::<W>::read(&document).ok()
}

async fn accepts<W: World>(world: &W, text: Option<&str>) -> bool {
    let document = text.and_then(|text| Document::parse(Sensitive::new(text)).ok());
    match document {
        // On the heap, as all that a world does: a test's stack is small, and what is built for tests takes much of it.
        Some(document) => Box::pin(world.accepts(&document)).await,
        None => false,
    }
}

fn text(value: Option<&Value>) -> Option<&str> {
    match value? {
        Value::Text(text) => Some(text),
        Value::Binary | Value::Refused(_) => None,
    }
}

/// The names of the fields that are not byte for byte the same in two documents.
pub(super) fn changed(one: Option<&str>, other: Option<&str>) -> BTreeSet<String> {
    let (one, other) = (fields(one), fields(other));
    let names = one.keys().chain(other.keys());
    let raw = |fields: &BTreeMap<String, &RawValue>, name: &str| {
        fields.get(name).map(|value| value.get().to_owned())
    };
    names.filter(|name| raw(&one, name) != raw(&other, name)).cloned().collect()
}

fn fields(text: Option<&str>) -> BTreeMap<String, &RawValue> {
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}
