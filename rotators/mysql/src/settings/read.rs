//! What `SHOW CREATE USER` prints, parsed.

use std::collections::BTreeMap;

use turnlock::{Class, Sensitive, TargetError};

use super::attribute::Attribute;
use super::{CLAUSES, Digest, EXPIRY, LIMITS, Requirement, Rule, Settings};
use crate::account::Account;
use crate::privileges::Role;
use crate::tokens::Tokens;
use crate::version::Version;

/// What MariaDB leaves unsaid of a password in its own digest, or of none.
const NATIVE: &str = "mysql_native_password";

impl Settings {
    /// Reads the row of `SHOW CREATE USER` of an account, printed in a session that has set [`Version::printing`], and
    /// what `information_schema.USER_ATTRIBUTES` has of it. (The row has the attribute, too, but with its quotes
    /// as they are and without what is not in the first plane of Unicode.)
    ///
    /// # Errors
    ///
    /// Class `refused`, where there is something that we would not know how to copy.
    pub(crate) fn read(
        row: &str,
        attribute: Option<&str>,
        account: &Account,
        version: Version,
    ) -> Result<Self, TargetError> {
        let refused = |text: String| TargetError::new(Class::Refused, text);
        let row = match row.find(" ATTRIBUTE '") {
            Some(at) if !version.is_mariadb() && row.ends_with('\'') => &row[..at],
            Some(_) | None => row,
        };
        let mut settings = Self {
            attribute: Attribute::read(attribute.unwrap_or("{}")).ok_or_else(|| {
                refused("an account has an attribute that is no JSON object".to_owned())
            })?,
            ..Self::default()
        };
        let mut tokens = Tokens::of(row, version)
            .ok_or_else(|| refused("SHOW CREATE USER has a text without an end".to_owned()))?;
        if !tokens.takes("CREATE USER") || tokens.account().as_ref() != Some(account) {
            return Err(refused("SHOW CREATE USER is about another account".to_owned()));
        }
        while !tokens.is_at_end() {
            let clause = tokens.keyword().unwrap_or_else(|| "a quote".to_owned());
            if clause == "AND" {
                return Err(refused(
                    "the account logs in with more than one factor (IDENTIFIED … AND …), which one password \
                     cannot serve"
                        .to_owned(),
                ));
            }
            settings.clause(&mut tokens, version).ok_or_else(|| {
                refused(format!(
                    "SHOW CREATE USER has a clause that begins with {clause} and cannot be read, so it cannot be kept \
                     in step"
                ))
            })?;
        }
        if settings.rules.is_empty() {
            settings.rules.push(Rule { plugin: NATIVE.to_owned(), digest: Digest::Nothing });
        }
        Ok(settings)
    }

    fn clause(&mut self, tokens: &mut Tokens, version: Version) -> Option<()> {
        if tokens.takes("IDENTIFIED") {
            self.rules =
                if version.is_mariadb() { alternatives(tokens)? } else { vec![factor(tokens)?] };
        } else if tokens.takes("DEFAULT ROLE") {
            loop {
                let (name, host) = tokens.user()?;
                self.default_roles.insert(Role { name, host });
                if !tokens.takes_sign(',') {
                    break;
                }
            }
        } else if tokens.takes("REQUIRE") {
            self.requirement = requirement(tokens)?;
        } else if tokens.takes("ACCOUNT") {
            self.is_locked = tokens.takes("LOCK");
            return (self.is_locked || tokens.takes("UNLOCK")).then_some(());
        } else if tokens.takes("WITH") {
            while let Some(limit) = LIMITS.into_iter().find(|limit| tokens.takes(limit)) {
                self.set(limit, tokens.word()?, "0");
            }
        } else if tokens.takes("PASSWORD") {
            let name = if tokens.takes("EXPIRE") {
                EXPIRY
            } else if tokens.takes("HISTORY") {
                "PASSWORD HISTORY"
            } else if tokens.takes("REUSE INTERVAL") {
                "PASSWORD REUSE INTERVAL"
            } else if tokens.takes("REQUIRE CURRENT") {
                "PASSWORD REQUIRE CURRENT"
            } else {
                return None;
            };
            self.password(name, tokens)?;
        } else if tokens.takes("FAILED_LOGIN_ATTEMPTS") {
            self.set("FAILED_LOGIN_ATTEMPTS", tokens.word()?, "0");
        } else if tokens.takes("PASSWORD_LOCK_TIME") {
            self.set("PASSWORD_LOCK_TIME", tokens.word()?, "0");
        } else {
            return None;
        }
        Some(())
    }

