//! A request of a description, filled: no value leaves its place.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use turnlock::{Class, Sensitive, TargetError, percent_encoded};
use url::{Url, form_urlencoded};

use crate::description::{Authentication, Basic, Description, Method, Request};
use crate::template::{Template, Unfit};
use crate::values::{Name, Values};

/// A request as it is sent.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Option<Sensitive>,
    /// Whether it may be sent again where it may have been done.
    pub(crate) repeatable: bool,
    /// What messages call it: the method, the host and the path as the description has it.
    pub(crate) name: String,
}

/// Where a provider is.
#[derive(Clone, Debug)]
pub(crate) struct Base(Url);

impl Base {
    /// Reads the address, of which the secret may choose what the description lets it.
    pub(crate) fn of(
        template: &Template,
        values: &Values<'_>,
        plaintext: bool,
    ) -> Result<Self, String> {
        let whole = template.names().next().is_some_and(|name| {
            template.source().strip_prefix('{').and_then(|s| s.strip_suffix('}'))
                == Some(name.to_string().as_str())
        });
        for name in template.names().filter(|_| !whole) {
            let value = values.value(name).unwrap_or_default();
            let fits = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
            if value.is_empty()
                || !value.chars().all(fits)
                || value.starts_with('.')
                || value.ends_with('.')
            {
                return Err(format!("field `{name}` is no part of a host's name"));
            }
        }
        let filled = template.plain(values).map_err(|missing| absent(&missing.0))?;
        let filled = filled.ok_or("has no address")?;
        let url = Url::parse(filled.expose())
            .map_err(|_| format!("`{}` makes no address", template.source()))?;
        let problem = if url.host_str().is_none_or(str::is_empty) || url.cannot_be_a_base() {
            "has no host"
        } else if !url.username().is_empty() || url.password().is_some() {
            "has a user or a password in it"
        } else if url.query().is_some() || url.fragment().is_some() {
            "has a query or a fragment"
        } else if url.scheme() == "http" && !plaintext {
            "is not https; only \"ssl\": false allows http"
        } else if !["http", "https"].contains(&url.scheme()) {
            "is not https"
        } else {
            return Ok(Self(url));
        };
        Err(format!("the address of `{}` {problem}", template.source()))
    }

    /// The name of what is there.
    pub(crate) fn name(&self) -> String {
        self.0.as_str().trim_end_matches('/').to_owned()
    }

    /// The host, and the port if it is not the scheme's own.
    pub(crate) fn host(&self) -> String {
        let host = self.0.host_str().unwrap_or_default();
        self.0.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// The address of a path, which stays below this one.
    fn with(&self, path: &str) -> Option<Url> {
        if path.is_empty() {
            return Some(self.0.clone());
        }
        let expected = format!("{}{path}", self.0.path().trim_end_matches('/'));
        let url = Url::parse(&format!("{}{path}", self.name())).ok()?;
        // Dot segments would have been resolved by now.
        (url.path() == expected && url.query().is_none() && url.fragment().is_none()).then_some(url)
    }
}

impl Call {
    /// Fills a request.
    pub(crate) fn new(
        description: &Description,
        request: &Request,
        values: &Values<'_>,
        plaintext: bool,
    ) -> Result<Self, TargetError> {
        let base = request.base_url.as_ref().unwrap_or(&description.base_url);
        let base = Base::of(base, values, plaintext).map_err(malformed)?;
        let path = request.path.source();
        let name = format!("{} {path} at {}", request.method.name(), base.host());
        let fault = |problem: String| malformed(format!("{problem} (for {name})"));

        for field in request.path.names() {
            if values.value(field).is_some_and(str::is_empty) {
                return Err(fault(format!("field `{field}` is empty")));
            }
        }
        let filled = request.path.fill(values, percent_encoded).map_err(|m| fault(absent(&m.0)))?;
        let filled = filled.unwrap_or_else(|| Sensitive::new(path));
        let url = base.with(filled.expose());
        let mut url =
            url.ok_or_else(|| fault("a value would leave its place in the path".to_owned()))?;
        for (parameter, template) in &request.query {
            let value = template.plain(values).map_err(|m| fault(absent(&m.0)))?;
            if let Some(value) = value {
                url.query_pairs_mut().append_pair(parameter, value.expose());
            }
        }
        let mut headers = HeaderMap::new();
        for (header, template) in &request.headers {
            let value = template.plain(values).map_err(|m| fault(absent(&m.0)))?;
            let Some(value) = value else { continue };
            put(&mut headers, header, &value).map_err(fault)?;
        }
        let body = if let Some(json) = &request.json {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Some(json.fill(values).map_err(|unfit| fault(unfit_text(&unfit)))?)
        } else if let Some(form) = &request.form {
            let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
            headers.insert(CONTENT_TYPE, kind);
            let mut text = form_urlencoded::Serializer::new(String::new());
            for (parameter, template) in form {
                let value = template.plain(values).map_err(|m| fault(absent(&m.0)))?;
                if let Some(value) = value {
                    text.append_pair(parameter, value.expose());
                }
            }
            Some(Sensitive::new(text.finish()))
        } else {
            None
        };
        let repeatable = request.method.repeatable();
        Ok(Self { method: request.method, url, headers, body, repeatable, name })
    }

