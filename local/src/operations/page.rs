//! Pages of a list.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::input::Input;

/// The page that a request asks for, and the token of the next.
pub(super) fn cut<T>(
    input: &Input,
    list: Vec<T>,
    by_default: usize,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let start = match input.text("NextToken") {
        Some(token) => offset(token).ok_or_else(|| {
            ApiError::new("InvalidNextTokenException", "The NextToken value is invalid.")
        })?,
        None => 0,
    };
    let most = input.integer("MaxResults").and_then(|most| usize::try_from(most).ok());
    let end = start + most.unwrap_or(by_default);
    let next = (end < list.len()).then(|| URL_SAFE_NO_PAD.encode(format!("from {end}")));
    Ok((list.into_iter().take(end).skip(start).collect(), next))
}

fn offset(token: &str) -> Option<usize> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    text.strip_prefix("from ")?.parse().ok()
}

pub(super) fn add_next(answer: &mut Value, next: Option<String>) {
    if let (Some(next), Some(answer)) = (next, answer.as_object_mut()) {
        answer.insert("NextToken".to_owned(), json!(next));
    }
}