    fn password(&mut self, name: &'static str, tokens: &mut Tokens) -> Option<()> {
        let default = CLAUSES.into_iter().find(|(clause, _)| *clause == name)?.1;
        let value = if let Some(word) =
            ["DEFAULT", "NEVER", "OPTIONAL"].into_iter().find(|word| tokens.takes(word))
        {
            word.to_owned()
        } else if tokens.takes("INTERVAL") {
            let days = tokens.number::<u32>()?;
            tokens.takes("DAY").then(|| format!("INTERVAL {days} DAY"))?
        } else if let Some(number) = tokens.number_if_next::<u32>() {
            if tokens.takes("DAY") { format!("{number} DAY") } else { number.to_string() }
        } else if name == EXPIRY {
            self.is_expired = true;
            return Some(());
        } else {
            // PASSWORD REQUIRE CURRENT says no more than that.
            String::new()
        };
        self.set(name, value, default);
        Some(())
    }

    fn set(&mut self, name: &'static str, value: String, default: &str) {
        if value != default {
            self.clauses.insert(name, value);
        }
    }
}

/// MariaDB's rules, each of which will do.
fn alternatives(tokens: &mut Tokens) -> Option<Vec<Rule>> {
    if tokens.takes("BY PASSWORD") {
        let digest = Digest::Text(tokens.text()?);
        return Some(vec![Rule { plugin: NATIVE.to_owned(), digest }]);
    }
    if !tokens.takes("VIA") {
        return None;
    }
    let mut rules = Vec::new();
    loop {
        let plugin = tokens.word()?;
        let digest = if tokens.takes("USING") || tokens.takes("AS") {
            Digest::Text(tokens.text()?)
        } else {
            Digest::Nothing
        };
        rules.push(Rule { plugin, digest });
        if !tokens.takes("OR") {
            return Some(rules);
        }
    }
}

/// MySQL's first factor.
fn factor(tokens: &mut Tokens) -> Option<Rule> {
    if !tokens.takes("WITH") {
        return None;
    }
    let plugin = tokens.text()?.expose().to_owned();
    if !tokens.takes("AS") {
        return Some(Rule { plugin, digest: Digest::Nothing });
    }
    let digest = if let Some(digits) = tokens.hex() {
        Digest::Hex(digits)
    } else if let Some(text) = tokens.text() {
        Digest::Text(text)
    } else if tokens.takes_sign('<') && tokens.takes("secret") && tokens.takes_sign('>') {
        Digest::Hidden
    } else {
        return None;
    };
    Some(Rule { plugin, digest })
}

fn requirement(tokens: &mut Tokens) -> Option<Requirement> {
    if tokens.takes("NONE") {
        return Some(Requirement::Nothing);
    }
    if tokens.takes("SSL") {
        return Some(Requirement::Tls);
    }
    if tokens.takes("X509") {
        return Some(Requirement::Certificate);
    }
    let mut details = BTreeMap::new();
    while let Some(detail) =
        ["SUBJECT", "ISSUER", "CIPHER"].into_iter().find(|word| tokens.takes(word))
    {
        let text = tokens.text().as_ref().map(Sensitive::expose)?.to_owned();
        details.insert(detail.to_owned(), text);
    }
    (!details.is_empty()).then_some(Requirement::Details(details))
}
