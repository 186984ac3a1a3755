//! Patterns of ARNs.

use super::PolicyError;
use super::pattern;

/// A pattern of an ARN, whose six parts are compared one by one.
///
/// Documented of `ArnLike`: each of the six parts is checked separately
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>). A `*` at the
/// end of a part of a `Resource` can reach over colons; so a pattern in which that could matter, one that has not all
/// six parts or something else than digits for the account, is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ArnPattern([String; 6]);

impl ArnPattern {
    pub(super) fn parse(text: &str) -> Result<Self, PolicyError> {
        let refused = || {
            PolicyError(format!("`{text}` is not an ARN with six parts and an account's number"))
        };
        let parts = parts(text).ok_or_else(refused)?.map(str::to_owned);
        let [prefix, partition, service, _, account, resource] = &parts;
        let account_is_one = account.chars().all(|c| c.is_ascii_digit() || c == '*' || c == '?');
        // Documented of `Resource`: there are no wildcards in the service.
        let service_is_one = !service.is_empty() && !service.contains(['*', '?']);
        let complete = prefix == "arn" && !partition.is_empty() && !resource.is_empty();
        if complete && account_is_one && service_is_one { Ok(Self(parts)) } else { Err(refused()) }
    }

    /// Whether an ARN is meant; a text that is none is not.
    pub(super) fn matches(&self, text: &str) -> bool {
        let same = |parts: [&str; 6]| {
            self.0.iter().zip(parts).all(|(pattern, part)| pattern::matches(pattern, part))
        };
        parts(text).is_some_and(same)
    }
}

/// The five colons that count are the first ones.
fn parts(text: &str) -> Option<[&str; 6]> {
    let mut parts = text.splitn(6, ':');
    let part = [parts.next()?, parts.next()?, parts.next()?, parts.next()?, parts.next()?];
    let [prefix, partition, service, region, account] = part;
    Some([prefix, partition, service, region, account, parts.next()?])
}
