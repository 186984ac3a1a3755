//! The providers that are known: those built in, those of `PROVIDERS_DIR`, and the one in a secret itself.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use turnlock::{Document, Malformed};

use crate::description::Description;
use crate::local::{self, Kind};

/// A provider by its name.
#[derive(Debug)]
pub(crate) struct Provider {
    /// The name; of a description in the secret itself, none.
    pub(crate) name: Option<String>,
    pub(crate) description: Description,
}

impl Provider {
    /// Whether its description is in the secret itself.
    pub(crate) fn is_inline(&self) -> bool {
        self.name.is_none()
    }

    /// Reads a description as TOML.
    pub(crate) fn from_toml(name: &str, text: &str) -> Result<Self, String> {
        let description: Description = toml::from_str(text).map_err(|error| error.to_string())?;
        description.validate()?;
        Ok(Self { name: Some(name.to_owned()), description })
    }
}

macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        /// Name and text of every description that is built in.
        pub(crate) const BUILT_IN: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../providers/", $name, ".toml")))),*];
    };
}

built_in![
    "approle",
    "auth0",
    "aws-iam",
    "aws-iam-own",
    "cloudflare-account",
    "cloudflare-user",
    "confluent-cloud",
    "consul",
    "datadog-api-key",
    "datadog-application-key",
    "elasticsearch",
    "entra",
    "gitea",
    "gitlab-group",
    "gitlab-personal",
    "gitlab-project",
    "grafana",
    "jupyterhub",
    "mongodb-atlas",
    "oauth2-refresh-token",
    "okta",
    "sendgrid",
    "twilio",
];

/// What the environment says of providers.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    /// `PROVIDERS_DIR`
    folder: Option<PathBuf>,
    /// `PROVIDER`
    default: Option<String>,
}

/// Read once, as a credential is read without its rotator.
static SETTINGS: OnceLock<Settings> = OnceLock::new();

impl Settings {
    pub(crate) fn from_env() -> &'static Self {
        SETTINGS.get_or_init(|| {
            let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
            Self {
                folder: variable("PROVIDERS_DIR").map(Into::into),
                default: variable("PROVIDER").and_then(|name| name.into_string().ok()),
            }
        })
    }

    /// The provider of a name: a file of `PROVIDERS_DIR` comes before one built in.
    fn named(&self, name: &str) -> Result<Provider, String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
        if name.is_empty() || !name.chars().all(fits) {
            return Err("is no name of a provider: letters, digits, - and _".to_owned());
        }
        if let Some(folder) = &self.folder {
            let file = folder.join(format!("{name}.toml"));
            if file.exists() {
                let told = |problem| format!("is described in {}: {problem}", file.display());
                return read(&file).map_err(told);
            }
        }
        match BUILT_IN.iter().find(|(known, _)| *known == name) {
            Some((name, text)) => Provider::from_toml(name, text),
            None => Err(self.unknown(name)),
        }
    }

    fn unknown(&self, name: &str) -> String {
        let built_in: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
        let folder = match &self.folder {
            Some(folder) => format!("not in PROVIDERS_DIR, {}", folder.display()),
            None => "PROVIDERS_DIR is not set".to_owned(),
        };
        format!("names no provider: {name} is {folder}, and not built in ({})", built_in.join(", "))
    }
}

/// Reads the description in a file, whose name is the provider's.
pub(crate) fn read(file: &Path) -> Result<Provider, String> {
    let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    let text = std::fs::read_to_string(file).map_err(|_| "cannot be read".to_owned())?;
    Provider::from_toml(name, &text)
}

/// A problem without what it quotes, which of a secret's own description is a part of the secret.
fn without_quotes(problem: &str) -> String {
    match (problem.find('`'), problem.rfind('`')) {
        (Some(first), Some(last)) => format!("{}…{}", &problem[..first], &problem[last + 1..]),
        _ => problem.to_owned(),
    }
}

/// Where the keys of a secret are from.
pub(crate) enum Source {
    Described(Arc<Provider>),
    /// Made here, as this kind of key.
    Local(&'static str, Kind),
}

/// The provider that a secret names or describes, else that of `PROVIDER`.
pub(crate) fn of(secret: &Document) -> Result<Source, Malformed> {
    const FIELD: &str = "provider";
    let settings = Settings::from_env();
    let rotation = secret.section("rotation")?;
    if let Some(rotation) = &rotation
        && let Some(text) = rotation.text_of(FIELD)?
        && text.expose().starts_with('{')
    {
        // A problem of the shape may quote a value, and a secret's values stay out of messages.
        let description: Description = serde_json::from_str(text.expose()).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let problem =
                format!("is no description (line {line}, column {column}); `check` says more");
            rotation.problem(FIELD, problem)
        })?;
        let told = |problem: String| rotation.problem(FIELD, without_quotes(&problem));
        description.validate().map_err(told)?;
        if description.is_sent_by_the_function() {
            let problem = "has a request by = \"function\", whose role it must not decide about: put it into \
                           PROVIDERS_DIR";
            return Err(rotation.problem(FIELD, problem));
        }
        return Ok(Source::Described(Arc::new(Provider { name: None, description })));
    }
    let named = rotation.as_ref().map_or(Ok(None), |r| r.optional_string(FIELD))?;
    let Some(name) = named.or_else(|| settings.default.clone()) else {
        return Err(Malformed::field("rotation.provider", "is missing, and PROVIDER is not set"));
    };
    if let Some(known) = local::NAMES.iter().find(|known| **known == name)
        && let Some(kind) = Kind::read(known, secret)?
    {
        return Ok(Source::Local(known, kind));
    }
    let provider = settings.named(&name);
    let provider = provider.map_err(|problem| Malformed::field("rotation.provider", problem))?;
    Ok(Source::Described(Arc::new(provider)))
}
