//! The keys that a principal has at its provider.

use std::collections::BTreeSet;

use serde_json::Value;
use turnlock::{Class, SecretId, TargetError};
use url::Url;

use crate::answer::{Success, text};
use crate::credential::ApiKey;
use crate::description::{List, Pages};
use crate::exchange::Sender;
use crate::http::Client;
use crate::label::Label;
use crate::values::Values;

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
        key: &ApiKey,
        secret: &SecretId,
        sender: Sender<'_>,
    ) -> Result<Vec<Listed>, TargetError> {
        let (mut all, mut seen) = (Vec::new(), BTreeSet::new());
        let mut page = Page::First;
        for number in 0..MOST_PAGES {
            let success = self.page(list, key, sender, &page).await?;
            let found = items(list, &success)?;
            let before = all.len();
            for item in found {
                if list.skip.iter().any(|skip| item.pointer(&skip.at) == Some(&skip.is)) {
                    continue;
                }
                let id = item.pointer(&list.id).and_then(text);
                let id = id.ok_or_else(|| shape(list, "an item has no id"))?.expose().to_owned();
                let label = list.label.as_ref().and_then(|pointer| item.pointer(pointer)?.as_str());
                let label = label.and_then(|label| Label::parse(label, secret));
                // A page that is asked for beyond the last can be the last, once more.
                if seen.insert(id.clone()) {
                    all.push(Listed { id, label });
                }
            }
            let Some(next) = next(list, &success, number, found.len(), all.len() > before) else {
                return Ok(all);
            };
            page = next;
        }
        Err(shape(list, "there are over 100 pages of keys"))
    }

    async fn page(
        &self,
        list: &List,
        key: &ApiKey,
        sender: Sender<'_>,
        page: &Page,
    ) -> Result<Success, TargetError> {
        let values = Values::of(&key.fields);
        let asked = self.ask_page(key, &list.request, values, sender, page).await;
        asked.map_err(|fault| fault.error)
    }
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
                let others: Vec<(String, String)> =
                    url.query_pairs().filter(|(n, _)| n != name).map(|(n, v)| (n.into(), v.into())).collect();
                url.query_pairs_mut().clear().extend_pairs(others).append_pair(name, value);
            }
            Self::Address(address) => {
                let next = url.join(address).map_err(|_| "names a next page that is no address")?;
                if next.origin() != url.origin() {
                    return Err("names a next page at another host");
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

fn next(list: &List, success: &Success, number: usize, count: usize, new: bool) -> Option<Page> {
    match list.pages.as_ref()? {
        Pages::Number { query, first } if new => {
            let next = usize::try_from(*first).ok()? + number + 1;
            Some(Page::Parameter(query.clone(), next.to_string()))
        }
        Pages::Offset { query } if new => {
            // By what the provider counts, which is more than what is kept here.
            Some(Page::Parameter(query.clone(), success.counted(number, count).to_string()))
        }
        Pages::Number { .. } | Pages::Offset { .. } => None,
        Pages::Cursor { query, at } => {
            let cursor = success.text(at).filter(|cursor| !cursor.expose().is_empty())?;
            Some(Page::Parameter(query.clone(), cursor.expose().to_owned()))
        }
        Pages::Link => success.link_to_next().map(Page::Address),
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