    /// Adds what shows who sends it; a signature comes last, when it is sent.
    pub(crate) fn authenticate(
        &mut self,
        authentication: &Authentication,
        values: &Values<'_>,
    ) -> Result<(), TargetError> {
        let fault = |problem: String| malformed(format!("{problem} (for the authentication)"));
        let fill = |template: &Template| {
            let filled = template.plain(values).map_err(|m| fault(absent(&m.0)))?;
            filled.ok_or_else(|| fault("a value is missing".to_owned()))
        };
        if let Some(token) = &authentication.bearer {
            let value = Sensitive::new(format!("Bearer {}", fill(token)?.expose()));
            put(&mut self.headers, AUTHORIZATION.as_str(), &value).map_err(fault)?;
        }
        if let Some(header) = &authentication.header {
            put(&mut self.headers, &header.name, &fill(&header.value)?).map_err(fault)?;
        }
        if let Some(basic) = &authentication.basic {
            self.show(basic, values)?;
        }
        if let Some(query) = &authentication.query {
            let value = fill(&query.value)?;
            self.url.query_pairs_mut().append_pair(&query.name, value.expose());
        }
        Ok(())
    }
}

impl Call {
    /// Adds a user and a password.
    pub(crate) fn show(&mut self, basic: &Basic, values: &Values<'_>) -> Result<(), TargetError> {
        let fault = |problem: String| malformed(format!("{problem} (for the authentication)"));
        let fill = |template: &Template| {
            let filled = template.plain(values).map_err(|m| fault(absent(&m.0)))?;
            filled.ok_or_else(|| fault("a value is missing".to_owned()))
        };
        let (user, password) = (fill(&basic.user)?, fill(&basic.password)?);
        if user.expose().contains(':') {
            return Err(fault(format!("`{}` has a colon", basic.user.source())));
        }
        let pair = Sensitive::new(format!("{}:{}", user.expose(), password.expose()));
        let value = Sensitive::new(format!("Basic {}", STANDARD.encode(pair.expose())));
        put(&mut self.headers, AUTHORIZATION.as_str(), &value).map_err(fault)
    }
}

fn put(headers: &mut HeaderMap, name: &str, value: &Sensitive) -> Result<(), String> {
    let header = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| format!("`{name}` is no name of a header"))?;
    let mut value = HeaderValue::from_str(value.expose()).map_err(|_| {
        format!("the value of the header `{name}` has characters that none can have")
    })?;
    value.set_sensitive(true);
    headers.insert(header, value);
    Ok(())
}

fn absent(name: &Name) -> String {
    format!("field `{name}` is missing")
}

fn unfit_text(unfit: &Unfit) -> String {
    match unfit {
        Unfit::Missing(name) => absent(name),
        Unfit::Mistyped(template) => format!("`{template}` makes nothing of its type"),
    }
}

fn malformed(problem: String) -> TargetError {
    TargetError::new(Class::MalformedSecret, problem)
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
