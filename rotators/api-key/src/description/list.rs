//! How the keys of a principal are listed.

use serde::Deserialize;
use serde_json::Value;

use super::Request;

/// How keys are listed.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct List {
    /// The request.
    pub(crate) request: Request,
    /// The JSON pointer of the array of keys; the whole answer unless told.
    #[serde(default)]
    pub(crate) items: String,
    /// In an item, the JSON pointer of its id.
    pub(crate) id: String,
    /// In an item, the JSON pointer of the label that `create` gave it, where it can give one.
    #[serde(default)]
    pub(crate) label: Option<String>,
    /// In an item, a value that tells that it is not a key that works; it is passed over.
    #[serde(default)]
    pub(crate) skip: Vec<Skip>,
    /// How the next page is asked for.
    #[serde(default)]
    pub(crate) pages: Option<Pages>,
}

/// An item that is no key that works, such as one that was revoked.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub(crate) struct Skip {
    /// The JSON pointer of a value.
    pub(crate) at: String,
    /// The value there.
    pub(crate) is: Value,
}

/// How the next page of a list is asked for.
#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(
    rename_all = "lowercase",
    rename_all_fields = "snake_case",
    tag = "by",
    deny_unknown_fields
)]
pub(crate) enum Pages {
    /// By its number, until a page is empty or the last one.
    Number {
        /// The query's parameter.
        query: String,
        /// The JSON pointer of the last page's number, where a page has it.
        #[serde(default)]
        last: Option<String>,
        /// The number of the first page.
        #[serde(default = "one")]
        first: u32,
    },
    /// By how many items come before, until a page is empty.
    Offset {
        /// The query's parameter.
        query: String,
    },
    /// By a value that the page before has, until there is none.
    Cursor {
        /// The query's parameter.
        query: String,
        /// The JSON pointer of the value.
        at: String,
    },
    /// By the address that the page before has in its header `Link` as `next`, of the same host.
    Link,
    /// By the address that the page before has at a JSON pointer, of the same host.
    Address {
        /// The JSON pointer of the address.
        at: String,
    },
}

fn one() -> u32 {
    1
}
