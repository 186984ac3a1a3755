//! A vault and a target in memory, and rotations between them that can be cut at any call.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use turnlock::testing::{Fuse, MemoryVault, Secret, Value};
use turnlock::vault::Label;
use turnlock::{
    Credential, Document, Failure, Outcome, PasswordPolicy, RotationEvent, Rotator, SecretId,
    Sensitive, Step, VersionId, rotate,
};

pub(crate) mod database;
pub(crate) mod keys;
pub(crate) mod logs;
pub(crate) mod tried;

use database::{Database, Strategy};
use keys::Keys;

const DAY: Duration = Duration::from_hours(24);

/// Longer than any invocation goes on.
pub(crate) const LATER: Duration = Duration::from_mins(15);

/// The secret that is rotated.
pub(crate) const APP: &str = "app-secret";
/// The secret of the admin.
pub(crate) const ADMIN_SECRET: &str = "admin-secret";
/// The admin's name at the database.
pub(crate) const ADMIN: &str = "root";

pub(crate) const OWN: &str = "{ \"host\": \"db.internal\",\n\t\"username\" : \"app\", \"password\":\"first-secret\",\
  \"note\": {\"kept\" : [1.50, \"\\u00e9\"]}, \"big\":123456789012345678901234567890 }";
pub(crate) const WITH_ADMIN: &str = "{\"masterarn\":\"admin-secret\", \"host\":\"db.internal\",\
  \"username\":\"app\",\"password\":\"first-secret\", \"z\": null,\r\n\"a\":-0.0e+0}";
pub(crate) const OF_ADMIN: &str =
    r#"{"host":"db.internal","username":"root","password":"admins-secret"}"#;
pub(crate) const KEY: &str =
    "{\"account\":\"acme\" ,\"key\":\"first-secret\", \"note\": [true , {\"kept\":1e3}]}\n";

pub(crate) const KEY_WITH_ADMIN: &str =
    r#"{"account":"acme","key":"first-secret","masterarn":"admin-secret"}"#;
pub(crate) const KEY_OF_ADMIN: &str = r#"{"account":"acme-admin","key":"admins-secret"}"#;

/// A rotator that lives in memory, and lets a test look behind it.
pub(crate) trait Fake: Rotator {
    /// The fields that a rotation changes.
    const EDITED: &'static [&'static str];

    /// Whether a consumer gets in.
    fn accepts(&self, credential: &Self::Credential) -> bool;

    /// Everything there is at the target.
    fn snapshot(&self) -> String;

    /// What no rotation may change.
    fn others(&self) -> String {
        String::new()
    }

    /// How many credentials there are.
    fn count(&self) -> usize;

    /// So much time passes.
    fn age(&self, time: Duration) {
        let _ = time;
    }
}

/// Why a step did not come to its end.
#[derive(Debug)]
pub(crate) enum Stopped {
    Failed(Failure),
    Died,
}

impl Stopped {
    pub(crate) fn failure(self) -> Failure {
        match self {
            Self::Failed(failure) => failure,
            Self::Died => panic!("the process died"),
        }
    }
}

pub(crate) struct World<R> {
    pub(crate) fuse: Arc<Fuse>,
    pub(crate) vault: MemoryVault,
    pub(crate) rotator: R,
    first: &'static str,
}

impl World<Database> {
    pub(crate) fn database(first: &'static str, strategy: Strategy) -> Self {
        let users = [("app", "first-secret"), (ADMIN, "admins-secret")];
        Self::new(first, |fuse| Database::new(fuse, strategy, &users))
    }

    pub(crate) fn single_user() -> Self {
        Self::database(OWN, Strategy::SingleUser)
    }

    pub(crate) fn single_user_with_admin() -> Self {
        Self::database(WITH_ADMIN, Strategy::SingleUser)
    }

    pub(crate) fn alternating_users() -> Self {
        Self::database(WITH_ADMIN, Strategy::AlternatingUsers)
    }

    pub(crate) fn dual_password() -> Self {
        Self::database(OWN, Strategy::DualPassword)
    }
}

impl World<Keys> {
    pub(crate) fn keys(most: usize) -> Self {
        Self::new(KEY, |fuse| Keys::new(fuse, most, "first-secret"))
    }

    pub(crate) fn two_keys() -> Self {
        Self::keys(2)
    }

    /// Keys that an admin deletes, where one more is alive: the admin's own.
    pub(crate) fn keys_with_admin(most: usize) -> Self {
        let world = Self::new(KEY_WITH_ADMIN, |fuse| Keys::new(fuse, most + 1, "first-secret"));
        let admin = Secret::new("a0", Value::Text(KEY_OF_ADMIN.to_owned()));
        world.vault.insert(ADMIN_SECRET, admin);
        world.rotator.add("admins-secret");
        world
    }
}

