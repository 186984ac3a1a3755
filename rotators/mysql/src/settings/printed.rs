//! An account's settings as the server prints them, for fuzzers and tests.

use super::{CLAUSES, Digest, EXPIRY, LIMITS, Requirement, Settings};
use crate::account::Account;
use crate::sql::quoted;
use crate::version::Version;

impl Settings {
    /// The row of `SHOW CREATE USER` that reads as these; `None` where MySQL prints a text whose end cannot be told.
    pub(crate) fn printed(&self, account: &Account, version: Version) -> Option<String> {
        let mut row = format!("CREATE USER {}{}", account.quoted(), self.identified(version)?);
        if !self.default_roles.is_empty() {
            let roles = self.default_roles.iter().map(|role| match &role.host {
                Some(host) => format!("{}@{}", quoted(&role.name), quoted(host)),
                None => quoted(&role.name),
            });
            row += &format!(" DEFAULT ROLE {}", roles.collect::<Vec<_>>().join(","));
        }
        row += &format!(" REQUIRE {}", self.required(version)?);
        let value = |name: &str| self.clauses.get(name);
        let limits = LIMITS.iter().filter_map(|name| Some(format!(" {name} {}", value(name)?)));
        let limits: String = limits.collect();
        if !limits.is_empty() {
            row += &format!(" WITH{limits}");
        }
        if self.is_expired {
            row += " PASSWORD EXPIRE";
        }
        row += if self.is_locked { " ACCOUNT LOCK" } else { " ACCOUNT UNLOCK" };
        for (name, default) in CLAUSES {
            let text = value(name).map_or(default, String::as_str);
            let is_printed = !version.is_mariadb() && (name != EXPIRY || !self.is_expired);
            if is_printed || value(name).is_some() {
                row += &format!(" {name} {text}");
            }
        }
        Some(row)
    }

    fn identified(&self, version: Version) -> Option<String> {
        let mut rules = Vec::new();
        for rule in &self.rules {
            let mut text = if version.is_mariadb() {
                rule.plugin.clone()
            } else {
                printed_text(&rule.plugin, version)?
            };
            let using = if version.is_mariadb() { " USING " } else { " AS " };
            match &rule.digest {
                Digest::Nothing => {}
                Digest::Hidden => text += &format!("{using}<secret>"),
                Digest::Text(digest) => {
                    text += &format!("{using}{}", printed_text(digest.expose(), version)?);
                }
                Digest::Hex(digits) => text += &format!("{using}0x{}", digits.expose()),
            }
            rules.push(text);
        }
        let with = if version.is_mariadb() { "VIA" } else { "WITH" };
        let with_default = rules == ["mysql_native_password"] && version.is_mariadb();
        Some(if with_default {
            String::new()
        } else {
            // MySQL's readers see one factor.
            format!(" IDENTIFIED {with} {}", rules.join(" OR "))
        })
    }

    fn required(&self, version: Version) -> Option<String> {
        Some(match &self.requirement {
            Requirement::Nothing => "NONE".to_owned(),
            Requirement::Tls => "SSL".to_owned(),
            Requirement::Certificate => "X509".to_owned(),
            Requirement::Details(details) => {
                let texts = details.iter().map(|(detail, text)| {
                    Some(format!("{detail} {}", printed_text(text, version)?))
                });
                texts.collect::<Option<Vec<_>>>()?.join(" ")
            }
        })
    }
}

fn printed_text(text: &str, version: Version) -> Option<String> {
    if version.is_mariadb() {
        return Some(format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''")));
    }
    (!text.contains('\'')).then(|| format!("'{text}'"))
}
