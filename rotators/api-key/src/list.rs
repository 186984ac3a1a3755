//! The keys that a principal has at its provider.

use std::collections::BTreeSet;

use serde_json::Value;
use turnlock::{Class, SecretId, TargetError};
use url::Url;

use crate::answer::{Success, text};
use crate::description::{List, Pages};
use crate::exchange::{Ask, Sender};
use crate::http::Client;
use crate::key::Key;
use crate::label::Label;

/// Nobody has more pages of keys; a provider that always has another one is not asked for ever.
const MOST_PAGES: usize = 100;

/// A key in a list.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) id: String,
    /// The label, where it is one of this secret.
    pub(crate) label: Option<Label>,
}

impl Client {
    /// Asks for all keys of the principal.
    pub(crate) async fn list(
        &self,
        list: &List,
        key: &Key,
        secret: &SecretId,
        sender: Sender<'_>,
    ) -> Result<Vec<Listed>, TargetError> {
        let (mut all, mut seen, mut passed) = (Vec::new(), BTreeSet::new(), 0);
        let mut page = Page::First;
        for number in 0..MOST_PAGES {
            let ask = Ask::new(key, &list.request).by(sender).page(&page).repeatable();
            let success = self.ask(ask).await.map_err(|fault| fault.error)?;
            let found = items(list, &success)?;
            passed += found.len();
            let before = seen.len();
            for item in found {
                let id = item.pointer(&list.id).and_then(text);
                let id = id.ok_or_else(|| shape(list, "an item has no id"))?.expose().to_owned();
                // A page that is asked for beyond the last can be the last, once more.
                let skipped = list.skip.iter().any(|s| item.pointer(&s.at) == Some(&s.is));
                if !seen.insert(id.clone()) || skipped {
                    continue;
                }
                let label = list.label.as_ref().and_then(|pointer| item.pointer(pointer)?.as_str());
                all.push(Listed { id, label: label.and_then(|label| Label::parse(label, secret)) });
            }
            let place = Place { number, passed, new: seen.len() > before };
            match next(list, &success, &place) {
                Some(next) => page = next,
                None => return Ok(all),
            }
        }
        Err(shape(list, "there are over 100 pages of keys"))
    }
}

/// How far a list was read.
struct Place {
    /// How many pages came before this one.
    number: usize,
    /// How many items came, with those of this page.
    passed: usize,
    /// Whether one of them was new.
    new: bool,
}

/// Which page to ask for.
#[derive(Debug)]
pub(crate) enum Page {
    First,
    /// A parameter of the query, and its value.
    Parameter(String, String),
    /// An address, which has to be of the same host.
    Address(String),
}

impl Page {
    /// Changes the address of the first page.
    pub(crate) fn turn(&self, url: &mut Url) -> Result<(), &'static str> {
        match self {
            Self::First => {}
            Self::Parameter(name, value) => {
                let others: Vec<(String, String)> = url
                    .query_pairs()
                    .filter(|(n, _)| n != name)
                    .map(|(n, v)| (n.into(), v.into()))
                    .collect();
                url.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
            }
            Self::Address(address) => {
                let next = url.join(address).map_err(|_| "names a next page that is no address")?;
                if next.origin() != url.origin() {
                    return Err("names a next page at another host");
                }
                // The client would send them instead of ours, or beside it.
                if !next.username().is_empty() || next.password().is_some() {
                    return Err("names a next page with a user or a password");
                }
                *url = next;
            }
        }
        Ok(())
    }
}

fn items<'a>(list: &List, success: &'a Success) -> Result<&'a [Value], TargetError> {
    match success.at(&list.items) {
        Some(Value::Array(items)) => Ok(items),
        // An empty list in XML is an empty element.
        Some(Value::String(text)) if text.trim().is_empty() => Ok(&[]),
        _ => Err(shape(list, "there is no array of keys where the description says")),
    }
}

fn next(list: &List, success: &Success, place: &Place) -> Option<Page> {
    match list.pages.as_ref()? {
        Pages::Number { query, first, last } if place.new => {
            let next = usize::try_from(*first).ok()? + place.number + 1;
            let last = last.as_ref().and_then(|at| success.text(at)?.expose().parse().ok());
            if last.is_some_and(|last: usize| next > last) {
                return None;
            }
            Some(Page::Parameter(query.clone(), next.to_string()))
        }
        Pages::Offset { query } if place.new => {
            Some(Page::Parameter(query.clone(), place.passed.to_string()))
        }
        Pages::Number { .. } | Pages::Offset { .. } => None,
        Pages::Cursor { query, at } => {
            let cursor = success.text(at).filter(|cursor| !cursor.expose().is_empty())?;
            Some(Page::Parameter(query.clone(), cursor.expose().to_owned()))
        }
        Pages::Link => success.next_link().map(Page::Address),
        Pages::Address { at } => {
            let address = success.text(at).filter(|address| !address.expose().is_empty())?;
            Some(Page::Address(address.expose().to_owned()))
        }
    }
}

fn shape(list: &List, problem: &str) -> TargetError {
    let (method, path) = (list.request.method.name(), list.request.path.source());
    TargetError::new(Class::Unexpected, format!("{method} {path}: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turned(url: &str, page: &Page) -> Result<String, &'static str> {
        let mut url = Url::parse(url).unwrap();
        page.turn(&mut url).map(|()| url.to_string())
    }

    #[test]
    fn a_turned_page_keeps_the_other_parameters() {
        let page = Page::Parameter("page".to_owned(), "a&b=c d".to_owned());
        let url = turned("https://a.example/keys?user=x%26y&page=1&per=5", &page);
        let expected = "https://a.example/keys?user=x%26y&per=5&page=a%26b%3Dc+d";
        assert_eq!(url.as_deref(), Ok(expected));
        let first = turned("https://a.example/keys?user=x", &Page::First);
        assert_eq!(first.as_deref(), Ok("https://a.example/keys?user=x"));
    }

    #[test]
    fn an_address_of_the_next_page_is_of_the_same_origin() {
        let turned = |address: &str| {
            turned("https://a.example:8443/v1/keys?page=1", &Page::Address(address.to_owned()))
        };
        for (address, url) in [
            ("https://a.example:8443/v1/keys?page=2", "https://a.example:8443/v1/keys?page=2"),
            ("/v1/keys?page=2", "https://a.example:8443/v1/keys?page=2"),
            ("?page=2", "https://a.example:8443/v1/keys?page=2"),
        ] {
            assert_eq!(turned(address).as_deref(), Ok(url), "{address}");
        }
        for address in [
            "https://b.example:8443/v1/keys?page=2",
            "https://a.example/v1/keys?page=2",
            "http://a.example:8443/v1/keys?page=2",
            "//b.example/v1/keys",
            "\\\\b.example/v1/keys",
            "https://a.example:8443@b.example/",
            "data:text/plain,x",
        ] {
            assert_eq!(turned(address), Err("names a next page at another host"), "{address}");
        }
        assert_eq!(turned("https://[/"), Err("names a next page that is no address"));
    }

    #[test]
    fn an_address_of_the_next_page_has_no_user_and_no_password() {
        for address in ["https://root@a.example/keys?page=2", "https://:hunter2@a.example/keys"] {
            let page = Page::Address(address.to_owned());
            let problem = Err("names a next page with a user or a password");
            assert_eq!(turned("https://a.example/keys", &page), problem);
        }
    }
}
