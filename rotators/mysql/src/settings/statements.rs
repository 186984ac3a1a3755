//! The statements that set an account up like another.

use turnlock::Sensitive;

use super::{CLAUSES, Digest, EXPIRY, LIMITS, Requirement, Rule, Settings};
use crate::account::Account;
use crate::sql::literal;
use crate::version::Version;

/// Makes an account that is set up like `first`, locked, with the rules and the mark that are given. Default roles are
/// not among that: a role has to be granted first.
pub(crate) fn creation(
    first: &Settings,
    account: &Account,
    rules: &[Rule],
    mark: Option<&str>,
    version: Version,
) -> Sensitive {
    let fresh = Settings::default();
    let identified = identified(rules, version);
    let clauses = clauses(&fresh, first, " ACCOUNT LOCK", mark);
    joined(&["CREATE USER ", &account.quoted(), identified.expose(), &clauses])
}

/// Sets an account that has `from` up like `to`, with the mark that is given; empty if there is nothing to do. It neither
/// locks nor unlocks, and it changes no password.
pub(crate) fn difference(
    from: &Settings,
    to: &Settings,
    account: &Account,
    mark: Option<&str>,
    version: Version,
) -> Vec<String> {
    let alter = format!("ALTER USER IF EXISTS {}", account.quoted());
    let clauses = clauses(from, to, "", mark);
    let mut statements = Vec::new();
    let is_reset = sets_expiry(from, to) && !to.clauses.contains_key(EXPIRY);
    if is_reset && !version.is_mariadb() {
        // MySQL keeps a lifetime in memory when it is set to the default (seen on 9.7), but not this one.
        statements.push(format!("{alter} PASSWORD EXPIRE NEVER"));
    }
    if !clauses.is_empty() {
        statements.push(format!("{alter}{clauses}"));
    }
    statements
}

/// The last statement: only now can anybody log in by the rules that are given.
pub(crate) fn letting_in(account: &Account, rules: &[Rule], version: Version) -> Sensitive {
    let identified = identified(rules, version);
    let account = account.quoted();
    joined(&["ALTER USER IF EXISTS ", &account, identified.expose(), " ACCOUNT UNLOCK"])
}

fn identified(rules: &[Rule], version: Version) -> Sensitive {
    let (with, digest_is, between) =
        if version.is_mariadb() { ("VIA", "USING", " OR ") } else { ("WITH", "AS", " AND ") };
    let mut parts = Vec::new();
    for rule in rules {
        parts.push(Sensitive::new(if parts.is_empty() { "" } else { between }));
        parts.push(Sensitive::new(literal(&rule.plugin)));
        match &rule.digest {
            Digest::Nothing => {}
            // As the server prints it, which no server takes: without a digest, there would be no password.
            Digest::Hidden => parts.push(Sensitive::new(format!(" {digest_is} <secret>"))),
            Digest::Text(digest) => {
                parts.push(Sensitive::new(format!(" {digest_is} ")));
                parts.push(Sensitive::new(literal(digest.expose())));
            }
            Digest::Hex(digits) => {
                parts.push(Sensitive::new(format!(" {digest_is} 0x")));
                parts.push(Sensitive::new(digits.expose()));
            }
        }
    }
    let mut all = vec![" IDENTIFIED ", with, " "];
    all.extend(parts.iter().map(Sensitive::expose));
    joined(&all)
}

/// Made in one go: a string that grows leaves copies of itself behind.
fn joined(parts: &[&str]) -> Sensitive {
    Sensitive::new(parts.concat())
}

/// The clauses that are not alike, in the order in which both products want them.
fn clauses(from: &Settings, to: &Settings, lock: &str, mark: Option<&str>) -> String {
    let mut text = String::new();
    if from.requirement != to.requirement {
        text.push_str(" REQUIRE ");
        text.push_str(&to.requirement.written());
    }
    let differs = |name: &&str| from.clauses.get(*name) != to.clauses.get(*name);
    let value = |name: &str, default: &str| {
        to.clauses.get(name).cloned().unwrap_or_else(|| default.to_owned())
    };
    let limits: String = LIMITS
        .iter()
        .filter(|name| differs(name))
        .map(|name| format!(" {name} {}", value(name, "0")))
        .collect();
    if !limits.is_empty() {
        text.push_str(" WITH");
        text.push_str(&limits);
    }
    text.push_str(lock);
    for (name, default) in CLAUSES {
        let changes = if name == EXPIRY { sets_expiry(from, to) } else { differs(&name) };
        if changes {
            let clause = format!(" {name} {}", value(name, default));
            text.push_str(clause.trim_end());
        }
    }
    if let Some(patch) = from.attribute.patch(&to.attribute, mark) {
        text.push_str(" ATTRIBUTE ");
        text.push_str(&literal(&patch));
    }
    text
}

/// Of an account that is expired by hand, nobody can tell how long its passwords live.
fn sets_expiry(from: &Settings, to: &Settings) -> bool {
    let differs = from.clauses.get(EXPIRY) != to.clauses.get(EXPIRY);
    !to.is_expired && (from.is_expired || differs)
}

impl Requirement {
    fn written(&self) -> String {
        match self {
            Self::Nothing => "NONE".to_owned(),
            Self::Tls => "SSL".to_owned(),
            Self::Certificate => "X509".to_owned(),
            Self::Details(details) => {
                let written =
                    |(detail, text): (&String, &String)| format!("{detail} {}", literal(text));
                details.iter().map(written).collect::<Vec<_>>().join(" AND ")
            }
        }
    }
}
