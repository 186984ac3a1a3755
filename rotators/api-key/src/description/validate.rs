//! What a description has to hold beyond its shape.

use std::collections::BTreeSet;

use reqwest::header::HeaderName;

use super::{Authentication, By, Description, List, Pages, Request, Strategy};
use crate::overlapping::COMING;
use crate::place::Base;
use crate::template::Template;
use crate::values::{Fields, Name, Space, Values};

impl Description {
    /// Checks what the types cannot say; a problem names the part.
    pub(crate) fn validate(&self) -> Result<(), String> {
        self.has_what_its_strategy_needs()?;
        self.host()?;
        let (key, admin) = (self.key.as_ref(), self.admin.as_ref());
        for (name, authentication) in [("key", key), ("admin", admin)] {
            let Some(authentication) = authentication else { continue };
            authentication.validate().map_err(|problem| format!("{name}: {problem}"))?;
            let from = if name == "key" { Space::Secret } else { Space::Admin };
            self.only(&authentication.names(), &[from, Space::Secret, Space::Login], name)?;
        }
        if self.proof().is_empty() {
            return Err("test: is not sent with any field that a rotation writes".to_owned());
        }
        for (name, request) in self.requests() {
            request.validate().map_err(|problem| format!("{name}: {problem}"))?;
            let mut spaces = vec![Space::Secret];
            if request.by == Some(By::Admin) || name.starts_with("admin") {
                spaces.push(Space::Admin);
            }
            if name == "update" && self.strategy == Strategy::SingleUser {
                spaces.push(Space::Next);
            } else if name == "create" || name == "update" {
                spaces.push(Space::New);
            }
            self.only(&request.names(), &spaces, &name)?;
            if name.ends_with(" login") && request.by != Some(By::Anyone) {
                return Err(format!("{name}: nobody is logged in yet; say by = \"anyone\""));
            }
            self.authenticated(request, &name)?;
            self.nothing_secret_in_its_path(request, &name)?;
        }
        if let Some(list) = &self.list {
            list.validate().map_err(|problem| format!("list: {problem}"))?;
        }
        for name in self.principal.names() {
            if name.space != Space::Secret || self.filled().contains(name.field.as_str()) {
                return Err(format!("principal: {{{name}}} is a secret, or not of the secret"));
            }
        }
        Ok(())
    }

    fn has_what_its_strategy_needs(&self) -> Result<(), String> {
        let fills =
            |request: &Option<Request>| request.as_ref().is_some_and(|r| !r.fields.is_empty());
        let listed = self.list.is_some();
        let recognised = self.list.as_ref().is_some_and(|list| list.label.is_some());
        let labels = |request: &Request| {
            let mut names = request.names().into_iter();
            names.any(|name| name.space == Space::New && name.field == "label")
        };
        let problem = match self.strategy {
            Strategy::OverlappingKeys if !fills(&self.create) => "create, with fields, is missing",
            Strategy::OverlappingKeys if self.retire.is_empty() => "retire is missing",
            Strategy::OverlappingKeys if self.update.is_some() || self.draw.is_some() => {
                "update and draw are for other strategies"
            }
            Strategy::OverlappingKeys if listed && !self.filled().contains(self.id.as_str()) => {
                "list needs the id of a key: create does not fill the field that `id` names"
            }
            Strategy::OverlappingKeys
                if recognised && !self.create.as_ref().is_some_and(labels) =>
            {
                "list has the label of a key, which create does not give it: {new.label}"
            }
            Strategy::OverlappingKeys if self.limit.is_some_and(|limit| limit < 2) => {
                "limit has no room for the current key and the next one: it is below 2"
            }
            Strategy::Regenerate | Strategy::RefreshToken if !fills(&self.update) => {
                "update, with fields, is missing"
            }
            Strategy::SingleUser if self.update.is_none() || self.draw.is_none() => {
                "update or draw is missing"
            }
            Strategy::SingleUser if fills(&self.update) => {
                "update fills fields, but the value is stored before it is sent; leave them out"
            }
            Strategy::Regenerate | Strategy::RefreshToken if self.draw.is_some() => {
                "draw is for single-user"
            }
            Strategy::Regenerate | Strategy::RefreshToken | Strategy::SingleUser
                if self.create.is_some() || !self.retire.is_empty() || listed =>
            {
                "create, retire and list are for overlapping-keys"
            }
            Strategy::OverlappingKeys
            | Strategy::Regenerate
            | Strategy::RefreshToken
            | Strategy::SingleUser => return Ok(()),
        };
        Err(problem.to_owned())
    }

