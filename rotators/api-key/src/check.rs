//! `check FILE`, for whoever writes a description: whether it is one, and what would be sent.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use crate::description::{Authentication, Basic, By, Description, Request};
use crate::providers::{self, BUILT_IN, Provider};
use crate::template::{Json, Template};

/// Checks the description in a file, or the one built in of that name, and prints every request that it makes, each value
/// as its placeholder.
///
/// No request is sent. What is wrong goes to standard error, and is the exit code.
pub fn check(file: &Path) -> ExitCode {
    let built_in = BUILT_IN.iter().find(|(name, _)| file == Path::new(name));
    let read = match built_in {
        Some((name, text)) if !file.exists() => Provider::from_toml(name, text),
        Some(_) | None => providers::read(file),
    };
    match read {
        Ok(provider) => say(&shown(&provider.description), true),
        Err(problem) => say(&format!("{}: {problem}\n", file.display()), false),
    }
}

/// Says how the program is used by hand.
pub fn usage() -> ExitCode {
    let built_in: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    let text = format!(
        "usage: turnlock-api-key              as a Lambda function\n       \
         turnlock-api-key check FILE   checks a provider's description, or one built in, and prints its requests\n\
         built in: {}\n",
        built_in.join(", ")
    );
    say(&text, false)
}

fn say(text: &str, well: bool) -> ExitCode {
    // Where nobody is there to be told, the exit code says it.
    let _told = if well {
        std::io::stdout().write_all(text.as_bytes())
    } else {
        std::io::stderr().write_all(text.as_bytes())
    };
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a description comes to, for people.
fn shown(description: &Description) -> String {
    let mut text = format!("{}\n", description.title);
    let mut line = |line: String| {
        // Writing to a string does not fail.
        let _written = writeln!(text, "{line}");
    };
    if let Some(documentation) = &description.documentation {
        line(documentation.clone());
    }
    let (needed, optional) = description.read();
    let list = |names: &mut dyn Iterator<Item = &str>| names.collect::<Vec<_>>().join(", ");
    line(format!("strategy: {}", description.strategy.name()));
    line(format!("the secret needs: {}", list(&mut needed.into_iter())));
    if !optional.is_empty() {
        line(format!("and may have: {}", list(&mut optional.into_iter())));
    }
    line(format!("a rotation writes: {}", list(&mut description.filled().into_iter())));
    let admin = description.needed_of_the_admin();
    if !admin.is_empty() {
        line(format!("the admin's secret needs: {}", list(&mut admin.into_iter())));
    }
    for (name, request) in description.requests() {
        line(format!("\n{name}\n{}", sent(description, &name, request)));
    }
    text
}

fn sent(description: &Description, name: &str, request: &Request) -> String {
    let base = request.base_url.as_ref().unwrap_or(&description.base_url);
    let (base, path) = (base.source().trim_end_matches('/'), request.path.source());
    let mut parameters: Vec<String> =
        request.query.iter().map(|(name, value)| format!("{name}={}", value.source())).collect();
    let mut lines = Vec::new();
    for (who, authentication) in senders(description, name, request) {
        let (header, query) = shown_authentication(authentication);
        lines.extend(header.map(|header| format!("  {header}{who}")));
        parameters.extend(query);
    }
    if request.by == Some(By::Function) {
        lines.push("  Authorization: AWS4-HMAC-SHA256 … (by the function's role)".to_owned());
    }
    if let Some(basic) = &request.basic {
        lines.push(format!("  {}", shown_basic(basic)));
    }
    if let Some(to) = &request.signed_for {
        lines.push(format!("  (signed for {} in {})", to.service.source(), to.region.source()));
    }
    lines.extend(
        request.headers.iter().map(|(name, value)| format!("  {name}: {}", value.source())),
    );
    if let Some(json) = &request.json {
        lines.push(format!("  Content-Type: application/json\n\n  {}", shown_json(json)));
    }
    if let Some(form) = &request.form {
        let body: Vec<String> =
            form.iter().map(|(name, value)| format!("{name}={}", value.source())).collect();
        lines.push(format!(
            "  Content-Type: application/x-www-form-urlencoded\n\n  {}",
            body.join("&")
        ));
    }
    let mark = if parameters.is_empty() { "" } else { "?" };
    let address = format!("  {} {base}{path}{mark}{}", request.method.name(), parameters.join("&"));
    lines.insert(0, address);
    lines.join("\n")
}

/// Who can send a request, with what is said of it where there are two.
fn senders<'a>(
    description: &'a Description,
    name: &str,
    request: &Request,
) -> Vec<(&'static str, &'a Authentication)> {
    let key = description.key.as_ref().map(|key| ("", key));
    let admin = description.admin.as_ref().map(|admin| ("", admin));
    let all = match request.by {
        Some(By::Anyone | By::Function) => vec![],
        Some(By::Key) => vec![key],
        Some(By::Admin) => vec![admin],
        None if name == "test" || name.starts_with("key") => vec![key],
        None if name.starts_with("admin") => vec![admin],
        None if key.is_some() && admin.is_some() => {
            let admin = admin.map(|(_, by)| (" (where the secret has masterarn)", by));
            vec![key.map(|(_, by)| (" (else)", by)), admin]
        }
        None => vec![key, admin],
    };
    all.into_iter().flatten().collect()
}

/// The header that shows who sends a request, or the parameter of the query.
fn shown_authentication(authentication: &Authentication) -> (Option<String>, Option<String>) {
    let named = |name: &str, value: &Template| format!("{name}: {}", value.source());
    if let Some(token) = &authentication.bearer {
        return (Some(format!("Authorization: Bearer {}", token.source())), None);
    }
    if let Some(header) = &authentication.header {
        return (Some(named(&header.name, &header.value)), None);
    }
    if let Some(basic) = &authentication.basic {
        return (Some(shown_basic(basic)), None);
    }
    if let Some(query) = &authentication.query {
        return (None, Some(format!("{}={}", query.name, query.value.source())));
    }
    let signed = authentication.sigv4.as_ref().map(|signature| {
        let (id, service) = (signature.access_key_id.source(), signature.service.source());
        format!("Authorization: AWS4-HMAC-SHA256 … (by {id}, for {service})")
    });
    (signed, None)
}

fn shown_basic(basic: &Basic) -> String {
    let (user, password) = (basic.user.source(), basic.password.source());
    format!("Authorization: Basic {user}:{password} (as base64)")
}

fn shown_json(json: &Json) -> String {
    match json {
        Json::Text(template) => serde_json::Value::from(template.source()).to_string(),
        Json::Other(value) => value.to_string(),
        Json::Array(items) => {
            format!("[{}]", items.iter().map(shown_json).collect::<Vec<_>>().join(", "))
        }
        Json::Object(members) => {
            let members = members.iter().map(|(name, value)| {
                format!("{}: {}", serde_json::Value::from(name.as_str()), shown_json(value))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}
