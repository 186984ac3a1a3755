//! A key of a provider: the description, and the fields of the secret that it names.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use turnlock::{Document, Malformed, SecretId, Sensitive, Target};

use crate::credential::overlap;
use crate::description::{Authentication, By, Description, Strategy};
use crate::place::Base;
use crate::providers::Provider;
use crate::template::Template;
use crate::values::{Fields, Space, Values};

/// A key of a provider, or the admin's.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) provider: Arc<Provider>,
    /// The fields of the secret that the description names.
    pub(crate) fields: Fields,
    /// The fields of the admin's secret, where this is the admin.
    pub(crate) admin_fields: Option<Fields>,
    /// Whether http is allowed.
    pub(crate) plaintext: bool,
    /// How long the key before is left alone after a rotation.
    pub(crate) overlap: Duration,
    /// After how many days a new key shall expire.
    pub(crate) lifetime_days: Option<u32>,
    pub(crate) target: Target,
    pub(crate) principal: String,
    /// The secret of the admin.
    pub(crate) admin: Option<SecretId>,
}

/// The longest life of a key, in days.
const TEN_YEARS_OF_DAYS: u32 = 10 * 366;

impl Key {
    /// Reads the fields that the description names.
    pub(crate) fn read(provider: Arc<Provider>, secret: &Document) -> Result<Self, Malformed> {
        let rotation = secret.section("rotation")?;
        let description = &provider.description;
        let admin = secret.optional_string("masterarn")?.map(SecretId::new);
        if admin.is_some() && provider.is_inline() {
            let rotation = rotation.as_ref().unwrap_or(secret);
            let problem = "is a description, which must not decide what an admin's key is used for: \
                           put it into PROVIDERS_DIR, or leave out masterarn";
            return Err(rotation.problem("provider", problem));
        }
        if admin.is_none() && description.needs_an_admin() {
            return Err(secret.problem("masterarn", "is missing: this provider needs an admin"));
        }
        let mut fields = Fields::default();
        let (needed, optional) = description.read();
        for field in needed.iter().chain(&optional) {
            match secret.text_of(field)? {
                Some(value) => fields.put(field, value),
                None if needed.contains(field) => return Err(secret.problem(field, "is missing")),
                None => {}
            }
        }
        let plaintext = secret.flag("ssl")? == Some(false);
        let values = Values::of(&fields);
        let base =
            Base::of(&description.base_url, &values, plaintext).map_err(Malformed::document)?;
        let principal = description.principal.plain(&values).ok().flatten();
        let principal = principal.map(|p| p.expose().to_owned()).unwrap_or_default();
        let setting = |field: &str, most: u32| match &rotation {
            Some(rotation) => rotation.number(field, 0..most + 1),
            None => Ok(None),
        };
        let own = Duration::from_secs(60 * u64::from(description.overlap_minutes));
        let overlap = overlap(secret)?.unwrap_or(own);
        let lifetime_days = setting("lifetime_days", TEN_YEARS_OF_DAYS)?;
        let lossy = matches!(description.strategy, Strategy::Regenerate | Strategy::RefreshToken);
        let accepted = rotation.as_ref().map_or(Ok(None), |r| r.flag("accept_loss"))?;
        if lossy && admin.is_none() && accepted != Some(true) {
            let rotation = rotation.as_ref().unwrap_or(secret);
            let problem = "is not true: this provider ends the old key when it answers with the new \
                           one, and an answer that is lost is a key that nobody has";
            return Err(rotation.problem("accept_loss", problem));
        }
        Ok(Self {
            fields,
            admin_fields: None,
            plaintext,
            overlap,
            lifetime_days: lifetime_days.or(description.lifetime_days),
            target: Target::new(base.name()),
            principal,
            admin,
            provider,
        })
    }

    /// An old version counts for its key only.
    pub(crate) fn reached_as(self, current: &Self) -> Self {
        let mut fields = current.fields.copied();
        for field in current.description().filled() {
            if let Some(value) = self.fields.value(field) {
                fields.put(field, Sensitive::new(value));
            }
        }
        Self {
            provider: Arc::clone(&current.provider),
            fields,
            plaintext: current.plaintext,
            ..self
        }
    }

