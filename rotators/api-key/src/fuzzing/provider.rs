use serde_json::Value;
use turnlock::{Document, Sensitive};

use super::parts;
use crate::description::{Authentication, Description, Request};
use crate::key::Key;
use crate::place::Call;
use crate::providers::Provider;
use crate::template::{Template, Type};
use crate::values::{Fields, Space, Values};

/// What every placeholder is for: a number, JSON and a list at once.
const TAME: &str = "7";

/// A value, and a provider's description in which it is the value of every placeholder.
///
/// A description that is valid gives requests in which the value is where a tame one would be, and nowhere else.
pub fn provider(data: &[u8]) {
    let Some([value, toml]) = parts(data) else { return };
    let Ok(Provider { description, .. }) = Provider::from_toml("fuzzing", toml) else { return };
    let (tame, wild) = (Filled::with(&description, TAME), Filled::with(&description, value));
    for (_, request) in description.requests() {
        let calls =
            [&tame, &wild].map(|fields| Call::new(&description, request, &fields.values(), false));
        let [Ok(expected), Ok(call)] = calls else { continue };
        same_places(&description, request, &expected, &call);
        for authentication in [&description.key, &description.admin].into_iter().flatten() {
            authenticated(&description, request, authentication, [&tame, &wild]);
        }
    }
    reads(description, value);
}

/// A secret that holds the value in every field is a key, or it is refused without its value.
fn reads(description: Description, value: &str) {
    let (needed, optional) = description.read();
    let fields: serde_json::Map<String, Value> =
        needed.union(&optional).map(|&name| (name.to_owned(), Value::from(value))).collect();
    let text = Sensitive::new(Value::Object(fields).to_string());
    let Ok(secret) = Document::parse(text) else { return };
    let provider = Provider { name: Some("fuzzing".to_owned()), description };
    if let Ok(key) = Key::read(provider.into(), &secret) {
        let shown = format!("{:?}", key.fields);
        assert!(
            value.len() < 12 || shown.matches(value).count() == 0 || "[redacted]".contains(value)
        );
        assert!(key == key.copy_of_itself());
    }
}

impl Key {
    /// The same key once more, as an older version of the secret has it.
    fn copy_of_itself(&self) -> Self {
        Self {
            provider: self.provider.clone(),
            fields: self.fields.copied(),
            admin_fields: None,
            plaintext: self.plaintext,
            overlap: self.overlap,
            lifetime_days: self.lifetime_days,
            target: self.target.clone(),
            principal: self.principal.clone(),
            admin: self.admin.clone(),
        }
        .reached_as(self)
    }
}

struct Filled([Fields; 5]);

impl Filled {
    fn with(description: &Description, value: &str) -> Self {
        let requests = description.requests();
        let mut templates: Vec<&Template> = vec![&description.base_url];
        templates.extend(requests.iter().flat_map(|(_, request)| request.templates()));
        let both = [&description.key, &description.admin].into_iter().flatten();
        templates.extend(both.flat_map(Authentication::templates));
        let spaces = [Space::Secret, Space::Next, Space::Admin, Space::Login, Space::New];
        Self(spaces.map(|space| {
            let mut fields = Fields::default();
            let names = templates.iter().flat_map(|template| template.names());
            for name in names.filter(|name| name.space == space) {
                fields.put(&name.field, Sensitive::new(value));
            }
            fields
        }))
    }

    fn values(&self) -> Values<'_> {
        let [secret, next, admin, login, new] = &self.0;
        Values {
            next: Some(next),
            admin: Some(admin),
            login: Some(login),
            new: Some(new),
            ..Values::of(secret)
        }
    }
}

fn authenticated(
    description: &Description,
    request: &Request,
    authentication: &Authentication,
    filled: [&Filled; 2],
) {
    let calls = filled.map(|fields| {
        let mut call = Call::new(description, request, &fields.values(), false)?;
        call.authenticate(authentication, &fields.values()).map(|()| call)
    });
    let [Ok(expected), Ok(call)] = calls else { return };
    same_places(description, request, &expected, &call);
}

fn same_places(description: &Description, request: &Request, expected: &Call, call: &Call) {
    let base = request.base_url.as_ref().unwrap_or(&description.base_url);
    if base.names().next().is_none() {
        assert_eq!(call.url.origin(), expected.url.origin(), "{}", call.url);
        let segments = |call: &Call| call.url.path_segments().expect("a path").count();
        assert_eq!(segments(call), segments(expected), "{}", call.url);
        assert_eq!(call.name, expected.name);
    } else if let Some(domain) = domain(base.source()) {
        assert!(call.url.host_str().expect("a host").ends_with(domain), "{}", call.url);
    }
    assert!(call.url.username().is_empty() && call.url.password().is_none(), "{}", call.url);
    assert!(call.url.fragment().is_none(), "{}", call.url);
    assert_eq!(call.url.scheme(), "https");
    let parameters = |call: &Call| -> Vec<String> {
        call.url.query_pairs().map(|(name, _)| name.into_owned()).collect()
    };
    assert_eq!(parameters(call), parameters(expected), "{}", call.url);
    let headers =
        |call: &Call| -> Vec<String> { call.headers.keys().map(ToString::to_string).collect() };
    assert_eq!(headers(call), headers(expected));
    assert_eq!(call.method, expected.method);
    if request.form.is_some() {
        let names = |call: &Call| -> Vec<String> {
            let text = call.body.as_ref().expect("a form").expose();
            url::form_urlencoded::parse(text.as_bytes()).map(|(name, _)| name.into()).collect()
        };
        assert_eq!(names(call), names(expected));
    }
    if let Some(json) = &request.json {
        let parsed = |call: &Call| -> Value {
            serde_json::from_str(call.body.as_ref().expect("JSON").expose()).expect("JSON")
        };
        let (there, here) = (parsed(expected), parsed(call));
        let shaped = |template: &&Template| matches!(template.kind(), Some(Type::Raw | Type::List));
        if !json.templates().iter().any(shaped) {
            assert_eq!(shape(&here), shape(&there));
        }
    }
}

/// What stands behind the value in the name of a host, if that is plain enough to stay as it is written.
fn domain(base: &str) -> Option<&str> {
    let (_, behind) = base.rsplit_once('}')?;
    let domain = behind.split('/').next().filter(|domain| domain.starts_with('.'))?;
    let is_plain = |label: &str| !label.is_empty() && label.chars().all(|c| c.is_ascii_lowercase());
    domain.strip_prefix('.')?.split('.').all(is_plain).then_some(domain)
}

/// JSON without its texts and numbers.
fn shape(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::Object(members) => Value::Object(
            members.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
        ),
        Value::String(_) => Value::from(""),
        Value::Number(_) => Value::from(0),
        Value::Bool(_) | Value::Null => value.clone(),
    }
}
