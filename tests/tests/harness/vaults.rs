//! Secrets Manager in memory, which the contract is tried on, has the rules of the stand-in, which speaks its protocol.

#![expect(clippy::expect_used, reason = "a failed test should panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::Arc;

use serde_json::{Value, json};
use turnlock::testing::{Fuse, MemoryVault, Secret, Value as Held};
use turnlock::vault::{Label, SecretValue, Version, Write, Written};
use turnlock::{Document, SecretId, Sensitive, Vault as _, VersionId};
use turnlock_local::{Function, Hook, Knobs, Local, Operation};
use turnlock_tests::dice::Dice;

const SECRET: &str = "app";
const FUNCTION: &str = "never-called";

/// What there is of a secret: whether it rotates, labels, and what each version holds, if anything.
#[derive(Debug, PartialEq)]
struct State {
    rotates: bool,
    labels: BTreeMap<String, BTreeSet<&'static str>>,
    values: BTreeMap<String, Option<String>>,
    by_label: [Option<String>; 2],
}

/// The same secret at both.
struct Both {
    local: Local,
    memory: MemoryVault,
}

impl Both {
    async fn start() -> Self {
        // A rotation is begun, and no step of it is ever delivered.
        let knobs = Knobs { before_step: Some(Hook::new(|_| pending())), ..Knobs::default() };
        let function = Function::binary("/bin/false");
        let local = Local::builder().function(FUNCTION, function).knobs(knobs).start().await;
        let local = local.expect("the stand-in starts");
        local.create_secret(SECRET, "{}").expect("a secret");
        local.set_rotation(SECRET, FUNCTION).expect("rotation");
        let first = local.versions(SECRET).pop().expect("a version");
        let memory = MemoryVault::new(Arc::new(Fuse::default()));
        memory.insert(SECRET, Secret::new(&first, Held::Text("{}".to_owned())));
        Self { local, memory }
    }

    fn call(&self, operation: Operation, mut request: Value) -> Result<Value, String> {
        request["SecretId"] = json!(SECRET);
        self.local.call(operation, &request).map_err(|refused| refused.code)
    }

    fn there(&self) -> State {
        let described = self.call(Operation::DescribeSecret, json!({})).expect("a description");
        let labels = described["VersionIdsToStages"].as_object().into_iter().flatten();
        let listed = json!({"IncludeDeprecated": true, "MaxResults": 100});
        let listed = self.call(Operation::ListSecretVersionIds, listed).expect("a list");
        let value = |which: Value| {
            let read = self.call(Operation::GetSecretValue, which);
            read.ok().map(|read| read["SecretString"].as_str().expect("a text").to_owned())
        };
        let ids = listed["Versions"].as_array().into_iter().flatten();
        State {
            rotates: described["RotationEnabled"] == json!(true),
            labels: labels
                .map(|(id, names)| {
                    let names = names.as_array().into_iter().flatten();
                    let known = names.filter_map(|name| Label::parse(name.as_str()?));
                    (id.clone(), known.map(Label::name).collect())
                })
                .collect(),
            values: ids
                .map(|version| version["VersionId"].as_str().expect("an id").to_owned())
                .map(|id| (id.clone(), value(json!({"VersionId": id}))))
                .collect(),
            by_label: [Label::Current, Label::Previous]
                .map(|label| value(json!({"VersionStage": label.name()}))),
        }
    }

