//! A file of `tests/exchanges`: the requests and answers that a provider documents.

use std::collections::BTreeMap;
use std::fs;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::project;

/// What one provider documents, as two rotations of one secret.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The description's name, which is the file's.
    #[serde(skip)]
    pub name: String,
    /// The secret, without `rotation` and `masterarn`.
    pub secret: Map<String, Value>,
    /// What `rotation` has besides the provider.
    #[serde(default)]
    pub(super) rotation: Map<String, Value>,
    /// The admin's secret, where the provider needs one.
    #[serde(default)]
    pub(super) admin: Option<Map<String, Value>>,
    /// The first rotation, in order.
    pub(super) first: Vec<Step>,
    /// The second one, which retires what the first has replaced.
    pub(super) second: Vec<Step>,
    /// The fields that each of the two writes.
    pub(super) holds: Holds,
    /// Answers that fail.
    pub errors: Vec<Fault>,
}

/// The fields of the secret after each rotation.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Holds {
    pub(super) first: Map<String, Value>,
    pub(super) second: Map<String, Value>,
}

/// A request and its answer. `$name` in a text of either is any text: see [`super::pattern`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// The request's name in the description.
    pub(super) name: String,
    /// The method and the address.
    pub(super) send: String,
    /// Headers that the request has to have; an `authorization` that is not here it must not have.
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    /// Its body, where that is JSON.
    #[serde(default)]
    pub(super) json: Option<String>,
    /// Its body, where that is a form.
    #[serde(default)]
    pub(super) form: Option<BTreeMap<String, String>>,
    /// The status of the answer.
    pub(super) answer: u16,
    /// Headers of the answer.
    #[serde(default)]
    pub(super) answer_headers: BTreeMap<String, String>,
    /// Its body.
    #[serde(default)]
    pub(super) body: String,
    /// Whether it may come again, any time later in the rotation: it asks and changes nothing.
    #[serde(default)]
    pub(super) again: bool,
}

/// An answer that fails, in the place of one of the steps.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The step's name.
    pub(super) at: String,
    /// Whether it is one of the second rotation.
    #[serde(default)]
    pub(super) second: bool,
    /// The status.
    pub(super) answer: u16,
    /// Headers.
    #[serde(default)]
    pub(super) answer_headers: BTreeMap<String, String>,
    /// The body.
    #[serde(default)]
    pub(super) body: String,
    /// The class of the failure.
    pub class: String,
    /// A piece of its text.
    pub says: String,
}

impl Script {
    /// Reads all of them.
    ///
    /// # Panics
    ///
    /// If one is not of this shape; the message says what is wrong.
    pub fn all() -> Vec<Self> {
        names("tests/exchanges").into_iter().map(Self::read).collect()
    }

    fn read(name: String) -> Self {
        let file = project::root().join(format!("tests/exchanges/{name}.toml"));
        let text = fs::read_to_string(file).expect("a text");
        let script: Self =
            toml::from_str(&text).unwrap_or_else(|problem| panic!("{name}: {problem}"));
        Self { name, ..script }.with_the_question_whose_the_key_is()
    }

    /// Before an admin mints a key, the current one is asked whose it is: no provider documents that.
    fn with_the_question_whose_the_key_is(mut self) -> Self {
        let named = |steps: &[Step], name: &str| steps.iter().position(|step| step.name == name);
        if self.admin.is_none() || named(&self.first, "create").is_none() {
            return self;
        }
        for step in self.first.iter_mut().chain(&mut self.second) {
            step.again |= step.name == "test";
        }
        let list = named(&self.first, "list");
        // Where the admin has no test of its own, the list is asked for twice.
        let after = usize::from(named(&self.first, "admin test").is_none());
        let place = list.map(|list| list + after).or_else(|| named(&self.first, "create"));
        let question = named(&self.second, "test").map(|test| self.second[test].clone());
        if let (Some(place), Some(question)) = (place, question) {
            self.first.insert(place, Step { name: "whose".to_owned(), ..question });
        }
        self
    }

    /// The answers to the last of several steps of retiring that fail, and to the test of a key that is rejected.
    pub fn cut_off(&self) -> Option<(Fault, Fault)> {
        let mut steps = self.second.iter().filter(|step| step.name.starts_with("retire "));
        let last = steps.next_back()?;
        let rejected = self.errors.iter().find(|e| e.at == "test" && e.class == "auth-rejected")?;
        let failed = Fault {
            at: last.name.clone(),
            second: true,
            answer: 403,
            answer_headers: BTreeMap::new(),
            body: String::new(),
            class: "permission".to_owned(),
            says: "does not permit it".to_owned(),
        };
        Some((failed, rejected.clone()))
    }

    /// Texts of the secrets that no message may show.
    pub(super) fn secret_texts(&self) -> Vec<&str> {
        let all = [&self.secret, &self.holds.first, &self.holds.second].into_iter();
        let fields = all.chain(&self.admin).flatten();
        let is_secret = |name: &str| {
            let told = ["key", "secret", "password", "token"].iter().any(|w| name.contains(w));
            told && !name.ends_with("_id") && !name.ends_with("_url")
        };
        fields.filter(|(name, _)| is_secret(name)).filter_map(|(_, value)| value.as_str()).collect()
    }
}

/// The names of the descriptions that are built in.
pub fn built_in() -> Vec<String> {
    names("rotators/api-key/providers")
}

fn names(folder: &str) -> Vec<String> {
    let files = fs::read_dir(project::root().join(folder)).expect("a folder");
    let mut names: Vec<String> = files
        .map(|file| file.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .map(|path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