    /// A value of the secret chooses a host only where the description names its field.
    fn host(&self) -> Result<(), String> {
        let own = self.requests().into_iter().filter_map(|(_, request)| request.base_url.as_ref());
        for template in own.chain([&self.base_url]) {
            let source = template.source();
            for name in template.names() {
                if name.space != Space::Secret || !self.host_from_secret.contains(&name.field) {
                    return Err(format!(
                        "base_url `{source}`: {{{name}}} chooses the host and is not in host_from_secret"
                    ));
                }
            }
            if template.names().next().is_some() {
                continue;
            }
            if !source.starts_with("https://") {
                return Err(format!("base_url `{source}` does not begin with https://"));
            }
            Base::of(template, &Values::of(&Fields::default()), false)
                .map_err(|problem| format!("base_url: {problem}"))?;
        }
        Ok(())
    }

    fn authenticated(&self, request: &Request, name: &str) -> Result<(), String> {
        let missing = match request.by {
            Some(By::Key) if self.key.is_none() => "key",
            Some(By::Admin) if self.admin.is_none() => "admin",
            None if self.key.is_none() && self.admin.is_none() => "key and admin",
            Some(By::Function) if self.key.as_ref().is_none_or(|key| key.sigv4.is_none()) => {
                "key.sigv4"
            }
            Some(_) | None => return Ok(()),
        };
        Err(format!("{name}: how it is authenticated is missing: {missing}"))
    }

    fn nothing_secret_in_its_path(&self, request: &Request, name: &str) -> Result<(), String> {
        for field in request.path.names() {
            let filled = self.filled().contains(field.field.as_str()) && field.field != self.id;
            if filled || !matches!(field.space, Space::Secret | Space::New) {
                return Err(format!("{name}: {{{field}}} would be in the path, which servers log"));
            }
        }
        Ok(())
    }

    fn only(&self, names: &[&Name], spaces: &[Space], part: &str) -> Result<(), String> {
        let given = |name: &Name| match name.space {
            Space::Secret | Space::Admin | Space::Login => true,
            Space::Next => self.draw.as_ref() == Some(&name.field),
            Space::New => COMING.contains(&name.field.as_str()),
        };
        match names.iter().find(|name| !spaces.contains(&name.space) || !given(name)) {
            Some(name) => Err(format!("{part}: {{{name}}} has no value there")),
            None => Ok(()),
        }
    }

    /// The fields of the secret that a rotation writes.
    pub(crate) fn filled(&self) -> BTreeSet<&str> {
        let requests = self.create.iter().chain(&self.update);
        let fields = requests.flat_map(|request| request.fields.keys().map(String::as_str));
        fields.chain(self.draw.as_deref()).collect()
    }

    /// The fields of the secret that have to be there, and those that may be, whatever the strategy.
    pub(crate) fn read(&self) -> (BTreeSet<&str>, BTreeSet<&str>) {
        let mut templates: Vec<&Template> = vec![&self.base_url, &self.principal];
        templates.extend(self.key.iter().flat_map(Authentication::templates));
        templates.extend(self.requests().into_iter().flat_map(|(_, r)| r.templates()));
        let own = |name: &&Name| name.space == Space::Secret;
        let needed: BTreeSet<&str> = templates
            .iter()
            .flat_map(|t| t.needed())
            .filter(own)
            .map(|n| n.field.as_str())
            .collect();
        let named = templates.iter().flat_map(|t| t.names()).filter(own).map(|n| n.field.as_str());
        let same = self.requests().into_iter().flat_map(|(_, r)| r.same.keys().map(String::as_str));
        let all: BTreeSet<&str> = named.chain(self.filled()).chain(same).collect();
        (needed.clone(), all.difference(&needed).copied().collect())
    }

    /// All requests, each with its name in the description.
    pub(crate) fn requests(&self) -> Vec<(String, &Request)> {
        let mut all = vec![("test".to_owned(), &self.test)];
        all.extend(self.create.iter().map(|r| ("create".to_owned(), r)));
        all.extend(self.update.iter().map(|r| ("update".to_owned(), r)));
        all.extend(self.retire.iter().enumerate().map(|(n, r)| (format!("retire {}", n + 1), r)));
        all.extend(self.list.iter().map(|list| ("list".to_owned(), &list.request)));
        for (name, authentication) in [("key", &self.key), ("admin", &self.admin)] {
            let Some(authentication) = authentication else { continue };
            all.extend(authentication.login.iter().map(|r| (format!("{name} login"), &**r)));
            all.extend(authentication.test.iter().map(|r| (format!("{name} test"), &**r)));
        }
        all
    }
}

fn is_header(name: &str) -> bool {
    HeaderName::from_bytes(name.as_bytes()).is_ok()
}

impl Authentication {
    fn validate(&self) -> Result<(), String> {
        let given = [
            self.bearer.is_some(),
            self.header.is_some(),
            self.basic.is_some(),
            self.query.is_some(),
            self.sigv4.is_some(),
        ];
        if given.iter().filter(|given| **given).count() != 1 {
            return Err("has to have one of bearer, header, basic, query and sigv4".to_owned());
        }
        if let Some(named) = self.header.as_ref().filter(|named| !is_header(&named.name)) {
            return Err(format!("`{}` is no name of a header", named.name));
        }
        let filled =
            |name: &Name| self.login.as_ref().is_some_and(|l| l.fields.contains_key(&name.field));
        let names = self.names();
        if let Some(name) = names.iter().find(|name| name.space == Space::Login && !filled(name)) {
            return Err(format!("{{{name}}} is filled by no login"));
        }
        match self.templates().iter().find(|template| template.misplaced(false)) {
            Some(template) => Err(format!("`{}` is typed outside a JSON body", template.source())),
            None => Ok(()),
        }
    }

