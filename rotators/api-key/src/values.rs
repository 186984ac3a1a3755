//! The values that stand in for placeholders.

use std::collections::BTreeMap;
use std::fmt;

use turnlock::{Edit, Sensitive};

/// Values by their names.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Fields(BTreeMap<String, Sensitive>);

impl Fields {
    pub(crate) fn value(&self, field: &str) -> Option<&str> {
        self.0.get(field).map(Sensitive::expose)
    }

    pub(crate) fn put(&mut self, field: &str, value: Sensitive) {
        self.0.insert(field.to_owned(), value);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Sensitive)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The same values once more.
    pub(crate) fn copied(&self) -> Self {
        let copy =
            |(name, value): (&str, &Sensitive)| (name.to_owned(), Sensitive::new(value.expose()));
        Self(self.iter().map(copy).collect())
    }

    /// The edit of a secret that writes them.
    pub(crate) fn edit(&self) -> Edit {
        let set = |edit: Edit, (field, value): (&str, &Sensitive)| {
            edit.set(field, Sensitive::new(value.expose()))
        };
        self.iter().fold(Edit::new(), set)
    }
}

/// A placeholder's name: where the value is from, and what it is called there.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Name {
    pub(crate) space: Space,
    pub(crate) field: String,
}

/// Where a value is from.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Space {
    /// The secret that the request is about.
    Secret,
    /// The version that shall come.
    Next,
    /// The admin's secret.
    Admin,
    /// The answer of a login.
    Login,
    /// The key to be minted.
    New,
}

impl Name {
    /// Reads `field` or `space.field`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (space, field) = match text.split_once('.') {
            None => (Space::Secret, text),
            Some(("next", field)) => (Space::Next, field),
            Some(("admin", field)) => (Space::Admin, field),
            Some(("login", field)) => (Space::Login, field),
            Some(("new", field)) => (Space::New, field),
            Some(_) => return None,
        };
        let fits = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
        let named = !field.is_empty() && field.chars().all(fits);
        named.then(|| Self { space, field: field.to_owned() })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let space = match self.space {
            Space::Secret => "",
            Space::Next => "next.",
            Space::Admin => "admin.",
            Space::Login => "login.",
            Space::New => "new.",
        };
        write!(f, "{space}{}", self.field)
    }
}

/// The values that one request is made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Values<'a> {
    pub(crate) secret: &'a Fields,
    pub(crate) next: Option<&'a Fields>,
    pub(crate) admin: Option<&'a Fields>,
    pub(crate) login: Option<&'a Fields>,
    pub(crate) new: Option<&'a Fields>,
}

impl<'a> Values<'a> {
    /// Those of a secret alone.
    pub(crate) fn of(secret: &'a Fields) -> Self {
        Self { secret, next: None, admin: None, login: None, new: None }
    }

    pub(crate) fn value(&self, name: &Name) -> Option<&'a str> {
        let fields = match name.space {
            Space::Secret => Some(self.secret),
            Space::Next => self.next,
            Space::Admin => self.admin,
            Space::Login => self.login,
            Space::New => self.new,
        };
        fields?.value(&name.field)
    }
}

#[cfg(test)]
mod properties;
