use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::fuse::Sort;
use super::{Fuse, Secret, Value};
use crate::vault::{Description, Label, SecretValue, Stored, Version, Write, Written};
use crate::{Class, SecretId, Sensitive, Vault, VaultError, VersionId};

/// The error code of a caller who may not do what it asks for.
pub const DENIED: &str = "AccessDeniedException";

/// Secrets Manager in memory, with the rules of the real one, behind a [`Fuse`].
///
/// That its rules are those of `turnlock-local`, which speaks the service's protocol, is tested by having both do the same.
pub struct MemoryVault {
    fuse: Arc<Fuse>,
    secrets: Mutex<BTreeMap<String, Secret>>,
}

impl MemoryVault {
    /// One without secrets.
    pub fn new(fuse: Arc<Fuse>) -> Self {
        Self { fuse, secrets: Mutex::default() }
    }

    /// Puts a secret there, in place of one of that id.
    pub fn insert(&self, id: &str, secret: Secret) {
        self.secrets().insert(id.to_owned(), secret);
    }

    /// Looks at a secret, or changes it behind everybody's back; one that is not there is made, and has no version.
    pub fn with<T>(&self, id: &str, look: impl FnOnce(&mut Secret) -> T) -> T {
        look(self.secrets().entry(id.to_owned()).or_default())
    }

    /// Everything that is stored, with its values: to be compared, and not to be printed.
    pub fn snapshot(&self) -> String {
        let secrets = self.secrets();
        let versions = secrets.values().flat_map(|secret| &secret.versions);
        let texts = versions.map(|(_, value)| match value {
            Some(Value::Text(text)) => text.as_str(),
            Some(Value::Binary | Value::Refused(_)) | None => "",
        });
        format!("{:?}\n{}", *secrets, texts.collect::<Vec<_>>().join("\n"))
    }

    fn secrets(&self) -> MutexGuard<'_, BTreeMap<String, Secret>> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn call<T>(
        &self,
        (operation, detail): (&'static str, &str),
        secret: &SecretId,
        sort: Sort,
        effect: impl FnOnce(&mut Secret) -> Result<T, &'static str>,
    ) -> Result<T, VaultError> {
        let failed = |class, code: Option<&str>| VaultError {
            operation,
            class,
            code: code.map(str::to_owned),
            kms: false,
        };
        let name = [operation, secret.as_str(), detail].join(" ");
        let answer = self.fuse.pass(name.trim_end().to_owned(), sort, async {
            let mut secrets = self.secrets();
            effect(secrets.get_mut(secret.as_str()).ok_or("ResourceNotFoundException")?)
        });
        match answer.await {
            Ok(answer) => answer.map_err(|code| {
                failed(if code == DENIED { Class::Permission } else { Class::Refused }, Some(code))
            }),
            Err(blown) if blown.throttled => {
                Err(failed(Class::Throttled, Some("ThrottlingException")))
            }
            Err(_) => Err(failed(Class::Tcp, None)),
        }
    }
}

impl fmt::Debug for MemoryVault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryVault").finish_non_exhaustive()
    }
}

impl Vault for MemoryVault {
    async fn describe(&self, secret: &SecretId) -> Result<Description, VaultError> {
        let what = ("DescribeSecret", "");
        self.call(what, secret, Sort::ReadsVault, |s| Ok(s.description())).await
    }

    async fn value(
        &self,
        secret: &SecretId,
        version: Version<'_>,
    ) -> Result<Option<Stored>, VaultError> {
        let name = match version {
            Version::Current => Label::Current.name(),
            Version::Previous => Label::Previous.name(),
            Version::Id(id) => id.as_str(),
        };
        let read = |s: &mut Secret| {
            let id = match version {
                Version::Current => s.read_by_label(Label::Current),
                Version::Previous => s.read_by_label(Label::Previous),
                Version::Id(id) => Some(id),
            };
            let Some(id) = id else { return Ok(None) };
            let value = match s.value(id) {
                Some(Value::Text(text)) => SecretValue::Text(Sensitive::new(text.as_str())),
                Some(Value::Binary) => SecretValue::Binary,
                Some(Value::Refused(code)) => return Err(*code),
                None => return Ok(None),
            };
            Ok(Some(Stored { version: id.clone(), value, created: s.created(id) }))
        };
        self.call(("GetSecretValue", name), secret, Sort::ReadsVault, read).await
    }

    async fn versions(
        &self,
        secret: &SecretId,
    ) -> Result<Vec<(VersionId, Option<SystemTime>)>, VaultError> {
        self.call(("ListSecretVersionIds", ""), secret, Sort::ReadsVault, |s| {
            Ok(s.versions.iter().rev().map(|(id, _)| (id.clone(), s.created(id))).collect())
        })
        .await
    }

    async fn put(&self, write: Write<'_>) -> Result<Written, VaultError> {
        let text = write.document.text().expose();
        let store = |s: &mut Secret| s.write(write.version, text);
        self.call(("PutSecretValue", ""), write.secret, Sort::ChangesVault, store).await
    }

    async fn promote(
        &self,
        secret: &SecretId,
        from: Option<&VersionId>,
        to: &VersionId,
    ) -> Result<(), VaultError> {
        let what = ("UpdateSecretVersionStage", "");
        self.call(what, secret, Sort::ChangesVault, |s| s.promote(from, to)).await
    }
}