    pub(crate) fn templates(&self) -> Vec<&Template> {
        let mut all: Vec<&Template> = self.bearer.iter().collect();
        all.extend(self.header.iter().chain(&self.query).map(|named| &named.value));
        all.extend(self.basic.iter().flat_map(|basic| [&basic.user, &basic.password]));
        all.extend(self.sigv4.iter().flat_map(|signature| {
            let key = [&signature.access_key_id, &signature.secret_access_key];
            [&signature.service, &signature.region].into_iter().chain(key)
        }));
        all
    }

    fn names(&self) -> Vec<&Name> {
        self.templates().into_iter().flat_map(Template::names).collect()
    }
}

impl List {
    fn validate(&self) -> Result<(), String> {
        let pages = self.pages.as_ref().and_then(|pages| match pages {
            Pages::Number { last, .. } => last.as_ref(),
            Pages::Cursor { at, .. } | Pages::Address { at } => Some(at),
            Pages::Offset { .. } | Pages::Link => None,
        });
        // The whole answer can be the array.
        let items = Some(&self.items).filter(|items| !items.is_empty());
        let of_item = [Some(&self.id), self.label.as_ref()].into_iter().flatten();
        let skipped = self.skip.iter().map(|skip| &skip.at);
        let mut pointers = items.into_iter().chain(of_item).chain(skipped).chain(pages);
        pointers.try_for_each(|pointer| is_pointer(pointer))
    }
}

fn is_pointer(text: &str) -> Result<(), String> {
    if text.starts_with('/') {
        return Ok(());
    }
    Err(format!("`{text}` is no JSON pointer: it does not begin with a slash"))
}

impl Request {
    fn validate(&self) -> Result<(), String> {
        if self.json.is_some() && self.form.is_some() {
            return Err("has a body as JSON and as a form".to_owned());
        }
        if self.basic.is_some() && self.by != Some(By::Anyone) {
            return Err("has a user and a password of its own; say by = \"anyone\"".to_owned());
        }
        let path = self.path.source();
        let placed = path.is_empty() || path.starts_with('/');
        if !placed || path.contains(['?', '#']) {
            return Err(format!("path `{path}` does not begin with a slash, or has a query"));
        }
        let in_json: Vec<&Template> = self.json.iter().flat_map(|json| json.templates()).collect();
        let elsewhere = |template: &&Template| !in_json.iter().any(|t| std::ptr::eq(*t, *template));
        let misplaced = in_json.iter().find(|template| template.misplaced(true)).copied();
        let misplaced = misplaced.or_else(|| {
            self.templates()
                .into_iter()
                .filter(elsewhere)
                .find(|template| template.misplaced(false))
        });
        if let Some(template) = misplaced {
            return Err(format!(
                "`{}`: number, list and raw are for a whole text of a JSON body",
                template.source()
            ));
        }
        if let Some(name) = self.headers.keys().find(|name| !is_header(name)) {
            return Err(format!("`{name}` is no name of a header"));
        }
        let mut statuses = self.success.iter().copied().chain(self.when.iter().map(|r| r.status));
        if let Some(status) = statuses.find(|status| !(100..600).contains(status)) {
            return Err(format!("{status} is no status of HTTP"));
        }
        let pointers = self.fields.values().chain(self.same.values()).chain(self.equals.keys());
        let mut pointers = pointers.chain(self.when.iter().filter_map(|rule| rule.at.as_ref()));
        pointers.try_for_each(|pointer| is_pointer(pointer))?;
        for rule in &self.when {
            if rule.at.is_none() && (rule.is.is_some() || rule.contains.is_some()) {
                return Err("a rule has a value and no `at`, where the value is".to_owned());
            }
        }
        Ok(())
    }

    pub(crate) fn templates(&self) -> Vec<&Template> {
        let mut all = vec![&self.path];
        all.extend(&self.base_url);
        all.extend(self.basic.iter().flat_map(|basic| [&basic.user, &basic.password]));
        all.extend(self.signed_for.iter().flat_map(|to| [&to.service, &to.region]));
        all.extend(self.headers.values().chain(self.query.values()));
        all.extend(self.equals.values());
        all.extend(self.json.iter().flat_map(|json| json.templates()));
        all.extend(self.form.iter().flat_map(|form| form.values()));
        all
    }

    fn names(&self) -> Vec<&Name> {
        self.templates().into_iter().flat_map(Template::names).collect()
    }
}

#[cfg(test)]
mod tests;