    pub(crate) fn description(&self) -> &Description {
        &self.provider.description
    }

    /// What the key's id is, if it has one.
    pub(crate) fn id(&self) -> Option<&str> {
        self.fields.value(&self.description().id).filter(|id| !id.is_empty())
    }

    /// Whether it is the admin's.
    pub(crate) fn is_admin(&self) -> bool {
        self.admin_fields.is_some()
    }

    /// The admin of this key's provider, with what its own secret holds.
    pub(crate) fn admin_of(&self, secret: &Document) -> Result<Self, Malformed> {
        let description = self.description();
        let mut fields = Fields::default();
        for field in secret.names() {
            if let Some(value) = secret.text_of(field)? {
                fields.put(field, value);
            }
        }
        let needed = description.needed_of_the_admin();
        if let Some(missing) = needed.iter().find(|field| fields.value(field).is_none()) {
            return Err(secret.problem(missing, "is missing"));
        }
        // Whoever may write the secret must not choose where the admin's key is sent: the admin's own does.
        for field in &description.host_from_secret {
            let (here, there) = (self.fields.value(field), fields.value(field));
            let problem = match there {
                Some(there) if here.is_none_or(|here| same_address(here, there)) => continue,
                Some(_) => "is not that of the secret: the admin's key is sent nowhere else",
                None => "is missing: the admin's secret says where the admin's key may be sent",
            };
            return Err(secret.problem(field, problem));
        }
        let plaintext = secret.flag("ssl")? == Some(false);
        let base = Base::of(&description.base_url, &Values::of(&fields), plaintext)
            .map_err(Malformed::document)?;
        Ok(Self {
            provider: Arc::clone(&self.provider),
            fields: self.fields.copied(),
            admin_fields: Some(fields),
            plaintext,
            overlap: self.overlap,
            lifetime_days: self.lifetime_days,
            target: Target::new(base.name()),
            principal: "the admin".to_owned(),
            admin: None,
        })
    }
}

fn same_address(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

/// The same key, whatever else two versions of a secret say of it.
///
/// Somebody may correct the id or the end of a key by hand, or edit what the next one shall be; with that it is no other
/// key, which could be retired.
impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        let proof = self.description().proof();
        proof.iter().all(|field| self.fields.value(field) == other.fields.value(field))
            && self.admin_fields == other.admin_fields
            && self.target == other.target
            && self.principal == other.principal
    }
}

impl Description {
    /// The fields that a rotation writes and a login is made of.
    pub(crate) fn proof(&self) -> BTreeSet<&str> {
        let login = self.key.iter().flat_map(|key| {
            let requests = key.login.iter().flat_map(|login| login.templates());
            key.templates().into_iter().chain(requests)
        });
        let templates = login.chain(self.test.templates());
        let names = templates.flat_map(Template::names).filter(|name| name.space == Space::Secret);
        let filled = self.filled();
        names.map(|name| name.field.as_str()).filter(|field| filled.contains(field)).collect()
    }

    /// The fields that the admin's secret has to have.
    pub(crate) fn needed_of_the_admin(&self) -> BTreeSet<&str> {
        let requests = self.requests();
        let templates = requests.iter().flat_map(|(_, request)| request.templates());
        let own = self.admin.iter().flat_map(Authentication::templates);
        let names = templates.chain(own).flat_map(Template::needed);
        names.filter(|name| name.space == Space::Admin).map(|name| name.field.as_str()).collect()
    }

    /// Whether a request is signed with what the function's own role may.
    pub(crate) fn is_sent_by_the_function(&self) -> bool {
        self.requests().iter().any(|(_, request)| request.by == Some(By::Function))
    }

    fn needs_an_admin(&self) -> bool {
        self.requests().iter().any(|(_, request)| request.by == Some(By::Admin))
    }
}