    async fn here(&self) -> State {
        let secret = SecretId::new(SECRET);
        let read = async |version: Version<'_>| {
            let stored = self.memory.value(&secret, version).await.expect("an answer")?;
            match stored.value {
                SecretValue::Text(text) => Some(text.expose().to_owned()),
                SecretValue::Binary => None,
            }
        };
        let described = self.memory.describe(&secret).await.expect("a description");
        let mut values = BTreeMap::new();
        for (id, _) in self.memory.versions(&secret).await.expect("a list") {
            values.insert(id.to_string(), read(Version::Id(&id)).await);
        }
        let labels = described.labels.into_iter();
        State {
            rotates: described.rotation_enabled,
            labels: labels
                .map(|(id, names)| (id.to_string(), names.into_iter().map(Label::name).collect()))
                .collect(),
            values,
            by_label: [read(Version::Current).await, read(Version::Previous).await],
        }
    }

    /// Has both do one thing; what it was, and whether both answered alike.
    async fn act(&self, dice: &mut Dice, tokens: &[String]) -> (String, bool) {
        let secret = SecretId::new(SECRET);
        let token = dice.choose(tokens).clone();
        let version = VersionId::new(&token);
        let text = format!("{{\"drawn\":{}}}", dice.roll(2));
        match dice.roll(7) {
            0 => {
                let begun =
                    self.call(Operation::RotateSecret, json!({"ClientRequestToken": token}));
                // What is unfinished is taken up again, whatever token it is asked with; turned on it is in any case.
                self.memory.with(SECRET, |secret| {
                    secret.rotation_enabled = true;
                    let holder = |label: Label| secret.labels.get(label.name()).cloned();
                    let (pending, current) = (holder(Label::Pending), holder(Label::Current));
                    if let Some(unfinished) = pending.filter(|id| current.as_ref() != Some(id)) {
                        secret.begin(unfinished.as_str());
                    } else if secret.versions.iter().all(|(id, _)| *id != version) {
                        secret.begin(&token);
                    }
                });
                (format!("RotateSecret {token}: {begun:?}"), true)
            }
            1 | 2 => {
                let request = json!({"ClientRequestToken": token, "SecretString": text,
                    "VersionStages": ["AWSPENDING"]});
                let there = self.call(Operation::PutSecretValue, request);
                let document = Document::parse(Sensitive::new(text)).expect("JSON");
                let (secret, version, rotation_token) = (&secret, &version, None);
                let write = Write { secret, version, rotation_token, document: &document };
                let here = self.memory.put(write).await.expect("an answer");
                let alike = match &there {
                    Ok(_) => here == Written::Stored,
                    Err(code) => code == "ResourceExistsException" && here == Written::Conflict,
                };
                (format!("PutSecretValue {token}: {there:?}, {here:?}"), alike)
            }
            3 | 4 => {
                let from = dice.choose(tokens).clone();
                let request = json!({"VersionStage": "AWSCURRENT", "MoveToVersionId": token,
                    "RemoveFromVersionId": from});
                let there = self.call(Operation::UpdateSecretVersionStage, request);
                let here =
                    self.memory.promote(&secret, Some(&VersionId::new(&from)), &version).await;
                let code = here.as_ref().err().and_then(|error| error.code.clone());
                let alike = there.as_ref().err() == code.as_ref();
                (format!("move AWSCURRENT {from} to {token}: {there:?}, {here:?}"), alike)
            }
            5 => {
                let id = self.local.put_value(SECRET, &text).expect("a write");
                self.memory.with(SECRET, |secret| secret.write_by_hand(&id, Held::Text(text)));
                (format!("PutSecretValue by hand: {id}"), true)
            }
            _ => {
                let pending = self.local.labels(SECRET).get("AWSPENDING").cloned();
                if let Some(id) = pending.filter(|_| dice.roll(2) == 0) {
                    let request = json!({"VersionStage": "AWSPENDING", "RemoveFromVersionId": id});
                    self.call(Operation::UpdateSecretVersionStage, request).expect("it is cleared");
                    self.memory.with(SECRET, |secret| secret.clear(Label::Pending));
                    return ("AWSPENDING is cleared".to_owned(), true);
                }
                self.call(Operation::CancelRotateSecret, json!({})).expect("it is cancelled");
                self.memory.with(SECRET, Secret::cancel);
                ("CancelRotateSecret".to_owned(), true)
            }
        }
    }
}

#[tokio::test]
async fn the_vault_in_memory_and_the_stand_in_do_the_same() {
    const COURSES: u64 = 60;
    const LENGTH: usize = 25;
    let mut seen = BTreeSet::new();
    for seed in 0..COURSES {
        let (both, mut dice) = (Both::start().await, Dice::of(seed));
        let mut tokens: Vec<String> = (0..3).map(|n| format!("{:0>32}", format!("v{n}"))).collect();
        tokens.extend(both.local.versions(SECRET));
        let mut course = Vec::new();
        for _ in 0..LENGTH {
            let (what, alike) = both.act(&mut dice, &tokens).await;
            seen.insert(what.chars().take(16).collect::<String>());
            course.push(what);
            let (here, there) = (both.here().await, both.there());
            let course = || format!("course {seed}:\n{}", course.join("\n"));
            assert!(alike, "the answers differ; {}", course());
            assert_eq!(here, there, "in memory, at the stand-in; {}", course());
        }
    }
    assert!(seen.len() >= 5, "only {seen:?}");
}
