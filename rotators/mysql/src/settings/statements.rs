//! The statements that set an account up like another.

use turnlock::Sensitive;

use super::{CLAUSES, Digest, EXPIRY, LIMITS, Requirement, Rule, Settings};
use crate::account::Account;
use crate::dialect::Dialect;
use crate::sql::literal;

/// Makes an account that is set up like `first`, locked, with the rules and the mark that are given. Default roles are
/// not among that: a role has to be granted first.
pub(crate) fn creation(
    first: &Settings,
    account: &Account,
    rules: &[Rule],
    mark: Option<&str>,
    dialect: Dialect,
) -> Sensitive {
    let fresh = Settings::default();
    let identified = identified(rules, dialect);
    let clauses = clauses(&fresh, first, " ACCOUNT LOCK", mark);
    Sensitive::new(format!("CREATE USER {}{}{clauses}", account.quoted(), identified.expose()))
}

/// Sets an account that has `from` up like `to`, with the mark that is given; `None` if there is nothing to do. It neither
/// locks nor unlocks, and it changes no password.
pub(crate) fn difference(
    from: &Settings,
    to: &Settings,
    account: &Account,
    mark: Option<&str>,
) -> Option<String> {
    let clauses = clauses(from, to, "", mark);
    (!clauses.is_empty()).then(|| format!("ALTER USER IF EXISTS {}{clauses}", account.quoted()))
}

/// The last statement: only now can anybody log in by the rules that are given.
pub(crate) fn letting_in(account: &Account, rules: &[Rule], dialect: Dialect) -> Sensitive {
    let identified = identified(rules, dialect);
    let account = account.quoted();
    Sensitive::new(format!("ALTER USER IF EXISTS {account}{} ACCOUNT UNLOCK", identified.expose()))
}

fn identified(rules: &[Rule], dialect: Dialect) -> Sensitive {
    let (with, digest_is, between) =
        if dialect.is_mariadb { ("VIA", "USING", " OR ") } else { ("WITH", "AS", " AND ") };
    let mut text = String::new();
    for rule in rules {
        text.push_str(if text.is_empty() { "" } else { between });
        text.push_str(&literal(&rule.plugin));
        match &rule.digest {
            Digest::Nothing | Digest::Hidden => {}
            Digest::Text(digest) => {
                text.push_str(&format!(" {digest_is} {}", literal(digest.expose())));
            }
            Digest::Hex(digits) => text.push_str(&format!(" {digest_is} 0x{}", digits.expose())),
        }
    }
    let text = Sensitive::new(text);
    Sensitive::new(format!(" IDENTIFIED {with} {}", text.expose()))
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
        // How long the passwords of an account live that is expired by hand, nobody can tell.
        if differs(&name) && !(name == EXPIRY && to.is_expired) {
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