/// The version of a secret that holds another key.
pub(crate) fn with_key(key: &str) -> Value {
    Value::Text(KEY.replace("first-secret", key))
}

impl<R: Fake> World<R> {
    fn new(first: &'static str, rotator: impl FnOnce(Arc<Fuse>) -> R) -> Self {
        let fuse = Arc::new(Fuse::default());
        let vault = MemoryVault::new(fuse.clone());
        vault.insert(APP, Secret::new("v0", Value::Text(first.to_owned())));
        vault.insert(ADMIN_SECRET, Secret::new("a0", Value::Text(OF_ADMIN.to_owned())));
        Self { rotator: rotator(fuse.clone()), fuse, vault, first }
    }

    /// Takes one step, as one invocation.
    pub(crate) async fn step(&self, step: Step, version: &str) -> Result<Outcome, Stopped> {
        let event = event(step, version);
        let (policy, deadline) = (PasswordPolicy::default(), far());
        tokio::select! {
            biased;
            done = rotate(&self.rotator, &self.vault, &policy, &event, deadline) => {
                done.map_err(Stopped::Failed)
            }
            () = self.fuse.death() => Err(Stopped::Died),
        }
    }

    /// Takes all steps in their order, each as often as told, up to the first that fails.
    pub(crate) async fn attempt(&self, version: &str, times: usize) -> Result<(), Stopped> {
        for step in Step::ALL {
            for _ in 0..times {
                self.step(step, version).await?;
            }
        }
        Ok(())
    }

    /// One whole rotation in which nothing goes wrong, and a day without one.
    pub(crate) async fn rotation(&self, version: &str) {
        // By its dates, the version is newer than the one before, and older than the end of the rotation.
        tokio::time::advance(Duration::from_secs(1)).await;
        self.app(|secret| secret.begin(version));
        self.attempt(version, 1).await.unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        self.app(Secret::end);
        tokio::time::advance(DAY).await;
    }

    /// One whole rotation in which nothing goes wrong.
    pub(crate) async fn rotation_just_now(&self, version: &str) {
        self.app(|secret| secret.begin(version));
        self.attempt(version, 1).await.unwrap();
        self.app(Secret::end);
    }

    /// Begins a rotation of which createSecret fails; why.
    pub(crate) async fn refusal(&self, version: &str) -> Failure {
        self.app(|secret| secret.begin(version));
        self.step(Step::Create, version).await.unwrap_err().failure()
    }

    /// Looks at the secret that is rotated, or changes it behind everybody's back.
    pub(crate) fn app<T>(&self, look: impl FnOnce(&mut Secret) -> T) -> T {
        self.vault.with(APP, look)
    }

    /// The text of the version that has a label.
    pub(crate) fn text(&self, label: Label) -> Option<String> {
        self.app(|secret| secret.text(label).map(str::to_owned))
    }

    /// Whether a consumer who reads that label gets in.
    pub(crate) fn works(&self, label: Label) -> bool {
        self.text(label).is_some_and(|text| self.accepts(&text))
    }

    /// Whether any stored version gets a consumer in, with a label or without.
    pub(crate) fn any_version_works(&self) -> bool {
        let versions = self.app(|secret| secret.versions.clone());
        versions.iter().any(|(_, value)| match value {
            Some(Value::Text(text)) => self.accepts(text),
            Some(Value::Binary | Value::Refused(_)) | None => false,
        })
    }

    /// Whether the current version is the first one, but for what a rotation changes.
    pub(crate) fn kept_the_rest(&self) -> bool {
        let current = self.text(Label::Current).unwrap();
        let (mut there, document) = (current.clone(), document(&current));
        let first = self::document(self.first);
        for field in R::EDITED {
            let quoted = |d: &Document| format!("\"{}\"", d.string(field).unwrap());
            there = there.replacen(&quoted(&document), &quoted(&first), 1);
        }
        there == self.first
    }

    /// Everything there is, to be compared with later.
    pub(crate) fn snapshot(&self) -> String {
        format!("{}\n{}", self.vault.snapshot(), self.rotator.snapshot())
    }

    pub(crate) fn accepts(&self, text: &str) -> bool {
        self.rotator.accepts(&R::Credential::read(&document(text)).unwrap())
    }
}

pub(crate) fn event(step: Step, version: &str) -> RotationEvent {
    RotationEvent {
        step,
        secret_id: SecretId::new(APP),
        version: VersionId::new(version),
        rotation_token: None,
    }
}

/// A deadline that only a wait without end can reach.
pub(crate) fn far() -> Instant {
    Instant::now() + Duration::from_secs(600)
}

pub(crate) fn document(text: &str) -> Document {
    Document::parse(Sensitive::new(text)).unwrap()
}
